"""Scores against hand-worked cases and scikit-learn; the bootstrap against its purpose."""

import numpy as np
import pytest
from sklearn import metrics

from kangaroo.evaluation.classification import ClassScores, bootstrap_ci95, classification


def test_two_classes_by_hand(make) -> None:
    """Three of A, two of B; one A taken for B, one B for A."""
    scores = classification(
        make([0, 0, 0, 1, 1], [[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4], [0.2, 0.8]]), seed=0
    )
    assert scores.n == 5
    assert scores.confusion.tolist() == [[2, 1], [1, 1]]
    assert scores.accuracy == pytest.approx(3 / 5)
    assert scores.balanced_accuracy == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert scores.top3_accuracy == 1
    assert scores.loss == pytest.approx(-np.log([0.9, 0.8, 0.3, 0.4, 0.8]).mean())
    two_thirds = pytest.approx(2 / 3)
    assert scores.per_class["A"] == ClassScores(two_thirds, two_thirds, two_thirds, 3)
    assert scores.per_class["B"] == ClassScores(0.5, 0.5, 0.5, 2)
    assert scores.confidence.mean == pytest.approx(0.76)
    assert scores.confidence.correct == pytest.approx((0.9 + 0.8 + 0.8) / 3)
    assert scores.confidence.wrong == pytest.approx(0.65)


def test_three_classes_with_one_absent_by_hand(make) -> None:
    """C is predicted once and never true: it counts in the matrix, not in the balanced accuracy."""
    scores = classification(make([0, 0, 1], [[0.8, 0.1, 0.1], [0.2, 0.2, 0.6], [0.1, 0.7, 0.2]]), seed=0)
    assert scores.confusion.tolist() == [[1, 0, 1], [0, 1, 0], [0, 0, 0]]
    assert scores.balanced_accuracy == pytest.approx((1 / 2 + 1) / 2)
    assert scores.per_class["C"] == ClassScores(0, 0, 0, 0)
    assert scores.per_class["A"] == ClassScores(1, 0.5, pytest.approx(2 / 3), 2)


def test_nothing_wrong_nothing_right(make) -> None:
    right = classification(make([0, 1], [[1, 0], [0, 1]]), seed=0)
    assert (right.confidence.correct, right.confidence.wrong) == (1, None)
    assert right.loss == 0
    wrong = classification(make([1, 0], [[1, 0], [0, 1]]), seed=0)
    assert (wrong.confidence.correct, wrong.confidence.wrong) == (None, 1)
    assert wrong.loss == pytest.approx(-np.log(1e-7))


@pytest.mark.filterwarnings("ignore:y_pred contains classes")
def test_same_as_scikit_learn(drawn) -> None:
    scores, labels, p = classification(drawn, seed=0), drawn.labels, drawn.probabilities
    assert scores.balanced_accuracy == pytest.approx(metrics.balanced_accuracy_score(labels, drawn.predicted))
    assert scores.top3_accuracy == pytest.approx(
        metrics.top_k_accuracy_score(labels, p, k=3, labels=range(5))
    )
    assert scores.loss == pytest.approx(metrics.log_loss(labels, p, labels=range(5)))


def test_confusion_conserves_the_photos(drawn) -> None:
    scores = classification(drawn, seed=0)
    assert scores.confusion.sum() == scores.n == 200
    assert scores.confusion.trace() / scores.n == scores.accuracy
    assert scores.confusion.sum(axis=1).tolist() == [of_class.n for of_class in scores.per_class.values()]


def test_interval_of_independent_photos_is_the_binomial_one() -> None:
    """400 photos, 320 right: 0.8 plus or minus 1.96 sqrt(0.8 0.2 / 400) = 0.0392."""
    correct = np.arange(400) < 320
    low, high = bootstrap_ci95(correct, np.arange(400), seed=0)
    assert (low, high) == pytest.approx((0.8 - 0.0392, 0.8 + 0.0392), abs=0.005)


def test_interval_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    covered = 0
    for seed in range(200):
        low, high = bootstrap_ci95(rng.random(100) < 0.7, np.arange(100), seed=seed, resamples=400)
        covered += low <= 0.7 <= high
    assert 0.89 <= covered / 200 <= 0.99


def test_photos_of_one_place_count_once() -> None:
    """Four headings that succeed together carry the information of one: the interval doubles."""
    correct = np.repeat(np.arange(100) < 80, 4)
    by_photo = np.ptp(bootstrap_ci95(correct, np.arange(400), seed=0))
    by_place = np.ptp(bootstrap_ci95(correct, np.repeat(np.arange(100), 4), seed=0))
    assert by_place / by_photo == pytest.approx(2, rel=0.1)


def test_places_of_unlike_size_keep_their_photos() -> None:
    """Of places with 1 and 3 photos, all wrong and all right, a draw of two gives 0, 3/4 or 1."""
    low, high = bootstrap_ci95([False, True, True, True], ["a", "b", "b", "b"], seed=0)
    assert (low, high) == (0, 1)


def test_seed_decides_the_interval(drawn) -> None:
    intervals = [classification(drawn, seed=seed).accuracy_ci95 for seed in (0, 0, 1, 2, 3)]
    assert intervals[0] == intervals[1]
    assert len(set(intervals)) > 1
