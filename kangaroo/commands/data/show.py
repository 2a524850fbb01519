"""``kangaroo data show``: a data set in numbers, and as one page to look at."""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from kangaroo.commands import name_rejected
from kangaroo.commands.data.shared import add_sources
from kangaroo.console import print_json

if TYPE_CHECKING:
    from kangaroo.data.summary import Summary

SUMMARY = "show what a data set holds: counts, map, photos of every class, licences"
EXAMPLE = "kangaroo data show photos more.parquet --out data.html"
_CLASSES = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    add_sources(parser)
    add = parser.add_argument
    add("--out", type=Path, metavar="FILE", help="write a page (.html) that needs no network")
    add("--seed", type=int, default=0, help="chooses the photos of the page (default: %(default)s)")
    add("--json", action="store_true", help="print the counts as JSON")


def run(args: argparse.Namespace) -> None:
    """Count, and write the page if one is asked for."""
    from kangaroo.data.dataset import read_records
    from kangaroo.data.summary import summarize

    records, rejected = read_records(args.sources)
    name_rejected(rejected)
    summary = summarize(records, rejected)
    if args.out:
        from kangaroo.pages.data_set import write_data_report

        title = ", ".join(dict.fromkeys(source.resolve().name for source in args.sources))
        name_rejected(write_data_report(args.out, records, summary, rejected, title=title, seed=args.seed))
    if args.json:
        print_json(asdict(summary))
        return
    print(_describe(summary))
    if args.out:
        print(f"page: {args.out}")


def _describe(summary: "Summary") -> str:
    """The counts in a few lines, the classes with most photos first."""
    drawn = f"; drawn scenes: {summary.drawn:,}" if summary.drawn else ""
    lines = [
        f"photos: {summary.photos:,}; classes: {len(summary.classes):,}; places: {summary.places:,}; "
        f"with coordinates: {summary.located:,}{drawn}"
    ]
    first = list(summary.classes.items())[:_CLASSES]
    more = f" and {len(summary.classes) - _CLASSES:,} more" if len(summary.classes) > _CLASSES else ""
    lines.append(", ".join(f"{name} {count:,}" for name, count in first) + more)
    lines += [f"{side}: {sum(counts.values()):,} photos" for side, counts in summary.split.items()]
    lines += [f"rejected: {reason}: {count:,}" for reason, count in summary.rejected.items()]
    return "\n".join(lines)
