"""What the commands of ``kangaroo data`` share: their sources, and the manifest that they write."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from kangaroo.commands import name_rejected

if TYPE_CHECKING:
    import pandas as pd


def add_sources(parser: argparse.ArgumentParser) -> None:
    """Add the positional argument that :func:`read_sources` reads."""
    parser.add_argument(
        "sources", type=Path, nargs="+", metavar="SOURCE", help="photo folders, or manifests (.parquet)"
    )


def add_manifest(parser: argparse.ArgumentParser, about: str = "") -> None:
    """Add --out, the manifest to write; ``about`` says more of it."""
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE.parquet", help=f"the manifest to write{about}"
    )


def read_sources(args: argparse.Namespace, *, photos: bool = True) -> "pd.DataFrame":
    """The records of all sources; files that are no photos are named on stderr. See kangaroo.data.dataset."""
    from kangaroo.data.dataset import read_records

    records, rejected = read_records(args.sources, photos=photos)
    name_rejected(rejected)
    return records
