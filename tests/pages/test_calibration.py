"""The lines and the page of a calibration."""

from html.parser import HTMLParser

import numpy as np
import pytest

from kangaroo.evaluation.confidence import calibrate
from kangaroo.evaluation.predictions import Predictions
from kangaroo.evaluation.settings import CalibrationConfig
from kangaroo.models.calibrated import tempered
from kangaroo.pages.calibration import summary, write_page
from kangaroo.plots.style import new_figure, save


@pytest.fixture(scope="module")
def outcome():
    rng = np.random.default_rng(0)
    p = rng.dirichlet([0.3] * 3, 1000)
    labels, nowhere = (rng.random((1000, 1)) < p.cumsum(axis=1)).argmax(axis=1), np.full(1000, np.nan)
    names = tuple(map(str, range(1000)))
    said = Predictions(("A", "B", "C"), names, names, labels, tempered(p, 0.5), nowhere, nowhere)
    return calibrate(said, CalibrationConfig())


@pytest.fixture
def found(outcome):
    one = {"mean": 0.05, "sd": 0.01, "splits": 20}
    keys = ("ece_before", "ece", "ece_by_chance", "squared_error", "coverage", "set_size")
    shifted = {
        "classes it does not know": {
            "photos": 1234,
            "places": 99,
            "mean_confidence": 0.5,
            "mean_set_size": 2.0,
            "abstained": None,
        }
    }
    splits = dict.fromkeys(keys, one) | {"risk": {"mean": None, "sd": None, "splits": 0}}
    return outcome.figures() | {"splits": splits, "shifted": shifted, "drawn": True}


def test_lines_hold_the_figures(outcome, found):
    lines = summary(outcome.calibration, found).splitlines()
    assert lines[0].startswith("fitted on 500 photos of 500 places, judged on 500 of 500")
    (brier,) = [line.split() for line in lines if line.startswith("Brier")]
    assert brier[2:] == [f"{outcome.before.brier:.4f}", f"{outcome.after.brier:.4f}"]
    assert any(line.startswith("answers beyond a confidence of") for line in lines)
    assert "of 20 divisions" in lines[-2]
    assert lines[-1].startswith("elsewhere, classes it does not know: 1,234 photos of 99 places")
    short = summary(outcome.calibration, found | {"splits": {}, "shifted": {}, "answered": None})
    assert len(short.splitlines()) == len(lines) - 3


class Outside(HTMLParser):
    """Collects what a page asks for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.pictures = 0

    def handle_starttag(self, tag, attrs) -> None:
        wanted = [value for name, value in attrs if name in ("src", "href")]
        self.pictures += tag == "img"
        self.asked += [value for value in wanted if not value.startswith("data:")]
        assert tag != "script"


def test_the_page_is_whole_by_itself(outcome, found, tmp_path):
    for name in ("reliability", "risk_coverage", "sets", "shifted"):
        save(new_figure(2), tmp_path / f"{name}.png")
    path = write_page(tmp_path, outcome.calibration, found)
    text = path.read_text(encoding="utf-8")
    page = Outside()
    page.feed(text)
    assert (page.asked, page.pictures) == ([], 4)
    assert "drawn scenes, not photos" in text
    assert "1,234" in text
    assert f"{outcome.sets.mean_size:.2f} classes on average" in text
    again = write_page(tmp_path, outcome.calibration, found | {"shifted": {}, "splits": {}, "answered": None})
    text = again.read_text(encoding="utf-8")
    page = Outside()
    page.feed(text)
    assert page.pictures == 3  # the figure of an earlier run is left out
    assert "No confidence keeps" in text
