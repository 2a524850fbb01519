"""The ledger of a collection: every point, call, cost, answer and photo, in SQLite, in the output folder.

A call is written down, as paid for if it has a price, before it is sent, and what became of it afterwards. So
a process that is killed at any moment has never spent more than its ledger says. What all workers write while
one commit is on its way to the disk shares the next.
"""

import asyncio
import sqlite3
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple
from errno import ENOSPC
from pathlib import Path
from types import TracebackType
from typing import Any

from kangaroo.collect.run.ledger_reader import (
    LEDGER,
    LOCK,
    Photo,
    Totals,
    begun,
    check_folder,
    load,
    settings_of,
)
from kangaroo.collect.run.points import Point
from kangaroo.collect.sources.base import Found, Job
from kangaroo.errors import DataError

_SCHEMA = """
CREATE TABLE job (setting TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE points (id INTEGER PRIMARY KEY, nth INTEGER, country TEXT, state TEXT, lat REAL, lon REAL,
    answered INTEGER NOT NULL DEFAULT 0, pano_id TEXT, pano_lat REAL, pano_lon REAL, captured TEXT,
    attribution TEXT, heading REAL, longest INTEGER);
CREATE TABLE photos (point INTEGER, view INTEGER, file TEXT, sha256 TEXT, width INTEGER, height INTEGER,
    heading REAL, reason TEXT NOT NULL, PRIMARY KEY (point, view));
CREATE TABLE calls (number INTEGER PRIMARY KEY, kind TEXT NOT NULL, point INTEGER NOT NULL,
    begun REAL NOT NULL, paid INTEGER NOT NULL, micro_usd INTEGER NOT NULL, answer TEXT);
PRAGMA user_version = 1;
"""
_LOST = "lost: the process ended before the answer"


class Ledger:
    """The one writer of a collection. Use it as a context manager, in one asyncio event loop."""

    def __init__(self, folder: Path, job: Job, points: Sequence[Point]):
        """Open the collection in ``folder``, or begin it.

        DataError: the folder holds other things or another job, or another process is at work in it.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._lock = _locked(folder)
        try:
            check_folder(folder, job, points)
            self._db = _connect(folder / LEDGER)
            _begin(self._db, job, points)
            self._db.execute("UPDATE calls SET answer = ? WHERE answer IS NULL", (_LOST,))
        except sqlite3.Error as error:
            self._lock.close()
            raise as_oserror(error, folder / LEDGER) from error
        except BaseException:
            self._lock.close()
            raise
        self.state = load(self._db)
        totals = self.state.totals
        self._calls, self._paid, self._micro_usd = totals.calls, totals.paid_calls, totals.micro_usd
        self._thread = ThreadPoolExecutor(1)
        self._waiting: list[tuple[str, tuple[Any, ...]]] = []
        self._next: asyncio.Future[None] | None = None
        self._committer: asyncio.Task[None] | None = None
        self._failure: OSError | None = None

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown()
        self._db.close()
        self._lock.close()

    @property
    def totals(self) -> Totals:
        """What was spent so far, calls in flight included."""
        return Totals(self._calls, self._paid, self._micro_usd)

    async def begin(self, kind: str, point: int, micro_usd: int) -> int:
        """Write down a call that is about to be sent, as paid if it has a price; gives its number."""
        self._calls += 1
        self._paid += micro_usd > 0
        self._micro_usd += micro_usd
        number = self._calls
        values = (number, kind, point, time.time(), micro_usd > 0, micro_usd)
        self._write("INSERT INTO calls VALUES (?, ?, ?, ?, ?, ?, NULL)", values)
        assert self._next
        await asyncio.shield(self._next)  # a worker that is cancelled must not cancel the others' wait
        return number

    def settle(self, number: int, answer: str, *, refund: int = 0) -> None:
        """Write down how a call ended; ``refund``: its price, if it was not charged after all."""
        self._paid -= refund > 0
        self._micro_usd -= refund
        sql = "UPDATE calls SET answer = ? WHERE number = ?"
        if refund:
            sql = "UPDATE calls SET answer = ?, paid = 0, micro_usd = 0 WHERE number = ?"
        self._write(sql, (answer, number))

    def answer(self, point: int, found: Found | None) -> None:
        """Write down what there is for a point."""
        values = astuple(found) if found else (None,) * 7
        self._write(
            "UPDATE points SET answered = 1, pano_id = ?, pano_lat = ?, pano_lon = ?, captured = ?, "
            "attribution = ?, heading = ?, longest = ? WHERE id = ?",
            (*values, point),
        )

    def add(self, photo: Photo) -> None:
        """Write down a photo that was taken or rejected."""
        self._write("INSERT OR REPLACE INTO photos VALUES (?, ?, ?, ?, ?, ?, ?, ?)", astuple(photo))

    async def flush(self) -> None:
        """Wait until everything is on disk. OSError: it can't be."""
        if self._committer:
            await asyncio.shield(self._committer)
        if self._failure:
            raise self._failure

    def _write(self, sql: str, values: tuple[Any, ...]) -> None:
        """Queue a statement for the next commit, which ``self._next`` stands for."""
        if self._failure:
            raise self._failure
        self._waiting.append((sql, values))
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        if self._committer is None or self._committer.done():
            self._committer = asyncio.create_task(self._commit())

    async def _commit(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting and self._next:
            statements, self._waiting = self._waiting, []
            done, self._next = self._next, None
            try:
                await loop.run_in_executor(self._thread, self._transact, statements)
                done.set_result(None)
            except Exception as error:
                self._failure = as_oserror(error, self.folder / LEDGER)
                done.set_exception(self._failure)
                done.exception()  # seen, even where nobody waits for this batch

    def _transact(self, statements: Iterable[tuple[str, tuple[Any, ...]]]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for sql, values in statements:
                self._db.execute(sql, values)
            self._db.execute("COMMIT")
        except sqlite3.Error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise


def _locked(folder: Path) -> sqlite3.Connection:
    """Hold the folder against other processes; the system lets go when this one ends, however it does."""
    lock = sqlite3.connect(folder / LOCK, timeout=0, isolation_level=None)
    try:
        lock.execute("PRAGMA journal_mode = OFF")
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        lock.close()
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise DataError(f"{folder} can't be written: {error}") from error
        raise DataError(f"another process collects into {folder}: wait for it, or stop it first") from error
    return lock


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")  # a commit is on disk, even if the power fails
    return connection


def _begin(connection: sqlite3.Connection, job: Job, points: Sequence[Point]) -> None:
    """Make the tables and fill in the job, in one transaction, unless that was done before."""
    if begun(connection):
        return
    connection.execute("BEGIN IMMEDIATE")
    for statement in _SCHEMA.split(";"):
        connection.execute(statement)
    connection.executemany("INSERT INTO job VALUES (?, ?)", settings_of(job, points).items())
    connection.executemany(
        "INSERT INTO points (id, nth, country, state, lat, lon) VALUES (?, ?, ?, ?, ?, ?)",
        map(astuple, points),
    )
    connection.execute("COMMIT")


def as_oserror(error: Exception, path: Path) -> OSError:
    """What SQLite says of a disk that takes no more, as the error of the system that it is."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return OSError(ENOSPC, "no space left", str(path))
    return OSError(0, f"the ledger can't be used: {error}", str(path))
