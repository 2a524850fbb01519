"""Where exactly? A network that gives latitude and longitude, as two of the reports tried it.

    python -m experiments.coordinates --images PHOTOS
    python -m experiments.coordinates --images PHOTOS --target box --loss mean-squared-error

'Playing GeoGuessr with machine learning': 256 units, ReLU and two numbers from 0 to 1 on a ResNet-50, 3.89 km
off on average in London. To expect here: distances, judged exactly as those of experiments.cells.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace

from kangaroo.errors import KangarooError
from kangaroo.runs import network_flags
from kangaroo.runs.network_flags import RECIPE, Places

EXPERIMENT = Places(
    name="coordinates",
    description="Train a network to give a photo's coordinates, and judge its distances on unseen places.",
    classes=("Austria", "Czechia", "Slovakia"),
    losses=("haversine", "mean-squared-error"),
    training=replace(RECIPE, epochs=60),
    drawn_epochs=15,
    scenes=3000,
    one_class=True,
)


def parser() -> argparse.ArgumentParser:
    """The flags of this experiment."""
    parser = network_flags.parser(EXPERIMENT)
    parser.add_argument_group("coordinates").add_argument(
        "--target",
        choices=("sphere", "box"),
        default="sphere",
        help="a point on the globe, or shares of a box around the training photos (default: %(default)s)",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Parse the flags, train and judge a network, and give the exit code."""
    return network_flags.main(EXPERIMENT, parser(), _target, argv)


def _target(args: argparse.Namespace) -> dict[str, str]:
    if args.target == "sphere" and args.loss != "haversine":
        raise KangarooError(f"--loss {args.loss} is that of a box: give --target box, or --loss haversine")
    return {"target": args.target}


if __name__ == "__main__":
    sys.exit(main())
