"""Photos that lie in a local folder: the nearest to each point; no calls, no cost."""

import asyncio
from datetime import datetime
from pathlib import Path

from PIL import ExifTags, Image

from kangaroo.collect.run.points import Point
from kangaroo.collect.sources.base import Found, Get, Job, Source, View, nearest
from kangaroo.data.images import SUFFIXES
from kangaroo.data.labels import nfc, read_labels
from kangaroo.errors import DataError

_DATE = 0x9003  # DateTimeOriginal


class Folder(Source):
    """Photos with coordinates in FOLDER/labels.csv (``file,lat,lon``) or in their EXIF data."""

    name = "folder"
    endpoint = "http://localhost"  # where nothing is ever asked
    licence = "unknown"
    lookup_calls = 0
    photo_calls = 0

    def __init__(self, job: Job):
        self._root = Path(job.photos)
        if not job.photos or not self._root.is_dir():
            raise DataError(f"no folder {job.photos!r}: give the folder of the photos with --photos")
        self._radius = job.radius
        self._photos = _located(self._root)
        if not self._photos:
            raise DataError(
                f"no photo in {job.photos} has coordinates: give photos with GPS data or a labels.csv"
            )

    async def find(self, point: Point, get: Get) -> Found | None:
        """The photo nearest to the point within the radius."""
        return nearest(point, self._photos, self._radius)

    async def picture(self, found: Found, view: View, get: Get) -> bytes:
        """The file as it is."""
        return await asyncio.to_thread((self._root / found.id).read_bytes)


def _located(root: Path) -> list[Found]:
    labels = read_labels(root / "labels.csv") if (root / "labels.csv").is_file() else {}
    found = []
    for path in sorted(root.rglob("*")):
        file = path.relative_to(root).as_posix()
        if path.suffix.lower() not in SUFFIXES or path.name.startswith(".") or not path.is_file():
            continue
        photo = _from_exif(path, file)
        if label := labels.get(nfc(file)):
            photo = Found(file, label.lat, label.lon, photo.captured if photo else "")
        if photo and photo.lat == photo.lat and photo.lon == photo.lon:  # not NaN
            found.append(photo)
    return found


def _from_exif(path: Path, file: str) -> Found | None:
    """Where and when the camera says that it took a photo; None if it does not say where."""
    try:
        with Image.open(path) as image:
            exif = image.getexif()
            gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
            taken = str(exif.get_ifd(ExifTags.IFD.Exif).get(_DATE, ""))
        lat, lon = (_degrees(gps[tag + 1], gps[tag]) for tag in (1, 3))
        heading = float(gps[17]) if 17 in gps else None
    except Exception:  # as many kinds of damage as there are cameras; such a photo is nowhere
        return None
    try:
        captured = datetime.strptime(taken, "%Y:%m:%d %H:%M:%S").date().isoformat()
    except ValueError:
        captured = ""
    return Found(file, lat, lon, captured, heading=heading)


def _degrees(parts: tuple[float, float, float], side: str) -> float:
    degrees = float(parts[0]) + float(parts[1]) / 60 + float(parts[2]) / 3600
    return -degrees if side in ("S", "W") else degrees
