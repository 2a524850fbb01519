import numpy as np
import pytest

from kangaroo.attack.examples import Examples, pick, telling
from kangaroo.attack.gradient import Judged
from kangaroo.attack.robustness import Robustness
from kangaroo.attack.settings import AttackConfig
from kangaroo.plots import attack

CLASSES = ("Austria", "Australia")


def judged(predicted: np.ndarray) -> Judged:
    rest = np.full(predicted.shape, 0.75)
    return Judged(np.zeros(predicted.shape), predicted, rest, rest, rest)


def robustness(space: str = "pixels") -> Robustness:
    """Twelve photos of class 1: none, half and then all but one of them misnamed; two have no gradient."""
    predicted = np.ones((3, 12), int)
    predicted[1, :6] = predicted[2, :11] = 0
    zero = np.arange(12) >= 10
    return Robustness(AttackConfig(space=space), (0.0, 0.5, 8.0), np.ones(12, int), zero, judged(predicted))


def shown(**config: str) -> Examples:
    pictures = np.full((2, 8, 8, 3), 100, np.uint8)
    change = np.zeros((2, 8, 8, 3), np.float32)
    change[0, 0], change[0, 1] = 2, -2
    attacked = pictures + change.astype(np.uint8)
    before, after = judged(np.array([0, 1])), judged(np.array([1, 1]))
    return Examples(AttackConfig(**config), 2.0, np.array([0, 1]), pictures, change, attacked, before, after)


def test_curves_are_the_figures_of_the_sweep() -> None:
    found = robustness()
    figure = attack.curves({"plain": found, "hardened": found}, subject="drawn scenes")
    upper, lower = figure.axes
    for line in upper.lines:
        np.testing.assert_allclose(line.get_xydata(), np.transpose([[0, 0.5, 8], [1, 0.5, 1 / 12]]))
    np.testing.assert_allclose(lower.lines[0].get_ydata(), found.loss)
    assert upper.get_title() == "Accuracy under attack\ndrawn scenes, n = 12"
    assert [text.get_text() for text in upper.get_legend().get_texts()] == ["plain", "hardened"]
    assert (upper.get_ylabel(), lower.get_ylabel()) == ("accuracy (share of photos)", "loss (nats)")


def test_zero_has_a_place_of_its_own_on_the_axis() -> None:
    figure = attack.curves({"plain": robustness("standardized")})
    upper = figure.axes[0]
    assert list(upper.get_xticks()) == [0, 0.5, 8]
    assert [text.get_text() for text in upper.get_xticklabels()] == ["0", "0.5", "8"]
    places = upper.transData.transform([(x, 0) for x in (0, 0.5, 8)])[:, 0]
    low, high = upper.bbox.intervalx
    assert low < places[0] < places[1] < places[2] < high
    assert upper.get_xlabel() == "ε (standardized units)"


@pytest.mark.parametrize(
    ("config", "name"),
    [
        ({}, "ε × sign(gradient)"),
        ({"norm": "l2"}, "ε × gradient / its length"),
        ({"method": "pgd"}, "change, at most ε"),
    ],
)
def test_examples_show_photo_change_and_sum_with_the_answers(config: dict[str, str], name: str) -> None:
    figure = attack.examples(shown(**config), CLASSES, subject="drawn scenes")
    titles = [ax.get_title().replace("\n", " ") for ax in figure.axes]
    assert titles == [
        "Austria: 75.00 %",
        name,
        "Austria called Australia: 75.00 %",
        "Australia: 75.00 %",
        "the gradient is zero",
        "Australia: 75.00 %",
    ]
    change = figure.axes[1].images[0].get_array()
    assert [change[row].mean() for row in (0, 1, 2)] == [1, 0, 0.5]
    assert (figure.axes[4].images[0].get_array() == 0.5).all()
    assert [text.get_text() for ax in figure.axes for text in ax.texts] == ["+", "="] * 2
    assert "ε = 2" in figure.get_suptitle()
    assert "drawn scenes, n = 2" in figure.get_suptitle()


def test_photos_that_cannot_be_shown_as_they_are_are_said_to_be_rescaled() -> None:
    figure = attack.examples(shown(space="standardized"), CLASSES)
    assert "rescaled" in figure.get_supxlabel()
    assert "rescaled" not in attack.examples(shown(), CLASSES).get_supxlabel()


def test_the_telling_epsilon_misnames_half_and_the_picked_photos_are_of_each_kind() -> None:
    found = robustness()
    assert telling(found) == 1
    rows = pick(found, 1, seed=0)
    fooled, still = rows[:3], rows[3:]
    assert (found.judged.predicted[1, fooled] == 0).all()
    assert found.zero_gradient[still].tolist() == [False, True, True]
    assert len(set(rows)) == 6
    assert list(pick(found, 1, seed=0)) == list(rows) != list(pick(found, 1, seed=1))
