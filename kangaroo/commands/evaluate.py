"""``kangaroo evaluate``: a model judged on labelled photos."""

import argparse
import sys
from pathlib import Path
from typing import Any

from kangaroo.commands import MODEL_HELP, add_labelled_photos, add_precision, labelled_photos, load_model
from kangaroo.console import print_json

SUMMARY = "judge a model on labelled photos"
EXAMPLE = "kangaroo evaluate runs/multinomial/model.keras --images photos --split runs/multinomial/split.csv"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    add = parser.add_argument
    add("model", type=Path, metavar="MODEL", help=MODEL_HELP)
    add_labelled_photos(parser)
    add_precision(parser)
    add("--uncalibrated", action="store_true", help="judge the network's own outputs, not calibrated ones")
    add("--json", action="store_true", help="print every figure as JSON")


def run(args: argparse.Namespace) -> None:
    """Predict the photos of the model's classes, and print the figures.

    A model of coordinates, and one of classes with places of which the folders hold none, such as cells, is
    judged by distances alone.
    """
    classifier = load_model(args.model, args.precision)
    if args.uncalibrated:
        classifier = classifier.uncalibrated
    names = classifier.judged(args.images)
    if classifier.classes and not set(names) & set(classifier.classes):
        print("note: no folder is a class of the model: judged by distances alone", file=sys.stderr)
    size, antialias = classifier.image_size, classifier.card.antialias
    manifest, pixels = labelled_photos(args, names, size, antialias=antialias)
    metrics = classifier.metrics(manifest, pixels)
    if args.json:
        print_json(metrics)
    else:
        print("\n".join([*(_classes(metrics) if "classes" in metrics else []), *_distances(metrics)]))


def _classes(metrics: dict[str, Any]) -> list[str]:
    low, high = metrics["accuracy_ci95"]
    classes = metrics["classes"]
    width = max(map(len, classes))
    lines = [
        f"{metrics['n']} photos: accuracy {metrics['accuracy']:.4f} (95 % interval {low:.4f} to {high:.4f}), "
        f"balanced {metrics['balanced_accuracy']:.4f}, loss {metrics['loss']:.4f}",
        f"mean confidence {metrics['confidence']['mean']:.4f}, expected calibration error "
        f"{metrics['ece']:.4f}, Brier score {metrics['brier']:.4f}"
        + (", all calibrated" if metrics["calibrated"] else ""),
    ]
    for name, row in zip(classes, metrics["confusion_matrix"], strict=True):
        called = ", ".join(f"{other} {count}" for other, count in zip(classes, row, strict=True) if count)
        lines.append(f"{name:{width}}  {sum(row):5} photos, called {called or 'nothing'}")
    return lines


def _distances(metrics: dict[str, Any]) -> list[str]:
    """A line, where there are distances."""
    if not (geo := metrics.get("geo")):
        return []
    median, mean, low, high = map(_km, (geo["median_km"], geo["mean_km"], *geo["median_km_ci95"]))
    return [
        f"distance, {geo['n']} photos: median {median} km (95 % interval {low} to {high}), mean {mean} km, "
        f"mean GeoGuessr score {geo['geoscore']:,.0f}"
    ]


def _km(distance: float) -> str:
    return f"{distance:,.0f}" if distance >= 100 else f"{distance:.3g}"
