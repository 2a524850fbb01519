"""The flags that all runs share, and what they say. Imports no TensorFlow."""

import argparse
import shlex
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from kangaroo.runs import network_flags, task_flags
from kangaroo.runs import training_flags as training
from kangaroo.runs.numbers import natural, positive, share
from kangaroo.runs.settings import DataSettings, Preset, RunSettings, TaskName, TrainSettings
from kangaroo.training import distributed

STOPPED = "stopped: --resume goes on from the last whole epoch"

HELP = """
Without --images the photos in ./images are used where that folder exists, else drawn scenes. A photo folder
is ROOT/<Class>/**/*.jpg (or jpeg, png, webp); ROOT/labels.csv (file,country,place,lat,lon) or a state
folder's coordinates.csv (i,lat,lng) beside the photos tell which of them show the same place. A manifest
(.parquet), as kangaroo data writes it, can stand for a folder.
"""


def parse(parser: argparse.ArgumentParser, program: Sequence[str], argv: Sequence[str]) -> argparse.Namespace:
    """What ``argv`` says, and under ``command`` what repeats it; ``program`` is how the command begins."""
    args = parser.parse_args(argv)
    return complete(args, program, argv)


def complete(args: argparse.Namespace, program: Sequence[str], argv: Sequence[str]) -> argparse.Namespace:
    """``args``, parsed from ``argv``, with the command that repeats them, their photos, and classes."""
    words = [word for word in argv if word not in ("--resume", "--overwrite")]
    args.command = shlex.join([*program, *words])
    args.images = tuple(args.images or ([Path("images")] if Path("images").is_dir() else []))
    args.classes = tuple(dict.fromkeys(args.classes))
    return args


def run_settings(args: argparse.Namespace, **changes: Any) -> RunSettings:
    """What the flags of ``common`` say; ``changes`` are fields of DataSettings that they don't."""
    names = (field.name for field in fields(DataSettings))
    given = {name: getattr(args, name) for name in names if name in args}
    return RunSettings(args.name, args.command, DataSettings(**given | changes))


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
    add = parser.add_argument
    add("--images", type=Path, nargs="+", metavar="DIR", help="photo folders or manifests (.parquet)")
    add_common(
        parser,
        name,
        classes=classes,
        scenes=scenes,
        image_size=image_size,
        validation=validation,
        resume=resume,
        all_classes=all_classes,
    )
    add("--debug", action="store_true", help="show the traceback of an error")
    return parser


def add_common(
    parser: argparse.ArgumentParser,
    name: str,
    *,
    classes: Sequence[str],
    scenes: int,
    image_size: int | None = 256,
    validation: float | None = 0.2,
    resume: bool = False,
    all_classes: str = "those of the model",
) -> None:
    """Add the flags of :func:`common` except those for the photos' folders and for the traceback."""
    parser.set_defaults(name=name)
    add = parser.add_argument
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


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add the flag of the experiments that look into a trained model."""
    parser.add_argument(
        "--model",
        type=Path,
        default=Path("saved_models", "binary_austria_australia.keras"),
        metavar="FILE",
        help="model file with its card beside it (default: %(default)s)",
    )


def parser(preset: Preset) -> argparse.ArgumentParser:
    """The flags of an experiment that trains one network."""
    parser = argparse.ArgumentParser(
        prog=f"python -m experiments.{preset.name}",
        description=preset.description,
        epilog=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--images", type=Path, nargs="+", metavar="DIR", help="photo folders or manifests (.parquet)"
    )
    add_to(parser, preset, tasks=(preset.task,))
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


def add_to(parser: argparse.ArgumentParser, preset: Preset, *, tasks: Sequence[TaskName]) -> None:
    """Add all flags of a training but those for the photos' folders; ``tasks`` are those to choose from."""
    if preset.task == "report":
        add_common(parser, preset.name, classes=preset.classes, scenes=preset.scenes, resume=True)
        add_training(parser, preset)
        distributed.add_flags(parser)
        return
    add_common(
        parser,
        preset.name,
        classes=(),
        all_classes=f"all; of drawn scenes {', '.join(preset.classes)}",
        scenes=preset.scenes,
        image_size=preset.image_size,
        resume=True,
    )
    add_training(parser, preset, heads=True)
    network_flags.add_flags(parser, preset.losses)
    task_flags.add_flags(parser, *tasks)


def train_settings(args: argparse.Namespace, preset: Preset) -> TrainSettings:
    """What the flags of :func:`parser`, with the same preset, ask for. KangarooError: they don't fit."""
    how = _training_of(args, preset)
    if preset.task == "report":
        return TrainSettings(run=run_settings(args), distributed=distributed.settings(args), **how)
    augmentation = network_flags.augmentation(args, preset)
    run = run_settings(
        args,
        classes=args.classes or (() if args.images else preset.classes),
        one_class=preset.one_class,
        training_size=network_flags.training_size(args.image_size, augmentation),
    )
    return TrainSettings(
        run=run,
        task=task_flags.task(args, preset.task),
        network=network_flags.network(args),
        loss=network_flags.loss(args),
        augmentation=augmentation,
        map_km=args.map_km,
        **how,
    )


def add_training(parser: argparse.ArgumentParser, preset: Preset, *, heads: bool = False) -> None:
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
        help=f"default: {preset.training.epochs} on photos, {preset.drawn_epochs} on drawn scenes",
    )
    add("--batch-size", type=positive, metavar="N", help="default: %(default)s")
    add(
        "--precision",
        choices=("auto", "float32", "bfloat16"),
        help="auto: bfloat16 where the machine has units for it; the saved model is float32 in any case",
    )
    training.add_flags(parser, head=heads)
    recipe = {name: value for name, value in vars(preset.training).items() if name not in ("epochs", "seed")}
    # A few epochs, as somebody tries them, are no warm-up; train_settings() knows how many there are.
    parser.set_defaults(**recipe | {"warmup_epochs": None})


def _training_of(args: argparse.Namespace, preset: Preset) -> dict[str, Any]:
    """What the flags of :func:`add_training` say of TrainSettings."""
    epochs = args.epochs or (preset.training.epochs if args.images else preset.drawn_epochs)
    if args.warmup_epochs is None:
        args.warmup_epochs = min(preset.training.warmup_epochs, epochs // 10)
    names = ("resume", "compare_random_split", "track")
    return {"training": training.settings(args, epochs), **{name: getattr(args, name) for name in names}}
