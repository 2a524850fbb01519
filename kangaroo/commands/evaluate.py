"""``kangaroo evaluate``: a model judged on labelled photos."""

import argparse
from pathlib import Path
from typing import Any

from kangaroo.commands import (
    MODEL_HELP,
    add_labelled_photos,
    add_precision,
    labelled_photos,
    load_model,
    print_json,
)

SUMMARY = "judge a model on labelled photos"
EXAMPLE = "kangaroo evaluate runs/multinomial/model.keras --images photos --split runs/multinomial/split.csv"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    add = parser.add_argument
    add("model", type=Path, metavar="MODEL", help=MODEL_HELP)
    add_labelled_photos(parser)
    add_precision(parser)
    add("--json", action="store_true", help="print every figure as JSON")


def run(args: argparse.Namespace) -> None:
    """Predict the photos of the model's classes, and print the figures."""
    from kangaroo.evaluation.metrics import evaluate
    from kangaroo.evaluation.predictions import Predictions

    classifier = load_model(args.model, args.precision)
    manifest, pixels = labelled_photos(args, classifier)
    p = classifier.probabilities(pixels)
    predictions = Predictions.of(classifier.classes, manifest.photos, p)
    metrics = evaluate(predictions, manifest.rejected)
    if args.json:
        print_json(metrics)
    else:
        print(_summary(metrics))


def _summary(metrics: dict[str, Any]) -> str:
    low, high = metrics["accuracy_ci95"]
    classes = metrics["classes"]
    width = max(map(len, classes))
    lines = [
        f"{metrics['n']} photos: accuracy {metrics['accuracy']:.4f} (95 % interval {low:.4f} to {high:.4f}), "
        f"balanced {metrics['balanced_accuracy']:.4f}, loss {metrics['loss']:.4f}",
        f"mean confidence {metrics['confidence']['mean']:.4f}, "
        f"expected calibration error {metrics['ece']:.4f}, Brier score {metrics['brier']:.4f}",
    ]
    for name, row in zip(classes, metrics["confusion_matrix"], strict=True):
        called = ", ".join(f"{other} {count}" for other, count in zip(classes, row, strict=True) if count)
        lines.append(f"{name:{width}}  {sum(row):5} photos, called {called or 'nothing'}")
    if geo := metrics.get("geo"):
        lines.append(
            f"distance, {geo['n']} photos: median {geo['median_km']:,.0f} km, mean {geo['mean_km']:,.0f} km, "
            f"mean GeoGuessr score {geo['geoscore']:,.0f}"
        )
    return "\n".join(lines)
