"""Whether a classifier is right as often as it says, and the temperature that makes it so."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.stats import beta
from sklearn.metrics import brier_score_loss

from kangaroo.evaluation.predictions import Predictions
from kangaroo.models.calibrated import tempered

TEMPERATURES = (0.05, 20.0)
"""The range that a temperature is looked for in."""


@dataclass(frozen=True, eq=False)
class Reliability:
    """Photos by confidence: b bins (edges[i], edges[i + 1]], the first one with its left edge.

    ``edges`` is (b + 1,); ``count``, ``confidence`` (mean) and ``accuracy`` are (b,), the last two NaN where
    a bin is empty. ``ece`` is the expected calibration error: their mean gap, weighted by the counts.
    """

    edges: NDArray[np.float64]
    count: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    ece: float


def reliability(predictions: Predictions, *, bins: int = 15) -> Reliability:
    """Compare confidence and accuracy in equal-width bins, as Guo et al., ICML 2017 (arXiv:1706.04599)."""
    edges = np.linspace(0, 1, bins + 1)
    confidence = predictions.confidence.astype(np.float64)
    which = _bins(confidence, edges)
    count = np.bincount(which, minlength=bins)
    mean, accuracy = (
        np.divide(np.bincount(which, values, bins), count, out=np.full(bins, np.nan), where=count > 0)
        for values in (confidence, predictions.correct)
    )
    ece = np.nansum(count * np.abs(mean - accuracy)) / count.sum()
    return Reliability(edges, count, mean, accuracy, float(ece))


def brier(predictions: Predictions) -> float:
    """Mean squared error of the probabilities, lower is better.

    The squares are summed over the classes (0 to 2), and halved where there are two classes (0 to 1), which
    makes it the squared error of one of both: the convention of ``sklearn.metrics.brier_score_loss``.
    """
    # float32 rows sum to 1 within 1e-7 or so, which scikit-learn warns about.
    p = predictions.probabilities.astype(np.float64)
    p /= p.sum(axis=1, keepdims=True)
    return float(brier_score_loss(predictions.labels, p, labels=range(p.shape[1])))


def temperature(predictions: Predictions) -> float:
    """The temperature, within TEMPERATURES, at which the labels are likeliest; each place counts once.

    Guo et al., ICML 2017 (arXiv:1706.04599). The mean negative log likelihood is convex in its inverse, so
    there is one minimum. A place of many photos weighs as much as one of a single photo, because what is
    asked for is how sure to be of a photo of another place.
    """
    _, place, counts = np.unique(predictions.places, return_inverse=True, return_counts=True)
    rows, labels, weights = np.arange(len(place)), predictions.labels, 1 / counts[place]

    def loss(logarithm: float) -> float:
        of_label = tempered(predictions.probabilities, np.exp(logarithm))[rows, labels]
        return float(-weights @ np.log(np.maximum(of_label, np.finfo(np.float64).tiny)))

    bounds = tuple(np.log(TEMPERATURES))
    return float(np.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x))


def ece_by_chance(predictions: Predictions, *, seed: int, draws: int = 1000) -> NDArray[np.float64]:
    """The expected calibration errors (draws,) of a perfectly calibrated model of the same confidences.

    Each photo is right by chance, as often as its confidence says. Their mean is what
    :func:`reliability` gives of so few photos where nothing is wrong: a figure below it says no more than
    one at it. Bröcker & Smith, Weather and Forecasting 22 (2007), call it consistency resampling.
    """
    confidence = predictions.confidence.astype(np.float64)
    which, bins = _bins(confidence, np.linspace(0, 1, 16)), 15
    said, rng = np.bincount(which, confidence, bins), np.random.default_rng(seed)
    right = (rng.random(len(which)) < confidence for _ in range(draws))
    gaps = [np.abs(np.bincount(which, one, bins) - said).sum() for one in right]
    return np.array(gaps) / len(which)


def squared_error(predictions: Predictions, *, bins: int = 15) -> float:
    """The mean squared gap between confidence and accuracy, of bins of equal numbers, without their noise.

    The gap of a bin is a mean over its photos, whose square is too large by the mean's variance. Taken over
    pairs of photos of different places it is not: the debiased estimator of Kumar, Liang & Ma, NeurIPS 2019
    (arXiv:1909.10155), for photos that are tied by places. It may be below 0, as an estimate of 0 must; its
    root is, on average, no smaller than the expected calibration error of the same bins without noise. There
    are fewer bins than ``bins`` for fewer than twice as many places. NaN for photos of a single place.
    """
    confidence = predictions.confidence.astype(np.float64)
    gap = predictions.correct - confidence
    place = np.unique(predictions.places, return_inverse=True)[1]
    bins = max(1, min(bins, int(place.max() + 1) // 2))  # so that some bin has photos of two places
    which = _bins(confidence, np.quantile(confidence, np.linspace(0, 1, bins + 1)))
    _, cell = np.unique(which * len(place) + place, return_inverse=True)  # photos of one place in one bin
    of_cell, size = np.bincount(cell, gap), np.bincount(cell, np.ones(len(cell)))
    in_bin = np.zeros(len(size), np.int64)
    in_bin[cell] = which
    pairs = _but_own(in_bin, size, bins)
    square = np.divide(_but_own(in_bin, of_cell, bins), pairs, out=np.zeros(bins), where=pairs > 0)
    count = np.bincount(which, minlength=bins) * (pairs > 0)
    return float(count @ square / count.sum()) if count.any() else float("nan")


def accuracy_ci95(
    predictions: Predictions, result: Reliability
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """95 % intervals, low and high (b,), of the accuracy in the bins of ``result``; NaN in an empty one.

    Jeffreys' (Brown, Cai & DasGupta, Statistical Science 16, 2001); each place in a bin counts as one photo.
    """
    which = _bins(predictions.confidence.astype(np.float64), result.edges)
    place = np.unique(predictions.places, return_inverse=True)[1]
    cells = np.unique(np.column_stack([which, place]), axis=0)
    n = np.bincount(cells[:, 0], minlength=len(result.count))
    right = n * result.accuracy
    low, high = (beta.ppf(q, right + 0.5, n - right + 0.5) for q in (0.025, 0.975))
    # Where all or none are right the interval ends there: Brown et al., section 4.1.2.
    return np.where(right == 0, 0.0, low), np.where(right == n, 1.0, high)


def _bins(confidence: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """The bin of each photo: (edges[i], edges[i + 1]]."""
    return np.digitize(confidence, edges[1:-1], right=True).astype(np.int64)


def _but_own(group: NDArray[np.int64], values: NDArray[Any], groups: int) -> NDArray[np.float64]:
    """The sum of the products of all ordered pairs of different values, group by group."""
    sums = [np.bincount(group, power, groups).astype(np.float64) for power in (values, values**2)]
    return sums[0] ** 2 - sums[1]
