"""What a download of OSV-5M will take, said before anything large is fetched."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd
import pyarrow as pa

from kangaroo.collect.osv5m.download import (
    Listing,
    Settings,
    count_classes,
    directory_file,
    in_order,
    require_enough,
)

_COUNTRIES = 225  # and territories, that the authors count
_ENTRY_BYTES = 80  # of a photo in a zip file's directory


@dataclass(frozen=True)
class Plan:
    """What is still to fetch, in MB (1e6 bytes), for ``photos`` photos.

    ``exact``: the photos are chosen. Else the sizes are estimated; ``bound``: and the metadata isn't there
    yet, so that nothing is known of the countries and all directories are counted.
    """

    part: str
    classes: tuple[str, ...]
    photos: int
    directories: int
    metadata_mb: float
    directories_mb: float
    photos_mb: float
    exact: bool
    bound: bool = False

    @property
    def total_mb(self) -> float:
        """The sum."""
        return self.metadata_mb + self.directories_mb + self.photos_mb

    def record(self) -> dict[str, Any]:
        """The plan for a machine, sizes rounded."""
        plain = asdict(self) | {"classes": list(self.classes), "total_mb": self.total_mb}
        return {name: round(value, 3) if name.endswith("_mb") else value for name, value in plain.items()}

    def __str__(self) -> str:
        """The plan in words."""
        names = ", ".join(self.classes) or "all countries"
        start = f"OSV-5M, {self.part} part, {names}: "
        if self.exact:
            return f"{start}{self.photos:,} photos are still to fetch, {self.photos_mb:,.1f} MB"
        most = "up to " if self.bound else "about "
        return (
            f"{start}about {self.total_mb:,.1f} MB to fetch: metadata {self.metadata_mb:,.1f} MB, "
            f"directories of {most}{self.directories:,} zip files {self.directories_mb:,.1f} MB, "
            f"{'up to ' if self.bound else ''}{self.photos:,} photos {self.photos_mb:,.1f} MB"
        )


def estimate(listing: Listing, settings: Settings, rows: pa.Table | None) -> Plan:
    """The plan before the photos are chosen; ``rows``: the metadata, where it is there.

    DataError: a country has too few photos, as far as that is known.
    """
    photo_bytes = sum(shard.size for shard in listing.shards) / listing.photos
    counts = {} if rows is None else count_classes(rows)
    if rows is not None:
        require_enough(counts, settings, "")
    wanted = {name: min(settings.per_class, count) for name, count in counts.items()}
    shares = [number / counts[name] for name, number in wanted.items()] or [1]
    needed = math.ceil(len(listing.shards) * max(shares))
    absent = [s for s in in_order(listing, settings)[:needed] if not directory_file(listing, s).is_file()]
    most = settings.per_class * (len(settings.classes) or _COUNTRIES)
    photos = most if rows is None else sum(wanted.values())
    entries = listing.photos / len(listing.shards)
    return Plan(
        settings.part,
        settings.classes,
        photos,
        len(absent),
        0 if listing.table.is_file() else listing.metadata.size / 1e6,
        len(absent) * entries * _ENTRY_BYTES / 1e6,
        photos * photo_bytes / 1e6,
        exact=False,
        bound=rows is None,
    )


def rest(settings: Settings, missing: pd.DataFrame) -> Plan:
    """The plan once the photos are chosen: those that are missing."""
    size = float((missing["end"] - missing["start"]).sum()) / 1e6
    return Plan(settings.part, settings.classes, len(missing), 0, 0.0, 0.0, size, exact=True)
