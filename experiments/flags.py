"""The flags that the experiments share, and the frame around each of them. Imports no TensorFlow."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from experiments.settings import Experiment, RunSettings
from kangaroo.console import guarded, start_keras

HELP = """
Without --images the photos in ./images are used where that folder exists, else drawn scenes. A photo folder
is ROOT/<Class>/**/*.jpg (or jpeg, png, webp); ROOT/labels.csv (file,country,place,lat,lon) or a state
folder's coordinates.csv (i,lat,lng) beside the photos tell which of them show the same place.
"""


def main(experiment: Experiment, argv: Sequence[str] | None = None) -> int:
    """Parse the flags, train and judge a classifier, and give the exit code."""
    args = _parser(experiment).parse_args(argv)

    def work() -> None:
        start_keras()
        from experiments.classification import run  # needs TensorFlow, --help does not

        run(settings(experiment, args, sys.argv[1:] if argv is None else argv))

    return guarded(work, debug=args.debug, stopped="stopped: --resume goes on from the last whole epoch")


def settings(experiment: Experiment, args: argparse.Namespace, argv: Sequence[str]) -> RunSettings:
    """The run that the parsed flags ``argv`` ask for."""
    images = tuple(args.images or ([Path("images")] if Path("images").is_dir() else []))
    words = [word for word in argv if word not in ("--resume", "--overwrite")]
    command = shlex.join(["python", "-m", f"experiments.{experiment.name}", *words])
    return RunSettings(
        name=experiment.name,
        command=command,
        images=images,
        classes=tuple(dict.fromkeys(args.classes or experiment.classes)),
        scenes=args.scenes,
        epochs=args.epochs or (experiment.epochs if images else experiment.drawn_epochs),
        batch_size=args.batch_size,
        image_size=args.image_size,
        validation=args.validation,
        seed=args.seed,
        precision=args.precision,
        out=args.out,
        resume=args.resume,
        overwrite=args.overwrite,
        json=args.json,
    )


def _parser(experiment: Experiment) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m experiments.{experiment.name}",
        description=experiment.description,
        epilog=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--images", type=Path, nargs="+", metavar="DIR", help="photo folders, merged by class name")
    add(
        "--classes",
        nargs="+",
        metavar="NAME",
        help=f"class folders to use (default: {', '.join(experiment.classes)})",
    )
    add(
        "--scenes",
        type=positive,
        default=experiment.scenes,
        metavar="N",
        help="number of scenes to draw where there are no photos (default: %(default)s)",
    )
    add(
        "--epochs",
        type=positive,
        metavar="N",
        help=f"default: {experiment.epochs} on photos, {experiment.drawn_epochs} on drawn scenes",
    )
    add("--batch-size", type=positive, default=32, metavar="N", help="default: %(default)s")
    add(
        "--image-size",
        type=positive,
        default=256,
        metavar="PIXELS",
        help="side of the square photos (default: %(default)s)",
    )
    add(
        "--validation",
        type=share,
        default=0.2,
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
        "--precision",
        choices=("auto", "float32", "bfloat16"),
        default="auto",
        help="auto: bfloat16 where the machine has units for it; the saved model is float32 in any case",
    )
    add(
        "--out",
        type=Path,
        default=Path("runs", experiment.name),
        metavar="DIR",
        help="run folder (default: %(default)s)",
    )
    either = parser.add_mutually_exclusive_group().add_argument
    either("--resume", action="store_true", help="go on with the run that --out holds")
    either("--overwrite", action="store_true", help="replace the run that --out holds")
    add("--json", action="store_true", help="print metrics.json in place of the summary")
    add("--debug", action="store_true", help="show the traceback of an error")
    return parser


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
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number between 0 and 1")
    return value
