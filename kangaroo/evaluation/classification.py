"""How often a classifier is right, overall and class by class, and how sure that figure is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from kangaroo.evaluation.predictions import Predictions


@dataclass(frozen=True)
class ClassScores:
    """Scores of one class, 0 where they are undefined; ``n`` photos have this label."""

    precision: float
    recall: float
    f1: float
    n: int


@dataclass(frozen=True)
class Confidence:
    """Mean probability of the predicted class over all, correct and wrong predictions; None where none is."""

    mean: float
    correct: float | None
    wrong: float | None


@dataclass(frozen=True, eq=False)
class Classification:
    """Scores of a classifier on n photos.

    ``confusion`` is (k, k): rows are labels, columns predictions. ``balanced_accuracy`` is the mean recall of
    the classes that occur, ``loss`` the mean cross entropy in nats, ``accuracy_ci95`` a bootstrap interval.
    """

    n: int
    accuracy: float
    balanced_accuracy: float
    top3_accuracy: float
    loss: float
    confusion: NDArray[np.int64]
    per_class: dict[str, ClassScores]
    confidence: Confidence
    accuracy_ci95: tuple[float, float]


def classification(predictions: Predictions, *, seed: int) -> Classification:
    """Score the predictions; ``seed`` draws the bootstrap resamples."""
    labels, predicted, correct = predictions.labels, predictions.predicted, predictions.correct
    classes = range(len(predictions.classes))
    scores = precision_recall_fscore_support(labels, predicted, labels=classes, zero_division=0)
    occurs = scores[3] > 0
    return Classification(
        n=len(labels),
        accuracy=float(correct.mean()),
        balanced_accuracy=float(scores[1][occurs].mean()),
        top3_accuracy=_top_accuracy(predictions, 3),
        loss=_cross_entropy(predictions),
        confusion=confusion_matrix(labels, predicted, labels=classes),
        per_class={
            name: ClassScores(float(precision), float(recall), float(f1), int(n))
            for name, precision, recall, f1, n in zip(predictions.classes, *scores, strict=True)
        },
        confidence=_mean_confidence(predictions),
        accuracy_ci95=bootstrap_ci95(correct, predictions.places, seed=seed),
    )


def bootstrap_ci95(
    correct: ArrayLike, places: ArrayLike, *, seed: int, resamples: int = 2000
) -> tuple[float, float]:
    """95 % percentile interval of the accuracy, by resampling places with all their photos.

    ``correct`` (n,) is true or false for each photo, ``places`` (n,) ties photos of one spot: they succeed or
    fail together, so resampling single photos would promise too much. Cluster bootstrap: Davison & Hinkley,
    Bootstrap Methods and their Application (1997), section 3.8.
    """
    _, place = np.unique(np.asarray(places, dtype=str), return_inverse=True)
    right, total = np.bincount(place, weights=np.asarray(correct)), np.bincount(place)
    rng = np.random.default_rng(seed)
    # One resample at a time: all at once would take gigabytes for many places, and no less time.
    drawn = (rng.integers(len(total), size=len(total)) for _ in range(resamples))
    low, high = np.percentile([right[i].sum() / total[i].sum() for i in drawn], [2.5, 97.5])
    return float(low), float(high)


def _top_accuracy(predictions: Predictions, k: int) -> float:
    """Share of photos whose label is among the k likeliest classes; ties go to the first, as in argmax."""
    top = np.argsort(-predictions.probabilities, axis=1, kind="stable")[:, :k]
    return float((top == predictions.labels[:, None]).any(axis=1).mean())


def _cross_entropy(predictions: Predictions) -> float:
    of_label = predictions.probabilities[np.arange(len(predictions.labels)), predictions.labels]
    return float(-np.log(np.clip(of_label, 1e-7, 1), dtype=np.float64).mean())


def _mean_confidence(predictions: Predictions) -> Confidence:
    confidence, correct = predictions.confidence, predictions.correct
    right, wrong = confidence[correct], confidence[~correct]
    return Confidence(
        float(confidence.mean()),
        float(right.mean()) if right.size else None,
        float(wrong.mean()) if wrong.size else None,
    )
