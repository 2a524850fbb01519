"""The folder of a collection from a game page: pictures, what is known of each, and no picture twice.

A database says what was collected. A picture lies in a hidden folder until its answer is known, and is in the
database before it gets its name: so a kill at any moment loses nothing and doubles nothing.
"""

import hashlib
import io
import json
import math
import re
import shutil
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from PIL import Image

from kangaroo.collect.browser.faults import PageError
from kangaroo.collect.run.tables import write_csv
from kangaroo.data.folders import spot
from kangaroo.data.labels import nfc
from kangaroo.errors import DataError
from kangaroo.files import atomic, write_json
from kangaroo.geo.countries import find

LEDGER, LABELS = "games.sqlite", "labels.csv"
FAILED = ".failed"  # hidden, as the visible folders of a photo folder are its classes
UNKNOWN = "_unknown"
_OPEN = ".open"
_QUALITY = 95  # of JPEG, with full colour resolution: on photos within 2 of 255 on average
_TABLE_SECONDS = 10.0  # between two writings of labels.csv

_SCHEMA = """
CREATE TABLE job (setting TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE games (id TEXT PRIMARY KEY, url TEXT NOT NULL, ended TEXT NOT NULL);
CREATE TABLE rounds (game TEXT, round TEXT, part TEXT, file TEXT, place TEXT, sha256 TEXT,
    reason TEXT NOT NULL, record TEXT NOT NULL, PRIMARY KEY (game, round));
CREATE INDEX pictures ON rounds (sha256);
CREATE INDEX places ON rounds (place);
CREATE TABLE faults (time TEXT NOT NULL, instance INTEGER NOT NULL, kind TEXT NOT NULL, reason TEXT NOT NULL);
PRAGMA user_version = 1;
"""


@dataclass(frozen=True)
class Part:
    """A picture whose answer is not known yet: its hidden file, and what it is."""

    path: Path
    sha256: str
    width: int
    height: int


@dataclass(frozen=True)
class Answer:
    """What a page says of a round: address, game, round, country as it stands there, degrees or NaN."""

    url: str
    game: str
    round: str
    country: str
    lat: float = math.nan
    lon: float = math.nan


class Album:
    """The one writer of a folder; ``photos`` (None: no limit) is how many pictures it may hold.

    ``job`` names what is collected: a folder holds one job. DataError: it holds another one or other things,
    or another process is at work in it.
    """

    def __init__(self, folder: Path, job: Mapping[str, str], photos: int | None = None):
        self.folder, self._limit = folder, photos
        self._adapter = job["adapter"]
        _check(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self._db = _connect(folder)
        try:
            self._begin(job)
            self._recover()
        except BaseException:
            self._db.close()
            raise
        self._written = 0.0
        self._write_table()

    def __enter__(self) -> "Album":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._clear()
            self._write_table()
        finally:
            self._db.close()

    @property
    def photos(self) -> int:
        """How many pictures were kept, over all runs."""
        return self._count("SELECT count(*) FROM rounds WHERE reason = ''")

    @property
    def games(self) -> int:
        """How many games were played to their end, over all runs."""
        return self._count("SELECT count(*) FROM games WHERE ended = 'over'")

    def left_out(self) -> dict[str, int]:
        """How many pictures were not kept, by reason."""
        return dict(
            self._db.execute("SELECT reason, count(*) FROM rounds WHERE reason != '' GROUP BY reason")
        )

    def faults(self) -> dict[str, int]:
        """How often what went wrong, by kind, over all runs."""
        return dict(self._db.execute("SELECT kind, count(*) FROM faults GROUP BY kind ORDER BY kind"))

    def unfinished(self) -> dict[str, str]:
        """The games that were begun and are neither over nor given up: id -> address."""
        return dict(self._db.execute("SELECT id, url FROM games WHERE ended = '' ORDER BY rowid"))

    def rounds(self, game: str) -> int:
        """How many rounds of a game are known."""
        return self._count("SELECT count(*) FROM rounds WHERE game = ?", game)

    def begin(self, game: str, url: str) -> None:
        """Write down that a game is being played."""
        self._db.execute("INSERT OR IGNORE INTO games VALUES (?, ?, '')", (game, url))

    def end(self, game: str, how: str) -> None:
        """Write down that a game is 'over' or 'given up'; the first end stays."""
        self._db.execute("UPDATE games SET ended = ? WHERE id = ? AND ended = ''", (how, game))

    def note(self, instance: int, fault: PageError) -> None:
        """Write down what went wrong."""
        values = (_now(), instance, fault.kind, str(fault))
        self._db.execute("INSERT INTO faults VALUES (?, ?, ?, ?)", values)

    def put(self, instance: int, picture: bytes) -> Part:
        """Keep a screenshot, as JPEG, until its answer is known, or whoever puts it there drops it."""
        path = self.folder / _OPEN / f"{instance}_{time.time_ns()}.jpg"
        with Image.open(io.BytesIO(picture)) as image, atomic(path) as temporary:
            image.convert("RGB").save(temporary, quality=_QUALITY, subsampling=0)
            width, height = image.size
        return Part(path, hashlib.sha256(path.read_bytes()).hexdigest(), width, height)

    def add(self, part: Part, answer: Answer) -> str:
        """Give a picture its place in the folder; gives why it was not kept, '' if it was."""
        country, place = _country(answer.country), spot(answer.lat, answer.lon)
        name = f"{_plain(answer.game)}_{_plain(answer.round)}.jpg"
        record = {
            "url": answer.url,
            "game": answer.game,
            "round": answer.round,
            "answer": answer.country,
            "country": country,
            "lat": None if math.isnan(answer.lat) else answer.lat,
            "lon": None if math.isnan(answer.lon) else answer.lon,
            "time": _now(),
            "adapter": self._adapter,
            "width": part.width,
            "height": part.height,
            "sha256": part.sha256,
        }
        reason = self._reason(part, answer, place)
        if reason in ("", "same picture", "same place"):
            file = f"{_folder(country)}/{name}"
            row = (answer.game, answer.round, part.path.name, file, place, part.sha256, reason)
            self._db.execute("INSERT INTO rounds VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*row, json.dumps(record)))
        if not reason:
            self._place(part.path.name, file, record)
        if time.monotonic() > self._written + _TABLE_SECONDS:
            self._write_table()
        return reason

    def drop(self, part: Part) -> None:
        """Remove a picture, but for one that is written down as kept: it gets its place at the next start."""
        if not self._kept(part.path):
            part.path.unlink(missing_ok=True)

    def _reason(self, part: Part, answer: Answer, place: str) -> str:
        """Why a picture is not kept: the round, the picture or the place is there, or there are enough."""
        kept = "SELECT count(*) FROM rounds WHERE reason = '' AND"
        if self._count("SELECT count(*) FROM rounds WHERE game = ? AND round = ?", answer.game, answer.round):
            return "same round"
        if self._limit is not None and self.photos >= self._limit:
            return "enough"
        if self._count(f"{kept} sha256 = ?", part.sha256):
            return "same picture"
        return "same place" if place and self._count(f"{kept} place = ?", place) else ""

    def _place(self, part: str, file: str, record: Mapping[str, object]) -> None:
        """Move a picture to its final name, the JSON file first: what was begun can be done again."""
        path = self.folder / file
        write_json(path.with_suffix(".json"), record)
        (self.folder / _OPEN / part).replace(path)

    def _recover(self) -> None:
        """Finish what an ended run had written down, and drop the pictures whose answer it did not learn."""
        for path in sorted((self.folder / _OPEN).glob("[!.]*.jpg")):
            if row := self._kept(path):
                self._place(path.name, row[0], json.loads(row[1]))
        self._clear()
        for path in self.folder.glob("**/.*.part.*"):
            path.unlink()

    def _clear(self) -> None:
        """Remove the hidden folder, unless a picture waits in it for its place."""
        if not any(map(self._kept, (self.folder / _OPEN).glob("[!.]*.jpg"))):
            shutil.rmtree(self.folder / _OPEN, ignore_errors=True)

    def _kept(self, path: Path) -> tuple[str, str] | None:
        """File and record of a picture that is written down as kept."""
        sql = "SELECT file, record FROM rounds WHERE part = ? AND reason = ''"
        found: tuple[str, str] | None = self._db.execute(sql, (path.name,)).fetchone()
        return found

    def _write_table(self) -> None:
        """Write labels.csv, of the pictures that are there: somebody may have sorted some out."""
        rows = []
        for file, place, text in self._db.execute(
            "SELECT file, place, record FROM rounds WHERE reason = '' ORDER BY file"
        ):
            if (self.folder / file).is_file():
                record = json.loads(text)
                rows.append((file, file.partition("/")[0], place, record["lat"], record["lon"]))
        write_csv(self.folder / LABELS, ("file", "country", "place", "lat", "lon"), rows)
        self._written = time.monotonic()

    def _begin(self, job: Mapping[str, str]) -> None:
        if not self._db.execute("PRAGMA user_version").fetchone()[0]:
            self._db.execute("BEGIN")
            for statement in _SCHEMA.split(";"):
                self._db.execute(statement)
            self._db.executemany("INSERT INTO job VALUES (?, ?)", job.items())
            self._db.execute("COMMIT")
        held = dict(self._db.execute("SELECT * FROM job"))
        for name, value in job.items():
            if held.get(name) != value:
                raise DataError(
                    f"{self.folder} was collected with {name} {held.get(name)}, not {value}: "
                    "choose another --out"
                )

    def _count(self, sql: str, *values: object) -> int:
        return int(self._db.execute(sql, values).fetchone()[0])


def _check(folder: Path) -> None:
    there = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    if there and LEDGER not in there:
        raise DataError(f"{folder} holds {there[0]}, which is no collection: choose another --out")


def _connect(folder: Path) -> sqlite3.Connection:
    """Open the ledger for this process alone; the system lets go when it ends, however it does."""
    connection = sqlite3.connect(folder / LEDGER, timeout=0, isolation_level=None)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        connection.close()
        if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_BUSY:
            message = f"another process collects into {folder}: wait for it, or stop it first"
            raise DataError(message) from error
        raise DataError(f"{folder / LEDGER} can't be used: {error}: choose another --out") from error
    return connection


def _country(text: str) -> str:
    """The country's usual name, or the text as it is."""
    known = find(text) if text else None
    return known.name if known else nfc(" ".join(text.split()))


def _folder(country: str) -> str:
    """A name that is a visible folder, whatever a page wrote."""
    name = "".join("-" if x in '/\\:*?"<>|' or not x.isprintable() else x for x in country)
    name = name.encode()[:100].decode(errors="ignore").strip(". ")  # file systems allow 255 bytes
    return f"-{name}" if name in (LEDGER, LABELS) else name or UNKNOWN


def _plain(text: str) -> str:
    """Text as part of a file's name; another text never gives the same."""
    plain = re.sub(r"[^A-Za-z0-9-]", "-", text)[:60]
    return plain if plain == text else f"{plain}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
