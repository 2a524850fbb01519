import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kangaroo.errors import DataError
from kangaroo.game.answers import Answer, Score
from kangaroo.game.pool import Photo
from kangaroo.game.records import Terms
from kangaroo.game.results import Results

TERMS = Terms("m", ("Austria", "Czechia"), 1000, 30.0, 224)
RIGHT = (Answer(("Austria",), (48.0, 16.0)), Score(1, 12.5, 4958.2))
MODEL = (Answer(("Czechia", "Austria"), None, (0.75, 0.25)), Score(2, None, None))
NASTY = "'; DROP TABLE players; --"


def photo(i):
    return Photo(f"Austria/{i}.jpg", None, "Austria", f"place {i}", 48.5, 16.5)


def play(path, name, rounds, token="game"):
    """Rounds and guesses one after another, as a page makes them."""
    results = Results(Path(path))
    results.add_game(token, results.player(name), TERMS)
    for i in range(rounds):
        assert results.add_round(f"{token}-{i}", results.game(token), photo(i), 0, *MODEL)
        assert results.add_guess(f"{token}-{i}", *RIGHT, 2.5)


def process(*arguments):
    """:func:`play` in a process of its own."""
    code = f"import runpy, sys; runpy.run_path({__file__!r})['play'](*{arguments!r})"
    return subprocess.Popen([sys.executable, "-c", code])


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "new" / "r.sqlite"
    play(path, NASTY, 2)
    results = Results(path)
    game = results.game("game")
    assert (game.nickname, game.terms, game.places) == (NASTY, TERMS, ("place 0", "place 1"))
    first, second = results.rounds("game")
    assert (first.number, second.number, first.name, first.point) == (1, 2, "Austria", (48.5, 16.5))
    assert (first.person, first.model, first.seconds, first.turn) == (RIGHT, MODEL, 2.5, 0)
    assert abs(first.shown - time.time()) < 60
    assert results.round("game-1") == second
    assert results.round("nonsense") is None
    assert results.game("nonsense") is None
    assert results.seen(game.player) == {"Austria/0.jpg": 1, "Austria/1.jpg": 1}


def test_what_is_read_before_anything_was_written_is_nothing_and_makes_nothing(tmp_path):
    results = Results(tmp_path / "new" / "r.sqlite")
    assert (results.frame().empty, results.rounds("game"), results.seen(1)) == (True, [], {})
    assert not list(tmp_path.iterdir())
    (tmp_path / "r.sqlite").touch()  # as a maker that is killed leaves it
    assert Results(tmp_path / "r.sqlite").frame().empty
    play(tmp_path / "r.sqlite", "Ada", 1)
    assert [path.name for path in tmp_path.iterdir()] == ["r.sqlite"]  # one file, to be copied as it is


def test_a_place_that_takes_no_files_is_refused_at_once(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"r\.sqlite can't be made, .*file takes no files: give another"):
        Results(tmp_path / "file" / "r.sqlite")


def test_the_frame_has_a_row_an_answer(tmp_path):
    results = Results(tmp_path / "r.sqlite")
    assert results.frame().empty
    play(results.path, "Ada", 2)
    results.add_round("open", results.game("game"), photo(7), 0, *MODEL)
    frame = results.frame()
    assert len(frame) == 2  # the open round is none yet
    row = frame.iloc[1]
    assert (row["player"], row["game"], row["round"], row["photo"]) == ("Ada", 1, 2, "Austria/1.jpg")
    assert (row["classes"], row["resolution"], row["limit"]) == (["Austria", "Czechia"], 224, 30)
    assert (row["person_names"], row["person_rank"], row["person_km"]) == (["Austria"], 1, 12.5)
    assert (row["model_names"], row["model_rank"]) == (["Czechia", "Austria"], 2)
    assert row[["model_lat", "model_km", "model_points"]].isna().all()


def test_players_are_told_apart_by_their_letters_not_by_case(tmp_path):
    results = Results(tmp_path / "r.sqlite")
    assert results.player("Ada") == results.player("ADA") != results.player("Bob")


def test_nothing_counts_twice(tmp_path):
    results = Results(tmp_path / "r.sqlite")
    play(results.path, "Ada", 1)
    assert not results.add_guess("game-0", *RIGHT, 1.0)
    game = results.game("game")
    assert not results.add_round("x", game, photo(0), 0, *MODEL)  # the player's first sight of it was before
    assert results.add_round("y", game, photo(0), 1, *MODEL)
    assert not results.add_round(
        "z", game, photo(3), 0, *MODEL
    )  # round 2 is there, though ``game`` knows not
    assert results.round("z") is None
    with pytest.raises(sqlite3.IntegrityError), results._writing() as db:
        db.execute("INSERT INTO games VALUES ('g', 99, 'm', '[]', 1, NULL, 224, 0)")  # no such player


@pytest.mark.parametrize("content", [b"no database at all, but long enough to be one" * 99, b"x"])
def test_another_file_is_refused(tmp_path, content):
    path = tmp_path / "r.sqlite"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"r\.sqlite is no database: give another file"):
        Results(path)
    assert path.read_bytes() == content


def test_another_database_and_another_version_are_refused(tmp_path):
    path = tmp_path / "r.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE own (x)")
    with pytest.raises(DataError, match="is a database of something else: give another file"):
        Results(path)
    play(tmp_path / "s.sqlite", "Ada", 1)
    with sqlite3.connect(tmp_path / "s.sqlite") as db:
        db.execute("PRAGMA user_version = 2")
    with pytest.raises(DataError, match="has results of version 2, this kangaroo knows 1"):
        Results(tmp_path / "s.sqlite")
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataError, match="unable to open database file"):
        Results(tmp_path / "folder")


def test_a_damaged_file_is_said_in_one_line(tmp_path):
    path = tmp_path / "r.sqlite"
    play(path, "Ada", 40)
    data = bytearray(path.read_bytes())
    data[5000:] = b"\xff" * len(data[5000:])
    path.write_bytes(data)
    with pytest.raises(DataError, match="can't be used for results") as caught:
        Results(path).frame()
    assert "\n" not in str(caught.value)


def test_many_processes_begin_and_write_at_once(tmp_path):
    path = str(tmp_path / "r.sqlite")
    workers = [process(path, f"player {i}", 8, f"game{i}") for i in range(4)]
    assert [worker.wait(60) for worker in workers] == [0] * 4
    frame = Results(tmp_path / "r.sqlite").frame()
    assert len(frame) == 32
    assert frame.groupby("game")["round"].apply(list).tolist() == [list(range(1, 9))] * 4


def test_a_killed_process_loses_nothing_it_had_written(tmp_path):
    """kill -9 in the midst of writing: what was said to be written is there, whole, and the file goes on."""
    results = Results(tmp_path / "r.sqlite")
    worker = process(str(results.path), "Ada", 5000)
    while worker.poll() is None and len(results.frame()) < 20:
        time.sleep(0.01)
    before = len(results.frame())
    worker.kill()
    worker.wait()
    assert 20 <= before <= len(results.frame()) < 5000
    rounds = results.rounds("game")
    assert [row.number for row in rounds] == list(range(1, len(rounds) + 1))
    assert all(row.person for row in rounds[:-1])
    with results._reading() as db:
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    results.add_guess(rounds[-1].id, *RIGHT, 1.0)
    assert results.add_round("next", results.game("game"), photo(9000), 0, *MODEL)
