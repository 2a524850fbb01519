"""Who has no photos plays with drawn scenes that the model has not seen."""

import re
from dataclasses import replace

import pytest

from kangaroo.app import game_screens, play_tab, scenes
from kangaroo.app.state import DRAWN, Settings, State

COUNTRIES = ("Austria", "Australia")


@pytest.fixture
def drawn(tiny, monkeypatch):
    monkeypatch.setattr(scenes, "SCENES", 6)
    return tiny(COUNTRIES, data={"drawn": True})


def test_a_model_of_drawn_scenes_has_a_game_at_once(drawn, tmp_path):
    settings = scenes.with_scenes(drawn, Settings(results=tmp_path / "r.sqlite"), tmp_path)
    host = play_tab.host(State(drawn, settings))
    assert (len(host.pool.photos), host.pool.unseen, host.pool.drawn) == (6, True, True)
    assert {photo.name for photo in host.pool.photos.values()} == set(COUNTRIES)
    seeds = [int(re.search(r"(\d+)\.jpg", key)[1]) for key in host.pool.photos]
    assert min(seeds) == scenes.FRESH * 1_000_000  # far from those that networks are trained on
    html = game_screens.start(host, drawn=True)
    assert "6 drawn scenes, one at a time" in html
    assert "The model has not seen any of them." in html
    assert DRAWN not in html


def test_the_same_seed_gives_the_same_scenes(drawn, tmp_path):
    def keys(folder, seed):
        settings = scenes.with_scenes(
            drawn, Settings(results=tmp_path / "r.sqlite", seed=seed), tmp_path / folder
        )
        return set(play_tab.host(State(drawn, settings)).pool.photos)

    assert keys("a", 0) == keys("b", 0)
    assert not keys("a", 0) & keys("c", 1)


def test_others_play_with_photos_or_not_at_all(drawn, classifier, tmp_path):
    given = Settings(photos=tmp_path)
    assert scenes.with_scenes(drawn, given, tmp_path) is given
    without = replace(given, photos=None)
    assert scenes.with_scenes(classifier, without, tmp_path) is without
