"""``kangaroo collect points``: points along the roads of networks."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kangaroo.console import print_json

if TYPE_CHECKING:
    import pandas as pd

    from kangaroo.collect.streets.networks import Network

SUMMARY = "draw points along the roads of street networks"
EXAMPLE = "kangaroo collect points networks --n 10000 --seed 0 --out points.csv"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    add = parser.add_argument
    add(
        "networks",
        type=Path,
        nargs="+",
        metavar="NETWORK",
        help=".graphml, .osm or .pbf files named <Country>/<State>.graphml, or folders of them",
    )
    add("--n", type=int, default=10_000, help="number of points in all (default: %(default)s)")
    add("--seed", type=int, default=0, help="same seed, same points (default: %(default)s)")
    add("--out", type=Path, required=True, metavar="POINTS.csv", help="columns lat, lon, country, state")
    add(
        "--share",
        default="sqrt-nodes",
        help="how states share the points: sqrt-nodes (the report), length or even (default: %(default)s)",
    )
    add(
        "--min-spacing",
        type=float,
        default=0.0,
        metavar="METRES",
        help="no two points nearer to each other (default: %(default)s)",
    )
    add(
        "--roads",
        nargs="+",
        metavar="CLASS",
        help="use these road classes only (default: all of .graphml, motorway to secondary of .osm and .pbf)",
    )
    add("--country", default="", metavar="NAME", help="country of the network, if its path does not say")
    add("--state", default="", metavar="NAME", help="state of the network, if its path does not say")
    add("--plot", type=Path, metavar="FILE.png", help="draw points and roads")
    add("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> None:
    """Read the networks, draw the points, write them."""
    from kangaroo.collect.streets.networks import network_files, read_network
    from kangaroo.collect.streets.sampling import SampleSettings, sample
    from kangaroo.files import atomic
    from kangaroo.progress import progress

    settings = SampleSettings(args.n, args.seed, args.share, args.min_spacing)
    files = progress(network_files(args.networks), "reading networks", unit=" files")
    names = {"country": args.country, "state": args.state}
    networks = [read_network(file, args.roads, **names) for file in files]
    points = sample(networks, settings)
    with atomic(args.out) as temporary:
        points.to_csv(temporary, index=False)
    if args.plot:
        _draw(networks, points, args.plot)
    rows = _rows(networks, points)
    if args.json:
        asked = {name: getattr(args, name) for name in ("seed", "share", "min_spacing")}
        print_json({"file": str(args.out), "points": len(points), **asked, "states": rows})
        return
    for row in rows:
        print(
            f"{row['state']}, {row['country']}: {row['points']:,} points on {row['length_km']:,.0f} km "
            f"of road ({row['tunnel_km']:,.0f} km in tunnels left out)"
        )
    print(f"{len(points):,} points in {args.out}")


def _draw(networks: "list[Network]", points: "pd.DataFrame", path: Path) -> None:
    from kangaroo.plots.networks import points_map
    from kangaroo.plots.style import save

    save(points_map({(n.country, n.state): n.stretches for n in networks}, points), path)


def _rows(networks: "list[Network]", points: "pd.DataFrame") -> list[dict[str, Any]]:
    from kangaroo.collect.streets.networks import measure

    numbers = points.groupby(["country", "state"]).size()
    rows = []
    for network in sorted(networks, key=lambda network: (network.country, network.state)):
        statistics = measure(network)
        rows.append(
            {
                "country": network.country,
                "state": network.state,
                "points": int(numbers.get((network.country, network.state), 0)),
                "nodes": statistics.nodes,
                "length_km": statistics.length_km - statistics.tunnel_km,
                "tunnel_km": statistics.tunnel_km,
            }
        )
    return rows
