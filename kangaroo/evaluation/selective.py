"""Which photos to leave unanswered, and what that does to the share of wrong answers."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from kangaroo.data.splits import rank
from kangaroo.evaluation.predictions import Predictions
from kangaroo.models.calibrated import Array

CERTAINTY = 0.9
_SHARES = np.linspace(1, 0.05, 20)  # of photos answered, that are tried


@dataclass(frozen=True, eq=False)
class RiskCoverage:
    """The share of wrong answers, ``risk`` (n,), if only the 1 to n photos of most confidence are answered.

    ``ideal`` (n,) is the risk if all right answers had more confidence than all wrong ones. ``aurc`` and
    ``ideal_aurc`` are their means, the areas under the curves; with confidences that say nothing, the area is
    the error rate, ``risk[-1]``. Geifman, Uziel & El-Yaniv, ICLR 2019 (arXiv:1805.08206).
    """

    risk: Array
    ideal: Array
    aurc: float
    ideal_aurc: float

    @property
    def excess(self) -> float:
        """How far the area is from the ideal one, E-AURC."""
        return self.aurc - self.ideal_aurc


def risk_coverage(predictions: Predictions) -> RiskCoverage:
    """The curve of the predictions' confidences; photos of equal confidence come in an order by chance."""
    wrong = ~predictions.correct
    _, level, counts = np.unique(-predictions.confidence, return_inverse=True, return_counts=True)
    mean = np.bincount(level, wrong) / counts
    answered = np.arange(1, len(wrong) + 1)
    risk = np.cumsum(np.repeat(mean, counts)) / answered
    ideal = np.maximum(answered - (~wrong).sum(), 0) / answered
    return RiskCoverage(risk, ideal, float(risk.mean()), float(ideal.mean()))


def least_confidence(predictions: Predictions, risk: float, *, seed: int) -> float | None:
    """The confidence beyond which no more than a share ``risk`` of the answers is wrong, at 90 % certainty.

    It is the lowest of those that leave the answers to 100, 95, ... 5 % of the photos and whose
    Clopper-Pearson bound, each at a twentieth of the 10 % so that all hold at once, keeps the risk; None if
    none does. Selection with guaranteed risk (Geifman & El-Yaniv, arXiv:1705.08500), with the thresholds
    tried fixed beforehand (Bonferroni; Angelopoulos et al., arXiv:2110.01052) in place of their search, which
    looks at the errors on its way. The bound needs independent photos: of each place one counts, which
    ``seed`` chooses.
    """
    return next((least for least, bound in _tried(predictions, seed) if bound <= risk), None)


def lowest_risk(predictions: Predictions, *, seed: int) -> float:
    """The least risk that :func:`least_confidence` finds a confidence for."""
    return min(bound for _, bound in _tried(predictions, seed))


def _tried(predictions: Predictions, seed: int) -> Iterator[tuple[float, float]]:
    """Confidences from low to high, and the bound of the risk beyond each."""
    rows = _one_a_place(predictions, seed)
    confidence, wrong = predictions.confidence[rows], ~predictions.correct[rows]
    order = np.argsort(-confidence, kind="stable")
    confidence, errors = confidence[order], np.cumsum(wrong[order])
    for share in _SHARES:
        below = round(share * len(rows))  # the first one that gets no answer
        least = float(confidence[below]) if below < len(rows) else 0.0
        answered = int((confidence > least).sum())
        yield least, _bound(int(errors[answered - 1]), answered) if answered else 1.0


def _bound(wrong: int, answered: int) -> float:
    """The upper Clopper-Pearson bound of the risk."""
    level = 1 - (1 - CERTAINTY) / len(_SHARES)
    return 1.0 if wrong == answered else float(beta.ppf(level, wrong + 1, answered - wrong))


def _one_a_place(predictions: Predictions, seed: int) -> NDArray[np.int64]:
    """A photo of each place, (places,), chosen whatever the order of the rows."""
    order = sorted(range(len(predictions.files)), key=lambda i: rank(seed, predictions.files[i]))
    _, first = np.unique(np.asarray(predictions.places)[order], return_index=True)
    return np.asarray(order)[first]
