"""``kangaroo evaluate``: a model judged on labelled photos."""

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kangaroo.commands import MODEL_HELP, load_model, name_rejected, print_json
from kangaroo.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from kangaroo.data.manifest import Manifest
    from kangaroo.models.classifier import Classifier

SUMMARY = "judge a model on labelled photos"
EXAMPLE = "kangaroo evaluate runs/multinomial/model.keras --images photos --split runs/multinomial/split.csv"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    add = parser.add_argument
    add("model", type=Path, metavar="MODEL", help=MODEL_HELP)
    add(
        "--images",
        type=Path,
        nargs="+",
        required=True,
        metavar="DIR",
        help="photo folders, merged by class name",
    )
    add("--split", type=Path, metavar="FILE", help="a run's split.csv: judge on its validation photos only")
    add("--json", action="store_true", help="print every figure as JSON")


def run(args: argparse.Namespace) -> None:
    """Predict the photos of the model's classes, and print the figures."""
    from kangaroo.data.cache import decode_photos
    from kangaroo.data.manifest import require_classes
    from kangaroo.evaluation.metrics import evaluate
    from kangaroo.evaluation.predictions import Predictions

    classifier = load_model(args.model)
    manifest = _known(args.images, classifier)
    if args.split:
        photos = _held_back(manifest.photos, args.split)
        manifest = replace(manifest, photos=photos, classes=tuple(photos["class"].unique()))
    with tempfile.TemporaryDirectory() as scratch:
        manifest, pixels = decode_photos(
            manifest, classifier.image_size, Path(scratch), antialias=classifier.card.antialias
        )
        name_rejected(manifest.rejected)
        require_classes(manifest, minimum=1)
        p = classifier.probabilities(pixels)
        predictions = Predictions.of(classifier.classes, manifest.photos, p)
        metrics = evaluate(predictions, manifest.rejected)
    if args.json:
        print_json(metrics)
    else:
        print(_summary(metrics))


def _known(roots: list[Path], classifier: "Classifier") -> "Manifest":
    """The photos of the classes that the model knows; the others are named on stderr."""
    from kangaroo.data.manifest import class_names, read_folders

    there = class_names(roots)
    known = [name for name in there if name in classifier.classes]
    if not known:
        raise DataError(
            f"the model tells {', '.join(classifier.classes)} apart, the folders hold {', '.join(there)}: "
            "give photos of the model's classes"
        )
    for name in sorted(set(there) - set(known)):
        print(f"left out: {name}, which is not a class of the model", file=sys.stderr)
    return read_folders(roots, known)


def _held_back(photos: "pd.DataFrame", split: Path) -> "pd.DataFrame":
    """The photos whose place a run's split.csv holds back; a place is whole, and paths may have changed."""
    import pandas as pd

    try:
        table = pd.read_csv(split, dtype=str, keep_default_na=False)
        held = table.loc[table["split"] == "validation", ["class", "place"]]
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{split} is not the split.csv of a run: {error}") from error
    kept = pd.MultiIndex.from_frame(photos[["class", "place"]]).isin(pd.MultiIndex.from_frame(held))
    if not kept.any():
        raise DataError(f"{split} holds back none of these photos: give the folders of that run")
    return photos[kept]


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
