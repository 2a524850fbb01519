"""Whole collections from a game's page, whose faults are played one by one."""

import contextlib
import csv
import errno
import io
import itertools
import json
import os
import random
import signal
import sqlite3
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kangaroo import __version__
from kangaroo.collect.browser import album
from kangaroo.collect.browser.collector import Order, draw_guess
from kangaroo.collect.browser.faults import PageError
from kangaroo.collect.browser.player import Guess, Player
from kangaroo.data.folders import read_folders
from kangaroo.geo.countries import find


def collected(out):
    """The pictures of a folder by path, each with its JSON; nothing hidden may be left."""
    files = sorted(path.relative_to(out).as_posix() for path in out.rglob("*.jpg"))
    assert not [file for file in files if file.startswith(".")]
    assert not [path for path in out.rglob("*") if ".part" in path.name]
    return {file: json.loads((out / file).with_suffix(".json").read_text(encoding="utf-8")) for file in files}


def labels(out):
    with (out / "labels.csv").open(encoding="utf-8", newline="") as file:
        return {row["file"]: row for row in csv.DictReader(file)}


def check(server, out, games, rounds=3):
    """Every round of these games is there once, is what the page showed, and says what the page told."""
    expected = {}
    for game in games:
        for turn in range(rounds):
            place = (game * 3 + turn) % server.places
            expected[f"{server.truth(place)['country']}/g{game}_{turn + 1}.jpg"] = place
    found, rows = collected(out), labels(out)
    assert set(found) == set(rows) == set(expected)
    for file, place in expected.items():
        check_round(server, out / file, found[file], rows[file], place)


def check_round(server, path, record, row, place):
    truth = server.truth(place)
    with Image.open(path) as shown, Image.open(io.BytesIO(server.picture(place))) as original:
        difference = np.abs(np.asarray(shown, float) - np.asarray(original.convert("RGB"), float))
    assert difference.mean() < 2  # of 255: JPEG
    assert record["country"] == record["answer"] == truth["country"]
    assert (record["lat"], record["lon"]) == (truth["answer"]["lat"], truth["answer"]["lng"])
    assert (record["width"], record["height"]) == (192, 144)
    assert record["url"] == f"{server.url}/game/{record['game']}"
    assert (row["country"], float(row["lat"])) == (truth["country"], truth["answer"]["lat"])


@pytest.mark.slow
def test_games_become_a_photo_folder(game_page, play, out):
    server = game_page()
    code, figures, err = play(server, "--games", 2)
    assert (code, figures) == (0, {"photos": 6, "games": 2, "left_out": {}, "faults": {}}), err
    check(server, out, [0, 1])
    manifest = read_folders([out])
    assert manifest.counts == {"Australia": 2, "Austria": 2, "Czechia": 2}
    assert not manifest.rejected
    assert manifest.photos["place"].nunique() == 6
    (agent,) = server.agents
    assert agent.endswith(
        f"Chrome/{agent.partition('Chrome/')[2].split()[0]} Safari/537.36 kangaroo/{__version__}"
    )
    code, figures, _ = play(server, "--games", 2)  # there is nothing left to do
    assert (code, figures["games"], len(server.games)) == (0, 2, 2)


@pytest.mark.slow
def test_several_browsers_share_a_folder(game_page, play, out):
    server = game_page(places=12)
    code, figures, err = play(server, "--photos", 12, instances=3)
    assert (code, figures["photos"]) == (0, 12), err
    assert Counter(record["lat"] for record in collected(out).values()) == Counter(
        server.truth(place)["answer"]["lat"] for place in range(12)
    )


def test_a_canvas_is_waited_for_until_it_holds_still(game_page, play, write_adapter, out):
    server = game_page(medium="<canvas width=192 height=144></canvas>")
    code, figures, err = play(
        server, "--games", 1, adapter=write_adapter(("#game-photo img", "#game-photo canvas"))
    )
    assert (code, figures["faults"]) == (0, {}), err
    check(server, out, [0])


def test_slow_photos_and_late_answers_are_waited_for(game_page, play, out):
    server = game_page(slow_photo=1.0, late_answer=1.0)
    code, figures, err = play(server, "--games", 1)
    assert (code, figures["faults"]) == (0, {}), err
    check(server, out, [0])


@pytest.mark.slow
@pytest.mark.parametrize("eager", [True, False])
def test_the_last_photo_is_not_taken_for_the_next(game_page, play, out, eager):
    server = game_page(slow_state=1.5, eager=eager)
    code, figures, err = play(server, "--games", 1)
    assert (code, figures["faults"]) == (0, {}), err
    check(server, out, [0])


@pytest.mark.slow
def test_only_what_the_page_offers_is_guessed(game_page, play, write_adapter):
    server = game_page(rounds=8)
    offered = 'options = { selector = "#game-classes option", attribute = "value" }'
    code, _, err = play(server, "--games", 1, adapter=write_adapter(("[guess]", f"[guess]\n{offered}")))
    assert code == 0, err
    assert set(server.guessed) == {"Austria", "Czechia"}


def test_guesses():
    czechia, norway = find("Czechia"), find("Norway")

    def guess(options=(), seed=0, **asked):
        return draw_guess(Order("http://127.0.0.1", **asked), random.Random(seed), options)

    assert guess(country=czechia) == Guess("Czechia", czechia.lat, czechia.lon)
    assert guess(["Austria", "Czech Republic"], country=czechia).country == "Czech Republic"
    assert guess(["Austria", "Czechia"], country=norway).country in ("Austria", "Czechia")
    assert guess(["Tyrol"], country=norway) == Guess("Tyrol", norway.lat, norway.lon)
    assert guess(point=(-33.5, 151.0)).lat == -33.5
    assert guess() == guess() != guess(seed=1)
    assert Guess("Chad", 1.5, -2).fill("{country}: {lon}, {lat}") == "Chad: -2.000000, 1.500000"


@pytest.mark.slow
def test_a_point_of_a_map_is_clicked(game_page, play, write_adapter):
    said = "onclick=\"$('game-guess').value = event.offsetX + ' ' + event.offsetY\""
    server = game_page(extra=f"<div id=map style='width: 720px; height: 360px' {said}></div>")
    adapter = write_adapter(('{ fill = "#game-guess", text = "{country}" }', '{ point = "#map" }'))
    code, _, err = play(server, "--games", 1, "--guess-at=-33.5,151", adapter=adapter)
    assert code == 0, err
    assert set(server.guessed) == {"662 247"}  # two pixels a degree, from 180 degrees west and 90 north


def test_what_covers_the_photo_is_not_in_the_picture(game_page, play, out):
    server = game_page(extra="<div id=cover>play more!</div>")
    code, _, err = play(server, "--games", 1)
    assert code == 0, err
    check(server, out, [0])


def test_popups_are_dismissed(game_page, play, write_adapter, out):
    server = game_page(extra="<div id=wall><button onclick='this.parentNode.remove()'>accept</button></div>")
    code, _, err = play(
        server, "--games", 1, adapter=write_adapter(("dismiss = []", "dismiss = ['#wall button']"))
    )
    assert code == 0, err
    check(server, out, [0])


def test_a_popup_that_stays_is_named(game_page, play, out):
    code, _, err = play(game_page(extra="<div id=wall></div>"), "--games", 1, timeout=4)
    assert code == 2
    assert "start.steps[0] '#game-nickname'" in err
    assert "finds something that is covered" in err


@pytest.mark.slow
def test_a_stalled_photo_is_loaded_anew(game_page, play, out):
    server = game_page(stalled=Counter({1: 1}))
    code, figures, err = play(server, "--games", 1, timeout=4)
    assert (code, figures["faults"]) == (0, {"stalled photo": 1}), err
    check(server, out, [0])


@pytest.mark.slow
def test_a_photo_that_never_comes_costs_its_game(game_page, play, out):
    server = game_page(stalled=Counter({1: 99}))
    code, figures, err = play(server, "--games", 2, timeout=4)
    assert (code, figures["faults"], figures["games"]) == (0, {"stalled photo": 2}, 2), err
    assert {record["game"] for record in collected(out).values()} == {"g0", "g1", "g2"}
    assert figures["photos"] == 1 + 6


@pytest.mark.slow
def test_an_answer_that_does_not_come_in_time(game_page, play, out):
    server = game_page(late_answer=6)
    server.on_guess = lambda number: setattr(server, "late_answer", 0 if number > 1 else 6)
    code, figures, err = play(server, "--games", 1, timeout=4)
    assert (code, figures["faults"]) == (0, {"late answer": 1}), err
    check(server, out, [0])


@pytest.mark.parametrize("fault", ["broken", pytest.param("closed", marks=pytest.mark.slow)])
def test_a_server_that_fails_is_asked_again(game_page, play, out, fault):
    times = {"broken": 1, "closed": 3}[fault]  # Chromium tries again by itself
    server = game_page(sticky=True, **{fault: Counter({"/": times, "/game/g0": times})})
    code, figures, err = play(server, "--games", 1)
    assert (code, figures["faults"].keys()) == (0, {"server error"}), err
    check(server, out, [0])


@pytest.mark.slow
def test_a_server_that_stays_away_ends_the_run(game_page, play):
    code, figures, err = play(game_page(broken=Counter({"/": 99})), "--games", 1, "--tries", 3)
    assert (code, figures["faults"]) == (1, {"server error": 3})
    assert "every browser gave up, the last because of: HTTP 500" in err


@pytest.mark.slow
def test_a_crashed_browser_does_not_take_the_other_down(game_page, play, out):
    server = game_page(places=30)
    killed = []

    def kill(number):
        if number == 4 and not killed:
            killed.append(browsers_of(os.getpid())[0])
            os.kill(killed[0], signal.SIGKILL)

    server.on_guess = kill
    code, figures, err = play(server, "--photos", 30, instances=2)
    assert (code, figures["photos"], figures["faults"]) == (0, 30, {"crashed browser": 1}), err
    assert killed
    check(server, out, range(10))  # the game went on where it was


@pytest.fixture
def starts(monkeypatch):
    """Browsers start but for those whose number is in the list, which is empty at first."""
    from playwright.async_api import BrowserType, Error

    launch, counted, failing = BrowserType.launch, itertools.count(1), []

    async def start(kind, **settings):
        if next(counted) in failing:
            raise Error("BrowserType.launch: Cannot allocate memory\nCall log: ...")
        return await launch(kind, **settings)

    monkeypatch.setattr(BrowserType, "launch", start)
    return failing


@pytest.mark.parametrize(
    ("failing", "code", "crashes"), [pytest.param([2], 0, 2, marks=pytest.mark.slow), ([2, 3, 4], 1, 3)]
)
def test_a_browser_that_does_not_start_again(game_page, play, starts, out, failing, code, crashes):
    starts += failing
    server = game_page()
    server.on_guess = lambda number: number == 2 and os.kill(browsers_of(os.getpid())[0], signal.SIGKILL)
    ended, figures, err = play(server, "--games", 1, "--tries", 3)
    assert (ended, figures["faults"]) == (code, {"crashed browser": crashes}), err
    if code:
        assert "every browser gave up, the last because of: the browser " in err
        assert "can't be started: Cannot allocate memory; try again later" in err
    else:
        check(server, out, [0])


def test_a_browser_that_never_starts(game_page, play, starts):
    starts += [1]
    code, figures, err = play(game_page(), "--games", 1)
    assert (code, figures["faults"]) == (2, {})
    assert "can't be started: Cannot allocate memory: choose --browser" in err


@pytest.mark.slow
def test_a_full_disk_loses_no_photo(game_page, play, out, monkeypatch):
    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    server = game_page(sticky=True)
    with monkeypatch.context() as patch:
        patch.setattr("kangaroo.collect.browser.album.write_json", full)
        code, figures, err = play(server, "--games", 1)
    assert (code, figures["photos"]) == (1, 1)
    assert err.splitlines()[-1].startswith("error: the disk takes no more for ")
    code, figures, err = play(server, "--games", 1)
    assert (code, figures["photos"]) == (0, 3), err
    check(server, out, [0])


@pytest.mark.slow
def test_a_full_disk_under_the_ledger(game_page, play, out, monkeypatch):
    def small(folder):
        connection = connect(folder)
        connection.execute("PRAGMA max_page_count = 10")  # one a table and one an index
        return connection

    connect, server = album._connect, game_page(rounds=12, sticky=True)
    with monkeypatch.context() as patch:
        patch.setattr(album, "_connect", small)
        code, figures, err = play(server, "--games", 1)
    assert (code, figures["games"]) == (1, 0)
    assert err.splitlines()[-1].startswith("error: the disk takes no more for ")
    assert len(collected(out)) == figures["photos"] > 0
    code, figures, err = play(server, "--games", 1)
    assert (code, figures["photos"], len(collected(out))) == (0, 12, 12), err


def test_the_same_photo_twice_is_kept_once(game_page, play, out):
    server = game_page(twice={4: 1})
    code, figures, err = play(server, "--games", 2)
    assert (code, figures["photos"], figures["left_out"]) == (0, 5, {"same picture": 1}), err
    assert not (out / "Australia" / "g1_2.jpg").exists()


@pytest.mark.slow
def test_photos_that_come_again_are_left_out(game_page, play):
    server = game_page(places=4)
    code, figures, err = play(server, "--games", 2)
    assert (code, figures["photos"]) == (0, 4), err
    assert figures["left_out"] == {"same picture": 2}


@pytest.mark.slow
def test_a_game_with_nothing_new_ends_the_run(game_page, play, monkeypatch):
    monkeypatch.setattr("kangaroo.collect.browser.collector._BARREN", 4)
    code, figures, err = play(game_page(places=3), "--photos", 5)
    assert (code, figures["photos"]) == (1, 3)
    assert "nothing new in 4 rounds" in err


@pytest.mark.slow
def test_a_game_that_ends_early_is_over(game_page, play, out):
    server = game_page(early=("g0",))
    code, figures, err = play(server, "--games", 2)
    assert (code, figures["photos"], figures["games"], figures["faults"]) == (0, 4, 2, {}), err


def test_a_changed_page_is_named_and_kept(game_page, play, out):
    server = game_page(photo_id="renamed")
    code, figures, err = play(server, "--games", 1, timeout=4)
    assert (code, figures["photos"]) == (2, 0)
    (line,) = [line for line in err.splitlines() if line.startswith("error: ")]
    assert "photo.selector '#game-photo img' of adapter" in line
    assert "adapter.toml finds nothing" in line
    assert "id=renamed" in (out / ".failed" / "photo_selector.html").read_text(encoding="utf-8").replace(
        '"', ""
    )
    with Image.open(out / ".failed" / "photo_selector.png") as page:
        assert page.size == (1280, 720)


@pytest.mark.slow
def test_a_way_on_that_is_nowhere_ends_the_run(game_page, play, write_adapter, out):
    adapter = write_adapter(("#game-next", "#gone"), ("resume = true", "resume = false"))
    code, figures, err = play(game_page(), "--games", 2, adapter=adapter, timeout=2)
    assert (code, figures["photos"], figures["faults"]) == (2, 3, {"changed page": 3}), err
    (line,) = [line for line in err.splitlines() if line.startswith("error: ")]
    assert "next.steps[0] '#gone' of adapter" in line
    assert "3 times after 1 of a game's rounds" in line
    assert len(collected(out)) == 3


@pytest.mark.slow
def test_a_game_that_can_be_opened_again_does_not_hide_it(game_page, play, write_adapter, out):
    """Nor does it stand in the way of the next run."""
    adapter = write_adapter(("#game-next", "#gone"))
    code, figures, err = play(game_page(), "--games", 2, adapter=adapter, timeout=2)
    assert (code, figures["photos"], figures["faults"]) == (2, 1, {"changed page": 3}), err
    assert "next.steps[0] '#gone' of adapter" in err
    with contextlib.closing(sqlite3.connect(out / album.LEDGER)) as ledger:
        assert ledger.execute("SELECT id, ended FROM games").fetchall() == [("g0", "given up")]


@pytest.mark.slow
def test_an_end_that_is_nowhere_ends_the_run(game_page, play, write_adapter):
    adapter = write_adapter(("#game-over", "#never"))
    code, figures, err = play(game_page(rounds=2), "--games", 2, adapter=adapter, timeout=1)
    assert (code, figures["photos"], figures["faults"]) == (2, 6, {"stalled photo": 6}), err
    assert "3 times after 2 of a game's rounds, and game.over '#never' of adapter" in err


@pytest.mark.slow
def test_changes_in_passing_do_not_end_a_long_game(game_page, play, monkeypatch):
    following, calls = Player.following, []

    async def faulty(player):
        calls.append(player)
        if len(calls) in (2, 5, 9, 10):
            raise PageError("changed page", "next.steps[0] '#game-next' finds nothing")
        return await following(player)

    monkeypatch.setattr(Player, "following", faulty)
    code, figures, err = play(game_page(rounds=12), "--photos", 12)
    assert (code, figures["photos"], figures["faults"]) == (0, 12, {"changed page": 4}), err


def test_a_selector_that_is_none_is_named(game_page, play, write_adapter):
    code, _, err = play(
        game_page(), "--games", 1, adapter=write_adapter(("#game-photo img", "#game-photo ["))
    )
    assert code == 2
    assert "#game-photo [" in err


@pytest.mark.slow
def test_one_process_a_folder(game_page, play, play_elsewhere, out):
    server = game_page(late_answer=1.0)
    first = play_elsewhere(server, out, "--games", 1)
    while not server.guesses:
        time.sleep(0.05)
    code, _, err = play(server, "--games", 1)
    assert code == 2
    assert "another process collects into" in err
    assert first.wait(60) == 0
    first.communicate()


@pytest.mark.slow
@pytest.mark.parametrize(("n", "instances"), [(3, 1), (8, 2)])
def test_killed_runs_leave_what_an_undisturbed_one_leaves(game_page, play_elsewhere, tmp_path, n, instances):
    calm, rough = (game_page(places=3 * n, sticky=instances == 1) for _ in range(2))
    flags = ["--photos", 3 * n, "--instances", instances]
    start = time.monotonic()
    finish(play_elsewhere(calm, tmp_path / "calm", *flags))
    took, rng, kills = time.monotonic() - start, random.Random(n), 0
    for _ in range(3):
        process = play_elsewhere(rough, tmp_path / "rough", *flags)
        time.sleep(took * rng.uniform(0.3, 0.7))
        kills += process.poll() is None
        process.kill()
        process.communicate()
        labels(tmp_path / "rough")  # whole at any moment
    assert kills
    figures = finish(play_elsewhere(rough, tmp_path / "rough", *flags))
    assert figures["photos"] == 3 * n
    places = [{record["lat"] for record in collected(tmp_path / name).values()} for name in ("calm", "rough")]
    assert places[0] == places[1] == {rough.truth(place)["answer"]["lat"] for place in range(3 * n)}
    if instances == 1:
        for name in ("calm", "rough"):
            check(rough if name == "rough" else calm, tmp_path / name, range(n))
        tables = [(tmp_path / name / "labels.csv").read_bytes() for name in ("calm", "rough")]
        assert tables[0] == tables[1]


def finish(process):
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return json.loads(out)


def browsers_of(ancestor):
    """The browsers, not their helpers, that descend from a process: its id and that of the program."""
    parents, found = {}, []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if any(word.startswith(b"--remote-debugging") for word in words) and not any(
            word.startswith(b"--type=") for word in words
        ):
            found.append(int(entry.name))
    return [process for process in sorted(found) if ancestor in lineage(process, parents)]


def lineage(process, parents):
    line = [process]
    while line[-1] in parents:
        line.append(parents[line[-1]])
    return line
