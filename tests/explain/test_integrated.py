from collections import Counter

import keras
import numpy as np
import pytest

from kangaroo.errors import KangarooError
from kangaroo.explain import integrated
from kangaroo.explain.integrated import Attribution, integrated_gradients, scores


def linear(side: int = 6) -> tuple[keras.Model, np.ndarray]:
    model = keras.Sequential(
        [keras.Input((side, side, 3)), keras.layers.Flatten(), keras.layers.Dense(1, "sigmoid")]
    )
    weights = np.random.default_rng(3).normal(size=(side * side * 3, 1)).astype(np.float32)
    model.set_weights([weights, np.float32([0.5])])
    return model, weights.reshape(side, side, 3)


@pytest.mark.parametrize("rule", ["adaptive", "left", "midpoint", "trapezoid", "gauss-legendre"])
def test_of_a_linear_model_it_is_weight_times_difference(rule):
    model, weights = linear()
    rng = np.random.default_rng(4)
    inputs, baselines = rng.normal(size=(2, 3, 6, 6, 3)).astype(np.float32)
    found = integrated_gradients(model, inputs, baselines, [1, 1, 0], rule=rule, steps=3)
    for one, x, baseline, sign in zip(found, inputs, baselines, (1, 1, -1), strict=True):
        np.testing.assert_allclose(one.values, sign * weights * (x - baseline), rtol=1e-4, atol=1e-5)
        assert one.score == pytest.approx(sign * (float((weights * x).sum()) + 0.5), rel=1e-4)
        assert one.sum == pytest.approx(one.score - one.baseline_score, rel=1e-4)


def test_values_sum_to_the_score_difference(any_network, n_classes, inputs):
    classes = np.arange(5) % n_classes
    found = integrated_gradients(any_network, inputs, np.zeros(inputs.shape[1:]), classes, tolerance=0.005)
    np.testing.assert_allclose([one.score for one in found], scores(any_network, inputs, classes), rtol=1e-6)
    for one in found:
        assert one.completeness_gap == pytest.approx(
            abs(one.sum - (one.score - one.baseline_score)), abs=1e-6
        )
        assert one.completeness_gap <= 0.005 * max(abs(one.score - one.baseline_score), 1)
        assert one.within(0.005)


def test_of_a_probability_they_sum_to_its_difference(fresh_network, n_classes, inputs):
    p = np.asarray(fresh_network(inputs, training=False))
    p = p[:, 0] if n_classes == 2 else p[:, 1]
    found = integrated_gradients(fresh_network, inputs, 0 * inputs, [1] * 5, target="probability")
    np.testing.assert_allclose([one.score for one in found], p, rtol=1e-4)
    assert max(abs(one.sum - (one.score - one.baseline_score)) for one in found) <= 0.01


@pytest.mark.parametrize("n_classes", [2], indirect=True)
def test_more_steps_lead_to_the_same_as_the_adaptive_rule(fresh_network, inputs):
    fine = integrated_gradients(fresh_network, inputs, 0 * inputs, [1] * 5, rule="midpoint", steps=2000)
    ours = integrated_gradients(fresh_network, inputs, 0 * inputs, [1] * 5, tolerance=1e-4)
    for a, b in zip(ours, fine, strict=True):
        assert np.abs(a.values - b.values).sum() <= 0.02 * np.abs(b.values).sum()


@pytest.mark.parametrize("n_classes", [2], indirect=True)
def test_a_photos_result_does_not_depend_on_the_others(fresh_network, inputs):
    together = integrated_gradients(fresh_network, inputs, 0 * inputs, [1] * 5)
    alone = integrated_gradients(fresh_network, inputs[3:4], 0 * inputs[:1], [1])[0]
    np.testing.assert_allclose(together[3].values, alone.values, atol=1e-5)
    assert together[3].evaluations == alone.evaluations


@pytest.mark.parametrize("n_classes", [3], indirect=True)
def test_evaluations_are_the_gradients_that_were_taken(fresh_network, inputs, monkeypatch):
    taken = Counter()
    add = integrated._Integral.add

    def counted(self, requests):
        taken.update(request.photo for request in requests)
        return add(self, requests)

    monkeypatch.setattr(integrated._Integral, "add", counted)
    found = integrated_gradients(fresh_network, 3 * inputs, 0 * inputs, [0] * 5, tolerance=0.001)
    assert [one.evaluations for one in found] == [taken[i] for i in range(5)]


@pytest.mark.parametrize("n_classes", [3], indirect=True)
def test_the_limit_holds_and_is_not_hidden(fresh_network, inputs):
    for limit in (2, 9, 40):
        found = integrated_gradients(
            fresh_network, 5 * inputs, 0 * inputs, [0] * 5, tolerance=1e-6, max_steps=limit
        )
        assert max(one.evaluations for one in found) <= limit
        assert not all(one.within(1e-6) for one in found)


def test_the_rule_stops_by_the_gap_that_it_reports():
    """Large terms that cancel: at the tolerance, float32 sums in another order say something else."""
    model, weights = linear(8)
    model.set_weights([np.concatenate([weights[:4], weights[:4]]).reshape(-1, 1), np.float32([0.5])])
    half, small = np.random.default_rng(5).normal(size=(2, 64, 4, 8, 3))
    inputs = np.concatenate([1e4 * half, 0.1 * small - 1e4 * half], axis=1).astype(np.float32)
    found = integrated_gradients(model, inputs, 0 * inputs, [1] * 64, tolerance=0.01, max_steps=48)
    stopped = [one for one in found if one.evaluations + 3 <= 48]
    assert 0 < len(stopped) < 64
    assert all(one.within(0.01) for one in stopped)


def test_within_is_relative_to_the_difference_or_to_one():
    values = np.zeros((1, 1, 3), np.float32)
    assert Attribution(values, -5.0, 5.0, 0.1, 1).within(0.01)
    assert not Attribution(values, -5.0, 5.0, 0.101, 1).within(0.01)
    assert Attribution(values, 0.0, 0.1, 0.01, 1).within(0.01)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"steps": 0}, "^0 steps along the path: give 1 or more$"),
        ({"max_steps": 1}, "^at most 1 gradients a photo: give 2 or more$"),
        ({"tolerance": 0}, "^a tolerance of 0: give a number above 0$"),
        ({"tolerance": float("nan")}, "^a tolerance of nan"),
        ({"rule": "simpson"}, "^no rule 'simpson': choose from adaptive, doubled, left, midpoint"),
        ({"target": "loss"}, "^no target 'loss': choose from logit, probability$"),
    ],
)
def test_settings_that_make_no_sense(wrong, message):
    model, _ = linear()
    with pytest.raises(KangarooError, match=message):
        integrated_gradients(model, np.zeros((1, 6, 6, 3)), np.zeros((6, 6, 3)), [1], **wrong)


def test_bfloat16_gradients_and_float32_scores(any_network, inputs):
    classes = np.zeros(len(inputs), np.int64)
    exact, rough = (
        integrated_gradients(
            any_network, inputs, 0 * inputs, classes, rule="midpoint", steps=16, policy=policy
        )
        for policy in ("float32", "mixed_bfloat16")
    )
    for one, other in zip(exact, rough, strict=True):
        assert (other.score, other.baseline_score) == (one.score, one.baseline_score)
        assert np.abs(other.values - one.values).sum() < 0.2 * np.abs(one.values).sum()
        assert other.completeness_gap == pytest.approx(abs(other.sum - (one.score - one.baseline_score)))
