"""Which layout a source has."""

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from kangaroo.data.folders import photo_files
from kangaroo.data.importers.base import Found
from kangaroo.data.importers.exif import read_exif
from kangaroo.data.importers.folders import KAGGLE, read_class_folders, read_kaggle
from kangaroo.data.importers.osv5m import COLUMNS as OSV5M
from kangaroo.data.importers.osv5m import PARTS, read_osv5m
from kangaroo.data.importers.pairs import read_pairs
from kangaroo.data.importers.streetview import has_panoramas, parquet_files, read_streetview
from kangaroo.errors import DataError

LAYOUTS: Mapping[str, Callable[[Path], Found]] = MappingProxyType(
    {
        "report": read_class_folders,
        "folders": read_class_folders,
        "kaggle-50k": read_kaggle,
        "streetview-panoramas": read_streetview,
        "osv5m": read_osv5m,
        "json": read_pairs,
        "exif": read_exif,
    }
)
PANORAMAS = "streetview-panoramas"


def detect(source: Path) -> str:
    """The layout of a source by what lies in it. DataError: it is not there, or like none."""
    if source.is_file():
        if source.suffix.lower() == ".parquet":
            return PANORAMAS if has_panoramas(source) else "folders"  # a manifest
        raise DataError(f"{source} is no folder and no Parquet file: give what one of --layout describes")
    if not source.is_dir():
        raise DataError(f"no folder {source}: give a data set, or download it first")
    if any(has_panoramas(file) for file in parquet_files(source)):
        return PANORAMAS
    if any(set(_header(source / part)) >= set(OSV5M) for part in PARTS):
        return "osv5m"
    if (source / KAGGLE).is_dir() or any(source.glob("*/canvas_*.jpg")):
        return "kaggle-50k"
    if any(source.glob("*/*/coordinates.csv")):
        return "report"
    if (source / "labels.csv").is_file():
        return "folders"
    return _of_pictures(source)


def _of_pictures(source: Path) -> str:
    """By the first pictures: beside a JSON file, in class folders, or loose."""
    first = photo_files(source)[0][:100]
    if not first:
        raise DataError(f"{source} has none of the known layouts: choose --layout {', '.join(LAYOUTS)}")
    if any(path.with_suffix(".json").is_file() for path in first):
        return "json"
    return "exif" if any(path.parent == source for path in first) else "folders"


def _header(table: Path) -> list[str]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            return next(csv.reader(file), [])
    except (OSError, UnicodeDecodeError):
        return []
