"""The flags of how a network is trained, which the experiments share. Imports no Keras."""

import argparse
from dataclasses import fields
from typing import Any

from kangaroo.training.settings import OPTIMIZERS, SCHEDULES, TrainConfig, defaults

_DEFAULT = "default: %(default)s"


def add_flags(parser: argparse.ArgumentParser, *, head: bool = False) -> None:
    """Add the flags that :func:`settings` reads, and --track for :func:`kangaroo.training.fit`.

    ``head``: also those for networks with a head that can be trained alone. Where an experiment has other
    defaults than TrainConfig, ``parser.set_defaults`` takes them.
    """
    group = parser.add_argument_group("how the network is trained")
    known = {"track": "", **defaults()}

    def add(flag: str, **options: Any) -> None:
        group.add_argument(flag, default=known[flag[2:].replace("-", "_")], **options)

    add("--learning-rate", type=float, metavar="RATE", help=_DEFAULT)
    add("--optimizer", choices=OPTIMIZERS, help=_DEFAULT)
    add("--momentum", type=float, metavar="SHARE", help=f"of sgd ({_DEFAULT})")
    add(
        "--weight-decay",
        type=float,
        metavar="SHARE",
        help=f"of each weight, times the rate, that a step takes; not of biases and scales ({_DEFAULT})",
    )
    add("--schedule", choices=SCHEDULES, help=f"the rate's way to --final-learning-rate ({_DEFAULT})")
    add("--final-learning-rate", type=float, metavar="RATE", help=f"rate of the last epoch ({_DEFAULT})")
    add(
        "--warmup-epochs",
        type=int,
        metavar="N",
        help="in which the rate rises from 0 (default: the experiment's, at most a tenth of all epochs)",
    )
    add(
        "--averaging",
        type=float,
        metavar="SHARE",
        help="judge and keep a moving average of the weights, of which a step leaves this share, such as "
        f"0.99; 0: none ({_DEFAULT})",
    )
    add("--clip-norm", type=float, metavar="NORM", help=f"bound of the gradients' norm; 0: none ({_DEFAULT})")
    if head:
        add("--head-epochs", type=int, metavar="N", help=f"epochs that train the head alone ({_DEFAULT})")
        add("--head-learning-rate", type=float, metavar="RATE", help=f"in these epochs ({_DEFAULT})")
    add(
        "--track",
        choices=("wandb",),
        help="log to Weights & Biases too; TensorBoard's files are always written, to events/",
    )


def settings(args: argparse.Namespace, epochs: int) -> TrainConfig:
    """What the flags say, those for seed, batch size and precision too. KangarooError: it can't be."""
    names = {field.name for field in fields(TrainConfig)} - {"epochs"}
    return TrainConfig(epochs, **{name: value for name, value in vars(args).items() if name in names})
