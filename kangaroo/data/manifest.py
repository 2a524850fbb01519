"""One record a photo: the table that every step from import to training reads, writes and checks."""

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from kangaroo.errors import DataError
from kangaroo.files import atomic
from kangaroo.geo.countries import find

PHOTO_COLUMNS = ["file", "class", "state", "place", "lat", "lon"]
LOCATION_COLUMNS = ["class", "state", "lat", "lon", "has_photo"]

COLUMNS = (
    "path", "sha256", "class", "country", "state", "place", "lat", "lon", "source", "licence", "captured",
    "pano_id", "heading", "width", "height", "split", "reject_reason",
)  # fmt: skip
"""What every manifest has; unknown is '' in text, NaN in degrees, 0 in pixels."""

OPTIONAL = ("attribution", "sequence", "region", "phash", "information")
"""What a manifest may have besides: who took the photo, of which drive it is, the region (``kangaroo data
regions``), the perceptual hash in hexadecimal and the bits of information (``kangaroo data check``)."""

SIDES = ("training", "validation", "test")
_DEGREES = ("lat", "lon", "heading")
_PIXELS = ("width", "height")


@dataclass(frozen=True)
class Rejected:
    """A file that is left out, and why."""

    file: str
    reason: str


@dataclass(frozen=True, eq=False)
class Manifest:
    """What one or several photo folders hold.

    ``photos``: one row a photo: file (a path that opens), class, state ('' if none), place (photos that must
    stay together share it), lat, lon (degrees, NaN if unknown), and sha256 once the photos were decoded.
    ``locations``: one row a location: class, state, lat, lon, has_photo. Rows of a ``coordinates.csv`` are
    locations with or without a photo; elsewhere each place of a class is a location.
    ``drawn``: the photos are drawn scenes, wholly.
    """

    classes: tuple[str, ...]
    photos: pd.DataFrame
    locations: pd.DataFrame
    rejected: tuple[Rejected, ...] = ()
    drawn: bool = False

    @property
    def counts(self) -> dict[str, int]:
        """Number of photos by class, in the order of ``classes``."""
        found = self.photos["class"].value_counts()
        return {name: int(found.get(name, 0)) for name in self.classes}


def require_classes(manifest: Manifest, minimum: int = 2) -> None:
    """Raise DataError unless there are ``minimum`` classes, each with a photo left."""
    if len(manifest.classes) < minimum:
        found = ", ".join(manifest.classes) or "none"
        raise DataError(
            f"{minimum} classes are needed, found {found}: put each class's photos into a folder of its name"
        )
    for name, count in manifest.counts.items():
        if count == 0:
            bad = f" (files rejected in all: {len(manifest.rejected)})" if manifest.rejected else ""
            raise DataError(f"class {name!r} has no usable photo{bad}: add some or leave the class out")


def manifest_sha256(photos: pd.DataFrame) -> str:
    """Fingerprint of a data set: SHA-256 over the sorted rows of class, place, sha256 and, if there, split.

    It depends neither on the order of the rows nor on where the folders lie.
    """
    columns = [name for name in ("class", "place", "sha256", "split") if name in photos]
    rows = sorted(photos[columns].astype(str).to_numpy().tolist())
    return hashlib.sha256(json.dumps([columns, *rows]).encode()).hexdigest()


def read_manifest(path: Path, *, photos: bool = True) -> pd.DataFrame:
    """The records of a manifest file (Parquet), checked: columns COLUMNS, those of OPTIONAL that it has.

    Paths are those that open from here, in the file they may be relative to its folder; countries are named
    as kangaroo.geo does. ``photos``: every photo that is not rejected must be there. DataError names the row,
    counted from 1.
    """
    if not path.is_file():
        raise DataError(f"no manifest {path}: make one with kangaroo data import")
    try:
        records = pd.read_parquet(path)
    except Exception as error:  # pyarrow's own kinds
        raise DataError(
            f"{path} is no Parquet file: give a manifest that kangaroo data import wrote"
        ) from error
    for column in COLUMNS:
        if column not in records:
            raise DataError(f"{path} has no column {column!r}: a manifest has {', '.join(COLUMNS)}")
    records = check_records(complete(records), str(path))
    records["path"] = _moved(records["path"], lambda folder: path.parent / folder)
    if photos:
        there = (records["reject_reason"] != "") | records["path"].map(os.path.isfile)
        _refuse(records, ~there, str(path), lambda row: "the photo is gone: put it back or import anew")
    return records


def write_manifest(path: Path, records: pd.DataFrame) -> None:
    """Write records, checked, as Parquet; photos below the file's folder by their path from there."""
    check_name(path)
    checked = check_records(complete(records), str(path))
    folders = (path.parent.absolute(), path.parent.resolve())
    checked["path"] = _moved(checked["path"], lambda folder: _relative(folder, folders))
    with atomic(path) as temporary:
        checked.to_parquet(temporary, index=False)


def check_name(path: Path) -> None:
    """Raise DataError unless a manifest may have this name."""
    if path.suffix.lower() != ".parquet":
        raise DataError(f"{path} is no name for a manifest: let it end in .parquet")


def complete(records: pd.DataFrame) -> pd.DataFrame:
    """A copy with all of COLUMNS, in their order and types, what is missing being unknown.

    DataError: a text where a number belongs.
    """
    whole = pd.DataFrame(index=pd.RangeIndex(len(records)))
    for name in (*COLUMNS, *(name for name in OPTIONAL if name in records)):
        values = records[name].reset_index(drop=True) if name in records else None
        if name in _DEGREES or name == "information":
            whole[name] = np.nan if values is None else _numbers(records, name)
        elif name in _PIXELS:
            whole[name] = 0 if values is None else _numbers(records, name).fillna(0).astype("int32")
        else:
            whole[name] = "" if values is None else values.fillna("").astype(str)
    return whole


def _numbers(records: pd.DataFrame, name: str) -> "pd.Series[float]":
    """A column as numbers, NaN where there are none. DataError: a text that is no number."""
    values = records[name].reset_index(drop=True)
    numbers = pd.to_numeric(values, errors="coerce").astype(float)
    bad = numbers.isna() & values.notna() & (values.astype(str).str.strip() != "")
    if bad.any():
        row = int(np.flatnonzero(bad.to_numpy())[0])
        raise DataError(f"{records['path'].iloc[row]}: {name} {values.iloc[row]!r} is not a number")
    return numbers


def check_records(records: pd.DataFrame, name: str) -> pd.DataFrame:
    """The records with countries named as kangaroo.geo does. DataError: the first that can't be, of ``name``.

    Checked are empty and repeated paths, classes, coordinates, headings, countries, sides of the split, and
    that no picture has two classes.
    """

    def refuse(bad: "pd.Series[bool]", reason: Callable[["pd.Series"], str]) -> None:
        _refuse(records, bad, name, reason)

    refuse(records["path"] == "", lambda row: "has no path")
    refuse(records["path"].duplicated(), lambda row: "the path stands there twice: keep one row a photo")
    refuse(records["class"] == "", lambda row: "has no class")
    refuse(records["lat"].abs() > 90, lambda row: f"lat {row['lat']:g} is not between -90 and 90 degrees")
    refuse(records["lon"].abs() > 180, lambda row: f"lon {row['lon']:g} is not between -180 and 180 degrees")
    refuse(records["lat"].isna() != records["lon"].isna(), lambda row: "has only one of lat and lon")
    refuse(
        ~(records["heading"].isna() | records["heading"].between(0, 360)),
        lambda row: f"heading {row['heading']:g} is not between 0 and 360 degrees",
    )
    refuse(
        ~records["split"].isin(["", *SIDES]),
        lambda row: f"split {row['split']!r} is not one of {', '.join(SIDES)}",
    )
    countries = {text: find(text) for text in records["country"].unique() if text}
    named = {"": "", **{text: country.name for text, country in countries.items() if country}}
    refuse(
        ~records["country"].isin(list(named)),
        lambda row: f"country {row['country']!r} is unknown: use an ISO 3166 name or code",
    )
    _refuse_two_classes(records, name)
    return records.assign(country=records["country"].map(named))


def _refuse_two_classes(records: pd.DataFrame, name: str) -> None:
    known = records[(records["sha256"] != "") & (records["reject_reason"] == "")]
    pairs = known.drop_duplicates(["sha256", "class"])
    second = pairs["sha256"].duplicated()
    if not second.any():
        return
    row = pairs[second].iloc[0]
    first = pairs[pairs["sha256"] == row["sha256"]].iloc[0]
    raise DataError(
        f"{name}: one picture has two classes: {first['path']} is {first['class']}, {row['path']} is "
        f"{row['class']}: remove one"
    )


def _refuse(
    records: pd.DataFrame, bad: "pd.Series[bool]", name: str, reason: Callable[["pd.Series"], str]
) -> None:
    """Raise DataError for the first row that is ``bad``."""
    if bad.any():
        number = int(np.flatnonzero(bad.to_numpy())[0])
        row = records.iloc[number]
        raise DataError(f"{name}, row {number + 1} ({row['path']}): {reason(row)}")


def _moved(files: Iterable[str], move: Callable[[Path], Path]) -> list[str]:
    """Files with their folder moved; each folder once, as a million photos lie in few."""

    @cache
    def start(folder: str) -> str:
        moved = move(Path(folder)).as_posix()
        return "" if moved == "." else f"{moved.rstrip('/')}/"

    return [start(folder) + name for folder, name in map(os.path.split, files)]


def _relative(path: Path, folders: tuple[Path, ...]) -> Path:
    """The path from the first of the folders that holds it, else the whole path."""
    path = path.absolute()
    return next((path.relative_to(folder) for folder in folders if path.is_relative_to(folder)), path)
