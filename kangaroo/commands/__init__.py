"""The commands of the console script, one file each: SUMMARY, EXAMPLE, add_arguments(parser) and run(args).

These modules import what needs TensorFlow inside ``run``, so that ``--help`` does not wait for it.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kangaroo.console import start_keras
from kangaroo.errors import ModelError

if TYPE_CHECKING:
    from kangaroo.data.manifest import Rejected
    from kangaroo.models.classifier import Classifier

MODEL_HELP = "model file (.keras) with its card (.json) beside it"


def load_model(path: Path) -> "Classifier":
    """Load a model, and say so if it knows drawn scenes only.

    A path that does not exist is refused without waiting for TensorFlow.
    """
    if not path.exists():
        raise ModelError(
            f"no model file {path}: give one, such as saved_models/binary_austria_australia.keras"
        )
    start_keras()
    from kangaroo.models.classifier import load

    classifier = load(path)
    if classifier.card.data.get("drawn"):
        print("note: this model was trained on drawn scenes; of photos it knows nothing", file=sys.stderr)
    return classifier


def name_rejected(rejected: Sequence["Rejected"]) -> None:
    """Name on stderr what was left out, and why."""
    for item in rejected:
        print(f"rejected: {item.file}: {item.reason}", file=sys.stderr)


def print_json(value: Any) -> None:
    """Print JSON to stdout."""
    print(json.dumps(value, indent=2, ensure_ascii=False))
