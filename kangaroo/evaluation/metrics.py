"""All figures of one evaluation, as they stand in metrics.json."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from kangaroo.data.manifest import Rejected
from kangaroo.evaluation.calibration import brier, reliability
from kangaroo.evaluation.classification import classification
from kangaroo.evaluation.geolocation import Geolocation, geolocation
from kangaroo.evaluation.predictions import Predictions


def evaluate(predictions: Predictions, rejected: Iterable[Rejected] = (), *, seed: int = 0) -> dict[str, Any]:
    """Gather every figure of metrics.json, in Python types that JSON can hold: None stands for undefined.

    ``rejected`` are the photos left out. The key ``geo`` is there only if photos have coordinates and all
    classes are known countries. ``seed`` draws the bootstrap resamples of ``accuracy_ci95``.
    """
    scores = classification(predictions, seed=seed)
    metrics = {
        "n": scores.n,
        "classes": list(predictions.classes),
        "accuracy": scores.accuracy,
        "balanced_accuracy": scores.balanced_accuracy,
        "top3_accuracy": scores.top3_accuracy,
        "loss": scores.loss,
        "confusion_matrix": scores.confusion.tolist(),
        "per_class": {name: asdict(of_class) for name, of_class in scores.per_class.items()},
        "confidence": asdict(scores.confidence),
        "ece": reliability(predictions).ece,
        "brier": brier(predictions),
        "accuracy_ci95": list(scores.accuracy_ci95),
        "rejected": [asdict(photo) for photo in rejected],
    }
    where = geolocation(predictions)
    return metrics | ({"geo": _geo(where)} if where else {})


def _geo(where: Geolocation) -> dict[str, Any]:
    """The block ``geo``; JSON's keys are strings."""
    return {
        "n": where.n,
        "mean_km": where.mean_km,
        "median_km": where.median_km,
        "accuracy_at_km": {str(km): share for km, share in where.accuracy_at_km.items()},
        "geoscore": where.geoscore,
    }
