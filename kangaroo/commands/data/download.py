"""``kangaroo data download``: openly licensed photos of countries, without a key."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kangaroo.console import print_json
from kangaroo.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from kangaroo.collect.osv5m.download import Settings
    from kangaroo.collect.osv5m.estimate import Plan
    from kangaroo.collect.osv5m.folder import Folder

SUMMARY = "fetch openly licensed photos of the countries that you name; no key is needed"
EXAMPLE = "kangaroo data download osv5m --classes Austria Australia --per-class 2000 --out images"
ABOUT = (
    "OSV-5M (OpenStreetView-5M) holds 5.1 million photos of 225 countries by users of Mapillary, CC BY-SA "
    "4.0, on the Hugging Face hub. Its list of photos (2.9 GB) is fetched once, into the cache folder; then "
    "only the chosen photos, about 50 kB each, are taken out of its zip files of 2.5 GB. manifest.parquet "
    "names the photographer and the page of each: name them wherever you show a photo, and share what you "
    "make of it alike. The choice follows from the flags alone; a run that was killed goes on with the same "
    "command. HF_ENDPOINT and HF_TOKEN are honoured."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    parser.description = f"{parser.description} {ABOUT}"
    add = parser.add_argument
    add("dataset", choices=["osv5m"], help="the data set")
    add(
        "--classes",
        nargs="+",
        default=[],
        metavar="COUNTRY",
        help="names or ISO codes (default: all countries)",
    )
    add("--per-class", type=int, default=2000, metavar="N", help="photos of each (default: %(default)s)")
    add("--at-most", action="store_true", help="take what there is where a country has fewer")
    add("--out", type=Path, required=True, metavar="DIR", help="photo folder to make; one begun goes on")
    add(
        "--min-distance-km",
        type=float,
        default=1.0,
        metavar="KM",
        help="so far apart are photos of a country (default: 1)",
    )
    add(
        "--part",
        choices=["train", "test"],
        default="train",
        help="test has 210,000 photos and a list of 116 MB only; it is the data set's own benchmark, and has "
        "too few photos of most countries (default: train)",
    )
    add("--seed", type=int, default=0, metavar="N", help="another seed chooses other photos (default: 0)")
    add("--workers", type=int, default=8, metavar="N", help="photos at a time (default: %(default)s)")
    add("--dry-run", action="store_true", help="say what it would take, and fetch nothing")
    add("--yes", action="store_true", help="don't ask before fetching")
    add("--json", action="store_true", help="print the result, or with --dry-run the plan, as JSON")


def run(args: argparse.Namespace) -> None:
    """Say what it takes, ask, fetch."""
    from kangaroo.collect.osv5m.download import Settings
    from kangaroo.collect.osv5m.estimate import rest
    from kangaroo.collect.osv5m.folder import Folder
    from kangaroo.collect.run.runner import telling_of_full_disks

    if args.workers < 1:
        raise DataError(f"--workers {args.workers} is not 1 or more")
    settings = Settings(
        tuple(args.classes), args.per_class, args.part, args.min_distance_km, args.seed, args.at_most
    )
    folder = Folder(args.out, settings)
    with telling_of_full_disks(args.out):
        photos = folder.chosen()
        if photos is None:
            photos = _choose(args, folder)
            if photos is None:
                return
        missing = folder.missing(photos)
        plan = rest(settings, missing)
        if args.dry_run:
            _print_plan(plan, as_json=args.json)
            return
        print(plan, file=sys.stderr)
        records = _fetch(args, folder, photos, missing)
    _print_result(args, records, plan)


def _choose(args: argparse.Namespace, folder: "Folder") -> "pd.DataFrame | None":
    """The photos to fetch; None where the plan alone was wanted, or nobody wants them."""
    from kangaroo.collect.osv5m.download import list_part, pick, read_metadata
    from kangaroo.collect.osv5m.estimate import estimate
    from kangaroo.collect.osv5m.hub import open_hub

    settings: Settings = folder.settings
    listing = list_part(settings.part)
    with open_hub() as client:
        rows = read_metadata(client, listing, settings) if listing.table.is_file() else None
        plan = estimate(listing, settings, rows)
        if args.dry_run:
            _print_plan(plan, as_json=args.json)
            return None
        print(plan, file=sys.stderr)
        if not args.yes and sys.stdin.isatty() and not _confirmed():
            return None
        rows = read_metadata(client, listing, settings) if rows is None else rows
        photos = pick(client, listing, rows, settings)
    folder.keep(photos)
    return photos


def _fetch(
    args: argparse.Namespace, folder: "Folder", photos: "pd.DataFrame", missing: "pd.DataFrame"
) -> "pd.DataFrame":
    """Fetch what is missing; gives the manifest's records."""
    from kangaroo.collect.osv5m.hub import open_hub
    from kangaroo.data.manifest import read_manifest

    if missing.empty and folder.manifest.is_file():
        return read_manifest(folder.manifest)
    with open_hub() as client:
        folder.fetch(client, missing, args.workers)
    return folder.finish(photos)


def _confirmed() -> bool:
    print("Fetch them now? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _print_plan(plan: "Plan", *, as_json: bool) -> None:
    if as_json:
        print_json(plan.record())
    else:
        print(plan)


def _print_result(args: argparse.Namespace, records: "pd.DataFrame", plan: "Plan") -> None:
    usable = records[records["reject_reason"] == ""]
    counts = {str(name): int(count) for name, count in usable["class"].value_counts(sort=False).items()}
    rejected = len(records) - len(usable)
    if args.json:
        fetched = {"fetched": plan.photos, "fetched_mb": round(plan.photos_mb, 3)}
        print_json({"photos": len(usable), "classes": counts, "rejected": rejected, **fetched})
        return
    print(", ".join(f"{count:,} photos of {name}" for name, count in counts.items()) + f" in {args.out}")
    if rejected:
        print(f"{rejected:,} are damaged or there twice in the data set, and left out")
    print("CC BY-SA 4.0: manifest.parquet names the photographer and the page of each")
