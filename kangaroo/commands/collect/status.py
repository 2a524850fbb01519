"""``kangaroo collect status``: what a collection holds, what is open, what it cost."""

import argparse
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from kangaroo.commands.collect.plan import OUT_HELP
from kangaroo.commands.collect.run import describe
from kangaroo.console import print_json

if TYPE_CHECKING:
    from kangaroo.collect.run.ledger_reader import State
    from kangaroo.collect.run.tables import Outcome

SUMMARY = "say what a collection holds, what is open and what it cost"
EXAMPLE = "kangaroo collect status --out photos --figures figures"
_ERRORS = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    add = parser.add_argument
    add("--out", type=Path, required=True, metavar="DIR", help=OUT_HELP)
    add("--figures", type=Path, metavar="DIR", help="draw coverage.png and photos_by_state.png there")
    add("--json", action="store_true", help="print the figures as JSON")


def run(args: argparse.Namespace) -> None:
    """Read the ledger, also of a collection that is running."""
    from kangaroo.collect.run.ledger_reader import read_state
    from kangaroo.collect.run.tables import outcomes, summary

    state = read_state(args.out)
    became = outcomes(state)
    counts, figures = Counter(became), summary(state)
    reasons = Counter(photo.reason for photo in state.photos.values() if photo.reason)
    if args.figures:
        _draw(args.figures, state, became)
    if args.json:
        more = {"open": counts["open"], "already_taken": counts["already taken"]}
        print_json({**figures, **more, "rejected_for": dict(reasons), "errors": dict(state.errors)})
        return
    print(describe(figures))
    print(f"{counts['open']:,} points open, {counts['already taken']:,} whose picture another point has")
    for reason, count in reasons.most_common():
        print(f"rejected: {reason}: {count:,} photos")
    for error, count in list(state.errors.items())[:_ERRORS]:
        print(f"failed: {error}: {count:,} calls")


def _draw(folder: Path, state: "State", became: "list[Outcome]") -> None:
    import pandas as pd

    from kangaroo.plots.coverage import coverage
    from kangaroo.plots.data import photos_by_state
    from kangaroo.plots.style import save

    points = pd.DataFrame(
        [(point.country, point.state, point.lat, point.lon) for point in state.points],
        columns=["class", "state", "lat", "lon"],
    ).assign(outcome=became)
    save(coverage(points), folder / "coverage.png")
    rows = [state.points[photo.point] for photo in state.photos.values() if not photo.reason]
    photos = pd.DataFrame(
        [(point.country, point.state, point.id, point.id) for point in rows],
        columns=["class", "state", "place", "file"],
    )
    missing = points.assign(has_photo=points["outcome"] == "taken")
    if len(photos):
        save(photos_by_state(photos, missing), folder / "photos_by_state.png")
