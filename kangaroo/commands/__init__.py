"""The commands of the console script, one file each: SUMMARY, EXAMPLE, add_arguments(parser) and run(args).

These modules import what needs TensorFlow inside ``run``, so that ``--help`` does not wait for it.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from kangaroo.console import start_keras
from kangaroo.errors import DataError, ModelError

if TYPE_CHECKING:
    import pandas as pd

    from kangaroo.data.images import Pixels
    from kangaroo.data.manifest import Manifest, Rejected
    from kangaroo.models.classifier import Classifier

MODEL_HELP = "model file (.keras) with its card (.json) beside it"


def add_precision(parser: argparse.ArgumentParser) -> None:
    """Add the flag for :func:`load_model`."""
    parser.add_argument(
        "--precision",
        choices=("float32", "auto", "bfloat16"),
        default="float32",
        help="auto: bfloat16 where the machine has units for it, up to four times as fast; probabilities "
        "then change in the third digit (default: %(default)s)",
    )


def load_model(path: Path, precision: str = "float32") -> "Classifier":
    """Load a model, and say so if it knows drawn scenes only.

    A path that does not exist is refused without waiting for TensorFlow.
    """
    if not path.exists():
        raise ModelError(
            f"no model file {path}: give one, such as saved_models/binary_austria_australia.keras"
        )
    start_keras()
    from kangaroo.models.classifier import load

    classifier = load(path, precision=precision)
    if classifier.card.data.get("drawn"):
        print("note: this model was trained on drawn scenes; of photos it knows nothing", file=sys.stderr)
    return classifier


def add_labelled_photos(parser: argparse.ArgumentParser) -> None:
    """Add the flags that :func:`labelled_photos` reads."""
    add = parser.add_argument
    add(
        "--images",
        type=Path,
        nargs="+",
        required=True,
        metavar="DIR",
        help="photo folders or manifests (.parquet), merged by class name",
    )
    add("--split", type=Path, metavar="FILE", help="a split.csv: take its validation photos only")


def labelled_photos(args: argparse.Namespace, classifier: "Classifier") -> tuple["Manifest", "Pixels"]:
    """The photos of the model's classes, decoded for it; what is left out is named on stderr."""
    from kangaroo.data.cache import decode_photos
    from kangaroo.data.manifest import require_classes

    manifest = _known(args.images, classifier)
    if args.split:
        photos = held_back(manifest.photos, args.split)
        manifest = replace(manifest, photos=photos, classes=tuple(photos["class"].unique()))
    manifest, pixels = decode_photos(manifest, classifier.image_size, antialias=classifier.card.antialias)
    name_rejected(manifest.rejected)
    require_classes(manifest, minimum=1)
    return manifest, pixels


def files_of(paths: Sequence[Path]) -> tuple[list[Path], list["Rejected"]]:
    """Files as given, folders as the photos below them, each once; and what was found but can't be read."""
    from kangaroo.data.folders import photo_files

    files: list[Path] = []
    rejected: list[Rejected] = []
    for path in paths:
        if not path.exists():
            raise DataError(f"no such file or folder: {path}")
        found, bad = photo_files(path) if path.is_dir() else ([path], [])
        if not found and not bad:
            raise DataError(f"no photos in {path}: they must end in jpg, jpeg, png or webp")
        files += found
        rejected += bad
    return list(dict.fromkeys(files)), rejected


def name_rejected(rejected: Sequence["Rejected"]) -> None:
    """Name on stderr what was left out, and why."""
    for item in rejected:
        print(f"rejected: {item.file}: {item.reason}", file=sys.stderr)


def _known(roots: list[Path], classifier: "Classifier") -> "Manifest":
    """The photos of the classes that the model knows; the others are named on stderr."""
    from kangaroo.data.dataset import read_dataset, source_classes

    there = source_classes(roots)
    known = [name for name in there if name in classifier.classes]
    if not known:
        raise DataError(
            f"the model tells {', '.join(classifier.classes)} apart, the folders hold {', '.join(there)}: "
            "give photos of the model's classes"
        )
    for name in sorted(set(there) - set(known)):
        print(f"left out: {name}, which is not a class of the model", file=sys.stderr)
    return read_dataset(roots, known)


def held_back(photos: "pd.DataFrame", split: Path) -> "pd.DataFrame":
    """The photos that a split.csv, or a manifest's column split, holds back for validation."""
    from kangaroo.data.splits import read_split, sides_of

    kept = sides_of(photos, read_split(split)) == "validation"
    if not kept.any():
        raise DataError(f"{split} holds back none of these photos: give the folders of that run")
    return photos[kept]
