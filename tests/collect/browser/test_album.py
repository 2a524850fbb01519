import errno
import io
import json
import math
import sqlite3

import numpy as np
import pytest
from PIL import Image

from kangaroo.collect.browser import album as module
from kangaroo.collect.browser.album import Album, Answer
from kangaroo.collect.browser.faults import PageError
from kangaroo.data.folders import read_folders
from kangaroo.errors import DataError

JOB = {"adapter": "stand-in", "url": "http://127.0.0.1:1"}


def png(seed):
    pixels = np.random.default_rng(seed).integers(0, 255, (20, 30, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def answer(game="a", turn="1", country="Austria", lat=47.0, lon=14.0):
    return Answer("http://127.0.0.1:1/", game, turn, country, lat, lon)


def visible(folder):
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*.*") if path.is_file()]
    return sorted(name for name in names if not name.startswith((".", "games.sqlite")))


def test_a_picture_is_hidden_until_its_answer_is_known(tmp_path):
    with Album(tmp_path, JOB) as album:
        part = album.put(0, png(0))
        assert visible(tmp_path) == ["labels.csv"]
        assert album.add(part, answer(country="AT")) == ""
    assert visible(tmp_path) == ["Austria/a_1.jpg", "Austria/a_1.json", "labels.csv"]
    record = json.loads((tmp_path / "Austria" / "a_1.json").read_text(encoding="utf-8"))
    assert record.pop("time").endswith("+00:00")
    assert record == {
        "url": "http://127.0.0.1:1/", "game": "a", "round": "1", "answer": "AT", "country": "Austria",
        "lat": 47.0, "lon": 14.0, "adapter": "stand-in", "width": 30, "height": 20, "sha256": part.sha256,
    }  # fmt: skip
    assert (tmp_path / "labels.csv").read_text(encoding="utf-8").splitlines() == [
        "file,country,place,lat,lon",
        'Austria/a_1.jpg,Austria,"47.00000,14.00000",47.0,14.0',
    ]


def test_nothing_is_kept_twice(tmp_path):
    with Album(tmp_path, JOB, photos=3) as album:
        assert album.add(album.put(0, png(0)), answer()) == ""
        assert album.add(album.put(0, png(1)), answer()) == "same round"
        assert album.add(album.put(0, png(0)), answer("b", lat=48.0)) == "same picture"
        assert album.add(album.put(0, png(2)), answer("c", lat=47.000001)) == "same place"
        assert album.add(album.put(0, png(3)), answer("d", lat=math.nan, lon=math.nan)) == ""
        assert album.add(album.put(0, png(4)), answer("e", lat=math.nan, lon=math.nan)) == ""
        assert album.add(album.put(0, png(5)), answer("f", lat=50.0)) == "enough"
        assert album.photos == 3
        assert album.left_out() == {"same picture": 1, "same place": 1}
    manifest = read_folders([tmp_path])
    assert (manifest.counts, manifest.rejected) == ({"Austria": 3}, ())


@pytest.mark.parametrize(
    ("country", "folder"),
    [
        ("", "_unknown"),
        ("Atlantis", "Atlantis"),
        ("../../etc", "-..-etc"),
        ("...", "_unknown"),
        ("Czech Republic", "Czechia"),
        ("x" * 300, "x" * 100),
        ("labels.csv", "-labels.csv"),
    ],
)
def test_a_country_is_a_folder_within(tmp_path, country, folder):
    with Album(tmp_path / "out", JOB) as album:
        assert album.add(album.put(0, png(0)), answer("../x", "1/2", country)) == ""
    (picture,) = tmp_path.rglob("*.jpg")
    assert picture.parent == tmp_path / "out" / folder


def test_names_that_can_be_no_files_stay_apart(tmp_path):
    with Album(tmp_path, JOB) as album:
        for number, game in enumerate(["a/b", "a-b", "a_b", "a b"]):
            assert album.add(album.put(0, png(number)), answer(game, lat=40.0 + number)) == ""
    assert len(list((tmp_path / "Austria").glob("*.jpg"))) == 4
    assert (tmp_path / "Austria" / "a-b_1.jpg").is_file()


@pytest.mark.parametrize("after", ["row", "json"])
def test_a_kill_between_ledger_and_folder_is_made_good(tmp_path, monkeypatch, after):
    class Killed(BaseException):
        """In place of SIGKILL: nothing is written after it."""

    def killed(*args):
        raise Killed

    album = Album(tmp_path, JOB)
    waiting, part = album.put(1, png(1)), album.put(0, png(0))
    with monkeypatch.context() as patch:
        if after == "row":
            patch.setattr(module, "write_json", killed)
        else:
            patch.setattr("pathlib.Path.replace", killed)
            patch.setattr(
                module, "write_json", lambda path, value: (path.parent.mkdir(), path.write_text("{}"))
            )
        with pytest.raises(Killed):
            album.add(part, answer())
    album._db.close()
    assert waiting.path.is_file()
    with Album(tmp_path, JOB) as again:
        assert again.photos == 1
        assert again.add(again.put(0, png(0)), answer("b", lat=1.0)) == "same picture"
    assert visible(tmp_path) == ["Austria/a_1.jpg", "Austria/a_1.json", "labels.csv"]
    assert (
        json.loads((tmp_path / "Austria" / "a_1.json").read_text(encoding="utf-8"))["sha256"] == part.sha256
    )
    assert read_folders([tmp_path]).counts == {"Austria": 1}
    assert not waiting.path.exists()


def test_a_full_disk_between_ledger_and_folder_is_made_good(tmp_path, monkeypatch):
    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    with Album(tmp_path, JOB) as album:
        waiting, part = album.put(1, png(1)), album.put(0, png(0))
        with monkeypatch.context() as patch:
            patch.setattr(module, "write_json", full)
            with pytest.raises(OSError, match="No space left"):
                album.add(part, answer())
        album.drop(part)
        album.drop(waiting)
        assert (part.path.is_file(), waiting.path.exists()) == (True, False)
    with Album(tmp_path, JOB) as again:
        assert again.photos == 1
    assert visible(tmp_path) == ["Austria/a_1.jpg", "Austria/a_1.json", "labels.csv"]
    assert read_folders([tmp_path]).counts == {"Austria": 1}
    assert not part.path.parent.exists()


def test_a_picture_sorted_out_by_hand_does_not_come_back(tmp_path):
    with Album(tmp_path, JOB) as album:
        for number in range(2):
            album.add(album.put(0, png(number)), answer(turn=str(number), lat=40.0 + number))
    (tmp_path / "Austria" / "a_0.jpg").unlink()
    (tmp_path / "Austria" / "a_0.json").unlink()
    with Album(tmp_path, JOB) as album:
        assert album.add(album.put(0, png(0)), answer("b", lat=10.0)) == "same picture"
    assert not read_folders([tmp_path]).rejected
    assert len((tmp_path / "labels.csv").read_text(encoding="utf-8").splitlines()) == 2


def test_games_and_faults_are_written_down(tmp_path):
    with Album(tmp_path, JOB) as album:
        for game in "abc":
            album.begin(game, f"http://127.0.0.1:1/{game}")
        album.end("a", "over")
        album.end("b", "given up")
        album.end("b", "over")
        album.note(1, PageError("stalled photo", "no photo within 30 s"))
    with Album(tmp_path, JOB) as album:
        assert album.games == 1
        assert album.unfinished() == {"c": "http://127.0.0.1:1/c"}
        assert album.faults() == {"stalled photo": 1}


def test_a_folder_holds_one_job(tmp_path):
    with Album(tmp_path / "a", JOB), pytest.raises(DataError, match="another process collects into"):
        Album(tmp_path / "a", JOB)
    with pytest.raises(
        DataError, match="was collected with adapter stand-in, not other: choose another --out"
    ):
        Album(tmp_path / "a", JOB | {"adapter": "other"})
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match=r"holds notes\.txt, which is no collection"):
        Album(tmp_path / "b", JOB)
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "games.sqlite").write_text(
        "no database, but long enough to be read as the head of one" * 9
    )
    with pytest.raises(DataError, match="can't be used: file is not a database"):
        Album(tmp_path / "c", JOB)


def test_jpeg_keeps_the_colours_of_the_page(tmp_path):
    rng = np.random.default_rng(0)
    smooth = Image.fromarray(rng.integers(0, 255, (12, 16, 3), dtype=np.uint8)).resize((320, 240))
    out = io.BytesIO()
    smooth.save(out, "PNG")
    with Album(tmp_path, JOB) as album:
        part = album.put(0, out.getvalue())
        with Image.open(part.path) as kept:
            difference = np.abs(np.asarray(kept, float) - np.asarray(smooth, float))
    assert difference.mean() < 1.5


def test_the_ledger_survives_as_a_plain_database(tmp_path):
    with Album(tmp_path, JOB) as album:
        album.add(album.put(0, png(0)), answer())
    with sqlite3.connect(tmp_path / "games.sqlite") as ledger:
        assert ledger.execute("SELECT game, round, reason FROM rounds").fetchall() == [("a", "1", "")]
