"""The flags that the experiments share, and the frame around each of them. Imports no TensorFlow."""

import argparse
import math
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from kangaroo.console import guarded, start_keras
from kangaroo.runs import training_flags as training
from kangaroo.runs.settings import ClassificationSettings, Experiment, RunSettings
from kangaroo.training import distributed
from kangaroo.training.settings import TrainConfig

STOPPED = "stopped: --resume goes on from the last whole epoch"

HELP = """
Without --images the photos in ./images are used where that folder exists, else drawn scenes. A photo folder
is ROOT/<Class>/**/*.jpg (or jpeg, png, webp); ROOT/labels.csv (file,country,place,lat,lon) or a state
folder's coordinates.csv (i,lat,lng) beside the photos tell which of them show the same place. A manifest
(.parquet), as kangaroo data writes it, can stand for a folder.
"""


def main(experiment: Experiment, argv: Sequence[str] | None = None) -> int:
    """Parse the flags, train and judge the report's network, and give the exit code."""

    def work(args: argparse.Namespace) -> None:
        from kangaroo.runs.train import run  # needs TensorFlow, --help does not

        how = training_of(args, TrainConfig(experiment.epochs), experiment.drawn_epochs)
        run(ClassificationSettings(**shared(args), **how, distributed=distributed.settings(args)))

    return execute(parser(experiment), work, argv, stopped=STOPPED)


def execute(
    parser: argparse.ArgumentParser,
    work: Callable[[argparse.Namespace], None],
    argv: Sequence[str] | None = None,
    *,
    stopped: str = "stopped",
) -> int:
    """Parse ``argv`` (default: the process's own), start Keras, do ``work`` with it, and give the exit code.

    ``parser`` is one of ``common``; ``stopped`` is what somebody reads who interrupts.
    """
    argv = sys.argv[1:] if argv is None else argv
    args = parser.parse_args(argv)
    words = [word for word in argv if word not in ("--resume", "--overwrite")]
    args.command = shlex.join(["python", "-m", f"experiments.{args.name}", *words])
    args.images = tuple(args.images or ([Path("images")] if Path("images").is_dir() else []))
    args.classes = tuple(dict.fromkeys(args.classes))

    def start() -> None:
        start_keras()
        work(args)

    return guarded(start, debug=args.debug, stopped=stopped)


def shared(args: argparse.Namespace) -> dict[str, Any]:
    """What the flags of ``common`` give of RunSettings, by the names of its fields."""
    return {field.name: getattr(args, field.name) for field in fields(RunSettings) if field.name in args}


def common(
    name: str,
    description: str,
    *,
    classes: Sequence[str],
    scenes: int,
    image_size: int | None = 256,
    validation: float | None = 0.2,
    resume: bool = False,
    all_classes: str = "those of the model",
) -> argparse.ArgumentParser:
    """A parser of the flags that every experiment has, with these defaults.

    Without ``classes`` they are ``all_classes``. ``image_size`` or ``validation`` None: there is no such
    flag. ``resume``: there is one, beside --overwrite.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m experiments.{name}",
        description=description,
        epilog=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(name=name)
    add = parser.add_argument
    add("--images", type=Path, nargs="+", metavar="DIR", help="photo folders or manifests (.parquet)")
    add(
        "--classes",
        nargs="+",
        default=classes,
        metavar="NAME",
        help=f"class folders to use (default: {', '.join(classes) or all_classes})",
    )
    add(
        "--list",
        dest="photo_list",
        type=Path,
        metavar="FILE",
        help="a list of kangaroo data lock: use its photos alone, each as it was; the card names its hash",
    )
    add(
        "--scenes",
        type=positive,
        default=scenes,
        metavar="N",
        help="number of scenes to draw where there are no photos (default: %(default)s)",
    )
    if image_size:
        add(
            "--image-size",
            type=positive,
            default=image_size,
            metavar="PIXELS",
            help="side of the square photos (default: %(default)s)",
        )
    if validation:
        add(
            "--validation",
            type=share,
            default=validation,
            metavar="SHARE",
            help="share of each class held back (default: %(default)s)",
        )
    add(
        "--seed",
        type=natural,
        default=0,
        metavar="N",
        help="same seed, same result on one machine (default: %(default)s)",
    )
    add(
        "--out",
        type=Path,
        default=Path("runs", name),
        metavar="DIR",
        help="run folder (default: %(default)s)",
    )
    either = parser.add_mutually_exclusive_group().add_argument
    if resume:
        either("--resume", action="store_true", help="go on with the run that --out holds")
    either("--overwrite", action="store_true", help="replace the run that --out holds")
    add("--json", action="store_true", help="print metrics.json in place of the summary")
    add("--debug", action="store_true", help="show the traceback of an error")
    return parser


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add the flag of the experiments that look into a trained model."""
    parser.add_argument(
        "--model",
        type=Path,
        default=Path("saved_models", "binary_austria_australia.keras"),
        metavar="FILE",
        help="model file with its card beside it (default: %(default)s)",
    )


def parser(experiment: Experiment) -> argparse.ArgumentParser:
    """The flags of an experiment with the report's network."""
    parser = common(
        experiment.name,
        experiment.description,
        classes=experiment.classes,
        scenes=experiment.scenes,
        resume=True,
    )
    add_training(parser, TrainConfig(experiment.epochs), experiment.drawn_epochs)
    distributed.add_flags(parser)
    return parser


def add_training(
    parser: argparse.ArgumentParser, default: TrainConfig, drawn_epochs: int, *, heads: bool = False
) -> None:
    """Add the flags that say how one network is trained, and which photos are held back for it.

    ``heads``: there are networks with a head that can be trained alone.
    """
    add = parser.add_argument
    add(
        "--split",
        type=Path,
        metavar="FILE",
        help="in place of --validation: a split.csv, or a manifest with sides, of kangaroo data split",
    )
    add(
        "--compare-random-split",
        action="store_true",
        help="train once more on a split by photo, to see how much of its accuracy is leaked by near places",
    )
    add(
        "--epochs",
        type=positive,
        metavar="N",
        help=f"default: {default.epochs} on photos, {drawn_epochs} on drawn scenes",
    )
    add("--batch-size", type=positive, metavar="N", help="default: %(default)s")
    add(
        "--precision",
        choices=("auto", "float32", "bfloat16"),
        help="auto: bfloat16 where the machine has units for it; the saved model is float32 in any case",
    )
    training.add_flags(parser, head=heads)
    own = {name: value for name, value in vars(default).items() if name not in ("epochs", "seed")}
    # A few epochs, as somebody tries them, are no warm-up; training_of() knows how many there are.
    parser.set_defaults(**own | {"warmup_epochs": None})


def training_of(args: argparse.Namespace, default: TrainConfig, drawn_epochs: int) -> dict[str, Any]:
    """What the flags of :func:`add_training`, with the same defaults, say of ClassificationSettings."""
    epochs = args.epochs or (default.epochs if args.images else drawn_epochs)
    if args.warmup_epochs is None:
        args.warmup_epochs = min(default.warmup_epochs, epochs // 10)
    own = ("resume", "compare_random_split", "track")
    config = training.settings(args, epochs)
    return {"training": config, **{name: getattr(args, name) for name in own}}


def positive(text: str) -> int:
    """A whole number of 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def natural(text: str) -> int:
    """A whole number of 0 or more."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 0 or more")
    return int(text)


def share(text: str) -> float:
    """A number between 0 and 1."""
    return _number(text, lambda value: 0 < value < 1, "a number between 0 and 1")


def above_zero(text: str) -> float:
    """A number above 0."""
    return _number(text, lambda value: value > 0, "a number above 0")


def zero_or_more(text: str) -> float:
    """A number of 0 or more."""
    return _number(text, lambda value: value >= 0, "a number of 0 or more")


def share_or_zero(text: str) -> float:
    """A number from 0 to below 1."""
    return _number(text, lambda value: 0 <= value < 1, "a number from 0 to below 1")


def _number(text: str, fits: Callable[[float], bool], what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and fits(value)):
        raise argparse.ArgumentTypeError(f"{text!r} is not {what}")
    return value
