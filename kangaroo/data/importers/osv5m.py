"""OpenStreetView-5M: train.csv, test.csv and images/{train,test}/NN/<id>.jpg, or NN.zip not yet extracted.

G. Astruc et al., OpenStreetView-5M: The Many Roads to Global Visual Geolocation, CVPR 2024. Photos of
Mapillary under CC BY-SA 4.0; captured_at counts milliseconds since 1970.
"""

import os
import zipfile
from pathlib import Path, PurePosixPath
from typing import TypeAlias

import pandas as pd

from kangaroo.data.images import SUFFIXES
from kangaroo.data.importers.base import Found, coordinates, iso_time
from kangaroo.errors import DataError

COLUMNS = ("id", "latitude", "longitude", "country", "sequence", "captured_at", "creator_username")
PARTS = ("train.csv", "test.csv")
_ROWS = 200_000  # at a time: train.csv has 4.9 million
Picture: TypeAlias = tuple[str, str]  # archive and member, or '' and path


def read_osv5m(source: Path) -> Found:
    """The photos of train.csv and test.csv that are here, extracted or in zip files.

    The state is OSV-5M's region. DataError: a table without its columns, or not one of its photos here.
    """
    tables = [source / part for part in PARTS if (source / part).is_file()]
    if not tables:
        raise DataError(f"{source} holds neither train.csv nor test.csv: download one of them")
    parts, notes = [], []
    for table in tables:
        pictures = _pictures(source / "images" / table.stem)
        rows, here = _rows(table, pictures)
        if rows > len(here):
            notes.append(f"{table}: {rows - len(here):,} of {rows:,} photos are not here, and are left out")
        parts.append(_records(here, pictures, table))
    records = pd.concat(parts, ignore_index=True)
    if records.empty:
        raise DataError(
            f"{source / 'images'} holds no photo of {tables[0].name}: download some of its zip files"
        )
    return Found(records, (), tuple(notes))


def _pictures(folder: Path) -> dict[str, Picture]:
    """Where the picture of each id is; one that was extracted goes before one in a zip file."""
    found: dict[str, Picture] = {}
    plain: dict[str, Picture] = {}
    for here, _, names in os.walk(folder):
        for name in names:
            path = Path(here, name)
            if path.suffix.lower() == ".zip":
                found |= _members(path)
            elif path.suffix.lower() in SUFFIXES:
                plain[path.stem] = ("", path.as_posix())
    return found | plain


def _members(archive: Path) -> dict[str, Picture]:
    try:
        with zipfile.ZipFile(archive) as file:
            names = [PurePosixPath(name) for name in file.namelist()]
    except (zipfile.BadZipFile, OSError) as error:
        raise DataError(f"{archive} is no whole zip file: download it again") from error
    return {name.stem: (str(archive), str(name)) for name in names if name.suffix.lower() in SUFFIXES}


def _rows(table: Path, pictures: dict[str, Picture]) -> tuple[int, pd.DataFrame]:
    """The number of rows, and those with a picture, by their line."""
    wanted = {*COLUMNS, "region"}
    rows, kept = 0, []
    try:
        chunks = pd.read_csv(
            table, dtype=str, keep_default_na=False, usecols=lambda name: name in wanted, chunksize=_ROWS
        )
        for chunk in chunks:
            if missing := set(COLUMNS) - set(chunk):
                raise DataError(f"{table} has no column {min(missing)!r}: it needs {', '.join(COLUMNS)}")
            rows += len(chunk)
            kept.append(chunk[chunk["id"].isin(pictures.keys())])
    except (OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{table} can't be read as CSV: {error}") from error
    here = pd.concat(kept)
    here.index = here.index + 2
    return rows, here


def _records(table: pd.DataFrame, pictures: dict[str, Picture], file: Path) -> pd.DataFrame:
    where = [pictures[name] for name in table["id"]]
    degrees = coordinates(table, {"lat": "latitude", "lon": "longitude"}, f"{file}, line")
    return degrees.assign(
        path=[
            member if not archive else f"{file.stem}/{Path(archive).stem}/{Path(member).stem}"
            for archive, member in where
        ],
        archive=[archive for archive, _ in where],
        member=[member for _, member in where],
        folder="",
        country=table["country"],
        state=table.get("region", ""),
        pano_id=table["id"],
        sequence=table["sequence"],
        captured=table["captured_at"].map(iso_time),
        source="osv5m",
        licence="CC BY-SA 4.0",
        attribution=[f"{name}, Mapillary" if name else "Mapillary" for name in table["creator_username"]],
    )
