import argparse
import subprocess
import sys

import pytest

from kangaroo.errors import KangarooError
from kangaroo.runs.training_flags import add_flags, settings
from kangaroo.training import TrainConfig


def parsed(*argv: str, head: bool = True, **defaults: object) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch-size", type=int, default=7)
    add_flags(parser, head=head)
    parser.set_defaults(**defaults)
    return parser.parse_args(argv)


@pytest.mark.parametrize("head", [False, True])
def test_defaults_are_those_of_the_settings(head: bool) -> None:
    args = parsed(head=head)
    assert settings(args, 3) == TrainConfig(3, batch_size=7)
    assert args.track == ""


def test_every_flag() -> None:
    argv = (
        "--learning-rate 0.1 --optimizer sgd --momentum 0.9 --weight-decay 0.2 --schedule exponential "
        "--final-learning-rate 0.01 --warmup-epochs 1 --averaging 0.99 --clip-norm 2 --head-epochs 3 "
        "--head-learning-rate 0.5 --track wandb"
    )
    args = parsed(*argv.split())
    assert args.track == "wandb"
    assert settings(args, 9) == TrainConfig(
        9,
        7,
        learning_rate=0.1,
        optimizer="sgd",
        momentum=0.9,
        weight_decay=0.2,
        schedule="exponential",
        final_learning_rate=0.01,
        warmup_epochs=1,
        averaging=0.99,
        clip_norm=2,
        head_epochs=3,
        head_learning_rate=0.5,
    )


def test_an_experiment_has_its_own_defaults() -> None:
    assert settings(parsed(optimizer="sgd", momentum=0.9), 1) == TrainConfig(
        1, batch_size=7, optimizer="sgd", momentum=0.9
    )


def test_what_cannot_be() -> None:
    with pytest.raises(KangarooError, match="adam takes no momentum"):
        settings(parsed("--momentum", "0.9"), 1)


def test_help_needs_no_keras() -> None:
    code = (
        "import sys, kangaroo.runs.training_flags as f; "
        "print({'keras', 'tensorflow', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
