"""``kangaroo data lock``: a list of exactly these photos."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from kangaroo.commands import name_rejected
from kangaroo.commands.data.shared import add_sources
from kangaroo.console import print_json
from kangaroo.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

SUMMARY = "write a list of photos with their SHA-256, small enough to commit"
EXAMPLE = "kangaroo data lock images --per-class 500 --out images/photos.list"
ABOUT = (
    "The list has a line 'sha256  path' for every photo, and for X.json beside X.jpg, sorted by path: "
    "sha256sum -c reads it too. Paths are relative to the list's folder. kangaroo data verify checks the "
    "photos, kangaroo data fetch gets the missing ones. Which photos --limit and --per-class take follows "
    "from their names within the source and the seed, on every machine alike."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    parser.description = f"{parser.description} {ABOUT}"
    add_sources(parser)
    add = parser.add_argument
    add("--out", type=Path, required=True, metavar="FILE", help="the list to write")
    add("--root", type=Path, metavar="DIR", help="let paths begin here (default: the list's folder)")
    add("--limit", type=int, metavar="N", help="take at most N photos in all")
    add("--per-class", type=int, metavar="N", help="take at most N photos of each class")
    add("--seed", type=int, default=0, metavar="N", help="another seed takes other photos (default: 0)")
    add("--json", action="store_true", help="print the summary as JSON")


def run(args: argparse.Namespace) -> None:
    """Choose, hash, write."""
    from kangaroo.data.dataset import read_records
    from kangaroo.data.lists import list_sha256, lock, select, write_list

    for name in ("limit", "per_class"):
        value = getattr(args, name)
        if value is not None and value < 1:
            raise DataError(f"--{name.replace('_', '-')} {value} is not 1 or more")
    records, rejected = read_records(args.sources)
    name_rejected(rejected)
    records = records[records["reject_reason"] == ""]
    names = [_name(file, args.sources) for file in records["path"]]
    taken = select(names, list(records["class"]), seed=args.seed, limit=args.limit, per_class=args.per_class)
    records = records.iloc[taken]
    if records.empty:
        raise DataError("no usable photo to list: give other sources")
    entries = lock([Path(file) for file in records["path"]], args.root or args.out.parent)
    write_list(args.out, entries)
    _print(records, entries, list_sha256(args.out), args)


def _name(file: str, sources: list[Path]) -> str:
    """A photo's path within its source, which no move of the source changes."""
    for source in sources:
        folder = source if source.is_dir() else source.parent
        name = Path(os.path.relpath(file, folder))
        if ".." not in name.parts:
            return name.as_posix()
    return Path(os.path.relpath(file, sources[0].parent)).as_posix()


def _print(
    records: "pd.DataFrame", entries: list[tuple[str, str]], digest: str, args: argparse.Namespace
) -> None:
    others = len(entries) - len(records)
    classes = {str(name): int(n) for name, n in records["class"].value_counts().sort_index().items()}
    if args.json:
        print_json({"photos": len(records), "json_files": others, "classes": classes, "sha256": digest})
        return
    print(f"{len(records):,} photos of {len(classes)} classes, {others:,} JSON files beside them: {args.out}")
    print(f"SHA-256 of the list: {digest}")
