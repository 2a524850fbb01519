"""``kangaroo collect networks``: the street networks of states, fetched once and kept."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kangaroo.console import print_json
from kangaroo.errors import DataError

if TYPE_CHECKING:
    from kangaroo.collect.streets.cache import Entry
    from kangaroo.collect.streets.networks import Statistics

SUMMARY = "fetch street networks, one a state, from OpenStreetMap or from files"
EXAMPLE = "kangaroo collect networks Austria Tasmania 'Graz, Austria' --out networks"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    add = parser.add_argument
    add("places", nargs="+", metavar="PLACE", help="a state, a country (all its states) or 'NAME, COUNTRY'")
    add(
        "--out", type=Path, required=True, metavar="DIR", help="writes DIR/<Country>/<State>.graphml and .png"
    )
    add(
        "--roads",
        nargs="+",
        metavar="CLASS",
        help="road classes, their links included (default: motorway trunk primary secondary)",
    )
    add(
        "--file",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="take the roads from .graphml, .osm or .pbf files: one for all places or one for each",
    )
    add(
        "--clip", action="store_true", help="cut the files to the boundaries, which the geocoder is asked for"
    )
    add("--tiles", action="store_true", help="divide large areas into queries of 100 km x 100 km")
    add("--refresh", action="store_true", help="replace what DIR holds of these places")
    add("--endpoint", metavar="URL", help="Overpass (default: https://overpass-api.de/api)")
    add("--geocoder", metavar="URL", help="Nominatim (default: https://nominatim.openstreetmap.org)")
    add("--json", action="store_true", help="print the statistics as JSON")


def run(args: argparse.Namespace) -> None:
    """Fetch or read each network, measure and draw it."""
    from kangaroo.collect.streets.cache import NetworkSettings, obtain
    from kangaroo.collect.streets.geocoding import places
    from kangaroo.collect.streets.networks import measure

    asked = {
        "roads": tuple(args.roads) if args.roads else None,
        "overpass": args.endpoint,
        "nominatim": args.geocoder,
    }
    flags = {"tiles": args.tiles, "clip": args.clip, "refresh": args.refresh}
    settings = NetworkSettings(**flags, **{name: value for name, value in asked.items() if value})
    wanted = list(dict.fromkeys(place for text in args.places for place in places(text)))
    if len(args.file) not in (0, 1, len(wanted)):
        raise DataError(
            f"{len(args.file)} files for {len(wanted)} places: give one --file for all or for each"
        )
    rows = []
    for i, place in enumerate(wanted):
        file = args.file[i % len(args.file)] if args.file else None
        entry = obtain(args.out, place, settings, file)
        statistics = measure(entry.network)
        _draw(entry, statistics)
        rows.append(_row(entry, statistics))
        if not args.json:
            print(_line(entry, statistics))
    if args.json:
        print_json(rows)


def _draw(entry: "Entry", statistics: "Statistics") -> None:
    from kangaroo.plots.networks import network_map
    from kangaroo.plots.style import save

    picture = entry.path.with_suffix(".png")
    if entry.cached and picture.exists():
        return
    network, lengths = entry.network, statistics.length_km_by_road
    save(network_map(network.stretches, lengths, network.name, nodes=statistics.nodes), picture)


def _row(entry: "Entry", statistics: "Statistics") -> dict[str, Any]:
    network = entry.network
    return {
        "country": network.country,
        "state": network.state,
        "file": str(entry.path),
        "boundary": entry.boundary,
        "date": entry.date,
        "cached": entry.cached,
        **vars(statistics),
        "length_km_by_road": dict(statistics.length_km_by_road),
    }


def _line(entry: "Entry", statistics: "Statistics") -> str:
    by_road = ", ".join(f"{road} {km:,.0f}" for road, km in statistics.length_km_by_road.items())
    kept = f", kept since {entry.date}" if entry.cached else ""
    inside = f", inside {entry.boundary}" if entry.boundary else ""
    return (
        f"{entry.path}: {statistics.nodes:,} nodes, {statistics.edges:,} edges, "
        f"{statistics.length_km:,.0f} km ({by_road}; {statistics.tunnel_km:,.0f} in tunnels){inside}{kept}"
    )
