"""What calibration does not promise: photos of another source, of classes that the model does not know."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kangaroo.evaluation.confidence import Quality, quality
from kangaroo.evaluation.conformal import Sets, judge_sets
from kangaroo.evaluation.predictions import Predictions
from kangaroo.models.calibrated import Array, Calibration


@dataclass(frozen=True, eq=False)
class Elsewhere:
    """What a calibrated model says of photos of another source.

    ``confidence`` (n,), ``sizes`` (k,) of their sets, and ``abstained``, the share without an answer, None
    where no confidence keeps the risk. ``quality`` and ``sets`` are there if the photos are of its classes.
    """

    places: int
    confidence: Array
    sizes: NDArray[np.int64]
    abstained: float | None
    quality: Quality | None = None
    sets: Sets | None = None

    @property
    def mean_size(self) -> float:
        """Mean number of classes in a set."""
        return float(self.sizes @ np.arange(1, len(self.sizes) + 1) / self.sizes.sum())

    def figures(self) -> dict[str, Any]:
        """What ``--json`` says of it."""
        judged = self.quality.figures() if self.quality else {}
        return {
            "photos": len(self.confidence),
            "places": self.places,
            "mean_confidence": float(self.confidence.mean()),
            "confidence_above_half": float((self.confidence > 0.5).mean()),
            "mean_set_size": self.mean_size,
            "abstained": self.abstained,
            **judged,
            **({"coverage": self.sets.coverage} if self.sets else {}),
        }


def of_unknown(calibration: Calibration, probabilities: ArrayLike, places: ArrayLike) -> Elsewhere:
    """What the model says of photos of classes that it does not know.

    ``probabilities`` (n, k) are calibrated, ``places`` (n,) tie photos of one spot.
    """
    p = np.asarray(probabilities, np.float64)
    return Elsewhere(
        len(np.unique(np.asarray(places, dtype=str))),
        p.max(axis=1),
        np.bincount(calibration.sets(p).sum(axis=1), minlength=p.shape[1] + 1)[1:],
        None if calibration.least is None else float(calibration.abstains(p).mean()),
    )


def of_known(calibration: Calibration, predictions: Predictions, *, seed: int) -> Elsewhere:
    """What the model says of photos of its own classes from another source, calibrated."""
    p = predictions.probabilities
    return replace(
        of_unknown(calibration, p, predictions.places),
        quality=quality(predictions, seed=seed),
        sets=judge_sets(predictions, calibration.sets(p), seed=seed),
    )
