"""``kangaroo game compare``: who is better, people or the model, and whether that is certain."""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from kangaroo.console import print_json
from kangaroo.errors import DataError

if TYPE_CHECKING:
    from kangaroo.game.comparison import Comparison

SUMMARY = "tell who is better on the same photos, people or the model, and whether that is certain"
EXAMPLE = "kangaroo game compare kangaroo-games.sqlite --json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    add = parser.add_argument
    add("results", type=Path, metavar="RESULTS", help="file of results (--results of kangaroo app)")
    add("--seed", type=int, default=0, help="draws the resamples (default: %(default)s)")
    add("--json", action="store_true", help="print the figures as JSON")


def run(args: argparse.Namespace) -> None:
    """Compare what was played alike: the same model, classes and resolution."""
    from kangaroo.game.comparison import compare
    from kangaroo.game.results import existing
    from kangaroo.game.tables import by_terms, counted

    if args.seed < 0:
        raise DataError(f"seed {args.seed} is below 0: give a whole number of 0 or more")
    groups = by_terms(counted(existing(args.results).frame()))
    if not groups:
        raise DataError(f"{args.results} holds no answer that counts: play first (kangaroo app --photos DIR)")
    found = [compare(rows, seed=args.seed) for rows in groups]
    if args.json:
        print_json([asdict(one) | {"sentence": one.sentence} for one in found])
    else:
        print("\n\n".join(map(_describe, found)))


def _describe(found: "Comparison") -> str:
    """A sentence, what it rests on, and a line a figure with its 95 % interval."""
    lines = [
        found.sentence,
        f"model {found.model[:12]}, {len(found.classes)} classes, {found.resolution} pixels, "
        f"{found.answers:,} answers, players: {found.players:,}",
        f"{'':12}  {'people':>22}  {'model':>22}  {'difference':>22}",
    ]
    for name, value in found.measures.items():
        scale, unit = {"median_km": (1, " km"), "mean_points": (1, "")}.get(name, (100, " %"))
        figures = [
            f"{scale * x.value:.0f}{unit} ({scale * x.low:.0f} to {scale * x.high:.0f})"
            for x in (value.people, value.model, value.difference)
        ]
        lines.append(f"{name:12}" + "".join(f"  {figure:>22}" for figure in figures))
    return "\n".join(lines)
