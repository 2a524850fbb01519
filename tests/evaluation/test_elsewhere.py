"""What is said of photos from elsewhere, by hand."""

import json

import numpy as np
import pytest

from kangaroo.evaluation.elsewhere import of_known, of_unknown
from kangaroo.models.calibrated import Calibration

P = [[0.8, 0.1, 0.1], [0.5, 0.3, 0.2], [0.4, 0.4, 0.2]]
CALIBRATION = Calibration(1.0, 0.9, np.full(3, 0.5), risk=0.2, least=0.45)


def test_unknown_classes():
    found = of_unknown(CALIBRATION, P, ["a", "a", "b"])
    assert found.confidence.tolist() == [0.8, 0.5, 0.4]
    assert found.sizes.tolist() == [
        1,
        2,
        0,
    ]  # the first alone; twice the two that have at most 0.5 above them
    assert found.mean_size == pytest.approx(5 / 3)
    assert found.abstained == pytest.approx(1 / 3)
    assert found.figures() == {
        "photos": 3,
        "places": 2,
        "mean_confidence": pytest.approx(1.7 / 3),
        "confidence_above_half": pytest.approx(1 / 3),
        "mean_set_size": pytest.approx(5 / 3),
        "abstained": pytest.approx(1 / 3),
    }
    assert of_unknown(Calibration(1.0, 0.9, np.full(3, 0.5)), P, ["a"] * 3).abstained is None


def test_known_classes_are_judged_too(make):
    found = of_known(CALIBRATION, make([0, 2, 1], P), seed=0)
    assert found.sets.coverage == pytest.approx(2 / 3)
    figures = json.loads(json.dumps(found.figures()))
    assert figures["coverage"] == pytest.approx(2 / 3)
    assert figures["photos"] == 3
    assert {"ece", "brier", "aurc"} <= figures.keys()
