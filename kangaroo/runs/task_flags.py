"""The flags of what a network is to say: cells, or coordinates. Imports no TensorFlow."""

import argparse
from pathlib import Path

from kangaroo.errors import KangarooError
from kangaroo.runs.numbers import above_zero, positive, zero_or_more
from kangaroo.runs.settings import CellSettings, CoordinateSettings, CountrySettings, TaskName, TaskSettings


def add_flags(parser: argparse.ArgumentParser, *tasks: TaskName) -> None:
    """Add the flags of these tasks, as far as they have any."""
    if "cells" in tasks:
        _add_cells(parser.add_argument_group("cells"))
    if "coordinates" in tasks:
        parser.add_argument_group("coordinates").add_argument(
            "--target",
            choices=("sphere", "box"),
            default="sphere",
            help="a point on the globe, or shares of a box around the training photos (default: %(default)s)",
        )


def task(args: argparse.Namespace, name: TaskName) -> TaskSettings:
    """What the flags say of the task of this name. KangarooError: they contradict one another."""
    if name == "cells":
        return CellSettings(
            kind=args.cells,
            width_km=args.cell_km,
            n=args.n_cells,
            boundary=args.boundary,
            margin_km=args.margin_km,
            rule=args.rule,
            radius_km=args.radius_km,
        )
    if name == "coordinates":
        if args.target == "sphere" and args.loss != "haversine":
            raise KangarooError(
                f"--loss {args.loss} is that of a box: give --target box, or --loss haversine"
            )
        return CoordinateSettings(args.target)
    return CountrySettings()


def _add_cells(group: "argparse._ArgumentGroup") -> None:
    add = group.add_argument
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
