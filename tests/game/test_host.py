import io
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace

import pytest
from PIL import Image

from kangaroo.errors import KangarooError
from kangaroo.game.answers import Answer
from kangaroo.game.host import GRACE, Round
from kangaroo.game.pool import picture
from kangaroo.game.settings import Settings

TEN = Settings(rounds=10, resolution=32)


def truth(host, opened):
    return host.results.round(opened.id).name


def play(host, game, texts=("Austria",)):
    while opened := host.next_round(game):
        host.guess(opened.id, texts)
    return host.outcomes(game)


def test_a_whole_game(host):
    game = host.begin(" Ada ", TEN)
    assert host.open_round(game) is None
    for number in range(1, 11):
        opened = host.next_round(game)
        assert (opened.game, opened.number, opened.rounds, opened.left) == (game, number, 10, None)
        right = truth(host, opened)
        done = host.guess(opened.id, ["nz" if right != "New Zealand" else "at", right])
        assert done.score.rank == 2
        assert (done.name, done.number, done.game, done.late, done.again) == (
            right,
            number,
            game,
            False,
            False,
        )
        assert 0 < done.seconds < 5
        assert done.model.names == ("Austria", "Czechia", "New Zealand")
        assert done.model_score.rank == done.model.names.index(right) + 1
    assert host.next_round(game) is None
    assert host.open_round(game) is None
    assert [outcome.number for outcome in host.outcomes(game)] == list(range(1, 11))


def test_photos_come_once_until_all_were_seen_and_places_once_a_game(host):
    first, second = (play(host, host.begin("Ada", TEN)) for _ in range(2))
    photos = Counter(outcome.photo for outcome in (*first, *second))
    assert max(photos.values()) == 2
    for outcomes in (first, second):
        places = {host.pool.photos[outcome.photo].place for outcome in outcomes}
        assert len(places) == len(outcomes) == 10  # of 12 photos on 10 places
    assert not any(outcome.again for outcome in first)
    assert sum(outcome.again for outcome in second) == 20 - len(photos)


def test_what_is_told_before_the_guess(host):
    """A round has a picture and tokens; nothing that is known to depend on the photo."""
    assert {field.name for field in fields(Round)} == {"id", "game", "number", "rounds", "picture", "left"}
    game = host.begin("Ada", TEN)
    opened = host.next_round(game)
    photo = host.results.round(opened.id).photo
    assert opened.picture == picture(host.pool.photos[photo].path, 32)
    assert len({opened.id, game}) == 2
    assert min(len(opened.id), len(game)) >= 22  # 128 bits
    with Image.open(io.BytesIO(opened.picture)) as image:
        assert not image.getexif()


def test_the_model_sees_what_people_see(host):
    seen = []
    watching = replace(host, judge=lambda shown: (seen.append(shown), Answer(("Czechia",)))[1])
    opened = watching.next_round(watching.begin("Ada", TEN))
    assert seen == [opened.picture]


def test_a_reload_shows_the_same_round_and_its_time_goes_on(host):
    game = host.begin("Ada", Settings(rounds=2, seconds=60, resolution=32))
    opened = host.next_round(game)
    time.sleep(0.02)
    again = host.open_round(game)
    assert (again.id, again.picture, again.number) == (opened.id, opened.picture, 1)
    assert 55 < again.left < 60
    assert host.next_round(game).id == opened.id
    host.guess(opened.id, ["at"])
    assert host.open_round(game) is None


def test_a_guess_counts_once(host):
    game = host.begin("Ada", TEN)
    opened = host.next_round(game)
    first = host.guess(opened.id, ["at"])
    second = host.guess(opened.id, ["nz"])
    assert first.note == ""
    assert second.note == "This round was over already: the first guess counts."
    assert replace(second, note="") == first
    with ThreadPoolExecutor(8) as threads:
        opened = host.next_round(game)
        outcomes = list(threads.map(lambda i: host.guess(opened.id, ["at" if i % 2 else "nz"]), range(16)))
    assert sum(outcome.note == "" for outcome in outcomes) == 1
    assert len({outcome.person for outcome in outcomes}) == 1
    assert len(host.results.frame()) == 2


def test_a_late_guess_counts_as_none(host, monkeypatch):
    game = host.begin("Ada", Settings(rounds=2, seconds=5, resolution=32))
    opened = host.next_round(game)
    now = time.time()
    monkeypatch.setattr("time.time", lambda: now + 5 + GRACE + 1)
    done = host.guess(opened.id, [truth(host, opened)])
    assert (done.late, done.score.rank, done.score.points, done.seconds) == (True, None, 0, 5)
    assert done.note == "The time was over."
    opened = host.next_round(game)
    monkeypatch.setattr("time.time", lambda: now + 60)
    assert host.open_round(game) is None
    assert host.next_round(game) is None  # closed in passing, and it was the last
    assert [outcome.late for outcome in host.outcomes(game)] == [True, True]


def test_a_guess_that_is_not_understood_leaves_the_round_open(host):
    opened = host.next_round(host.begin("Ada", TEN))
    for texts, point in ((["Austira"], None), ([], None), ([], (99, 0))):
        with pytest.raises(KangarooError):
            host.guess(opened.id, texts, point)
    assert host.guess(opened.id, ["at"]).note == ""


def test_unknown_tokens_are_refused(host):
    for work in (host.next_round, host.open_round, host.outcomes):
        with pytest.raises(KangarooError, match="This game doesn't exist: start a new one"):
            work("nonsense")
    with pytest.raises(KangarooError, match="This round doesn't exist"):
        host.guess("nonsense", ["at"])


def test_photos_that_cannot_be_read_are_passed_over(host):
    for path in (photo.path for photo in host.pool.photos.values() if photo.name != "Czechia"):
        path.write_bytes(b"damaged")
    game = host.begin("Ada", TEN)
    for _ in range(4):
        opened = host.next_round(game)
        assert truth(host, opened) == "Czechia"
        host.guess(opened.id, ["cz"])
    with pytest.raises(KangarooError, match="no photo that can be read is left"):
        host.next_round(game)


def test_a_photo_that_goes_in_mid_round_is_said(host):
    game = host.begin("Ada", TEN)
    opened = host.next_round(game)
    photo = host.results.round(opened.id).photo
    path = host.pool.photos[photo].path
    path.unlink()
    with pytest.raises(KangarooError, match="can't be read any more: start a new game"):
        host.open_round(game)
    rest = {key: value for key, value in host.pool.photos.items() if key != photo}
    with pytest.raises(KangarooError, match="is gone: start a new game"):
        replace(host, pool=replace(host.pool, photos=rest)).open_round(game)


def test_a_game_keeps_its_model(host):
    game = host.begin("Ada", TEN)
    with pytest.raises(KangarooError, match="against another model"):
        replace(host, model="other").next_round(game)


def test_two_windows_of_one_game_share_its_round(host):
    game = host.begin("Ada", TEN)
    with ThreadPoolExecutor(8) as threads:
        rounds = list(threads.map(lambda _: host.next_round(game), range(16)))
    assert len({opened.id for opened in rounds}) == 1


def test_many_play_at_once(host):
    """One nickname in four windows and four players: nobody gets a photo twice too early, nothing is lost."""
    names = ["Ada", "ADA", "ada", "Ada", "Bob", "Eve", "Kim", "Zoe"]
    three = Settings(rounds=3, resolution=32)
    with ThreadPoolExecutor(8) as threads:
        games = list(threads.map(lambda name: play(host, host.begin(name, three)), names))
    assert [len(outcomes) for outcomes in games] == [3] * 8
    assert (
        sorted(Counter(outcome.photo for outcomes in games[:4] for outcome in outcomes).values()) == [1] * 12
    )
    frame = host.results.frame()
    assert len(frame) == 24
    assert frame["player"].nunique() == 5
