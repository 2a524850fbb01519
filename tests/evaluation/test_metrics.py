"""metrics.json: the keys of the contract, in types that JSON can hold."""

import json

import numpy as np
import pytest

from kangaroo.data.manifest import Rejected
from kangaroo.errors import DataError
from kangaroo.evaluation.geolocation import Guesses
from kangaroo.evaluation.metrics import evaluate, evaluate_places
from kangaroo.geo.decoders import ClassPoints
from kangaroo.geo.distance import haversine_km

KEYS = [
    "n",
    "classes",
    "accuracy",
    "balanced_accuracy",
    "top3_accuracy",
    "loss",
    "confusion_matrix",
    "per_class",
    "confidence",
    "ece",
    "brier",
    "accuracy_ci95",
    "rejected",
]
DISTANCES = ["mean_km", "median_km", "accuracy_at_km", "geoscore"]
GEO = ["n", *DISTANCES, "geoscore_scale_km", "median_km_ci95"]


@pytest.mark.filterwarnings("error")
def test_keys_and_types_without_coordinates(make) -> None:
    predictions = make([0, 0], [[0.7, 0.1, 0.1, 0.1], [0.6, 0.2, 0.1, 0.1]])
    metrics = evaluate(predictions, [Rejected("A/x.jpg", "empty file")])
    assert list(metrics) == KEYS
    assert json.loads(json.dumps(metrics, allow_nan=False)) == metrics
    assert metrics["per_class"]["B"] == {"precision": 0, "recall": 0, "f1": 0, "n": 0}
    assert metrics["confidence"] == {
        "mean": pytest.approx(0.65),
        "correct": pytest.approx(0.65),
        "wrong": None,
    }
    assert metrics["rejected"] == [{"file": "A/x.jpg", "reason": "empty file"}]
    assert metrics["ece"] == pytest.approx(0.35)
    assert metrics["confusion_matrix"][0] == [2, 0, 0, 0]


def test_with_coordinates(make) -> None:
    predictions = make([0], [[0.8, 0.2]], classes=("Austria", "Australia"), lat=[47.62], lon=[14.06])
    metrics = evaluate(predictions)
    assert list(metrics) == [*KEYS, "geo"]
    assert json.loads(json.dumps(metrics, allow_nan=False)) == metrics
    assert list(metrics["geo"]) == [*GEO, "weighted_km"]
    assert list(metrics["geo"]["accuracy_at_km"]) == ["1", "25", "200", "750", "2500"]
    assert metrics["geo"]["median_km"] < 1
    assert metrics["geo"]["weighted_km"] is None


def test_countries_are_known(make) -> None:
    """A photo of Vienna called Austria is about 190 km from its middle, called Australia about 14,000 km."""
    austria, australia = (
        evaluate(make([1], [row], classes=("Australia", "Austria"), lat=[48.21], lon=[16.37]))["geo"]
        for row in ([0.1, 0.9], [0.9, 0.1])
    )
    assert austria["median_km"] == pytest.approx(185, abs=10)
    assert australia["median_km"] == pytest.approx(14000, rel=0.05)
    assert australia["weighted_km"] == pytest.approx(14000, rel=0.05)


def test_no_distances_of_classes_that_are_no_countries(make) -> None:
    moon = make([0], [[0.9, 0.1]], classes=("Austria", "Moon"), lat=[48.2], lon=[16.4])
    assert "geo" not in evaluate(moon)
    assert "geo" in evaluate(moon, points=ClassPoints(np.array([48.0, 0]), np.array([16.0, 0])))


def test_points_of_the_training_photos_take_the_place_of_centroids(make) -> None:
    predictions = make([0], [[0.9, 0.1]], classes=("Austria", "Australia"), lat=[48.2], lon=[16.4])
    points = ClassPoints(np.array([48.0, -30]), np.array([16.0, 150]))
    trivial = {"commonest_class": (-30.0, 150.0), "mean_point": (48.2, 16.4)}
    geo = evaluate(predictions, points=points, trivial=trivial, map_km=1000)["geo"]
    assert list(geo) == [*GEO, "trivial", "weighted_km"]
    assert geo["median_km"] == pytest.approx(float(haversine_km(48.2, 16.4, 48, 16)))
    assert geo["geoscore_scale_km"] == 100
    assert list(geo["trivial"]["commonest_class"]) == DISTANCES
    assert geo["trivial"]["commonest_class"]["mean_km"] > 14000
    assert geo["trivial"]["mean_point"]["geoscore"] == 5000


def test_a_model_of_coordinates_has_no_figures_of_classes() -> None:
    nan = np.nan
    guesses = Guesses(("a", "b"), ("p", "p"), *np.array([[0, nan], [1, nan], [0, 0], [0, 0]]))
    metrics = evaluate_places(guesses, [Rejected("c", "empty file")], trivial={"mean_point": (0.0, 1.0)})
    assert list(metrics) == ["n", "geo", "rejected"]
    assert list(metrics["geo"]) == [*GEO, "trivial"]
    assert json.loads(json.dumps(metrics, allow_nan=False)) == metrics
    assert (metrics["n"], metrics["geo"]["n"]) == (2, 1)
    assert metrics["geo"]["trivial"]["mean_point"]["mean_km"] == 0
    nowhere = Guesses(("b",), ("p",), *np.array([[nan], [nan], [0], [0]]))
    with pytest.raises(DataError, match="no photo has coordinates"):
        evaluate_places(nowhere)


def test_seed(drawn) -> None:
    assert evaluate(drawn) == evaluate(drawn, seed=0)
    assert len({tuple(evaluate(drawn, seed=seed)["accuracy_ci95"]) for seed in range(5)}) > 1
