"""Photos that say themselves where and when they were taken: EXIF data of cameras and phones."""

import math
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
from PIL.ExifTags import GPS, IFD, Base

from kangaroo.data.folders import photo_files
from kangaroo.data.images import damage, open_picture
from kangaroo.data.importers.base import Found
from kangaroo.data.labels import nfc
from kangaroo.data.threads import in_threads
from kangaroo.errors import DataError, PhotoError
from kangaroo.progress import progress


def read_exif(source: Path) -> Found:
    """All photos below ``source``: coordinates, time, direction (heading), artist and copyright of each.

    The first folder below ``source``, if any, is the class folder, the second the state.
    """
    if not source.is_dir():
        raise DataError(f"no folder {source}: give one with photos")
    files, rejected = photo_files(source)
    read = in_threads(_row, files)
    rows = list(progress(read, "reading EXIF data", len(files), "photo"))
    parts = [file.relative_to(source).parts for file in files]
    records = pd.DataFrame(rows, columns=["lat", "lon", "heading", "captured", "attribution", "licence"])
    records = records.assign(
        path=[file.as_posix() for file in files],
        folder=[nfc(part[0]) if len(part) > 1 else "" for part in parts],
        state=[nfc(part[1]) if len(part) > 2 else "" for part in parts],
        country=[nfc(part[0]) if len(part) > 1 else "" for part in parts],
        source=source.resolve().name,
        archive="",
        member="",
    )
    return Found(records, tuple(rejected))


def _row(file: Path) -> dict[str, Any]:
    try:
        with damage():
            exif = open_picture(file.read_bytes()).getexif()
            gps, times = exif.get_ifd(IFD.GPSInfo), exif.get_ifd(IFD.Exif)
    except PhotoError:
        return {"lat": math.nan, "lon": math.nan, "heading": math.nan}
    lat = _degrees(gps, GPS.GPSLatitude, GPS.GPSLatitudeRef, "S", 90)
    lon = _degrees(gps, GPS.GPSLongitude, GPS.GPSLongitudeRef, "W", 180)
    known = not (math.isnan(lat) or math.isnan(lon))
    heading = _number(gps.get(GPS.GPSImgDirection))
    return {
        "lat": lat if known else math.nan,
        "lon": lon if known else math.nan,
        "heading": heading if 0 <= heading <= 360 else math.nan,
        "captured": _time(times),
        "attribution": str(exif.get(Base.Artist, "")).strip("\0 "),
        "licence": str(exif.get(Base.Copyright, "")).strip("\0 "),
    }


def _degrees(gps: Mapping[int, Any], value: int, reference: int, negative: str, limit: int) -> float:
    """Degrees, minutes and seconds with their hemisphere; NaN where there are none or nonsense."""
    parts = gps.get(value)
    if not isinstance(parts, tuple) or len(parts) != 3:
        return math.nan
    degrees = sum(_number(part) / 60**power for power, part in enumerate(parts))
    if not degrees <= limit:
        return math.nan
    return -degrees if str(gps.get(reference, "")).strip("\0 ").upper() == negative else degrees


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return math.nan


def _time(exif: Mapping[int, Any]) -> str:
    """When it was taken, ISO 8601, with the offset from UTC where the camera knew it."""
    offset = str(exif.get(Base.OffsetTimeOriginal, "")).strip("\0 ")
    try:
        taken = datetime.strptime(str(exif.get(Base.DateTimeOriginal, "")).strip("\0 "), "%Y:%m:%d %H:%M:%S")
        return datetime.fromisoformat(taken.isoformat() + offset).isoformat()
    except ValueError:
        return ""
