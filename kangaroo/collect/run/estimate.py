"""What a collection would take, before anything is spent."""

from collections.abc import Mapping
from dataclasses import dataclass

from kangaroo.collect.run.caller import Limits
from kangaroo.collect.run.ledger_reader import State
from kangaroo.collect.run.prices import MICRO, Price
from kangaroo.collect.run.tables import outcomes
from kangaroo.collect.sources.base import Job, Source

_SECONDS_A_CALL = 0.2


@dataclass(frozen=True)
class Plan:
    """What is left to do at most, if every point that was not asked yet has a picture of its own.

    ``spent_calls`` and ``spent_micro_usd`` are what earlier runs of the folder took; ``seconds`` is a guess.
    """

    job: Job
    points: int
    photos: int
    calls: int
    micro_usd: int
    bytes: int
    seconds: float
    price: Price
    spent_calls: int = 0
    spent_micro_usd: int = 0

    def record(self) -> Mapping[str, int | float | str]:
        """The plan's figures for machines."""
        return {
            "source": self.job.source,
            "points": self.points,
            "photos": self.photos,
            "calls": self.calls,
            "usd": self.micro_usd / MICRO,
            "gigabytes": self.bytes / 1e9,
            "minutes": self.seconds / 60,
            "price_as_of": self.price.as_of,
            "spent_calls": self.spent_calls,
            "spent_usd": self.spent_micro_usd / MICRO,
        }

    def __str__(self) -> str:
        """The plan in words."""
        price = f"{1000 * self.price.micro_usd / MICRO:.2f} USD for 1,000, price of {self.price.as_of}"
        lines = [
            f"{self.job.source}: {self.points:,} points to ask, at most {self.photos:,} photos to fetch",
            f"at most {self.calls:,} calls and {self.micro_usd / MICRO:,.2f} USD "
            f"({price if self.price.micro_usd else 'it is free'})",
            f"at most {self.bytes / 1e9:.2g} GB, about {max(1, round(self.seconds / 60)):,} min",
        ]
        if self.spent_calls:
            spent = f"{self.spent_calls:,} calls and {self.spent_micro_usd / MICRO:,.2f} USD"
            lines.append(f"earlier runs of this folder took {spent}")
        return "\n".join(lines)


def make_plan(
    job: Job, source: type[Source], n_points: int, state: State | None, limits: Limits, price: Price
) -> Plan:
    """Plan a job of ``n_points``, less what its folder holds already (``state``, None for a new one)."""
    n_views, lookups, photos = job.n_views, n_points, n_points * job.n_views
    if state:
        lookups = n_points - len(state.found)
        wanted = sum(outcome not in ("no coverage", "already taken") for outcome in outcomes(state))
        photos = wanted * n_views - len(state.photos)
    calls = lookups * source.lookup_calls + photos * source.photo_calls
    return Plan(
        job=job,
        points=lookups,
        photos=photos,
        calls=calls,
        micro_usd=photos * price.micro_usd,
        bytes=photos * source.photo_bytes(job),
        seconds=calls / min(limits.rate, limits.workers / _SECONDS_A_CALL),
        price=price,
        spent_calls=state.totals.calls if state else 0,
        spent_micro_usd=state.totals.micro_usd if state else 0,
    )
