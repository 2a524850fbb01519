"""Which country? The reports' networks on any countries, and a small one that learns from few photos.

    python -m experiments.countries --images PHOTOS
    python -m experiments.countries --images PHOTOS --backbone resnet50 --weights imagenet --lock 0.7
    python -m experiments.countries --images PHOTOS --loss distance --alpha 2.5

'CNN plays GeoGuessr': 72.5 % of the test photos of 20 countries, with the last block of an ImageNet ResNet-50
fine-tuned on 35,451 photos. To expect here, from nothing: README.md has the figures.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace

from kangaroo.runs import network_flags
from kangaroo.runs.network_flags import RECIPE, Places

EXPERIMENT = Places(
    name="countries",
    description="Train a network to tell countries apart; judge it, also in kilometres, on unseen places.",
    classes=("Australia", "Austria", "Czechia", "New Zealand", "Slovakia"),
    losses=("cross-entropy", "distance", "soft"),
    training=replace(RECIPE, epochs=120),
    drawn_epochs=15,
    scenes=6000,
    one_class=False,
)


def parser() -> argparse.ArgumentParser:
    """The flags of this experiment."""
    return network_flags.parser(EXPERIMENT)


def main(argv: Sequence[str] | None = None) -> int:
    """Parse the flags, train and judge a network, and give the exit code."""
    return network_flags.main(EXPERIMENT, parser(), lambda args: {}, argv)


if __name__ == "__main__":
    sys.exit(main())
