"""``kangaroo game export``: every answer as a row of a CSV file."""

import argparse
from pathlib import Path

SUMMARY = "write all answers of people and model to a CSV file"
EXAMPLE = "kangaroo game export kangaroo-games.sqlite --csv answers.csv"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    parser.add_argument(
        "results", type=Path, metavar="RESULTS", help="file of results (--results of kangaroo app)"
    )
    parser.add_argument("--csv", type=Path, required=True, metavar="FILE", help="the file to write")


def run(args: argparse.Namespace) -> None:
    """Read and write."""
    from kangaroo.game.results import existing
    from kangaroo.game.tables import write_csv

    frame = existing(args.results).frame()
    write_csv(frame, args.csv)
    print(f"{len(frame):,} answers: {args.csv}")
