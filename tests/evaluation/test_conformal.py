"""The quantile by hand, against subsampling, and against its promise; sets of synthetic models."""

import numpy as np
import pytest

from kangaroo.errors import DataError
from kangaroo.evaluation.conformal import judge_sets, places_needed, quantile_by_place, thresholds
from kangaroo.models.calibrated import Calibration


def test_places_needed_for_a_coverage():
    """The largest of K values is exceeded by a new one with a probability of 1 / (K + 1)."""
    assert [places_needed(share) for share in (0.5, 0.8, 0.9, 0.95, 0.99)] == [1, 4, 9, 19, 99]
    assert quantile_by_place(range(9), range(9), 0.9) == 8
    assert quantile_by_place(range(8), range(8), 0.9) == np.inf


def test_quantile_of_single_photos_is_the_usual_conformal_one():
    """The ceil((n + 1) share)-th smallest."""
    values = np.random.default_rng(0).permutation(57).astype(float)
    for share in (0.5, 0.8, 0.9, 0.95):
        assert quantile_by_place(values, range(57), share) == np.ceil(58 * share) - 1


def test_a_place_counts_once_whatever_its_photos():
    """Three places weigh a quarter each: that of the ten photos, all 5, no more than the others."""
    values, places = [1.0, 2.0, *[5.0] * 10], ["a", "b", *["c"] * 10]
    assert quantile_by_place(values, places, 0.25) == 1
    assert quantile_by_place(values, places, 0.5) == 2
    assert quantile_by_place(values, places, 0.75) == 5
    # Half of a place's photos at 0 weigh an eighth.
    assert quantile_by_place([0.0, 9.0, 1.0, 2.0], ["a", "a", "b", "c"], 0.125) == 0
    assert quantile_by_place([0.0, 9.0, 1.0, 2.0], ["a", "a", "b", "c"], 0.126) == 1


def test_quantile_is_what_subsampling_comes_to():
    """Mean share of values below, over many draws of one photo a place (Dunn, Wasserman & Ramdas)."""
    rng = np.random.default_rng(1)
    places = np.repeat(np.arange(60), rng.integers(1, 9, 60))
    values = rng.normal(size=60)[places] + rng.normal(size=len(places))
    found = quantile_by_place(values, places, 0.8)
    starts = np.searchsorted(places, np.arange(60))
    sizes = np.bincount(places)
    drawn = [values[starts + (rng.random(60) * sizes).astype(int)] for _ in range(4000)]
    below = np.mean([(one <= found).sum() / 61 for one in drawn])
    just_below = np.mean([(one < found).sum() / 61 for one in drawn])
    assert just_below < 0.8 + 2e-3
    assert below >= 0.8 - 2e-3


def test_a_new_place_is_covered_as_often_as_asked():
    """Photos of a place share most of their difficulty; counting photos alone would not keep the promise."""
    rng = np.random.default_rng(2)
    covered = []
    for _ in range(3000):
        places = np.repeat(np.arange(21), rng.choice([1, 12], 21, p=[0.8, 0.2]))
        hard = rng.normal(size=21) + (np.bincount(places) == 12)
        values = hard[places] + 0.1 * rng.normal(size=len(places))
        known = places < 20
        covered.append(values[-1] <= quantile_by_place(values[known], places[known], 0.8))
    # At least 0.8, at most 0.8 + 2 / 21; three standard errors are 0.02.
    assert 0.78 <= np.mean(covered) <= 0.92


def test_thresholds_by_hand(make):
    """The label is first, second (0.5 above it) or third (0.8 above it) in four places each."""
    p = [[0.5, 0.3, 0.2]] * 12
    found, own = thresholds(make([0, 1, 2] * 4, p), 0.5)
    assert found.tolist() == [pytest.approx(0.5)] * 3  # the 7th of 12
    assert not own.any()
    found, _ = thresholds(make([0, 1, 2] * 4, p), 12 / 13)
    assert found == pytest.approx([0.8] * 3)


def test_each_class_keeps_its_own_coverage_and_a_small_one_that_of_all(make):
    labels = [0] * 10 + [1] * 10 + [2] * 3
    p = [[0.6, 0.3, 0.1]] * 23
    found, own = thresholds(make(labels, p), 0.9, by_class=True)
    assert own.tolist() == [True, True, False]
    assert found == pytest.approx([0, 0.6, 0.9])  # of all 23 the 22nd smallest, one of the third class


def test_too_few_places_are_counted(make):
    places = ["a", "b", "c", "d"] * 5
    with pytest.raises(DataError, match=r"needs photos of 9 places .* these are of 4"):
        thresholds(make([0] * 20, [[0.5, 0.5]] * 20, places=places), 0.9)


@pytest.mark.parametrize("by_class", [False, True])
def test_synthetic_sets_cover_as_asked(make, by_class):
    """Twenty draws of 500 and 2,000 photos of a calibrated model with unlike classes."""
    rng = np.random.default_rng(3)
    covered, of_class = [], []
    for _ in range(20):
        p = rng.dirichlet([0.8, 0.4, 0.2, 0.2, 0.2], 2500)
        labels = (rng.random((2500, 1)) < p.cumsum(axis=1)).argmax(axis=1)
        found, _ = thresholds(make(labels[:500], p[:500]), 0.9, by_class=by_class)
        other = make(labels[500:], p[500:])
        judged = judge_sets(other, Calibration(1.0, 0.9, found).sets(p[500:]), seed=0)
        covered.append(judged.coverage)
        of_class.append(judged.of_class)
        assert judged.sizes.sum() == 2000
        assert judged.mean_size == pytest.approx(judged.sizes @ [1, 2, 3, 4, 5] / 2000)
        assert judged.coverage == pytest.approx(judged.photos @ judged.of_class / 2000)
    assert np.mean(covered) == pytest.approx(0.9, abs=0.015)
    spread = np.ptp(np.mean(of_class, axis=0))
    assert spread < 0.04 if by_class else spread > 0.08


def test_sets_by_hand(make):
    inside = np.array([[True, False, False], [True, True, False], [True, True, False], [False, True, False]])
    judged = judge_sets(make([0, 0, 2, 1], [[0.4, 0.3, 0.3]] * 4), inside, seed=0)
    assert (judged.coverage, judged.mean_size) == (0.75, 1.5)
    assert judged.sizes.tolist() == [2, 2, 0]
    np.testing.assert_equal(judged.of_size, [1, 0.5, np.nan])
    assert judged.of_class.tolist() == [1, 1, 0]
    assert judged.photos.tolist() == [2, 1, 1]
