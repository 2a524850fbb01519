"""``kangaroo data check``: which photos are not fit, and why."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kangaroo.commands import name_rejected
from kangaroo.commands.data.shared import add_sources
from kangaroo.console import print_json
from kangaroo.data.thresholds import MEASURED, WORSE_HIGH, Thresholds
from kangaroo.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

SUMMARY = "find photos that are damaged, dark, blurred, there twice; the reason for each"
EXAMPLE = "kangaroo data check photos --out checked.parquet --sheets sheets"
SHOWN = 48  # pictures of a contact sheet
_PICTURE = 160

_FLAGS = (  # threshold, the reason that it decides, unit, what it says
    ("min_side", "too_small", "PX", "the shorter side, at least"),
    ("min_brightness", "dark", "LEVEL", "99th percentile of the brightest channel, 0 to 255, at least"),
    ("max_plain", "placeholder", "SHARE", "of pixels within four levels of one colour, below"),
    ("max_plain_grey", "placeholder", "SHARE", "the same where that colour is a light grey, below"),
    ("min_variance", "low_variance", "VALUE", "of the channel that varies most, in squared levels, at least"),
    ("min_sharpness", "blurred", "VALUE", "variance of the Laplacian at 224 pixels, at least"),
    ("min_detail", "half_resolution", "RATIO", "energy of high by middle frequencies, at least"),
    ("max_distance", "near_duplicate", "BITS", "of two perceptual hashes, for a closer look"),
    ("min_likeness", "near_duplicate", "VALUE", "correlation of the gradients of two photos, from which on"),
    ("same_place", "same_place", "N", "photos of one spot, and one heading if known; 0 for any number"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags; the defaults of the thresholds are those of kangaroo.data.thresholds."""
    add_sources(parser)
    add = parser.add_argument
    add("--out", type=Path, metavar="FILE", help="write the manifest (.parquet) with the reasons")
    add("--sheets", type=Path, metavar="DIR", help="write a contact sheet of the worst for each reason")
    add("--json", action="store_true", help="print {checked, kept, rejected{reason: n}}")
    add("--workers", type=int, metavar="N", help="processes (default: the processors)")
    add(
        "--ray",
        metavar="ADDRESS",
        help="measure on a running Ray cluster ('auto', 'host:port'), which has the photos at the same paths",
    )
    group = parser.add_argument_group("thresholds", "The first reason that holds counts, in this order.")
    for name, reason, unit, text in _FLAGS:
        default = getattr(Thresholds, name)
        about = f"{reason}: {text} (default: %(default)s)"
        group.add_argument(_flag(name), type=type(default), default=default, metavar=unit, help=about)


def run(args: argparse.Namespace) -> None:
    """Check the photos, write what was asked for, print the counts."""
    from kangaroo.data.dataset import read_records
    from kangaroo.data.manifest import Rejected, write_manifest
    from kangaroo.data.quality import check_photos

    if args.workers is not None and args.workers < 1:
        raise DataError(f"--workers {args.workers} is not 1 or more")
    thresholds = Thresholds(**{name: getattr(args, name) for name, *_ in _FLAGS})
    records, unreadable = read_records(args.sources)
    name_rejected(unreadable)
    name = ", ".join(map(str, args.sources))
    table = check_photos(records, thresholds, name=name, workers=args.workers, ray=args.ray)
    bad = table[table["reject_reason"] == "corrupt"]
    name_rejected([Rejected(*row) for row in zip(bad["path"], bad["problem"], strict=True)])
    _warn_of_two_classes(table)
    if args.sheets:  # first: what can't be drawn leaves no manifest either
        _write_sheets(table, args.sheets)
    if args.out:
        write_manifest(args.out, table)
    counts = _counts(table, len(unreadable))
    if args.json:
        print_json(counts)
    else:
        _print_table(counts, thresholds)


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _warn_of_two_classes(table: "pd.DataFrame") -> None:
    classes = table.set_index("path")["class"]
    copies = table.loc[table["reject_reason"] == "near_duplicate", ["path", "twin"]]
    for one, other in sorted({(min(pair), max(pair)) for pair in copies.itertuples(index=False)}):
        if classes[one] != classes[other]:
            print(
                f"warning: one picture, two classes, both left out: {one} ({classes[one]}), "
                f"{other} ({classes[other]})",
                file=sys.stderr,
            )


def _counts(table: "pd.DataFrame", unreadable: int) -> dict[str, Any]:
    """What ``--json`` prints; files that are no photos count as corrupt."""
    found = table["reject_reason"].value_counts()
    reasons = (*MEASURED, *sorted(set(found.index) - {"", *MEASURED}))
    rejected = {reason: int(found.get(reason, 0)) for reason in reasons}
    rejected["corrupt"] += unreadable
    return {"checked": len(table) + unreadable, "kept": int(found.get("", 0)), "rejected": rejected}


def _print_table(counts: dict[str, Any], thresholds: Thresholds) -> None:
    print(f"{counts['checked']:,} photos checked, {counts['kept']:,} kept; rejected:")
    for reason, number in counts["rejected"].items():
        limits = [f"{_flag(name)} {getattr(thresholds, name):g}" for name, of, *_ in _FLAGS if of == reason]
        print(f"{reason:16}{number:10,}  {' '.join(limits)}".rstrip())


def _write_sheets(table: "pd.DataFrame", folder: Path) -> None:
    """One contact sheet for each reason, the worst first; none of what can't be opened."""
    from kangaroo.data.images import decode_many
    from kangaroo.errors import PhotoError
    from kangaroo.plots.sheets import contact_sheet
    from kangaroo.plots.style import save

    for reason, measure in MEASURED.items():
        rejected = table[table["reject_reason"] == reason]
        (folder / f"{reason}.png").unlink(missing_ok=True)  # that of another run
        if reason == "corrupt" or rejected.empty:
            continue
        worst = rejected.sort_values(measure or "path", ascending=measure not in WORSE_HIGH)[:SHOWN]
        drawn = zip(decode_many(worst["path"], _PICTURE), _captions(worst, measure), strict=True)
        shown = [(picture, text) for picture, text in drawn if not isinstance(picture, PhotoError)]
        title = f"{reason}: the worst {len(shown)} of {len(rejected):,} photos"
        pictures, captions = zip(*shown, strict=True)
        save(contact_sheet(pictures, captions, title=title), folder / f"{reason}.png")


def _captions(rejected: "pd.DataFrame", measure: str) -> list[str]:
    """The file's name, then what was measured, and the file that it is a copy of."""
    captions = []
    for row in rejected.to_dict("records"):
        lines = [Path(row["path"]).stem]
        lines += [f"{measure} {row[measure]:.3g}"] if measure else []
        lines += [f"as {Path(row['twin']).stem}"] if row["twin"] else []
        captions.append("\n".join(lines))
    return captions
