"""What a data set holds, in numbers, and which photos stand for it on a page."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from kangaroo.data.dataset import DRAWN, with_places
from kangaroo.data.manifest import SIDES, Rejected
from kangaroo.data.splits import rank

SECTORS = 24
"""Headings are counted in sectors of 15 degrees, the first centred on north."""


@dataclass(frozen=True)
class Source:
    """The usable photos of one source under one licence ('' if unknown), and how many name their author."""

    source: str
    licence: str
    photos: int
    classes: int
    attributed: int


@dataclass(frozen=True)
class Summary:
    """A data set in numbers; but for ``rejected``, all of them count usable photos.

    ``drawn`` of the ``photos`` are drawn scenes, ``located`` have coordinates. ``classes``, most photos
    first, names also those that have no usable photo. ``split`` is empty without sides; ``years`` are those
    of the capture; ``headings`` counts SECTORS, clockwise from north. ``rejected`` counts rows and files by
    reason.
    """

    photos: int
    drawn: int
    places: int
    located: int
    countries: int
    regions: int
    classes: Mapping[str, int]
    states: Mapping[str, Mapping[str, int]]
    split: Mapping[str, Mapping[str, int]]
    sources: tuple[Source, ...]
    years: Mapping[int, int]
    headings: tuple[int, ...]
    rejected: Mapping[str, int]


def usable(records: pd.DataFrame) -> pd.DataFrame:
    """The records without ``reject_reason``, numbered anew, each with a place."""
    kept = records[records["reject_reason"] == ""].reset_index(drop=True)
    without = kept["place"] == ""
    kept.loc[without, "place"] = with_places(kept[without])["place"]
    return kept


def summarize(records: pd.DataFrame, rejected: Iterable[Rejected] = ()) -> Summary:
    """Count what :func:`kangaroo.data.dataset.read_records` gave: records, and files that are no photos."""
    kept = usable(records)
    reasons = Counter(records.loc[records["reject_reason"] != "", "reject_reason"])
    return Summary(
        photos=len(kept),
        drawn=int(kept["source"].eq(DRAWN).sum()),
        places=kept["place"].nunique(),
        located=int(kept["lat"].notna().sum()),
        countries=_distinct(kept["country"]),
        regions=_distinct(kept["region"]) if "region" in kept else 0,
        classes=_counts(kept["class"]) | dict.fromkeys(sorted(set(records["class"]) - set(kept["class"])), 0),
        states=_nested(kept[kept["state"] != ""], "class", "state"),
        split={
            side: _counts(kept.loc[kept["split"] == side, "class"])
            for side in SIDES
            if side in set(kept["split"])
        },
        sources=_sources(kept),
        years=_years(kept["captured"]),
        headings=_sectors(kept["heading"]),
        rejected=dict((reasons + Counter(file.reason for file in rejected)).most_common()),
    )


def pick(records: pd.DataFrame, number: int, *, seed: int) -> pd.DataFrame:
    """Up to ``number`` records of each class, sorted by class, of different places as far as there are.

    They are the first by SHA-256(seed, sha256 of the photo or else its path), so that neither the order of
    the rows nor the other classes matter.
    """
    names = records["sha256"].where(records["sha256"] != "", records["path"])
    ranks = [int.from_bytes(rank(seed, name)[:8]) for name in names]
    ranked = records.assign(rank=ranks).sort_values("rank")
    ranked["turn"] = ranked.groupby(["class", "place"]).cumcount()
    chosen = ranked.sort_values(["class", "turn", "rank"]).groupby("class").head(number)
    return chosen.drop(columns=["rank", "turn"]).reset_index(drop=True)


def _distinct(values: "pd.Series[str]") -> int:
    return values[values != ""].nunique()


def _counts(values: "pd.Series[str]") -> dict[str, int]:
    """Most first, equal ones by name."""
    found = values.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    return {str(name): int(count) for name, count in found.items()}


def _nested(records: pd.DataFrame, outer: str, inner: str) -> dict[str, dict[str, int]]:
    return {str(name): _counts(own[inner]) for name, own in records.groupby(outer)}


def _sources(kept: pd.DataFrame) -> tuple[Source, ...]:
    attributed = kept["attribution"].ne("") if "attribution" in kept else False
    groups = kept.assign(attributed=attributed).groupby(["source", "licence"])
    found = groups.agg(
        photos=("path", "size"), classes=("class", "nunique"), attributed=("attributed", "sum")
    )
    ordered = found.sort_values("photos", ascending=False, kind="stable").reset_index()
    rows = zip(*(ordered[field.name].tolist() for field in fields(Source)), strict=True)
    return tuple(Source(*row) for row in rows)


def _years(captured: "pd.Series[str]") -> dict[int, int]:
    """Photos by the year that their ISO 8601 time begins with."""
    years = captured.str.extract(r"^(\d{4})(?!\d)", expand=False).dropna()
    return {int(year): count for year, count in sorted(_counts(years).items())}


def _sectors(headings: "pd.Series[float]") -> tuple[int, ...]:
    nearest = np.round(headings.dropna().to_numpy() * SECTORS / 360).astype(int) % SECTORS
    return tuple(np.bincount(nearest, minlength=SECTORS).tolist())
