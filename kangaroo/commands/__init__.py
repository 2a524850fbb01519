"""The commands of the console script, one file each: SUMMARY, EXAMPLE, add_arguments(parser) and run(args).

These modules import what needs TensorFlow inside ``run``, so that ``--help`` does not wait for it.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kangaroo.console import start_keras
from kangaroo.errors import ModelError

if TYPE_CHECKING:
    from kangaroo.classifier import Classifier
    from kangaroo.data.images import Pixels
    from kangaroo.data.manifest import Manifest, Rejected

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
    from kangaroo.classifier import load

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


def labelled_photos(
    args: argparse.Namespace, classes: Sequence[str], image_size: int, *, antialias: bool
) -> tuple["Manifest", "Pixels"]:
    """The photos of ``classes``, decoded for ``image_size``; what is left out is named on stderr."""
    from kangaroo.data.cache import decode_photos
    from kangaroo.data.labelled import labelled
    from kangaroo.data.manifest import require_classes

    manifest, others = labelled(args.images, classes, args.split)
    for name in others:
        print(f"left out: {name}, which is not a class of the model", file=sys.stderr)
    manifest, pixels = decode_photos(manifest, image_size, antialias=antialias)
    name_rejected(manifest.rejected)
    require_classes(manifest, minimum=1)
    return manifest, pixels


def name_rejected(rejected: Sequence["Rejected"]) -> None:
    """Name on stderr what was left out, and why."""
    for item in rejected:
        print(f"rejected: {item.file}: {item.reason}", file=sys.stderr)
