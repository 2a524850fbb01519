"""``kangaroo data balance``: fewer photos, in a wanted distribution."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kangaroo.commands.data.shared import add_manifest, add_sources, read_sources
from kangaroo.console import print_json
from kangaroo.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

SUMMARY = "thin photos out until their classes have a wanted distribution"
EXAMPLE = (
    "kangaroo data balance world.parquet --to game.csv --minimum 100 --slack 1.25 --out balanced.parquet"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    add_sources(parser)
    add_manifest(
        parser,
        "; photos left out keep their row, with reject_reason 'balance', and count again if that manifest is "
        "balanced anew",
    )
    add = parser.add_argument
    add(
        "--to",
        default="source",
        metavar="TARGET",
        help="uniform, sqrt (of the photos there are), source (as they "
        "are), a CSV file class,count or class,share, or another manifest (default: %(default)s)",
    )
    add(
        "--by",
        choices=("class", "country"),
        default="class",
        help="what the target names (default: %(default)s)",
    )
    add(
        "--minimum",
        type=int,
        default=1,
        metavar="N",
        help="drop classes with fewer photos (default: %(default)s)",
    )
    add(
        "--slack",
        type=float,
        default=1.0,
        metavar="FACTOR",
        help="let a class have as little as 1/FACTOR of its "
        "share; 1: the scarcest class limits all others (default: %(default)s)",
    )
    add("--cap", type=int, metavar="N", help="no class has more photos")
    add("--total", type=int, metavar="N", help="this many photos in all (default: as many as possible)")
    add("--seed", type=int, default=0, metavar="N", help="same seed, same photos (default: %(default)s)")
    add(
        "--prefer-informative",
        action="store_true",
        help="leave out the photos with the fewest bits of information first, in place of random ones",
    )
    add("--figure", type=Path, metavar="FILE.png", help="draw the classes before and after")
    add("--json", action="store_true", help="print the table as JSON")


def run(args: argparse.Namespace) -> None:
    """Plan, choose the photos, write the manifest, and say what was kept and dropped."""
    from kangaroo.data.balance import REASON, BalanceSettings, plan, thin
    from kangaroo.data.manifest import write_manifest

    settings = BalanceSettings(args.minimum, args.slack, args.cap, args.total)
    records = read_sources(args)
    usable = records[records["reject_reason"].isin(["", REASON])]
    if unknown := int((usable[args.by] == "").sum()):
        raise DataError(f"{unknown:,} photos have no {args.by}: balance them --by class, or give them one")
    target = _target(args)
    table = plan(usable[args.by].value_counts().to_dict(), target, settings)
    if args.prefer_informative:
        usable = _with_information(usable)
    kept = thin(usable, table["kept"], by=args.by, seed=args.seed, informative=args.prefer_informative)
    records.loc[kept.index, "reject_reason"] = kept.map({True: "", False: REASON})
    if args.figure:  # first: what can't be drawn leaves no manifest either
        _draw(table, args.figure)
    write_manifest(args.out, records)
    absent = [] if isinstance(target, str) else sorted(set(target) - set(table.index))
    if args.json:
        print_json(_figures(table, absent, args))
    else:
        print(_text(table, absent, args))


def _target(args: argparse.Namespace) -> "str | dict[str, float]":
    from kangaroo.data.balance import SHAPES, read_target

    if args.to in SHAPES:
        return str(args.to)
    if not Path(args.to).exists():
        raise DataError(
            f"no target {args.to}: give {', '.join(SHAPES)}, a CSV file class,count or a manifest"
        )
    return read_target(Path(args.to), args.by)


def _with_information(records: "pd.DataFrame") -> "pd.DataFrame":
    """The records with the bits of information of every photo, measured where they are unknown."""
    from kangaroo.data.measures import measure

    bits = records["information"].copy() if "information" in records else records["lat"] * float("nan")
    unknown = bits.index[bits.isna()]
    if len(unknown):
        files = [Path(file) for file in records.loc[unknown, "path"]]
        bits.loc[unknown] = measure(files)["information"].to_numpy(float)
    return records.assign(information=bits)


def _draw(table: "pd.DataFrame", path: Path) -> None:
    from kangaroo.plots.balance import before_and_after
    from kangaroo.plots.style import save

    save(before_and_after(table), path)


def _figures(table: "pd.DataFrame", absent: list[str], args: argparse.Namespace) -> dict[str, Any]:
    return {
        "file": str(args.out),
        "photos": int(table["source"].sum()),
        "kept": int(table["kept"].sum()),
        "classes": {str(name): row for name, row in zip(table.index, table.to_dict("records"), strict=True)},
        "not_in_source": absent,
    }


def _text(table: "pd.DataFrame", absent: list[str], args: argparse.Namespace) -> str:
    width = max(len(str(name)) for name in (*table.index, args.by))
    lines = [f"{args.by:{width}} {'before':>10} {'wanted':>10} {'kept':>10}"]
    for name, row in table.sort_values("source", ascending=False, kind="stable").iterrows():
        short = "all there are" if row["kept"] < row["wanted"] - 0.5 else ""
        if row["reason"]:
            short = f"dropped: {row['reason']}"
        lines.append(
            f"{name:{width}} {row['source']:10,} {row['wanted']:10,.0f} {row['kept']:10,}  {short}".rstrip()
        )
    lines += [f"{name:{width}} {0:10} {'':10} {0:10}  in the target only" for name in absent]
    photos, classes = (f"{(table[n]).sum():,}" for n in ("kept", "source")), (table["kept"] > 0).sum()
    lines.append(f"{' of '.join(photos)} photos kept, {classes} of {len(table)} classes: {args.out}")
    return "\n".join(lines)
