"""Whether a classifier is right as often as it says."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import brier_score_loss

from kangaroo.evaluation.predictions import Predictions


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
    which = np.digitize(confidence, edges[1:-1], right=True)
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
