"""In which cell? An area divided into squares or Voronoi cells, as in 'Playing GeoGuessr with ML'.

    python -m experiments.cells --images PHOTOS --cells kmeans --n-cells 20
    python -m experiments.cells --images PHOTOS --cells square --cell-km 50 --boundary area.geojson

The report: 252 cells of London, 6.99 km off on average. To expect here: a map of what the model believes, how
far off its guesses are beside answers that look at no photo, and neighbourhood.html, where cells that look
alike light up together.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from kangaroo.runs import network_flags
from kangaroo.runs.flags import above_zero, positive, zero_or_more
from kangaroo.runs.network_flags import RECIPE, Places
from kangaroo.runs.settings import CellSettings

EXPERIMENT = Places(
    name="cells",
    description="Train a network to tell in which cell of an area a photo was taken; judge its distances.",
    classes=("Austria", "Czechia", "Slovakia"),
    losses=("cross-entropy", "distance", "soft"),
    training=replace(RECIPE, epochs=60),
    drawn_epochs=15,
    scenes=3000,
    one_class=True,
)


def parser() -> argparse.ArgumentParser:
    """The flags of this experiment."""
    parser = network_flags.parser(EXPERIMENT)
    add = parser.add_argument_group("cells").add_argument
    add(
        "--cells",
        choices=("drawn", "kmeans", "square"),
        default="kmeans",
        help="around centres drawn at random, or where the training photos are, or squares (default: "
        "%(default)s)",
    )
    add("--n-cells", type=positive, default=20, metavar="N", help="drawn, kmeans (default: %(default)s)")
    add("--cell-km", type=above_zero, default=50.0, metavar="KM", help="square (default: %(default)s)")
    add("--boundary", type=Path, metavar="FILE", help="polygons of the area (default: the photos' hull)")
    add(
        "--margin-km",
        type=zero_or_more,
        default=5.0,
        metavar="KM",
        help="around the photos' hull (default: %(default)s)",
    )
    add(
        "--rule",
        choices=("mean", "best"),
        default="mean",
        help="guess the probable places' mean near the likeliest cell, or that cell's (default: %(default)s)",
    )
    add(
        "--radius-km",
        type=zero_or_more,
        default=0.0,
        metavar="KM",
        help="of 'near' (default: twice a cell's width)",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Parse the flags, train and judge a network, and give the exit code."""
    return network_flags.main(EXPERIMENT, parser(), lambda args: {"cells": _cells(args)}, argv)


def _cells(args: argparse.Namespace) -> CellSettings:
    return CellSettings(
        kind=args.cells,
        width_km=args.cell_km,
        n=args.n_cells,
        boundary=args.boundary,
        margin_km=args.margin_km,
        rule=args.rule,
        radius_km=args.radius_km,
    )


if __name__ == "__main__":
    sys.exit(main())
