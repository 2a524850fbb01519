"""Figures of calibration show the numbers they were given."""

import numpy as np
import pytest

from kangaroo.evaluation.calibration import Reliability
from kangaroo.evaluation.confidence import Answered, Quality
from kangaroo.evaluation.conformal import Sets
from kangaroo.evaluation.elsewhere import Elsewhere
from kangaroo.evaluation.selective import RiskCoverage
from kangaroo.plots import calibration as plots
from kangaroo.plots.style import save


def quality(ece):
    edges, nothing = np.linspace(0, 1, 5), np.nan
    accuracy = np.array([nothing, 0.4, 0.7, 1.0])
    bins = Reliability(edges, np.array([0, 10, 20, 4]), np.array([nothing, 0.4, 0.6, 0.9]), accuracy, ece)
    risk, ideal = np.array([0, 0.5, 1 / 3, 0.5]), np.array([0, 0, 1 / 3, 0.5])
    curve = RiskCoverage(risk, ideal, float(risk.mean()), float(ideal.mean()))
    return Quality(
        bins, (accuracy - 0.1, np.minimum(accuracy + 0.2, 1)), (0.03, 0.05), 0.001, 0.4, 0.9, curve
    )


def texts(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_reliability_before_and_after(tmp_path):
    figure = plots.reliability(quality(0.12), quality(0.04), subject="photos of 9 places")
    upper, lower = figure.axes
    assert upper.get_title().endswith("photos of 9 places, n = 34")
    assert "before, ECE 12.0 % (by chance 3.0 %)" in texts(upper)
    assert "after, ECE 4.0 % (by chance 3.0 %)" in texts(upper)
    ends = upper.containers[0].lines[2][0].get_segments()
    assert [tuple(end[:, 1]) for end in ends] == [
        pytest.approx(pair) for pair in ((0.3, 0.6), (0.6, 0.9), (0.9, 1))
    ]
    assert lower.patches[0].get_data().values.tolist() == [0, 10, 20, 4]
    save(figure, tmp_path / "a.png")


def test_risk_and_coverage(tmp_path):
    figure = plots.risk_coverage(quality(0.1), quality(0.1), Answered(0.5, 0.25, (0.1, 0.4)))
    (ax,) = figure.axes
    lines = {line.get_label(): line.get_xydata().tolist() for line in ax.lines}
    assert lines["after, area 0.333"] == [[0.25, 0], [0.5, 0.5], [0.75, pytest.approx(1 / 3)], [1, 0.5]]
    assert lines["without abstained, 50 % answered"] == [[0.5, 0.25]]
    assert {"ideal order, area 0.208", "random order, area 0.500"} <= lines.keys()
    save(figure, tmp_path / "a.png")
    for answered in (None, Answered(0, None, None)):
        assert len(plots.risk_coverage(quality(0), quality(0), answered).axes[0].lines) == len(lines) - 1


def test_sets_and_the_coverage_of_classes(tmp_path):
    result = Sets(
        0.8,
        (0.7, 0.9),
        1.5,
        np.array([6, 4, 0]),
        np.array([1, 0.5, np.nan]),
        np.array([4, 6, 0]),
        np.array([0.5, 1, np.nan]),
    )
    figure = plots.sets(result, ["Austria", "A $ name", "Narnia"], 0.9)
    upper, lower = figure.axes
    assert [bar.get_height() for bar in upper.patches] == [6, 4, 0]
    assert upper.get_title() == "Sets for 90 %: 1.50 classes, 80.0 % right\nphotos, n = 10"
    names = [tick.get_text() for tick in lower.get_yticklabels()]
    assert names == [r"A \$ name, n = 6", "Austria, n = 4"]  # without photos there is nothing to draw
    assert lower.lines[1].get_xydata().tolist() == [[1, 0], [0.5, 1]]
    save(figure, tmp_path / "a.png")


def test_of_many_classes_those_of_least_coverage():
    share = np.linspace(0, 1, 200)
    result = Sets(0.5, (0.4, 0.6), 2, np.full(200, 1), share, np.full(200, 1), share)
    lower = plots.sets(result, [f"c{i}" for i in range(200)], 0.9).axes[1]
    assert len(lower.get_yticks()) == plots.MANY
    assert "50 of least" in lower.get_xlabel()


def test_elsewhere(tmp_path):
    other = Elsewhere(3, np.array([0.31, 0.32, 0.9, 0.95]), np.array([1, 3]), 0.5)
    names = {"classes it does not know": other}
    figure = plots.elsewhere(np.array([0.8, 0.9]), np.array([2.0, 0.0]), names, 0.6)
    upper, lower = figure.axes
    assert "n = 4" in upper.get_title()
    assert texts(upper)[:2] == ["judged, n = 2, mean 0.85", "classes it does not know, n = 4, mean 0.62"]
    assert upper.patches[1].get_data().values.sum() == pytest.approx(100)
    assert [bar.get_height() for bar in lower.patches] == [100, 0, 25, 75]
    save(figure, tmp_path / "a.png")
    without = plots.elsewhere(np.array([0.8, 0.9]), np.array([2.0, 0.0]), names, None)
    assert len(texts(without.axes[0])) == 2
