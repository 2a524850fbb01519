"""``kangaroo collect export``: what of a collection may be passed on."""

import argparse
from pathlib import Path

from kangaroo.commands.collect.plan import OUT_HELP

SUMMARY = "write what may be passed on: free photos with attribution, of Google panorama ids only"
EXAMPLE = "kangaroo collect export --out photos --to shared"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    add = parser.add_argument
    add("--out", type=Path, required=True, metavar="DIR", help=OUT_HELP)
    add("--to", type=Path, required=True, metavar="DIR", help="folder to write, a new one")


def run(args: argparse.Namespace) -> None:
    """Export, and say what was left behind."""
    from kangaroo.collect.run.export import export
    from kangaroo.collect.run.ledger_reader import read_state

    state = read_state(args.out)
    number = export(args.out, state, args.to)
    if state.job.source == "google":
        print(f"{args.to / 'panoramas.csv'}: {number:,} panoramas; Google's photos may not be passed on")
    else:
        print(f"{args.to}: {number:,} photos; attribution.txt names their photographers and licence")
