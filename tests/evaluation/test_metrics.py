"""metrics.json: the keys of the contract, in types that JSON can hold."""

import json

import pytest

from kangaroo.data.manifest import Rejected
from kangaroo.evaluation.metrics import evaluate

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
    assert list(metrics["geo"]) == ["n", "mean_km", "median_km", "accuracy_at_km", "geoscore"]
    assert list(metrics["geo"]["accuracy_at_km"]) == ["1", "25", "200", "750", "2500"]
    assert metrics["geo"]["median_km"] < 1


def test_seed(drawn) -> None:
    assert evaluate(drawn) == evaluate(drawn, seed=0)
    assert len({tuple(evaluate(drawn, seed=seed)["accuracy_ci95"]) for seed in range(5)}) > 1
