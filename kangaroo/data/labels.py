"""The two side files of a photo folder: ``labels.csv`` and the report's ``coordinates.csv``."""

import csv
import math
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from kangaroo.errors import DataError


@dataclass(frozen=True)
class Label:
    """What is known of one photo: its place ('' if unknown), latitude and longitude in degrees (or NaN)."""

    place: str = ""
    lat: float = math.nan
    lon: float = math.nan


@dataclass(frozen=True)
class Asked:
    """One row of ``coordinates.csv``: where a photo was asked for, and whether the row says it was got."""

    label: Label
    image_exists: bool = False


def nfc(text: str) -> str:
    """Unicode's composed form: some file systems hand out names in the decomposed one."""
    return unicodedata.normalize("NFC", text)


def read_labels(path: Path) -> dict[str, Label]:
    """Read ``labels.csv``: relative path, in NFC with forward slashes -> label. DataError names the line."""
    labels: dict[str, Label] = {}
    for where, row in _rows(path, ["file"]):
        file = nfc(str(PurePosixPath(row["file"].strip())))
        if file == "." or file in labels:
            raise DataError(f"{where}: {'no file is named' if file == '.' else f'{file!r} is listed twice'}")
        place = row.get("place") or ""
        labels[file] = Label(place if place.strip() else "", *_coordinates(row, "lat", "lon", where))
    return labels


def read_coordinates(path: Path) -> dict[str, Asked]:
    """Read ``coordinates.csv`` (``i,lat,lng[,image_exists]``): number i -> what was asked for."""
    asked: dict[str, Asked] = {}
    for where, row in _rows(path, ["i", "lat", "lng"]):
        number = photo_number(row["i"].strip().removesuffix(".0"))  # pandas writes integers so, at times
        if not number.isdecimal() or number in asked:
            problem = "is listed twice" if number in asked else "is not a whole number"
            raise DataError(f"{where}: i {row['i']!r} {problem}")
        label = Label("", *_coordinates(row, "lat", "lng", where))
        exists = (row.get("image_exists") or "").strip().lower() in ("true", "1", "1.0")
        asked[number] = Asked(label, exists)
    return asked


def photo_number(stem: str) -> str:
    """A photo's number without leading zeros, so that 0001.jpg is photo 1; another name as it is."""
    return str(int(stem)) if stem.isdecimal() else stem


def _rows(path: Path, required: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Rows of a CSV file, each with the file and line to name in an error."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            names = reader.fieldnames or []
            for name in required:
                if name not in names:
                    raise DataError(f"{path} has no column {name!r}: its first line is {','.join(names)!r}")
            for row in reader:
                yield f"{path} line {reader.line_num}", row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} can't be read as CSV in UTF-8: {error}") from error


def _coordinates(row: dict[str, str], lat: str, lon: str, where: str) -> tuple[float, float]:
    return _degrees(row, lat, 90, where), _degrees(row, lon, 180, where)


def _degrees(row: dict[str, str], column: str, limit: int, where: str) -> float:
    text = (row.get(column) or "").strip()
    try:
        value = float(text or "nan")
    except ValueError:
        value = math.inf
    if abs(value) > limit:
        raise DataError(f"{where}: {column} {text!r} is not a number from -{limit} to {limit}")
    return value
