"""Photos changed so little that nobody sees it, and named wrongly: a section of 'No Kangaroos in Austria'.

    python -m experiments.adversarial
    python -m experiments.adversarial --images PHOTOS --model MODEL.keras --space standardized
    python -m experiments.adversarial --adversarial-training

The report, in standardized units: accuracy 0.93, 0.89, 0.45, 0.23, 0.44 at epsilon 0, 0.001, 0.01, 0.1, 1. To
expect here: the same fall on photos; small steps repeated leave none that is named rightly; and a gradient of
exactly zero through the probability only, at photos of which the model is certain.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.adversarial.settings import AdversarialSettings
from kangaroo.attack.settings import CHOICES, EPSILONS, AttackConfig, check_epsilons
from kangaroo.cli import analysis
from kangaroo.runs.flags import add_model, common, run_settings
from kangaroo.runs.folder import check
from kangaroo.runs.numbers import positive
from kangaroo.runs.settings import TrainSettings
from kangaroo.training.settings import TrainConfig

if TYPE_CHECKING:
    from kangaroo.runs.analysis import Findings

FILES = ("robustness.csv", "robustness.json", "report.html")
METHODS: Mapping[str, Mapping[str, Any]] = {
    "signed gradient": {},
    "signed gradient, through the probability": {"through": "probability"},
    "iterative": {"method": "iterative"},
    "PGD": {"method": "pgd"},
}
AGAIN = ("signed gradient", "PGD")  # what the hardened network is attacked with


def main(argv: Sequence[str] | None = None) -> int:
    """Parse the flags, attack, and give the exit code."""
    stopped = "stopped: --resume goes on from the last whole epoch of a training"
    return analysis(_parser(), lambda args: run(_settings(args)), argv, stopped=stopped)


def run(settings: AdversarialSettings) -> "Findings":
    """Attack with every method."""
    from experiments.adversarial.networks import HARDENED, PLAIN, given, trained
    from experiments.adversarial.results import findings
    from kangaroo.attack.robustness import sweep
    from kangaroo.models.precision import dtype_policy

    train, photos = settings.train, settings.train.data
    check(photos.out, (*FILES, PLAIN, HARDENED), overwrite=photos.overwrite, resume=train.resume)
    case = (given if settings.model else trained)(settings, FILES)
    rows = np.sort(np.random.default_rng(photos.seed).permutation(case.rows)[: settings.photos])
    attacked = partial(
        sweep,
        photos=case.data.pixels[rows],
        labels=case.labels[rows],
        epsilons=settings.epsilons,
        policy=dtype_policy(train.training.precision),
    )
    configs = {name: replace(settings.attack, **change) for name, change in METHODS.items()}
    sweeps = {
        network: {
            name: attacked(model, config=configs[name]) for name in (METHODS if network == PLAIN else AGAIN)
        }
        for network, model in case.networks.items()
    }
    return findings(settings, case, rows, sweeps)


def _settings(args: argparse.Namespace) -> AdversarialSettings:
    attack = AttackConfig(space=args.space, norm=args.norm, steps=args.steps, seed=args.seed)
    epsilons = tuple(args.eps or EPSILONS[args.space, args.norm])
    check_epsilons(epsilons)
    fewer = {} if args.adversarial_training else {"scenes": min(args.scenes, args.photos)}
    training = TrainConfig(
        args.epochs or (20 if args.images else 10), args.batch_size, seed=args.seed, precision=args.precision
    )
    return AdversarialSettings(
        train=TrainSettings(run=run_settings(args, **fewer), training=training, resume=args.resume),
        model=None if args.adversarial_training else args.model,
        attack=attack,
        epsilons=epsilons,
        photos=args.photos,
        training_epsilon=args.training_epsilon,
    )


def _parser() -> argparse.ArgumentParser:
    parser = common(
        "adversarial",
        "Attack a model with small changes of photos, and compare the ways to find them.",
        classes=(),
        scenes=3000,
        resume=True,
    )
    add_model(parser)
    add = parser.add_argument
    add("--split", type=Path, metavar="FILE", help="a run's split.csv: attack its validation photos only")
    add("--photos", type=positive, default=200, metavar="N", help="photos to attack (default: %(default)s)")
    add(
        "--eps",
        type=float,
        nargs="+",
        metavar="E",
        help="largest change of a value, in the units of --space (default: the report's, or 0.5 to 8 levels)",
    )
    for name in ("space", "norm"):
        add(f"--{name}", choices=CHOICES[name], default=CHOICES[name][0], help="default: %(default)s")
    add("--steps", type=int, default=10, metavar="N", help="of the iterative methods (default: %(default)s)")
    add("--precision", choices=("auto", "float32", "bfloat16"), default="auto", help="default: %(default)s")
    _add_training(parser.add_argument_group("adversarial training, in place of --model"))
    return parser


def _add_training(group: "argparse._ArgumentGroup") -> None:
    add = group.add_argument
    add(
        "--adversarial-training",
        action="store_true",
        help="train the report's network twice, plainly and on attacked photos, and compare the two",
    )
    add(
        "--training-epsilon",
        type=float,
        default=0.01,
        metavar="E",
        help="of the attacks while training, in standardized units; much larger, and nothing is learned "
        "(default: %(default)s)",
    )
    add("--epochs", type=positive, metavar="N", help="default: 20 on photos, 10 on drawn scenes")
    add("--batch-size", type=positive, default=32, metavar="N", help="default: %(default)s")


if __name__ == "__main__":
    sys.exit(main())
