"""``kangaroo collect plan``: what a collection would take. Its flags are those of ``run``."""

import argparse
import math
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kangaroo.console import print_json
from kangaroo.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kangaroo.collect.run.caller import Limits
    from kangaroo.collect.run.estimate import Plan
    from kangaroo.collect.run.points import Point
    from kangaroo.collect.sources.base import Job

SUMMARY = "say what a collection would take: calls, dollars, gigabytes, minutes"
EXAMPLE = "kangaroo collect plan --source google --points points.csv --out photos"
OUT_HELP = "folder of the collection"
KEYS = "Keys come from the environment: GOOGLE_MAPS_API_KEY, GOOGLE_MAPS_SIGNING_SECRET, MAPILLARY_TOKEN."


@dataclass(frozen=True)
class Order:
    """What the flags ask for, read and checked."""

    out: Path
    job: "Job"
    points: "Sequence[Point]"
    limits: "Limits"
    plan: "Plan"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    add_order_arguments(parser)
    parser.add_argument("--yes", action="store_true", help="print the plan, and ask nothing")
    parser.add_argument("--json", action="store_true", help="print the plan as JSON, and ask nothing")


def run(args: argparse.Namespace) -> None:
    """Print the plan; on a terminal, ask whether to go on with it."""
    order = read_order(args)
    if args.json:
        print_json(order.plan.record())
        return
    print(order.plan)
    if not args.yes and sys.stdin.isatty() and confirmed():
        from kangaroo.collect.sources import open_source
        from kangaroo.commands.collect.run import collect

        collect(order, open_source(order.job, os.environ), args.endpoint, as_json=False)


def confirmed() -> bool:
    """Whether somebody at the terminal wants it."""
    print("Collect these now? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def add_order_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags that ``plan`` and ``run`` share."""
    parser.description = f"{parser.description} {KEYS}"
    add = parser.add_argument
    names = ("google", "mapillary", "kartaview", "folder")
    add("--source", choices=names, required=True, help="where the photos come from")
    add("--points", type=Path, required=True, metavar="FILE", help="table of lat,lon,country,state")
    add("--out", type=Path, required=True, metavar="DIR", help=f"{OUT_HELP}; one that was begun goes on")
    add("--photos", default="", metavar="DIR", help="where the photos of --source folder lie")
    add("--anywhere", action="store_true", help="don't check that points lie in their country")
    _add_view_arguments(parser.add_argument_group("which photos"))
    _add_limit_arguments(parser.add_argument_group("limits"))


def _add_view_arguments(group: "argparse._ArgumentGroup") -> None:
    add = group.add_argument
    add("--size", type=_size, default=(640, 640), metavar="WxH", help="google: pixels (default: 640x640)")
    for flag, default, text in (
        ("--heading", (), "google: one photo each (default: one, towards the point)"),
        ("--pitch", (0.0,), "google: up or down (default: 0)"),
        ("--fov", (90.0,), "google: horizontal field of view (default: 90)"),
    ):
        add(flag, type=float, nargs="+", default=default, metavar="DEG", help=text)
    add(
        "--radius", type=float, default=100.0, metavar="M", help="search so far around a point (default: 100)"
    )
    add("--min-distance", type=float, default=0.0, metavar="M", help="keep photos so far apart (default: 0)")


def _add_limit_arguments(group: "argparse._ArgumentGroup") -> None:
    add = group.add_argument
    add("--max-usd", type=float, metavar="USD", help="never spend more, earlier runs of DIR included")
    add(
        "--max-calls",
        type=int,
        metavar="N",
        help="never make more calls, free ones and earlier runs included",
    )
    add("--workers", type=int, default=16, metavar="N", help="calls at a time (default: %(default)s)")
    add("--rate", type=float, metavar="N", help="calls a second (default: what the source allows)")
    add("--timeout", type=float, default=15, metavar="S", help="seconds for a call (default: %(default)s)")
    add(
        "--prices",
        type=Path,
        metavar="FILE",
        help='JSON: {"google": {"usd_per_1000": 5.6, "as_of": "2026-11-01"}}',
    )
    add("--endpoint", metavar="URL", help="another address in place of the source's own")


def read_order(args: argparse.Namespace) -> Order:
    """Read and check everything that the flags name. KangarooError: something can't be used."""
    from kangaroo.collect.run.estimate import make_plan
    from kangaroo.collect.run.ledger_reader import check_folder
    from kangaroo.collect.run.points import read_points
    from kangaroo.collect.run.prices import FREE, PRICES, read_prices
    from kangaroo.collect.sources import SOURCES
    from kangaroo.collect.sources.base import Job

    job = Job(
        args.source,
        args.size,
        headings=tuple(dict.fromkeys(args.heading)),
        pitches=tuple(dict.fromkeys(args.pitch)),
        fovs=tuple(dict.fromkeys(args.fov)),
        radius=args.radius,
        min_distance=args.min_distance,
        photos=args.photos,
    )
    points = read_points(args.points, anywhere=args.anywhere)
    limits = _limits(args, SOURCES[job.source].calls_per_second)
    prices = {**PRICES, **(read_prices(args.prices) if args.prices else {})}
    state = check_folder(args.out, job, points)
    plan = make_plan(job, SOURCES[job.source], len(points), state, limits, prices.get(job.source, FREE))
    return Order(args.out, job, points, limits, plan)


def _limits(args: argparse.Namespace, allowed_rate: float) -> "Limits":
    from kangaroo.collect.run.caller import Limits
    from kangaroo.collect.run.prices import MICRO

    for name in ("workers", "rate", "timeout"):
        value = getattr(args, name)
        if value is not None and not value > 0:
            raise DataError(f"--{name} {value:g} is not above 0")
    for name in ("max_usd", "max_calls"):
        value = getattr(args, name)
        if value is not None and not 0 <= value < math.inf:
            raise DataError(f"--{name.replace('_', '-')} {value:g} is not an amount of 0 or more")
    return Limits(
        workers=args.workers,
        rate=args.rate or allowed_rate,
        timeout=args.timeout,
        calls=args.max_calls,
        micro_usd=None if args.max_usd is None else int(args.max_usd * MICRO + 1e-6),
    )


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 640x640")
    return int(width), int(height)
