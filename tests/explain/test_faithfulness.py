import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers

from kangaroo.errors import KangarooError
from kangaroo.explain.evidence import evidence
from kangaroo.explain.faithfulness import (
    Curves,
    Faithfulness,
    Infidelity,
    Randomization,
    deletion_insertion,
    infidelity,
    randomization,
    table,
)
from kangaroo.explain.gradients import gradient, gradient_times_input
from kangaroo.models import report_cnn

RNG = np.random.default_rng(3)
INPUTS = RNG.normal(size=(5, 8, 8, 3)).astype(np.float32)
CLASSES = np.array([0, 1, 1, 0, 1])
ZERO = np.zeros((1, 1, 1, 1), np.float32)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


@pytest.fixture(scope="module")
def linear():
    """One logit, a weighted sum of all values."""
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(1, "sigmoid")])
    model.set_weights([RNG.normal(size=(192, 1)), np.zeros(1)])
    return model


@pytest.fixture(scope="module")
def network():
    return report_cnn.build(8, 2, seed=0, filters=(4, 4), units=6)


def test_curves_worked_by_hand():
    """Four pixels worth 3, 2, 1 and -1 of logit: deleted and inserted in that order."""
    model = keras.Sequential([keras.Input((2, 2, 3)), layers.Flatten(), layers.Dense(1, "sigmoid")])
    model.set_weights([np.ones((12, 1)) / 3, np.zeros(1)])
    worth = np.array([[[1, 3], [-1, 2]]], np.float32)
    inputs = worth[..., None].repeat(3, axis=3)
    curves = deletion_insertion(model, inputs, ZERO, [1], worth, steps=4, seed=0)
    np.testing.assert_allclose(curves.shares, [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(curves.deletion[0], sigmoid(np.array([5, 2, 0, -1, 0])), rtol=1e-5)
    np.testing.assert_allclose(curves.insertion[0], sigmoid(np.array([0, 3, 5, 6, 5])), rtol=1e-5)
    p = sigmoid(np.array([5, 2, 0, -1, 0.0]))
    assert curves.deletion_area[0] == pytest.approx((p[0] / 2 + p[1] + p[2] + p[3] + p[4] / 2) / 4, rel=1e-5)
    signed = deletion_insertion(model, inputs, ZERO, [1], inputs / 3, steps=4, seed=0)  # summed over channels
    np.testing.assert_array_equal(signed.deletion, curves.deletion)


def test_curves_begin_and_end_at_the_photo_and_its_baseline(network):
    baselines = RNG.normal(size=INPUTS.shape).astype(np.float32)
    curves = deletion_insertion(network, INPUTS, baselines, CLASSES, INPUTS, steps=3, seed=0)
    for ends, pictures in (((0, -1), INPUTS), ((-1, 0), baselines)):
        second = network.predict_on_batch(pictures)[:, 0]
        p = np.where(CLASSES == 1, second, 1 - second)
        np.testing.assert_allclose(curves.deletion[:, ends[0]], p, rtol=1e-4)
        np.testing.assert_allclose(curves.insertion[:, ends[1]], p, rtol=1e-4)


def test_inserting_is_deleting_in_the_opposite_order(network):
    values = RNG.normal(size=INPUTS.shape[:3])
    found = deletion_insertion(network, INPUTS, ZERO, CLASSES, values, steps=8, seed=0)
    opposite = deletion_insertion(network, INPUTS, ZERO, CLASSES, -values, steps=8, seed=0)
    np.testing.assert_allclose(found.insertion, opposite.deletion[:, ::-1], rtol=1e-4)


def test_equal_attributions_go_in_a_drawn_order_whatever_stands_beside(network):
    flat = np.zeros(INPUTS.shape[:3], np.float32)
    chance = deletion_insertion(network, INPUTS, ZERO, CLASSES, flat, steps=4, seed=0)
    again = deletion_insertion(network, INPUTS, ZERO, CLASSES, flat + 7, steps=4, seed=0)
    np.testing.assert_array_equal(chance.deletion, again.deletion)
    alone = deletion_insertion(network, INPUTS[2:3], ZERO, CLASSES[2:3], flat[2:3], steps=4, seed=0)
    np.testing.assert_allclose(alone.insertion, chance.insertion[2:3], rtol=1e-4)
    other = deletion_insertion(network, INPUTS, ZERO, CLASSES, flat, steps=4, seed=1)
    assert np.abs(other.deletion[:, 1:-1] - chance.deletion[:, 1:-1]).max() > 1e-4


@pytest.mark.parametrize("perturbation", ["square", "gaussian"])
def test_a_linear_model_is_predicted_by_its_gradient(linear, perturbation):
    exact = gradient(linear, INPUTS, CLASSES)
    ask = {"local": True, "perturbation": perturbation, "samples": 20, "seed": 0}
    found = infidelity(linear, INPUTS, ZERO, CLASSES, exact, **ask)
    np.testing.assert_allclose(found.plain, 0, atol=1e-8)
    np.testing.assert_allclose(found.scaled, 0, atol=1e-8)
    thrice = infidelity(linear, INPUTS, ZERO, CLASSES, 3 * exact, **ask)
    np.testing.assert_allclose(thrice.scaled, 0, atol=1e-8)
    # Attributions of three times the size miss by twice the change, those of zero by the change itself.
    nothing = infidelity(linear, INPUTS, ZERO, CLASSES, 0 * exact, **ask)
    np.testing.assert_allclose(thrice.plain, 4 * nothing.plain, rtol=1e-4)
    np.testing.assert_array_equal(nothing.scaled, 1)
    wrong_sign = infidelity(linear, INPUTS, ZERO, CLASSES, -exact, **ask)
    np.testing.assert_array_equal(wrong_sign.scaled, 1)


def test_contributions_count_as_far_as_the_baseline_is_reached(linear):
    baselines = RNG.normal(size=INPUTS.shape).astype(np.float32)
    contributions = gradient(linear, INPUTS, CLASSES) * (INPUTS - baselines)
    for values in (contributions, contributions.sum(axis=3)):  # of every value, or a map
        found = infidelity(linear, INPUTS, baselines, CLASSES, values, local=False, samples=20, seed=0)
        np.testing.assert_allclose(found.plain, 0, atol=1e-7)


def test_infidelity_is_of_the_target_and_of_the_photo_alone(network):
    values = gradient_times_input(network, INPUTS, CLASSES)
    ask = {"local": False, "samples": 9, "seed": 4}
    together = infidelity(network, INPUTS, ZERO, CLASSES, values, **ask)
    alone = infidelity(network, INPUTS[1:2], ZERO, CLASSES[1:2], values[1:2], **ask)
    np.testing.assert_allclose(alone.scaled, together.scaled[1:2], rtol=1e-3)
    through = infidelity(network, INPUTS, ZERO, CLASSES, 0 * values, target="probability", **ask)
    assert (through.plain <= 1).all()  # a probability changes by 1 at most


def test_shuffled_layers_change_the_gradient_but_no_edge_detector(network):
    def edges(model, inputs, classes):
        return np.abs(np.diff(inputs, axis=1, prepend=0))

    weights = network.get_weights()
    found = randomization(network, INPUTS, CLASSES, edges, seed=0)
    assert found.layers == tuple(layer.name for layer in network.layers[::-1] if layer.weights)
    np.testing.assert_allclose(found.correlation, np.ones((len(found.layers), len(INPUTS))))
    of_gradient = randomization(network, INPUTS, CLASSES, gradient, seed=0)
    assert np.abs(of_gradient.correlation[-1]).mean() < 0.5
    for before, after in zip(weights, network.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_correlation_is_spearmans_and_undefined_for_a_constant():
    pictures = iter(
        [np.array([[1.0, -2], [3, 4]]), np.array([[1.0, 1, 5, 2]]).reshape(2, 2), np.zeros((2, 2))]
    )
    model = keras.Sequential([keras.Input((1,)), layers.Dense(1), layers.Dense(1, "sigmoid")])
    method = lambda model, inputs, classes: next(pictures)[None]  # noqa: E731
    found = randomization(model, np.zeros((1, 1)), [0], method, seed=0)
    expected = pd.Series([1.0, 2, 3, 4]).corr(pd.Series([1.0, 1, 5, 2]), method="spearman")
    assert found.correlation[0, 0] == pytest.approx(expected)
    assert np.isnan(found.correlation[1, 0])


def test_the_shuffled_numbers_stay_the_same(network):
    seen = []
    randomization(network, INPUTS, CLASSES, lambda model, *_: seen.append(model) or INPUTS, seed=0)
    for before, after in zip(network.get_weights(), seen[-1].get_weights(), strict=True):
        np.testing.assert_array_equal(np.sort(before, axis=None), np.sort(after, axis=None))


def test_the_table_has_a_row_a_method_and_nan_for_what_was_not_measured():
    curves = Curves(np.array([0, 1.0]), np.array([[1, 0.0]]), np.array([[0.5, 1.0]]))
    random = Randomization(("b", "a"), np.array([[0.9, 0.8], [0.2, np.nan]]))
    found = evidence(np.ones((1, 2, 2)), np.array([[[True, False], [False, False]]]))
    rows = {
        "one": Faithfulness(curves=curves, randomization=random, seconds=2.0),
        "two": Faithfulness(infidelity=Infidelity(np.array([9.0]), np.array([0.3])), evidence=found),
    }
    frame = table(rows)
    assert list(frame.index) == ["one", "two"]
    one, two = frame.loc["one"].dropna(), frame.loc["two"].dropna()
    assert one.to_dict() == {"deletion_area": 0.5, "insertion_area": 0.75, "randomization": 0.2, "seconds": 2}
    assert two.to_dict() == {
        **{"infidelity": 0.3, "evidence_share": 0.25, "picture_share": 0.25},
        **{"evidence_ratio": 1, "hits": 0.25, "chance": 0.25},
    }


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"samples": 0}, "0 perturbations"),
        ({"perturbation": "round"}, "'round': give 1 or more, square or gaussian"),
        ({"perturbation": "gaussian"}, "gaussian noise is no share of a contribution"),
    ],
)
def test_settings_that_make_no_sense(linear, settings, message):
    with pytest.raises(KangarooError, match=message):
        infidelity(linear, INPUTS, ZERO, CLASSES, INPUTS, local=False, seed=0, **settings)
    with pytest.raises(KangarooError, match="0 steps of deletion"):
        deletion_insertion(linear, INPUTS, ZERO, CLASSES, INPUTS, steps=0, seed=0)
