import asyncio
import sqlite3
import subprocess
import sys
from errno import ENOSPC

import pytest

from kangaroo.collect.run.ledger import Ledger
from kangaroo.collect.run.ledger_reader import LEDGER, Photo, Totals, check_folder, read_state
from kangaroo.collect.run.points import Point
from kangaroo.collect.sources.base import Found, Job
from kangaroo.errors import DataError

JOB = Job("google", headings=(0, 90))
POINTS = [Point(i, i, "Austria", "Tyrol", 47 + i / 100, 11.0) for i in range(4)]
FOUND = Found("P", 47.1, 11.1, "2019-08", "© Google", None, 0)
PHOTO = Photo(0, 1, "Austria/Tyrol/1.jpg", "ab", 640, 640, 90.0)


def write(folder, work):
    """Open the ledger, run ``work(ledger)`` in a loop, give its result."""
    with Ledger(folder, JOB, POINTS) as ledger:

        async def all_of_it():
            result = await work(ledger)
            await ledger.flush()
            return result

        return asyncio.run(all_of_it())


def test_what_is_written_is_read_again(tmp_path):
    async def work(ledger):
        first = await ledger.begin("metadata", 0, 0)
        ledger.settle(first, "ok")
        ledger.answer(0, FOUND)
        ledger.answer(1, None)
        ledger.settle(await ledger.begin("image", 0, 7000), "ok")
        ledger.add(PHOTO)
        return ledger.totals

    assert write(tmp_path / "out", work) == Totals(2, 1, 7000)
    state = read_state(tmp_path / "out")
    assert (state.job, list(state.points)) == (JOB, POINTS)
    assert dict(state.found) == {0: FOUND, 1: None}
    assert dict(state.photos) == {(0, 1): PHOTO}
    assert state.totals == Totals(2, 1, 7000)
    assert not state.errors


def test_a_call_is_paid_until_it_is_known_not_to_be(tmp_path):
    seen = []

    async def work(ledger):
        for answer, refund in (("HTTP 500", 7000), ("no whole answer", 0), ("ok", 0)):
            number = await ledger.begin("image", 0, 7000)
            seen.append(ledger.totals.micro_usd)
            ledger.settle(number, answer, refund=refund)
        await ledger.begin("image", 1, 7000)  # in flight when the process ends
        return ledger.totals

    totals = write(tmp_path, work)
    assert seen == [7000, 7000, 14000]
    assert totals == Totals(4, 3, 21000)
    write(tmp_path, lambda ledger: asyncio.sleep(0))
    state = read_state(tmp_path)
    assert state.totals == totals
    assert state.errors == {
        "lost: the process ended before the answer": 1, "no whole answer": 1, "HTTP 500": 1
    }  # fmt: skip


def test_a_call_is_on_disk_before_it_may_be_sent(tmp_path):
    async def work(ledger):
        async def one(point):
            await ledger.begin("image", point, 7000)
            rows = sqlite3.connect(tmp_path / LEDGER).execute(
                "SELECT count(*) FROM calls WHERE point = ?", (point,)
            )
            return rows.fetchone()[0]

        return await asyncio.gather(*(one(point) for point in range(50)))

    assert write(tmp_path, work) == [1] * 50


def test_many_workers_share_a_commit(tmp_path, monkeypatch):
    commits, real = [], Ledger._transact

    def transact(self, statements):
        commits.append(len(statements))
        real(self, statements)

    monkeypatch.setattr(Ledger, "_transact", transact)
    write(tmp_path, lambda ledger: asyncio.gather(*(ledger.begin("metadata", 0, 0) for _ in range(100))))
    assert sum(commits) == 100
    assert len(commits) < 5


def test_another_job_is_refused_and_what_differs_is_named(tmp_path):
    write(tmp_path, lambda ledger: asyncio.sleep(0))
    assert check_folder(tmp_path, JOB, POINTS).points == tuple(POINTS)
    for job, points, named in (
        (Job("google", headings=(0, 90), radius=50), POINTS, r"radius 100\.0, not 50"),
        (Job("mapillary"), POINTS, "source.*headings"),
        (JOB, POINTS[:2], "points .4 with fingerprint"),
    ):
        with pytest.raises(DataError, match=named):
            check_folder(tmp_path, job, points)
        with pytest.raises(DataError, match="another job"):
            Ledger(tmp_path, job, points)
    write(tmp_path, lambda ledger: asyncio.sleep(0))  # and the lock was given back


def test_folders_that_are_no_collection(tmp_path):
    (tmp_path / "thesis.tex").write_text("!")
    with pytest.raises(DataError, match=r"holds thesis\.tex"):
        check_folder(tmp_path, JOB, POINTS)
    with pytest.raises(DataError, match="no collection in"):
        read_state(tmp_path)
    (tmp_path / "new").mkdir()
    assert check_folder(tmp_path / "new", JOB, POINTS) is None
    assert check_folder(tmp_path / "newer", JOB, POINTS) is None
    (tmp_path / LEDGER).write_text("no database, but long enough to be looked at " * 9)
    with pytest.raises(DataError, match="can't be read as a ledger"):
        read_state(tmp_path)


def test_two_processes_cant_write_one_folder(tmp_path):
    code = (
        "import sys; from pathlib import Path; from kangaroo.collect.run.ledger import Ledger; "
        "from kangaroo.collect.sources.base import Job\n"
        "from kangaroo.collect.run.points import Point\n"
        "points = [Point(i, i, 'Austria', 'Tyrol', 47 + i / 100, 11.0) for i in range(4)]\n"
        f"with Ledger(Path({str(tmp_path)!r}), Job('google', headings=(0, 90)), points): pass"
    )
    command = [sys.executable, "-c", code]
    with Ledger(tmp_path, JOB, POINTS):
        other = subprocess.run(command, capture_output=True, text=True, check=False)
        assert "another process collects into" in other.stderr
        assert len(read_state(tmp_path).points) == 4  # reading is free
    subprocess.run(command, check=True)


def test_a_full_disk_stops_everybody_and_loses_nothing(tmp_path, monkeypatch):
    async def work(ledger):
        await ledger.begin("image", 0, 7000)

        def full(statements):
            raise sqlite3.OperationalError("database or disk is full")

        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        monkeypatch.setattr(ledger, "_transact", lambda statements: (_ for _ in ()).throw(error))
        outcomes = await asyncio.gather(
            *(ledger.begin("image", i, 7000) for i in range(3)), return_exceptions=True
        )
        assert [outcome.errno for outcome in outcomes] == [ENOSPC] * 3
        with pytest.raises(OSError, match="no space left"):
            ledger.settle(1, "ok")
        with pytest.raises(OSError, match="no space left"):
            await ledger.flush()

    with pytest.raises(OSError, match="no space left"):
        write(tmp_path, work)
    monkeypatch.undo()
    assert read_state(tmp_path).totals == Totals(1, 1, 7000)


def test_a_process_killed_while_it_began_is_no_obstacle(tmp_path):
    sqlite3.connect(tmp_path / LEDGER).execute("PRAGMA journal_mode = WAL")
    assert check_folder(tmp_path, JOB, POINTS) is None
    with pytest.raises(DataError, match="has not begun"):
        read_state(tmp_path)
    write(tmp_path, lambda ledger: asyncio.sleep(0))
    assert len(read_state(tmp_path).points) == 4
