"""From arrival to the place in the folder: photos checked, written whole, found again after a crash."""

import hashlib
import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from kangaroo.collect.run.inspection import DAMAGED, Inspection, inspect
from kangaroo.collect.run.ledger_reader import Photo
from kangaroo.collect.run.points import Point
from kangaroo.collect.sources.base import Found, View
from kangaroo.data.images import SUFFIXES

# Both are hidden, because the visible folders of a photo folder are its classes.
ARRIVED = ".arrived"
REJECTED = ".rejected"


@dataclass(frozen=True)
class Shot:
    """One photo that is wanted: the ``nth`` view of a point's picture, of ``of`` views."""

    point: Point
    found: Found
    nth: int
    view: View
    of: int

    @property
    def stem(self) -> str:
        """The photo's path without suffix: Country/State/i, i counting the state's photos in their order."""
        return (self.point.folder / str(self.point.index * self.of + self.nth)).as_posix()

    def photo(
        self, file: str = "", sha256: str = "", width: int = 0, height: int = 0, *, reason: str = ""
    ) -> Photo:
        """The photo's record, with its heading, wherever that is known from."""
        heading = float(self.view["heading"]) if "heading" in self.view else self.found.heading
        return Photo(self.point.id, self.nth, file, sha256, width, height, heading, reason)


def arrive(folder: Path, shot: Shot, data: bytes) -> None:
    """Put down what came, as it came: from now on a kill can't lose it, and there is time to check it."""
    path = folder / ARRIVED / shot.stem
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def keep(folder: Path, shot: Shot, size: tuple[int, int] | None, *, damaged: bool) -> Photo | None:
    """Check what has arrived and give it its name, below ``REJECTED`` if it is rejected; gives its record.

    Damaged data are kept only if ``damaged``, else dropped, and the record is None.
    """
    arrived = folder / ARRIVED / shot.stem
    data = arrived.read_bytes()
    seen = inspect(data, size, shot.found.longest)
    if seen.reason == DAMAGED and not damaged:
        arrived.unlink()
        return None
    file = f"{REJECTED}/{shot.stem}{seen.suffix}" if seen.reason else f"{shot.stem}{seen.suffix}"
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    with arrived.open("rb") as written:
        os.fsync(written.fileno())
    arrived.replace(folder / file)
    return _record(shot, data, seen, file)


def adopt(folder: Path, shot: Shot, size: tuple[int, int] | None, there: Collection[str]) -> Photo | None:
    """The record of a picture that is there, but not written down; ``there``: the paths of such files."""
    if f"{ARRIVED}/{shot.stem}" in there:
        return keep(folder, shot, size, damaged=False)
    for start in ("", f"{REJECTED}/") if there else ():
        for suffix in SUFFIXES:
            file = f"{start}{shot.stem}{suffix}"
            if file in there:
                data = (folder / file).read_bytes()
                return _record(shot, data, inspect(data, size, shot.found.longest), file)
    return None


def unrecorded(folder: Path, photos: Collection[Photo]) -> set[str]:
    """The pictures in a folder that are no photo's; a killed run's half-written tables are removed."""
    known, found = {photo.file for photo in photos}, set()
    for here, _, names in os.walk(folder):
        for name in names:
            path = Path(here, name)
            file = path.relative_to(folder).as_posix()
            if name.startswith(".") and ".part" in path.suffixes:
                path.unlink()
            elif file not in known and (path.suffix in SUFFIXES or file.startswith(f"{ARRIVED}/")):
                found.add(file)
    return found


def _record(shot: Shot, data: bytes, seen: Inspection, file: str) -> Photo:
    sha256 = hashlib.sha256(data).hexdigest()
    return shot.photo(file, sha256, seen.width, seen.height, reason=seen.reason)
