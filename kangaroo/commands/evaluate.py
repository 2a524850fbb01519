"""``kangaroo evaluate``: a model judged on labelled photos."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kangaroo.commands import MODEL_HELP, load_model, name_rejected, print_json
from kangaroo.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from kangaroo.data.manifest import Manifest
    from kangaroo.evaluation.predictions import Predictions
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
    from kangaroo.data.manifest import Rejected
    from kangaroo.evaluation.metrics import evaluate

    classifier = load_model(args.model)
    manifest = _known(args.images, classifier)
    photos = _held_back(manifest.photos, args.split) if args.split else manifest.photos
    frame = classifier.predict([Path(file) for file in photos["file"]], skip_bad=True)
    rejected = [*manifest.rejected, *(Rejected(**row) for row in frame.attrs["rejected"])]
    name_rejected(rejected)
    if frame.empty:
        raise DataError("no photo is left to judge the model on: give folders with photos that can be read")
    metrics = evaluate(_predictions(classifier, photos, frame), rejected)
    if args.json:
        print_json(metrics)
    else:
        print(_summary(metrics))


def _known(roots: list[Path], classifier: "Classifier") -> "Manifest":
    """The photos of the classes that the model knows; the others are named on stderr."""
    from kangaroo.data.manifest import read_folders

    there = read_folders(roots).classes
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
    """The photos that a run's split.csv calls validation; files are compared as absolute paths."""
    import pandas as pd

    try:
        table = pd.read_csv(split, dtype=str)
        held = {Path(file).resolve() for file in table.loc[table["split"] == "validation", "file"]}
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{split} is not the split.csv of a run: {error}") from error
    kept = photos[[Path(file).resolve() in held for file in photos["file"]]]
    if kept.empty:
        raise DataError(
            f"{split} holds back none of these photos: give the folders that the run was made from"
        )
    return kept


def _predictions(classifier: "Classifier", photos: "pd.DataFrame", frame: "pd.DataFrame") -> "Predictions":
    """Join what was predicted with labels, places and coordinates."""
    from kangaroo.evaluation.predictions import Predictions

    found = photos.set_index("file").loc[frame["file"]]
    return Predictions(
        classes=classifier.classes,
        files=tuple(frame["file"]),
        places=tuple(found["place"]),
        labels=found["class"].map(classifier.classes.index).to_numpy(int),
        probabilities=frame[[f"p_{name}" for name in classifier.classes]].to_numpy(),
        lat=found["lat"].to_numpy(),
        lon=found["lon"].to_numpy(),
    )


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
            f"distance: median {geo['median_km']:,.0f} km, mean {geo['mean_km']:,.0f} km, "
            f"mean GeoGuessr score {geo['geoscore']:,.0f}"
        )
    return "\n".join(lines)
