"""Photos of OpenStreetView-5M (OSV-5M): the wanted ones out of its zip files, a few per cent of their bytes.

G. Astruc et al., OpenStreetView-5M: The Many Roads to Global Visual Geolocation, CVPR 2024. On the Hugging
Face hub the data set osv5m/osv5m holds train.csv and test.csv (id, latitude, longitude, country as ISO
3166-1 alpha-2 code, sequence, captured_at, creator_username, ...) and the photos, id.jpg, in
images/train/00.zip to 97.zip and images/test/00.zip to 04.zip, about 50,000 in each, of the whole world.
Which zip file holds a photo is written in these files' directories only.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from kangaroo.collect.downloads import Remote, byte_bar, download, patiently, read_range
from kangaroo.collect.osv5m.hub import list_repository
from kangaroo.collect.osv5m.remote_zip import Member, members, read_tail
from kangaroo.collect.transport import SourceError
from kangaroo.data.splits import rank
from kangaroo.errors import DataError
from kangaroo.files import atomic, cache_folder
from kangaroo.geo.countries import find
from kangaroo.geo.distance import haversine_km
from kangaroo.progress import progress

REPOSITORY = "osv5m/osv5m"
LICENCE = "CC BY-SA 4.0"
_COLUMNS = ("id", "latitude", "longitude", "country", "sequence", "captured_at", "creator_username")
_ROW_BYTES = 590  # of train.csv: 2.92 GB for 4,894,685 photos


@dataclass(frozen=True)
class Settings:
    """Which photos: ``classes`` are countries by name (none: all), ``per_class`` photos of each.

    ``part``: train or test. Photos of a class are ``min_distance_km`` apart. ``at_most``: take what there is
    where there are fewer.
    """

    classes: tuple[str, ...] = ()
    per_class: int = 2000
    part: str = "train"
    min_distance_km: float = 1.0
    seed: int = 0
    at_most: bool = False

    def __post_init__(self) -> None:
        """Check, and name the classes as kangaroo.geo does. DataError: a setting can't be used."""
        if self.part not in ("train", "test"):
            raise DataError(f"no part {self.part!r} of OSV-5M: choose train or test")
        if self.per_class < 1:
            raise DataError(f"--per-class {self.per_class} is not 1 or more")
        if not 0 <= self.min_distance_km < 20_000:
            raise DataError(f"--min-distance-km {self.min_distance_km:g} is not between 0 and 20,000")
        object.__setattr__(self, "classes", tuple(sorted({_country(name) for name in self.classes})))


@dataclass(frozen=True)
class Listing:
    """What the hub has of a part: its metadata and zip files, at one commit."""

    commit: str
    metadata: Remote
    shards: tuple[Remote, ...]

    @property
    def photos(self) -> int:
        """About how many photos the part has."""
        return max(1, self.metadata.size // _ROW_BYTES)

    @property
    def folder(self) -> Path:
        """Where to keep the metadata and directories."""
        return cache_folder() / "osv5m" / self.commit

    @property
    def table(self) -> Path:
        """Where the metadata is kept."""
        return self.folder / PurePosixPath(self.metadata.url).name


def list_part(part: str) -> Listing:
    """Ask the hub what it has now. UnfinishedError, SourceError: it doesn't say, or it isn't OSV-5M."""
    commit, found = list_repository(REPOSITORY)
    zips = sorted(path for path in found if path.startswith(f"images/{part}/") and path.endswith(".zip"))
    metadata = found.get(f"{part}.csv")
    if not metadata or not metadata.sha256 or not zips:
        raise SourceError(f"{REPOSITORY} at {commit} is not laid out as OSV-5M: update kangaroo")
    return Listing(commit, metadata, tuple(found[path] for path in zips))


def read_metadata(client: httpx.Client, listing: Listing, settings: Settings) -> pa.Table:
    """The rows of the wanted countries, as :func:`read_rows` gives them; fetched the first time."""
    if not listing.table.is_file():
        with byte_bar(f"metadata of {settings.part}", listing.metadata.size) as bar:
            download(client, listing.metadata, listing.table, bar.update)
    return read_rows(listing.table, settings)


def read_rows(path: Path, settings: Settings) -> pa.Table:
    """The rows of the wanted countries that have coordinates, sorted by id; _COLUMNS, degrees.

    Gigabytes of CSV are read in pieces, of which only these rows and columns are kept. DataError: it isn't
    the metadata of OSV-5M.
    """
    wanted = [country.alpha2 for name in settings.classes if (country := find(name))]
    try:
        with _open_table(path) as reader:
            kept = [batch.filter(_usable(batch, wanted)) for batch in reader]
            return pa.Table.from_batches(kept, reader.schema).sort_by("id")
    except pa.ArrowException as error:
        raise DataError(f"{path} is not the metadata of OSV-5M ({error}): remove it") from error


def _open_table(path: Path) -> pyarrow.csv.CSVStreamingReader:
    texts = {name: pa.string() for name in _COLUMNS}
    return pyarrow.csv.open_csv(
        path,
        read_options=pyarrow.csv.ReadOptions(block_size=2**24),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(
            include_columns=_COLUMNS,
            include_missing_columns=True,  # not every version of the files has the sequence
            column_types=texts | {"id": pa.int64(), "latitude": pa.float64(), "longitude": pa.float64()},
        ),
    )


def _usable(batch: pa.RecordBatch, wanted: Sequence[str]) -> pa.Array:
    """Which rows are of the wanted countries (of any, if none) and have coordinates."""
    country = batch["country"]
    usable = pc.is_in(country, pa.array(wanted)) if wanted else pc.not_equal(country, "")
    for name, limit in (("latitude", 90), ("longitude", 180)):
        usable = pc.and_(usable, pc.less_equal(pc.abs(batch[name]), limit))
    return usable


def count_classes(rows: pa.Table) -> dict[str, int]:
    """Number of photos by class."""
    counted = rows["country"].value_counts().to_pylist()
    return dict(sorted((_class(item["values"]), item["counts"]) for item in counted))


def pick(client: httpx.Client, listing: Listing, rows: pa.Table, settings: Settings) -> pd.DataFrame:
    """The photos to fetch: one row each, with its class, its place in a zip file and what is known of it.

    The zip files are taken in the order of SHA-256(seed, name), the photos of each in that of SHA-256(seed,
    id), every class by itself, until all are full: so the choice depends on nothing else. DataError: a class
    has too few.
    """
    counts = count_classes(rows)
    require_enough(counts, settings, "")
    chosen = {name: _Chosen(min(count, settings.per_class), count) for name, count in counts.items()}
    for shard in progress(in_order(listing, settings), "directories", unit=" zip files"):
        if all(found.done for found in chosen.values()):
            break
        there = {number: member for member in directory(client, listing, shard) if (number := _id(member))}
        candidates = _rows_of(rows, there).to_pylist()
        for row in sorted(candidates, key=lambda row: rank(settings.seed, str(row["id"]))):
            found = chosen[_class(row["country"])]
            found.offer(row | {"url": shard.url, **asdict(there[row["id"]])}, settings.min_distance_km)
    require_enough({name: len(found.rows) for name, found in chosen.items()}, settings, " far enough apart")
    return _table({name: found.rows for name, found in chosen.items()})


class _Chosen:
    """The photos of a class that were taken, up to ``most``, of ``there`` in all."""

    def __init__(self, most: int, there: int) -> None:
        self.rows: list[dict[str, Any]] = []
        self._most, self._unseen = most, there
        self._spots = np.empty((2, most))  # degrees

    @property
    def done(self) -> bool:
        return len(self.rows) == self._most or self._unseen == 0

    def offer(self, row: dict[str, Any], km: float) -> None:
        """Take a photo if there is room, and none taken lies nearer than ``km``."""
        self._unseen -= 1
        number, spot = len(self.rows), (row["latitude"], row["longitude"])
        if number == self._most:
            return
        if not (number and km) or haversine_km(*spot, *self._spots[:, :number]).min() >= km:
            self._spots[:, number] = spot
            self.rows.append(row)


def _rows_of(rows: pa.Table, ids: Iterable[int]) -> pa.Table:
    """The rows with these ids; ``rows`` are sorted by theirs."""
    there, wanted = rows["id"].to_numpy(), np.array(sorted(ids), np.int64)
    at = np.searchsorted(there, wanted)
    found = at < len(there)
    found[found] = there[at[found]] == wanted[found]
    return rows.take(pa.array(at[found]))


def in_order(listing: Listing, settings: Settings) -> list[Remote]:
    """The zip files in the order in which they are taken."""
    return sorted(listing.shards, key=lambda shard: rank(settings.seed, PurePosixPath(shard.url).name))


def directory_file(listing: Listing, shard: Remote) -> Path:
    """Where the directory of a zip file is kept."""
    path = PurePosixPath(shard.url)
    return listing.folder / path.parent.name / f"{path.stem}.directory"


def directory(client: httpx.Client, listing: Listing, shard: Remote) -> list[Member]:
    """The members of a zip file of the part; its directory is fetched the first time."""
    path = directory_file(listing, shard)

    def read(start: int, end: int) -> bytes:
        return patiently(lambda: read_range(client, shard.url, start, end), shard.url)

    kept = path.is_file()
    try:
        tail = path.read_bytes() if kept else read_tail(read, shard.size)
        found = members(tail, shard.size)
    except SourceError as error:
        path.unlink(missing_ok=True)
        raise SourceError(f"{shard.url}: {error}") from error
    if not kept:
        with atomic(path) as temporary:
            temporary.write_bytes(tail)
    return found


def _table(chosen: Mapping[str, Sequence[dict[str, Any]]]) -> pd.DataFrame:
    table = pd.DataFrame([row | {"class": name} for name, rows in chosen.items() for row in rows])
    table["file"] = table["class"] + "/" + table["id"].astype(str) + ".jpg"
    texts = ["sequence", "captured_at", "creator_username"]
    table[texts] = table[texts].fillna("").astype(str)
    return table.drop(columns="country").sort_values("file", ignore_index=True)


def require_enough(counts: dict[str, int], settings: Settings, how: str) -> None:
    """Raise DataError for the classes with too few photos."""
    classes = settings.classes or tuple(counts)
    few = {name: counts.get(name, 0) for name in classes if counts.get(name, 0) < settings.per_class}
    if none := [name for name, count in few.items() if count == 0]:
        raise DataError(f"OSV-5M's {settings.part} part has no photo of {', '.join(none)}: leave it out")
    if few and not settings.at_most:
        there = ", ".join(f"{count:,} of {name}" for name, count in few.items())
        raise DataError(
            f"OSV-5M's {settings.part} part has only {there}{how}: lower --per-class"
            f"{' or --min-distance-km' if how else ''}, or take what there is with --at-most"
        )


def _id(member: Member) -> int:
    """The photo's number; 0 if it is none."""
    path = PurePosixPath(member.name)
    number = path.suffix.lower() in (".jpg", ".jpeg") and path.stem.isdecimal() and len(path.stem) < 19
    return int(path.stem) if number else 0


def _country(name: str) -> str:
    country = find(name)
    if not country:
        raise DataError(f"no country {name!r}: give an English name or an ISO 3166 code")
    return country.name


def _class(code: str) -> str:
    country = find(code)
    return country.name if country else code
