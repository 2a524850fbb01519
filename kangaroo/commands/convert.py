"""``kangaroo convert``: a SavedModel of the report's author to a model file."""

import argparse
from pathlib import Path

from kangaroo.console import start_keras
from kangaroo.errors import ModelError

SUMMARY = "turn a SavedModel of the report's network into a model file"
EXAMPLE = "kangaroo convert neural_net austria_australia.keras --classes Austria Australia"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    add = parser.add_argument
    add("saved_model", type=Path, metavar="SAVED_MODEL_DIR", help="folder with saved_model.pb and variables/")
    add("out", type=Path, metavar="OUT.keras", help="model file to write; its card goes beside it")
    add("--classes", nargs="+", required=True, metavar="NAME", help="classes in the order of the outputs")
    add("--overwrite", action="store_true", help="replace OUT.keras if it exists")


def run(args: argparse.Namespace) -> None:
    """Convert; only variables are read, the stored graph is never run."""
    if not args.saved_model.is_dir():
        raise ModelError(f"no folder {args.saved_model}: give the folder of saved_model.pb")
    start_keras()
    from kangaroo.models.convert import convert

    card = convert(args.saved_model, args.out, args.classes, overwrite=args.overwrite)
    print(f"{args.out}: {card.parameters:,} parameters, {card.image_size} px, {', '.join(card.classes)}")
