"""Panoramas in Parquet: the Hugging Face data set stochastic/random_streetview_images_pano_v0.0.2.

data/train-*.parquet, one row a panorama: image {bytes, path}, country_iso_alpha2, latitude, longitude,
address; 11,054 of 56 countries. Most are 561 pixels high and more than five times as wide: a whole turn
without sky and ground. Where north is in them is not known: headings of views count from the middle.
"""

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
from pyarrow import ArrowException

from kangaroo.data.importers.base import Found, coordinates
from kangaroo.errors import DataError

COLUMNS = ("image", "latitude", "longitude", "country_iso_alpha2")


def read_streetview(source: Path) -> Found:
    """The panoramas of one Parquet file or of all in a folder, in the order of the files' names."""
    files = [source] if source.is_file() else parquet_files(source)
    if not files:
        raise DataError(f"{source} holds no Parquet files: download its folder data/")
    return Found(pd.concat([_read(file) for file in files], ignore_index=True))


def parquet_files(folder: Path) -> list[Path]:
    """The Parquet files of a folder and of its folder data/."""
    return [*sorted(folder.glob("*.parquet")), *sorted(folder.glob("data/*.parquet"))]


def has_panoramas(file: Path) -> bool:
    """Whether a Parquet file has this data set's columns."""
    return set(COLUMNS) <= set(_open(file).schema_arrow.names)


def _open(file: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(file)
    except (ArrowException, OSError) as error:
        raise DataError(f"{file} is no Parquet file: download it again") from error


def _read(file: Path) -> pd.DataFrame:
    parquet = _open(file)
    names = parquet.schema_arrow.names
    for column in COLUMNS:
        if column not in names:
            raise DataError(f"{file} has no column {column!r}: it needs {', '.join(COLUMNS)}")
    table = parquet.read(columns=list(COLUMNS[1:])).to_pandas()
    table.index = table.index + 1
    degrees = coordinates(table, {"lat": "latitude", "lon": "longitude"}, f"{file}, row")
    ids = [f"{file.stem}-{row:06d}" for row in range(len(table))]
    return degrees.assign(
        path=ids,
        pano_id=ids,
        country=table["country_iso_alpha2"].fillna(""),
        folder="",
        archive=str(file),
        member=[str(row) for row in range(len(table))],
        source="random_streetview_images_pano_v0.0.2",
        licence="MIT as its author declares; pictures: Google Maps Platform terms",
        attribution="Google",
    )
