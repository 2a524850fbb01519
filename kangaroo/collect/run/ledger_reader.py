"""What the ledger of a collection holds, read by whoever wants to know, also while it is written."""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, astuple, dataclass
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any

from kangaroo.collect.run.points import Point
from kangaroo.collect.sources.base import Found, Job
from kangaroo.errors import DataError

LEDGER = "ledger.sqlite"
LOCK = ".lock"


@dataclass(frozen=True)
class Photo:
    """One view of a point's picture: its file, or why there is none that counts (``reason``)."""

    point: int
    view: int
    file: str
    sha256: str
    width: int
    height: int
    heading: float | None
    reason: str = ""


@dataclass(frozen=True)
class Totals:
    """Calls made, those of them that were or may have been charged, and what they cost."""

    calls: int
    paid_calls: int
    micro_usd: int


@dataclass(frozen=True)
class State:
    """What a ledger holds. ``found``: what the answered points have, by id, None without coverage."""

    job: Job
    points: Sequence[Point]
    found: Mapping[int, Found | None]
    photos: Mapping[tuple[int, int], Photo]
    totals: Totals
    errors: Mapping[str, int]


def read_state(folder: Path) -> State:
    """What the collection in ``folder`` holds now, also while it is running. DataError: it is none."""
    if not (folder / LEDGER).is_file():
        raise DataError(f"no collection in {folder}: give a folder that kangaroo collect run has written")
    with _reading(folder) as connection:
        if not begun(connection):
            raise DataError(
                f"the collection in {folder} has not begun: run the command that collects into it"
            )
        return load(connection)


def check_folder(folder: Path, job: Job, points: Sequence[Point]) -> State | None:
    """What ``folder`` holds of this very job, None if it is new or empty.

    DataError: it holds another job, or anything else.
    """
    if not (folder / LEDGER).is_file():
        there = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        if strange := [name for name in there if name != LOCK]:
            raise DataError(f"{folder} holds {strange[0]}, which is no collection: choose another folder")
        return None
    with _reading(folder) as connection:
        if not begun(connection):
            return None
        held, state = dict(connection.execute("SELECT setting, value FROM job")), load(connection)
    wanted = settings_of(job, points)
    if differing := [name for name in wanted if held.get(name) != wanted[name]]:
        what = "; ".join(f"{name} {held.get(name)}, not {wanted[name]}" for name in differing)
        raise DataError(f"{folder} is the output of another job ({what}): choose another folder")
    return state


def settings_of(job: Job, points: Sequence[Point]) -> dict[str, str]:
    """The job and its points as the ledger names them: setting -> JSON."""
    fingerprint = sha256(json.dumps([astuple(point) for point in points]).encode()).hexdigest()
    settings = {name: json.dumps(value) for name, value in asdict(job).items()}
    return {**settings, "points": json.dumps(f"{len(points):,} with fingerprint {fingerprint[:12]}")}


def load(connection: sqlite3.Connection) -> State:
    """Everything that a ledger holds."""
    settings = {name: json.loads(value) for name, value in connection.execute("SELECT * FROM job")}
    settings.pop("points", None)
    job: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()
    }
    points, found = [], {}
    for row in connection.execute("SELECT * FROM points ORDER BY id"):
        points.append(Point(*row[:6]))
        if row[6]:
            found[row[0]] = Found(*row[7:]) if row[7] is not None else None
    photos = [Photo(*row) for row in connection.execute("SELECT * FROM photos ORDER BY point, view")]
    totals = connection.execute(
        "SELECT count(*), coalesce(sum(paid), 0), coalesce(sum(micro_usd), 0) FROM calls"
    ).fetchone()
    errors = connection.execute(
        "SELECT answer, count(*) FROM calls WHERE answer != 'ok' GROUP BY answer ORDER BY max(number) DESC"
    )
    return State(
        Job(**job),
        tuple(points),
        MappingProxyType(found),
        MappingProxyType({(photo.point, photo.view): photo for photo in photos}),
        Totals(*totals),
        MappingProxyType(dict(errors.fetchall())),
    )


def begun(connection: sqlite3.Connection) -> bool:
    """Whether the ledger was filled in: whoever made the file may have been killed before that."""
    return bool(connection.execute("PRAGMA user_version").fetchone()[0])


@contextmanager
def _reading(folder: Path) -> Iterator[sqlite3.Connection]:
    path = folder / LEDGER
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise DataError(f"{path} can't be read as a ledger: {error}") from error
