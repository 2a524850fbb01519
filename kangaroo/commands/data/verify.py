"""``kangaroo data verify``: are these the photos of a list?"""

import argparse
from pathlib import Path

from kangaroo.console import print_json
from kangaroo.errors import DataError, UnfinishedError

SUMMARY = "compare photos with a list: name each file that is missing or different"
EXAMPLE = "kangaroo data verify images/photos.list"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    parser.description = f"{parser.description} Exit code 0: all are fine, 1: some are not."
    add = parser.add_argument
    add("list", type=Path, metavar="LIST", help="what kangaroo data lock, or sha256sum, wrote")
    add("--root", type=Path, metavar="DIR", help="where its paths begin (default: the list's folder)")
    add("--workers", type=int, metavar="N", help="files at a time (default: the number of processors)")
    add("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> None:
    """Hash and compare."""
    from kangaroo.data.lists import read_list, verify

    if args.workers is not None and args.workers < 1:
        raise DataError(f"--workers {args.workers} is not 1 or more")
    entries = read_list(args.list)
    found = verify(entries, args.root or args.list.parent, args.workers)
    bad = len(found.missing) + len(found.different)
    if args.json:
        faults = {"missing": list(found.missing), "different": list(found.different)}
        print_json({"files": len(entries), "fine": len(found.fine), **faults})
    else:
        for kind in ("missing", "different"):
            for file in getattr(found, kind):
                print(f"{kind}: {file}")
        print(f"{len(found.fine):,} of {len(entries):,} files are fine")
    if bad:
        raise UnfinishedError(
            f"{len(found.missing):,} missing and {len(found.different):,} different: get them with "
            f"kangaroo data fetch {args.list} --from URL"
        )
