"""``kangaroo data regions``: the region of each photo."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kangaroo.commands.data.shared import add_manifest, add_sources, read_sources
from kangaroo.console import print_json
from kangaroo.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from kangaroo.geo.regions import Located, Regions

SUMMARY = "find the region of each photo in a file of polygons"
EXAMPLE = "kangaroo data regions photos --natural-earth --class-by-region --out regions.parquet"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    add_sources(parser)
    add_manifest(parser, ", with the column region; where a photo has no state, it gets the region's name")
    add = parser.add_argument
    either = parser.add_mutually_exclusive_group(required=True).add_argument
    either(
        "--regions",
        type=Path,
        metavar="FILE",
        help="polygons: GeoJSON, GeoPackage, shapefile or a zip of one",
    )
    either("--natural-earth", action="store_true", help="the states and provinces of Natural Earth 1:10m")
    for name, what in (("name", "region"), ("country", "region's country"), ("id", "region's code")):
        add(
            f"--{name}-column",
            default="",
            metavar="COLUMN",
            help=f"of FILE, with the {what} (default: the usual ones)",
        )
    add(
        "--class-by-region",
        action="store_true",
        help="make the region the class; photos without coordinates are then rejected as no_coordinates",
    )
    add("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> None:
    """Read the polygons, find the regions, write the manifest."""
    from kangaroo.data.manifest import write_manifest
    from kangaroo.geo.regions import locate, read_regions

    columns = {f"{name}_column": getattr(args, f"{name}_column") for name in ("name", "country", "id")}
    regions = read_regions(_file(args), **columns)
    records = read_sources(args)
    located = locate(regions, records["lat"], records["lon"])
    if not (located.index >= 0).any():
        raise DataError("no photo has coordinates: give photos with lat and lon, as in labels.csv")
    write_manifest(args.out, _with_regions(records, regions, located, by_region=args.class_by_region))
    figures = _figures(regions, located)
    if args.json:
        print_json({"file": str(args.out), **figures})
        return
    print(
        f"{figures['inside']:,} photos lie in {figures['regions']:,} of {len(regions.labels):,} regions, "
        f"{figures['nearest']:,} outside of all were given the nearest (up to {figures['farthest_km']:,.0f} "
        f"km from its middle), {figures['no_coordinates']:,} have no coordinates: {args.out}"
    )


def _file(args: argparse.Namespace) -> Path:
    if args.natural_earth:
        from kangaroo.collect.downloads import natural_earth

        return natural_earth()
    if not args.regions.exists():
        raise DataError(f"no file {args.regions}: give one with the polygons of regions")
    return Path(args.regions)


def _with_regions(
    records: "pd.DataFrame", regions: "Regions", located: "Located", *, by_region: bool
) -> "pd.DataFrame":
    known = located.index >= 0

    def named(names: "np.ndarray") -> "np.ndarray":
        return names[located.index].astype(object)

    records["region"] = named(regions.labels)
    records.loc[~known, "region"] = ""
    empty = known & (records["state"] == "")
    records.loc[empty, "state"] = named(regions.names)[empty]
    if by_region:
        records.loc[known, "class"] = records.loc[known, "region"]
        records.loc[~known & (records["reject_reason"] == ""), "reject_reason"] = "no_coordinates"
    return records


def _figures(regions: "Regions", located: "Located") -> dict[str, Any]:
    known = located.index >= 0
    inside, outside = known & (located.km == 0), located.km > 0
    return {
        "regions": len(set(located.index[known].tolist())),
        "inside": int(inside.sum()),
        "nearest": int(outside.sum()),
        "farthest_km": float(located.km[outside].max()) if outside.any() else 0.0,
        "no_coordinates": int((~known).sum()),
    }
