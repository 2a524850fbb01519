"""``kangaroo data import``: photo folders and public data sets into one manifest."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kangaroo.commands import name_rejected
from kangaroo.commands.data.shared import add_manifest
from kangaroo.console import print_json
from kangaroo.errors import DataError

if TYPE_CHECKING:
    from kangaroo.data.importers import Imported
    from kangaroo.data.panoramas import Cut

SUMMARY = "make a manifest of photo folders and public data sets, merged by country"
EXAMPLE = (
    "kangaroo data import panoramas compressed_dataset --out photos.parquet --photos views --views 4 "
    "--classes-from panoramas"
)
_FIRST = Path("first")
_LAYOUTS = ("auto", "report", "folders", "kaggle-50k", "streetview-panoramas", "osv5m", "json", "exif")
_LAYOUTS_HELP = (
    "how the sources are laid out (default: found out for each): report (Country/State/1.jpg with "
    "coordinates.csv), folders (a folder a class, perhaps with labels.csv; or a manifest), kaggle-50k "
    "(compressed_dataset/Country/canvas_1.jpg), streetview-panoramas (data/*.parquet), osv5m (train.csv or "
    "test.csv, and images/train as folders or zip files), json (1.png with 1.json: lat, lng, country), exif "
    "(photos that know where they were taken, in class folders or with --class)"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    add = parser.add_argument
    add("sources", type=Path, nargs="+", metavar="SOURCE", help="folders or Parquet files")
    add_manifest(parser)
    add("--layout", choices=_LAYOUTS, default="auto", metavar="NAME", help=_LAYOUTS_HELP)
    add(
        "--photos",
        type=Path,
        metavar="DIR",
        help="where to write pictures that lie in Parquet or zip files; those there already are kept",
    )
    add(
        "--class-by",
        choices=("country", "folder", "state"),
        default="country",
        help="what makes the class; countries get one spelling from all sources (default: country)",
    )
    add("--class", dest="class_name", default="", metavar="NAME", help="class of photos that have none")
    add("--skip-unknown", action="store_true", help="leave out photos whose country is none")
    add(
        "--classes-from",
        type=Path,
        nargs="?",
        const=_FIRST,
        metavar="SOURCE",
        help="leave out classes that this source, one of those given, does not have (default: the first)",
    )
    _add_cut_arguments(parser.add_argument_group("views of panoramas (streetview-panoramas)"))
    add("--json", action="store_true", help="print the result as JSON")


def _add_cut_arguments(group: "argparse._ArgumentGroup") -> None:
    add = group.add_argument
    add("--views", type=int, metavar="N", help="cut each into N views all around (default: keep it whole)")
    add("--fov", type=float, default=90, metavar="DEG", help="horizontal field of view (default: 90)")
    add("--pitch", type=float, default=0, metavar="DEG", help="look up or down (default: 0)")
    add("--aspect", type=_aspect, default=16 / 9, metavar="W:H", help="of a view (default: 16:9)")
    add("--view-width", type=int, default=640, metavar="PX", help="width of a view (default: 640)")
    add("--seed", type=int, help="turn each panorama by an angle of its own (default: views begin at 0)")
    add("--flat", action="store_true", help="cut out pieces of full height without projection")
    add(
        "--pano-hfov",
        type=float,
        default=360,
        metavar="DEG",
        help="degrees around that the panoramas show (default: 360)",
    )
    add(
        "--pano-vfov",
        type=float,
        metavar="DEG",
        help="degrees up and down (default: as many a pixel as around, which makes 2:1 a whole sphere)",
    )


def run(args: argparse.Namespace) -> None:
    """Import, write the manifest, say what is in it and what was left out."""
    from kangaroo.data.importers import Settings, import_photos
    from kangaroo.data.manifest import check_name, write_manifest

    check_name(args.out)
    settings = Settings(
        layout=args.layout,
        class_by=args.class_by,
        class_name=args.class_name,
        skip_unknown=args.skip_unknown,
        classes_from=args.sources[0] if args.classes_from == _FIRST else args.classes_from,
        photos=args.photos,
        cut=_cut(args),
    )
    imported = import_photos(args.sources, settings)
    write_manifest(args.out, imported.records)
    name_rejected(imported.rejected)
    for note in imported.notes:
        print(f"note: {note}", file=sys.stderr)
    figures = _figures(args, imported)
    if args.json:
        print_json(figures)
    else:
        print(describe(figures))


def describe(figures: dict[str, Any]) -> str:
    """The result in words."""
    classes, sources = figures["classes"], figures["sources"]
    names = ", ".join(f"{one['source']} ({one['layout']})" for one in sources)
    lines = [f"{figures['photos']:,} photos of {len(classes)} classes from {names} in {figures['out']}"]
    if figures["rejected"]:
        lines.append("rejected: " + ", ".join(f"{n:,} {name}" for name, n in figures["rejected"].items()))
    for key, why in (("unknown", "no country"), ("left_out", "not in the first source")):
        if figures[key]:
            lines.append(
                f"left out, {why}: " + ", ".join(f"{name} ({n:,})" for name, n in figures[key].items())
            )
    return "\n".join(lines)


def _figures(args: argparse.Namespace, imported: "Imported") -> dict[str, Any]:
    records = imported.records
    good = records["reject_reason"] == ""
    return {
        "out": str(args.out),
        "photos": int(good.sum()),
        "classes": {
            str(name): int(n) for name, n in records["class"][good].value_counts().sort_index().items()
        },
        "rejected": {str(name): int(n) for name, n in records["reject_reason"][~good].value_counts().items()},
        "files_left_out": len(imported.rejected),
        "unknown": dict(sorted(imported.unknown.items())),
        "left_out": dict(sorted(imported.left_out.items())),
        "sources": [
            {"source": str(source), "layout": layout}
            for source, layout in zip(args.sources, imported.layouts, strict=True)
        ],
    }


def _cut(args: argparse.Namespace) -> "Cut | None":
    from kangaroo.data.panoramas import Cut, Field

    if args.views is None:
        if args.flat or args.seed is not None:
            raise DataError("--flat and --seed say how to cut panoramas: give --views N too")
        return None
    field = Field(args.pano_hfov, args.pano_vfov)
    width, flat = args.view_width, args.flat
    return Cut(args.views, args.fov, args.aspect, width, args.pitch, args.seed, flat, field)


def _aspect(text: str) -> float:
    width, _, height = text.partition(":")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise argparse.ArgumentTypeError(f"{text!r} is no aspect such as 16:9")
    return int(width) / int(height)
