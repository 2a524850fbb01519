"""``kangaroo train``: photos in, a run folder with a model and its page out."""

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kangaroo.console import guarded, print_json, start_keras
from kangaroo.errors import KangarooError
from kangaroo.runs import flags
from kangaroo.runs.presets import PRESETS
from kangaroo.runs.settings import Preset, TrainSettings

if TYPE_CHECKING:
    from kangaroo.runs.train import TrainedRun

SUMMARY = "train a model on photos of one's own, and judge it on places that it has not seen"
EXAMPLE = "kangaroo train photos --task countries --epochs 30 --out runs/mine"
DEFAULT = PRESETS["countries"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    parser.add_argument(
        "images",
        type=Path,
        nargs="*",
        metavar="PHOTOS",
        help="photo folders ROOT/<Class>/**/*.jpg (or jpeg, png, webp), or manifests (.parquet); without "
        "any, ./images where that is a folder, else drawn scenes",
    )
    parser.add_argument(
        "--task",
        choices=tuple(PRESETS),
        default=DEFAULT.task,
        help="what the model is to say of a photo: its class, a cell of an area, or coordinates (default: "
        "%(default)s)",
    )
    losses = tuple(dict.fromkeys(loss for preset in PRESETS.values() for loss in preset.losses))
    flags.add_to(parser, replace(DEFAULT, name="mine", losses=losses), tasks=tuple(PRESETS))
    parser.set_defaults(loss=None, scenes=None)  # those of the task


def run(args: argparse.Namespace) -> None:
    """Train, leave the run folder, and print the result."""
    flags.complete(args, ("kangaroo",), sys.argv[1:])
    execute(settings(args), as_json=args.json)


def settings(args: argparse.Namespace) -> TrainSettings:
    """What the flags ask for, the others as the task's preset has them. KangarooError: they don't fit."""
    preset = PRESETS[args.task]
    args.name = preset.name
    args.scenes = args.scenes or preset.scenes
    args.loss = args.loss or preset.losses[0]
    if args.loss not in preset.losses:
        raise KangarooError(
            f"--loss {args.loss} is not one of --task {args.task}: choose from {', '.join(preset.losses)}"
        )
    return flags.train_settings(args, preset)


def execute(settings: TrainSettings, *, as_json: bool = False) -> None:
    """Train as ``settings`` say, leave the run folder and its page, and print the result to stdout."""
    start_keras()
    finished = _train(settings)
    if finished is None:  # one of several processes, but not the first
        return
    if as_json:
        print_json(finished.metrics)
    else:
        print(finished.summary())


def experiment(preset: Preset, argv: Sequence[str] | None = None) -> int:
    """Run ``python -m experiments.NAME``: parse its flags, train, and give the exit code."""
    words = sys.argv[1:] if argv is None else argv
    args = flags.parse(flags.parser(preset), ("python", "-m", f"experiments.{preset.name}"), words)

    def work() -> None:
        execute(flags.train_settings(args, preset), as_json=args.json)

    return guarded(work, debug=args.debug, stopped=flags.STOPPED)


def train(photos: str | Path | Iterable[str | Path] = (), *, out: str | Path, **options: Any) -> "TrainedRun":
    """Train a model on photo folders, as ``kangaroo train`` does, and give the finished run.

    Args:
        photos: Photo folders or manifests; none means drawn scenes.
        out: The run folder to write.
        options: The flags of ``kangaroo train`` by their names, such as ``epochs=20, task="cells"``; True for
            flags without a value.

    Raises KangarooError: a flag or a folder can't be used.

    >>> import kangaroo
    >>> run = kangaroo.train(out="runs/mine", scenes=50, image_size=32, epochs=1)
    >>> run.metrics["n"]
    10
    >>> run.page.name
    'report.html'
    """
    folders = [photos] if isinstance(photos, str | Path) else list(photos)
    words = [*map(str, folders), "--out", str(out)]
    for name, value in options.items():
        if value is not None and value is not False:
            words += [f"--{name.replace('_', '-')}", *_words(value)]
    parser = _Parser(prog="kangaroo train")
    add_arguments(parser)
    args = flags.complete(parser.parse_args(words), ("kangaroo", "train"), words)
    start_keras()
    finished = _train(settings(args))
    assert finished
    return finished


def _train(settings: TrainSettings) -> "TrainedRun | None":
    from kangaroo.pages.run import write_pages
    from kangaroo.runs.train import run

    finished = run(settings)
    if finished:
        write_pages(finished)
    return finished


def _words(value: Any) -> list[str]:
    """The words of a flag's value; none of a flag that is only there."""
    if value is True:
        return []
    return [str(item) for item in value] if isinstance(value, list | tuple) else [str(value)]


class _Parser(argparse.ArgumentParser):
    """A parser that raises in place of ending the process."""

    def error(self, message: str) -> Any:
        """Raise KangarooError."""
        raise KangarooError(f"{message}: see kangaroo train --help")
