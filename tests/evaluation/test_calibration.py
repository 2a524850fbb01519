"""Calibration by hand, on perfect and on hopeless classifiers."""

from dataclasses import replace

import numpy as np
import pytest

from kangaroo.evaluation.calibration import (
    TEMPERATURES,
    accuracy_ci95,
    brier,
    ece_by_chance,
    reliability,
    squared_error,
    temperature,
)
from kangaroo.models.calibrated import tempered


def test_bins_and_error_by_hand(make) -> None:
    """Two bins: 0.5 and 0.4 (one of two right) below, 0.7 and 0.9 (both right) above."""
    result = reliability(
        make([0, 0, 0, 2], [[0.5, 0.3, 0.2], [0.3, 0.4, 0.3], [0.7, 0.2, 0.1], [0, 0.1, 0.9]]), bins=2
    )
    assert result.edges.tolist() == [0, 0.5, 1]
    assert result.count.tolist() == [2, 2]
    assert result.confidence == pytest.approx([0.45, 0.8])
    assert result.accuracy == pytest.approx([0.5, 1])
    assert result.ece == pytest.approx((2 * 0.05 + 2 * 0.2) / 4)


def test_an_edge_belongs_to_the_bin_below(make) -> None:
    """0.6 is an edge of fifteen bins; 1 falls into the last."""
    result = reliability(make([0, 0], [[0.6, 0.4], [1, 0]]))
    assert np.flatnonzero(result.count).tolist() == [8, 14]
    assert len(result.edges) == 16
    assert result.count.sum() == 2
    assert np.isnan(result.accuracy).sum() == 13


def test_perfectly_calibrated(make) -> None:
    """Says 0.8 and is right eight times of ten; says 0.6 and is right three times of five."""
    labels = [0] * 8 + [1] * 2 + [0] * 3 + [1] * 2
    result = reliability(make(labels, [[0.8, 0.2]] * 10 + [[0.6, 0.4]] * 5))
    assert result.ece == pytest.approx(0, abs=1e-12)


def test_sure_and_wrong(make) -> None:
    wrong = make([1, 0], [[1, 0], [0, 1]])
    assert reliability(wrong).ece == 1
    assert brier(wrong) == 1


def test_brier_by_hand(make) -> None:
    assert brier(make([0, 1], [[0.9, 0.1], [0.6, 0.4]])) == pytest.approx((0.1**2 + 0.6**2) / 2)
    assert brier(make([2], [[0.5, 0.3, 0.2]])) == pytest.approx(0.5**2 + 0.3**2 + 0.8**2)


def test_brier_by_the_formula_with_an_absent_class(drawn) -> None:
    expected = ((drawn.probabilities - np.eye(5)[drawn.labels]) ** 2).sum(axis=1).mean()
    assert brier(drawn) == pytest.approx(expected)


@pytest.mark.filterwarnings("error")
def test_single_precision_is_no_reason_to_warn(make) -> None:
    predictions = make([0, 1, 2], [[0.1, 0.2, 0.7], [1 / 3, 1 / 3, 1 / 3], [0.3, 0.3, 0.4]])
    rounded = replace(predictions, probabilities=predictions.probabilities.astype(np.float32))
    assert brier(rounded) == pytest.approx(brier(predictions), abs=1e-6)


def synthetic(make, n, alpha, temperature, *, seed):
    """A calibrated model of five classes whose logits were divided by ``temperature``."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(5, alpha), n)
    labels = (rng.random((n, 1)) < p.cumsum(axis=1)).argmax(axis=1)
    return make(labels, tempered(p, temperature))


@pytest.mark.parametrize("wrong", [0.4, 1, 2.5])
def test_temperature_undoes_what_was_done(make, wrong) -> None:
    """Twice too sure (logits by 1/2) needs a temperature of 2; the standard error here is about 0.02."""
    assert temperature(synthetic(make, 6000, 0.5, wrong, seed=0)) == pytest.approx(1 / wrong, rel=0.06)


def test_temperature_has_the_least_loss(make) -> None:
    said = synthetic(make, 300, 0.5, 0.6, seed=1)
    found = temperature(said)

    def loss(one):
        return -np.log(tempered(said.probabilities, one)[np.arange(300), said.labels]).mean()

    grid = np.exp(np.linspace(np.log(0.1), np.log(10), 2001))
    assert found == pytest.approx(grid[np.argmin([loss(one) for one in grid])], rel=0.005)


def test_two_classes_by_hand(make) -> None:
    """Says 0.9 and is right three times of four: odds of 9 must become 3, which is their root."""
    assert temperature(make([0, 0, 0, 1], [[0.9, 0.1]] * 4)) == pytest.approx(2, rel=1e-3)


def test_a_place_of_many_photos_counts_once_for_the_temperature(make) -> None:
    said = make([0, 0, 0] + [1] * 9, [[0.9, 0.1]] * 12, places=["a", "b", "c", *["d"] * 9])
    assert temperature(said) == pytest.approx(2, rel=1e-3)


def test_all_right_is_the_end_of_the_range(make) -> None:
    """There the loss is 0 to the last bit, so the very end isn't told from what is near it."""
    assert temperature(make([0, 0], [[0.9, 0.1]] * 2)) < 2 * TEMPERATURES[0]
    assert temperature(make([1, 1], [[0.9, 0.1]] * 2)) > TEMPERATURES[1] / 2


def test_error_by_chance_of_one_bin(make) -> None:
    """n photos of confidence 0.5: the gap is that of n coins, sqrt(1 / (2 pi n)) on average."""
    found = ece_by_chance(make([0] * 400, [[0.5, 0.5]] * 400), seed=0)
    assert found.mean() == pytest.approx(np.sqrt(1 / (2 * np.pi * 400)), rel=0.06)
    assert found.shape == (1000,)


def test_error_by_chance_is_that_of_calibrated_models(make) -> None:
    shown = [reliability(synthetic(make, 300, 0.5, 1, seed=seed)).ece for seed in range(100)]
    expected = np.mean(
        [ece_by_chance(synthetic(make, 300, 0.5, 1, seed=s), seed=s, draws=100).mean() for s in range(20)]
    )
    assert expected == pytest.approx(np.mean(shown), rel=0.08)
    assert expected > 0.03


def test_squared_error_by_pairs(make) -> None:
    """Brute force: every pair of photos of one bin and of different places."""
    rng = np.random.default_rng(5)
    places = [str(i) for i in rng.integers(25, size=60)]
    p = rng.dirichlet(np.ones(3), 60)
    said = make(rng.integers(3, size=60), p, places=places)
    edges = np.quantile(said.confidence, np.linspace(0, 1, 5))
    which = np.digitize(said.confidence, edges[1:-1], right=True)
    gap, total = said.correct - said.confidence, 0.0
    for b in range(4):
        rows = np.flatnonzero(which == b)
        pairs = [gap[i] * gap[j] for i in rows for j in rows if places[i] != places[j]]
        total += len(rows) * np.mean(pairs)
    assert squared_error(said, bins=4) == pytest.approx(total / 60)


def test_squared_error_has_no_floor(make) -> None:
    """Of calibrated models it is 0 on average, where the plain error is not; of others it is what it is."""
    found = [squared_error(synthetic(make, 200, 0.5, 1, seed=seed)) for seed in range(200)]
    assert np.mean(found) == pytest.approx(0, abs=3 * np.std(found) / np.sqrt(200))
    large = squared_error(synthetic(make, 100_000, 0.5, 0.5, seed=0))
    small = [squared_error(synthetic(make, 200, 0.5, 0.5, seed=seed)) for seed in range(200)]
    assert np.mean(small) == pytest.approx(large, rel=0.1)
    assert large > reliability(synthetic(make, 100_000, 0.5, 0.5, seed=0)).ece ** 2


def test_squared_error_of_places_that_succeed_together(make) -> None:
    """Four photos a place, all right or all wrong: pairs of one place would look like an error."""
    rng = np.random.default_rng(6)
    found = []
    for _ in range(200):
        right = np.repeat(rng.random(50) < 0.5, 4)
        places = np.repeat(np.arange(50), 4).astype(str).tolist()
        found.append(squared_error(make(1 - right.astype(int), [[0.5, 0.5]] * 200, places=places)))
    assert np.mean(found) == pytest.approx(0, abs=3 * np.std(found) / np.sqrt(200))


def test_squared_error_without_a_pair_is_undefined(make) -> None:
    assert np.isnan(squared_error(make([0, 1], [[0.5, 0.5]] * 2, places=["a", "a"])))


def test_intervals_of_bins(make) -> None:
    """2 of 10: Jeffreys' interval is 0.044 to 0.503 (Brown, Cai & DasGupta, table 5); 8 are its mirror."""
    said = make([0] * 8 + [1] * 2 + [0], [[0.8, 0.2]] * 10 + [[0.95, 0.05]])
    result = reliability(said)
    low, high = accuracy_ci95(said, result)
    assert (low[11], high[11]) == pytest.approx((1 - 0.503, 1 - 0.044), abs=6e-4)
    assert high[14] == 1
    assert low[14] > 0.1
    assert np.isnan(low[0])
    once = make(said.labels, said.probabilities, places=["a"] * 10 + ["b"])
    assert np.ptp([ends[11] for ends in accuracy_ci95(once, result)]) > 0.7
