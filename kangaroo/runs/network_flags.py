"""The flags of a network, its loss, and the changes of its training photos. Imports no TensorFlow."""

import argparse
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from kangaroo.data.augmentation import PRESETS, Augmentation
from kangaroo.errors import KangarooError
from kangaroo.geo.distance import WORLD_KM
from kangaroo.models.backbones import BACKBONES, PARTS
from kangaroo.runs.numbers import above_zero, share, share_or_zero, zero_or_more
from kangaroo.runs.settings import BackboneSettings, LossSettings, Preset, Weights


def add_flags(parser: argparse.ArgumentParser, losses: Sequence[str]) -> None:
    """Add the flags that the functions below read; of ``losses`` the first is the default."""
    _add_network(parser.add_argument_group("network"))
    _add_loss(parser.add_argument_group("loss"), losses)
    _add_augmentation(parser.add_argument_group("changes of training photos"))
    parser.add_argument(
        "--map-km",
        type=above_zero,
        default=WORLD_KM,
        metavar="KM",
        help="diagonal of the map that GeoGuessr scores are for (default: %(default)s, the world's)",
    )


def loss(args: argparse.Namespace) -> LossSettings:
    """What a wrong answer costs."""
    return LossSettings(args.loss, args.alpha, args.tau, args.label_smoothing)


def _add_network(group: "argparse._ArgumentGroup") -> None:
    add = group.add_argument
    add(
        "--backbone",
        choices=("kangaroo", *BACKBONES),
        default="kangaroo",
        help="kangaroo: a small network that learns from few photos; the others are those of "
        "keras.applications (default: %(default)s)",
    )
    add(
        "--weights",
        default="none",
        metavar="none|imagenet|FILE",
        help="what a backbone begins with: nothing, ImageNet's weights, which Keras downloads, or a file of "
        "weights such as Places365's (default: %(default)s)",
    )
    add(
        "--head",
        type=int,
        nargs="*",
        default=(1000, 300),
        metavar="UNITS",
        help="dense layers between a backbone and its answer (default: 1000 300)",
    )
    add("--dropout", type=share_or_zero, default=0.1, metavar="SHARE", help="default: %(default)s")
    either = group.add_mutually_exclusive_group().add_argument
    either(
        "--trainable",
        choices=PARTS,
        default="all",
        help="what of a backbone training changes, beside its head (default: %(default)s)",
    )
    either(
        "--lock",
        type=share,
        metavar="SHARE",
        help="lock this share of a backbone's layers with weights, from the input on; 0.7 was best in London",
    )


def _add_loss(group: "argparse._ArgumentGroup", losses: Sequence[str]) -> None:
    add = group.add_argument
    add("--loss", choices=losses, default=losses[0], help="default: %(default)s")
    classes = "cross-entropy" in losses
    hidden = None if classes else argparse.SUPPRESS
    add(
        "--alpha",
        type=zero_or_more,
        default=2.5,
        metavar="A",
        help=hidden or "of --loss distance: A for each 1,000 km expected (default: %(default)s)",
    )
    add(
        "--tau",
        type=above_zero,
        default=300.0,
        metavar="KM",
        help=hidden or "of --loss soft: labels fall off to 37 %% over so many km (default: %(default)s)",
    )
    add(
        "--label-smoothing",
        type=share_or_zero,
        default=0.1,
        metavar="SHARE",
        help=hidden or "of the other losses: certainty that is shared out (default: %(default)s)",
    )


def _add_augmentation(group: "argparse._ArgumentGroup") -> None:
    add = group.add_argument
    either = group.add_mutually_exclusive_group().add_argument
    names = [name for name in PRESETS if name != "none"]
    either("--augment", choices=names, default="default", help="default: %(default)s")
    either("--no-augmentation", action="store_true", help="train on the photos as they are")
    for name in ("mixup", "cutmix"):
        how = {"mixup": "blend photos and labels", "cutmix": "paste parts of photos, and labels, into others"}
        add(
            f"--{name}",
            type=zero_or_more,
            default=0.0,
            metavar="A",
            help=f"{how[name]}, by shares from the beta distribution of A and A (default: 0, not)",
        )


def augmentation(args: argparse.Namespace, preset: Preset) -> Augmentation | None:
    """How training photos are changed; KangarooError where classes would be mixed that are none."""
    changes = _changes(args)
    if changes and changes.mixes and preset.task == "coordinates":
        raise KangarooError("--mixup and --cutmix mix classes, which coordinates are not: leave them out")
    return changes


def _changes(args: argparse.Namespace) -> Augmentation | None:
    if not args.no_augmentation:
        return replace(PRESETS[args.augment], mixup=args.mixup, cutmix=args.cutmix)
    if args.mixup or args.cutmix:
        raise KangarooError("--no-augmentation leaves photos as they are: leave out --mixup and --cutmix")
    return None


def training_size(image_size: int, augmentation: Augmentation | None) -> int | None:
    """Side of the photos to cut from: large enough that a cut-out of middling area need not be enlarged."""
    if augmentation is None or augmentation.crop == (1, 1):
        return None
    return math.ceil(image_size / math.sqrt(sum(augmentation.crop) / 2))


def network(args: argparse.Namespace) -> BackboneSettings:
    """Which network, and what it begins with."""
    if args.backbone == "kangaroo" and (args.weights != "none" or args.trainable != "all" or args.lock):
        raise KangarooError(
            "--weights, --trainable and --lock are for backbones of keras.applications: choose one with "
            "--backbone"
        )
    weights: Weights = None if args.weights == "none" else Path(args.weights)
    if args.weights == "imagenet":
        weights = "imagenet"
    trainable = args.trainable if args.lock is None else args.lock
    return BackboneSettings(args.backbone, weights, tuple(args.head), args.dropout, trainable)
