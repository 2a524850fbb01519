"""All figures of one evaluation, as they stand in metrics.json."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from kangaroo.data.manifest import Rejected
from kangaroo.errors import DataError
from kangaroo.evaluation.calibration import brier, reliability
from kangaroo.evaluation.classification import classification
from kangaroo.evaluation.geolocation import Distances, Geolocation, Guesses, Points, geolocation, weighted_km
from kangaroo.evaluation.predictions import Predictions
from kangaroo.geo.decoders import ClassPoints, country_points
from kangaroo.geo.distance import WORLD_KM


def evaluate(
    predictions: Predictions,
    rejected: Iterable[Rejected] = (),
    *,
    seed: int = 0,
    points: ClassPoints | None = None,
    trivial: Points | None = None,
    map_km: float = WORLD_KM,
) -> dict[str, Any]:
    """Gather every figure of metrics.json, in Python types that JSON can hold: None stands for undefined.

    ``rejected`` are the photos left out. ``seed`` draws the bootstrap resamples. The key ``geo`` is there
    only if photos have coordinates and the classes ``points``, by default those of countries. ``trivial``
    and ``map_km`` are those of :func:`kangaroo.evaluation.geolocation.geolocation`.
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
    points = points or _points_of_countries(predictions)
    if points is None:
        return metrics
    guesses = Guesses.of_classes(predictions, points)
    where = geolocation(guesses, seed=seed, trivial=trivial, map_km=map_km)
    if where is None:
        return metrics
    return metrics | {"geo": _geo(where) | {"weighted_km": weighted_km(predictions, points)}}


def evaluate_places(
    guesses: Guesses,
    rejected: Iterable[Rejected] = (),
    *,
    seed: int = 0,
    trivial: Points | None = None,
    map_km: float = WORLD_KM,
) -> dict[str, Any]:
    """The figures of a model without classes: n, geo and rejected, as :func:`evaluate` has them.

    Raises DataError if no photo has coordinates.
    """
    where = geolocation(guesses, seed=seed, trivial=trivial, map_km=map_km)
    if where is None:
        raise DataError(
            "no photo has coordinates to judge a guess by: give photos with latitude and longitude"
        )
    photos = [asdict(photo) for photo in rejected]
    return {"n": len(guesses.files), "geo": _geo(where), "rejected": photos}


def _points_of_countries(predictions: Predictions) -> ClassPoints | None:
    try:
        return ClassPoints(*country_points(predictions.classes))
    except DataError:
        return None


def _geo(where: Geolocation) -> dict[str, Any]:
    """The block ``geo``."""
    trivial = {name: _distances(answer) for name, answer in where.trivial.items()}
    return {
        "n": where.n,
        **_distances(where),
        "geoscore_scale_km": where.geoscore_scale_km,
        "median_km_ci95": list(where.median_km_ci95),
        **({"trivial": trivial} if trivial else {}),
    }


def _distances(figures: Distances) -> dict[str, Any]:
    """Figures of distances; JSON's keys are strings."""
    return {
        "mean_km": figures.mean_km,
        "median_km": figures.median_km,
        "accuracy_at_km": {str(km): share for km, share in figures.accuracy_at_km.items()},
        "geoscore": figures.geoscore,
    }
