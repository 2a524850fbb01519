"""``kangaroo data split``: training, validation and test that share nothing and keep their distance."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kangaroo.commands.data.shared import add_sources, read_sources
from kangaroo.console import print_json
from kangaroo.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

SUMMARY = "split photos by place, a minimum distance apart, each class alike"
EXAMPLE = "kangaroo data split photos --validation 0.2 --test 0.1 --min-gap-km 1 --out split.csv"
REASON = "gap"
LOOK_ALIKE = 6
"""Bits of 64 by which the perceptual hashes of near-duplicates may differ."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    add_sources(parser)
    add = parser.add_argument
    add(
        "--out",
        type=Path,
        required=True,
        metavar="SPLIT.csv",
        help="columns file, class, place, split; the experiments and kangaroo evaluate take it with --split",
    )
    add("--validation", type=float, default=0.2, metavar="SHARE", help="of each class (default: %(default)s)")
    add("--test", type=float, default=0.0, metavar="SHARE", help="of each class (default: %(default)s)")
    add(
        "--min-gap-km",
        type=float,
        default=1.0,
        metavar="KM",
        help="least distance of photos on different sides; "
        "photos between are left out where a city has to be cut (default: %(default)s)",
    )
    add("--seed", type=int, default=0, metavar="N", help="same seed, same split (default: %(default)s)")
    add(
        "--manifest",
        type=Path,
        metavar="FILE.parquet",
        help="also write all records with the column split; photos "
        "left out have reject_reason 'gap', and count again if that manifest is split anew",
    )
    add("--json", action="store_true", help="print the counts as JSON")


def run(args: argparse.Namespace) -> None:
    """Split, measure the gap, write the table, and print the counts."""
    from kangaroo.data.dataset import with_places
    from kangaroo.data.manifest import write_manifest
    from kangaroo.data.spatial_split import SplitSettings, counts, gap_km, split_apart
    from kangaroo.files import atomic

    settings = SplitSettings(args.validation, args.test, args.min_gap_km, args.seed)
    records = read_sources(args)
    usable = with_places(records[records["reject_reason"].isin(["", REASON])])
    if usable.empty:
        raise DataError(f"no usable photo in {', '.join(map(str, args.sources))}: give others")
    sides = split_apart(usable, settings, alike=alike(usable, args.sources)).set_axis(usable.index)
    result = {
        "counts": counts(usable["class"], sides),
        "min_gap_km": gap_km(usable["lat"], usable["lon"], sides),
        "dropped": int((sides == "").sum()),
    }
    if args.manifest:
        reasons = sides.map(lambda side: "" if side else REASON)
        records.loc[usable.index, ["place", "split", "reject_reason"]] = list(
            zip(usable["place"], sides, reasons, strict=True)
        )
        write_manifest(args.manifest, records)
    table = usable.rename(columns={"path": "file"})[["file", "class", "place"]].assign(split=sides)
    with atomic(args.out) as temporary:
        table[table["split"] != ""].to_csv(temporary, index=False)
    if args.json:
        print_json(result)
    else:
        print(_text(result, args))


def alike(records: "pd.DataFrame", sources: list[Path]) -> "pd.Series[str]":
    """Names of groups of near-duplicates; the photos of folders are looked at, those of manifests were."""
    import pandas as pd

    from kangaroo.data.duplicates import near_duplicate_groups

    hashes = records["phash"].copy() if "phash" in records else pd.Series("", records.index, dtype=str)
    folders = tuple(f"{source.as_posix().rstrip('/')}/" for source in sources if source.is_dir())
    unknown = hashes == ""
    seen = unknown & records["path"].str.startswith(folders) if folders else unknown & False
    if seen.any():
        from kangaroo.data.measures import measure

        hashes[seen] = measure([Path(file) for file in records.loc[seen, "path"]])["phash"].to_numpy()
    if missing := int((unknown & ~seen).sum()):
        print(
            f"note: {missing:,} photos of manifests have no perceptual hash, so near-duplicates of them may "
            "stand on two sides: kangaroo data check finds them",
            file=sys.stderr,
        )
    groups = pd.Series(near_duplicate_groups(hashes.tolist(), LOOK_ALIKE), records.index)
    return groups.astype(str).where(groups.duplicated(keep=False), "")


def _text(result: "Mapping[str, Any]", args: argparse.Namespace) -> str:
    import pandas as pd

    table = pd.DataFrame(result["counts"]).fillna(0).astype(int)
    gap = result["min_gap_km"]
    apart = "no coordinates to measure a gap by" if gap is None else f"sides at least {gap:,.3f} km apart"
    return f"{table.to_string()}\n{apart}; {result['dropped']:,} photos left out between them: {args.out}"
