import numpy as np
import pytest

from kangaroo.explain.evidence import Evidence
from kangaroo.explain.faithfulness import Curves, Randomization
from kangaroo.plots import faithfulness, style

SHARES = np.array([0, 0.5, 1])
GOOD = Curves(SHARES, np.array([[1, 0.2, 0], [1, 0.4, 0]]), np.array([[0, 0.8, 1], [0, 1, 1]]))
POOR = Curves(SHARES, np.array([[1, 0.9, 0], [1, 0.7, 0]]), np.array([[0, 0.1, 1], [0, 0.1, 1]]))
CHANCE = Curves(SHARES, np.array([[1, 0.5, 0], [1, 0.5, 0]]), np.array([[0, 0.5, 1], [0, 0.5, 1]]))


@pytest.mark.parametrize(("kind", "middle"), [("deletion", 0.3), ("insertion", 0.9)])
def test_curves_are_means_with_standard_errors_the_best_first(kind, middle):
    methods = {"poor": POOR, "good": GOOD}
    ax = faithfulness.perturbation_curves(methods, kind, CHANCE, subject="drawn scenes")
    best = ax.lines[0]
    np.testing.assert_allclose(best.get_xydata()[1], [50, middle])
    band = ax.collections[0].get_paths()[0].vertices
    at_half = band[band[:, 0] == 50, 1]
    np.testing.assert_allclose(sorted(at_half), [middle - 0.1, middle + 0.1])  # half the difference of two
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert [text.split(":")[0] for text in texts] == ["good", "poor", "random order"]
    assert texts[2] == "random order: 0.500"
    assert ax.get_title() == f"{kind.capitalize()}\ndrawn scenes, n = 2"
    assert ax.get_ylabel() == "probability of the class"


def test_randomization_begins_at_one_and_leaves_nan_out():
    found = Randomization(("dense", "conv"), np.array([[0.5, 0.7], [np.nan, 0.1]]))
    blank = Randomization(("dense", "conv"), np.full((2, 2), np.nan))
    ax = faithfulness.randomization({"gradient": found, "blank": blank}, subject="drawn scenes")
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [1, 0.6, 0.1])
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), [1, np.nan, np.nan])
    assert [text.get_text() for text in ax.get_xticklabels()] == ["none", "dense", "conv"]
    assert ax.get_title().endswith("drawn scenes, n = 2")


def test_evidence_stands_beside_its_share_of_the_picture():
    picture, hit = np.array([0.1, 0.3]), np.array([1.0, 0.0])
    methods = {
        "well": Evidence(np.array([0.6, 1.0]), picture, hit, picture, left_out=1),
        "badly": Evidence(np.array([0.1, 0.3]), picture, hit, picture, left_out=1),
    }
    ax = faithfulness.evidence(methods, subject="drawn scenes")
    assert [bar.get_width() for bar in ax.patches] == pytest.approx([20, 20, 80])
    assert [text.get_text() for text in ax.get_yticklabels()] == ["share of the picture", "badly", "well"]
    assert [bar.get_facecolor() for bar in ax.patches][1:] == 2 * [ax.patches[1].get_facecolor()]
    assert ax.get_title().endswith("drawn scenes, n = 2")


def test_they_go_onto_the_axes_given():
    ax = style.new_figure(4).subplots()
    assert faithfulness.perturbation_curves({"good": GOOD}, "deletion", CHANCE, ax=ax) is ax
