"""The tab Compare in a real browser."""

import csv

import pytest

pytest.importorskip("gradio", reason="Gradio is not installed")

from kangaroo.app.compare_tab import NOTHING, report
from kangaroo.app.state import Settings
from kangaroo.game.answers import Answer, Score
from kangaroo.game.pool import Photo
from kangaroo.game.records import Terms
from kangaroo.game.results import Results

CLASSES = ("Austria", "Czechia", "Slovakia")


def play(results, token, model, ranks):
    """A game of '=Ada' in which (person, model) named the photos at these ranks."""
    results.add_game(token, results.player("=Ada"), Terms(model, CLASSES, 20, None, 64))
    for i, (person, its) in enumerate(ranks):
        photo = Photo(f"Austria/{token}{i}.jpg", None, "Austria", f"{token}{i}", 48.0, 16.0)
        results.add_round(f"{token}{i}", results.game(token), photo, 0, Answer(CLASSES), Score(its, 50, 4500))
        results.add_guess(f"{token}{i}", Answer(CLASSES), Score(person, 100, 4000), 1.5)


@pytest.fixture
def results(tmp_path, classifier):
    found = Results(tmp_path / "r.sqlite")
    play(found, "a", classifier.card.sha256, [(1, 1)] * 2 + [(1, 2)] * 7)
    play(found, "b", "another model", [(2, 1)] * 3)
    return found


@pytest.fixture
def photos(tmp_path, jpeg):
    for name in CLASSES:
        (tmp_path / "photos" / name).mkdir(parents=True)
        (tmp_path / "photos" / name / "0.jpg").write_bytes(jpeg())
    return tmp_path / "photos"


def test_nothing_was_played_yet(tmp_path):
    assert NOTHING in report(Results(tmp_path / "r.sqlite").frame())


def test_the_tab_says_who_is_better(visit, serving, classifier, photos, results):
    with serving(classifier, Settings(photos=photos, results=results.path)) as address:
        page = visit(address, viewport={"width": 390, "height": 844}).page
        page.get_by_role("tab", name="Compare").click()
        text = page.locator("#compare-report")
        page.wait_for_selector("#compare-report table")
        said = text.inner_text()
        assert (
            "On these 9 photos people named the country of 100 % and the model of 22 %: people are better by "
            "78 points (95 % interval "
        ) in said
        assert "hardly by chance (p = 0.016)" in said
        assert "9 photos at 64 pixels, one of 3 classes each; 9 answers of 1 person" in said
        assert text.locator("tbody tr").first.inner_text().endswith("0.016\t33 %")
        assert text.locator("tbody th").all_inner_texts() == [
            "first guess right",
            "distance, median of the photos",
            "GeoGuessr points, mean of the photos",
        ]
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        play(results, "c", classifier.card.sha256, [(2, 1)] * 7)
        page.click("#compare-again")
        page.wait_for_function(
            "document.querySelector('#compare-report').innerText.includes('these 16 photos')"
        )
        assert "neither is better" in text.inner_text()


@pytest.mark.slow
def test_all_answers_can_be_downloaded(visit, serving, classifier, photos, results):
    with serving(classifier, Settings(photos=photos, results=results.path)) as address:
        visited = visit(address)
        visited.page.get_by_role("tab", name="Compare").click()
        with visited.page.expect_download() as download:
            visited.page.click("#compare-download")
        assert download.value.suggested_filename == "game.csv"
        with open(download.value.path(), encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    assert len(rows) == 12
    assert {row["player"] for row in rows} == {"'=Ada"}
    assert rows[0]["person_names"] == "Austria; Czechia; Slovakia"
