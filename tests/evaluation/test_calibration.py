"""Calibration by hand, on perfect and on hopeless classifiers."""

from dataclasses import replace

import numpy as np
import pytest

from kangaroo.evaluation.calibration import brier, reliability


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
