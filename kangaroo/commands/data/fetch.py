"""``kangaroo data fetch``: the photos of a list, from a server or a folder."""

import argparse
import sys
from pathlib import Path

from kangaroo.console import print_json
from kangaroo.errors import DataError, UnfinishedError

SUMMARY = "fetch the photos of a list that are missing or different, and check them"
EXAMPLE = "kangaroo data fetch images/photos.list --from https://example.org/images"
ABOUT = (
    "Every file comes from URL/path and is kept only if its SHA-256 is the list's. With --nested 4 the files "
    "lie there in folders named by the first letters of their names, two at a time: URL/A/ab/cd/abcd1.jpg "
    "for A/abcd1.jpg; here they lie as the list says. A fetch that was stopped goes on with the same "
    "command; what is there and right is not fetched again."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    parser.description = f"{parser.description} {ABOUT}"
    add = parser.add_argument
    add("list", type=Path, metavar="LIST", help="what kangaroo data lock, or sha256sum, wrote")
    add("--from", dest="base", required=True, metavar="URL", help="address or folder that holds the files")
    add("--root", type=Path, metavar="DIR", help="where to put them (default: the list's folder)")
    add("--nested", type=int, default=0, metavar="N", help="they lie by the first N letters of their names")
    add("--workers", type=int, default=8, metavar="N", help="files at a time (default: %(default)s)")
    add("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> None:
    """Compare, fetch the rest."""
    from kangaroo.collect.list_files import fetch_listed
    from kangaroo.collect.run.runner import telling_of_full_disks
    from kangaroo.data.lists import read_list, verify

    for name, least in (("workers", 1), ("nested", 0)):
        if getattr(args, name) < least:
            raise DataError(f"--{name} {getattr(args, name)} is not {least} or more")
    entries, root = read_list(args.list), args.root or args.list.parent
    fine = set(verify(entries, root).fine)
    wanted = [entry for entry in entries if entry[1] not in fine]
    with telling_of_full_disks(root):
        failed = fetch_listed(wanted, args.base, root, nested=args.nested, workers=args.workers)
    fetched = len(wanted) - len(failed)
    if args.json:
        print_json({"files": len(entries), "there": len(fine), "fetched": fetched, "failed": failed})
    else:
        print(f"{fetched:,} files fetched, {len(fine):,} of {len(entries):,} were there")
    for file, reason in failed.items():
        print(f"failed: {file}: {reason}", file=sys.stderr)
    if failed:
        raise UnfinishedError(f"{len(failed):,} of {len(entries):,} files could not be had from {args.base}")
