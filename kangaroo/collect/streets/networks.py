"""Street networks: read from GraphML, .osm and .pbf files, cut to road classes, measured, written.

A network is an OSMnx graph: a directed multigraph whose edges follow the roads between junctions, one for
each direction of travel. What is measured and sampled are its stretches, the straight pieces between two
points of its lines, each once whatever the directions.
"""

import xml.sax
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from xml.etree import ElementTree

import networkx as nx
import numpy as np
import osmnx
import pandas as pd
import shapely
from numpy.typing import NDArray

from kangaroo.collect.streets.geocoding import WGS84, Place, known_state, strays
from kangaroo.errors import DataError
from kangaroo.files import atomic
from kangaroo.geo.countries import find

ROADS = ("motorway", "trunk", "primary", "secondary")
CLASSES = (*ROADS, "tertiary", "unclassified", "residential")
SUFFIXES = (".graphml", ".osm", ".pbf")


@dataclass(frozen=True, eq=False)
class Network:
    """The street network of a state: an OSMnx graph in degrees (attributes x and y of its nodes)."""

    country: str
    state: str
    graph: nx.MultiDiGraph

    @property
    def name(self) -> str:
        """State and country, or the country alone."""
        return Place(self.state, self.country).label

    @cached_property
    def stretches(self) -> pd.DataFrame:
        """Each straight piece of road once: lon1, lat1, lon2, lat2 (degrees), metres, road, tunnel (bool).

        ``metres`` is the geodesic length on the WGS 84 ellipsoid, which no map projection distorts; ``road``
        the class without '_link', the highest one where an edge has several. The order of rows is that of
        the coordinates. A tunnel is where the tag is there and not 'no'; edges that OSMnx joined from a
        tunnel and an open road, as in older files, count as tunnel wholly.
        """
        return _stretches(self.graph)


@dataclass(frozen=True)
class Statistics:
    """How large a network is; lengths in km, each road once, tunnels included."""

    nodes: int
    edges: int
    length_km: float
    tunnel_km: float
    length_km_by_road: Mapping[str, float]


def measure(network: Network) -> Statistics:
    """Count and measure a network."""
    km = network.stretches["metres"] / 1000
    by_road = km.groupby(network.stretches["road"]).sum()
    return Statistics(
        nodes=network.graph.number_of_nodes(),
        edges=network.graph.number_of_edges(),
        length_km=float(km.sum()),
        tunnel_km=float(km[network.stretches["tunnel"]].sum()),
        length_km_by_road=MappingProxyType(
            {road: float(by_road[road]) for road in sorted(by_road.index, key=_rank)}
        ),
    )


def require_roads(roads: Collection[str]) -> None:
    """Raise DataError unless these are road classes."""
    unknown = [road for road in roads if road not in CLASSES]
    if unknown:
        raise DataError(f"no road class {unknown[0]!r}: choose among {', '.join(CLASSES)}")


def network_files(paths: Iterable[Path]) -> list[Path]:
    """Files as given, folders as the networks anywhere below them, each once. DataError: there are none."""
    files: list[Path] = []
    for path in paths:
        found = [path]
        if path.is_dir():
            inside = (file for file in path.rglob("*") if file.suffix in SUFFIXES)
            found = sorted(file for file in inside if not file.name.startswith("."))
        if not found:
            raise DataError(f"no networks in {path}: they must end in {', '.join(SUFFIXES)}")
        files += found
    return list(dict.fromkeys(files))


def read_network(
    path: Path, roads: Sequence[str] | None = None, *, country: str = "", state: str = ""
) -> Network:
    """Read a network, cut to the road classes ``roads`` and their links.

    Without ``roads`` a GraphML file is taken whole, and of .osm and .pbf files the report's four classes.
    Country and state are those given, or those that the graph records, or those of the path
    <Country>/<State>.graphml. DataError: no network, or no road of these classes.
    """
    graph = read_graph(path, roads)
    recorded = graph.graph.get("country", ""), graph.graph.get("state", "")
    named = recorded if all(recorded) else _named(path, graph)
    home = find(country) if country else None
    return Network(home.name if home else country or named[0], state or named[1], graph)


def read_graph(
    path: Path, roads: Sequence[str] | None = None, within: shapely.Geometry | None = None
) -> nx.MultiDiGraph:
    """The graph alone of a network file, in degrees and simplified; see :func:`read_network`.

    Only what lies ``within`` a (multi)polygon (longitude, latitude) is taken. Roads end at their last point
    inside it; those of a GraphML file, where only junctions are left, at the last junction.
    """
    require_roads(roads or ())
    if path.suffix not in _READERS:
        raise DataError(f"{path} is no network: give a file that ends in {', '.join(SUFFIXES)}")
    if not path.is_file():
        raise DataError(f"no such file: {path}")
    if roads is None and path.suffix != ".graphml":
        roads = ROADS
    try:
        graph = _READERS[path.suffix](path, roads or ())
        there = {road for *_, edge in graph.edges(data=True) for road in _roads(edge)}
        graph = _only(graph, roads) if roads else graph
        _require_degrees(graph)
    except DataError:
        raise
    except _UNREADABLE as error:
        why = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise DataError(f"{path} is no street network that can be read: {why}") from error
    if not graph.number_of_edges():
        wanted, found = ", ".join(roads or ["any"]), ", ".join(sorted(there)) or "no roads"
        raise DataError(f"{path} has no road of class {wanted}: it has {found}; choose with --roads")
    return simplify(_cut(graph, within, path) if within is not None else graph)


def coordinates(graph: nx.MultiDiGraph) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Longitudes and latitudes (degrees) of the nodes, both of shape (n,)."""
    xy = np.array([(node["x"], node["y"]) for _, node in graph.nodes(data=True)], dtype=float)
    xy = xy.reshape(-1, 2)  # also where there are none
    return xy[:, 0], xy[:, 1]


def write_network(network: Network, path: Path, record: Mapping[str, str]) -> None:
    """Write GraphML atomically; ``record`` and the names join the attributes of the graph."""
    network.graph.graph.update({"country": network.country, "state": network.state, **record})
    with atomic(path) as temporary:
        osmnx.save_graphml(network.graph, temporary)


def simplify(graph: nx.MultiDiGraph) -> nx.MultiDiGraph:
    """Join edges between junctions, unless that was done, and drop nodes without a road.

    Road class and tunnel stay as exact as OpenStreetMap's: by default OSMnx joins a tunnel and the open road
    before it to one edge.
    """
    graph.remove_nodes_from(list(nx.isolates(graph)))
    if graph.graph.get("simplified") or any("geometry" in edge for *_, edge in graph.edges(data=True)):
        return graph
    return osmnx.simplify_graph(graph, edge_attrs_differ=["highway", "tunnel"], remove_rings=False)


def _read_graphml(path: Path, _: Collection[str]) -> nx.MultiDiGraph:
    """OSMnx's GraphML of any version, directed or not; ids stay text, as others' are no numbers."""
    text = {"osmid": str}
    graph = osmnx.load_graphml(path, node_dtypes=text, edge_dtypes=text | {"oneway": str, "reversed": str})
    graph = graph if graph.is_directed() else graph.to_directed()
    crs = graph.graph.setdefault("crs", "epsg:4326")
    return graph if crs == "epsg:4326" else osmnx.project_graph(graph, to_latlong=True)


def _read_osm(path: Path, _: Collection[str]) -> nx.MultiDiGraph:
    return osmnx.graph_from_xml(path, simplify=False, retain_all=True)


def _read_pbf(path: Path, roads: Collection[str]) -> nx.MultiDiGraph:
    """By way of an .osm file that holds the wanted ways and their nodes only."""
    try:
        import osmium
    except ImportError as error:
        raise DataError(f"{path}: reading .pbf needs pip install 'kangaroo[osm]'") from error
    tags = [("highway", road + link) for road in roads for link in ("", "_link")]
    with TemporaryDirectory() as scratch:
        slim = Path(scratch, "roads.osm")
        ways = osmium.FileProcessor(path, osmium.osm.WAY).with_filter(osmium.filter.TagFilter(*tags))
        with osmium.BackReferenceWriter(slim, path) as writer:
            for way in ways:
                writer.add(way)
        return _read_osm(slim, roads)


_READERS: Mapping[str, Callable[[Path, Collection[str]], nx.MultiDiGraph]] = MappingProxyType(
    {".graphml": _read_graphml, ".osm": _read_osm, ".pbf": _read_pbf}
)
# What the readers of XML, of numbers and of .pbf raise on a file that is something else.
_UNREADABLE = (
    ValueError,
    KeyError,
    TypeError,
    RuntimeError,
    ElementTree.ParseError,
    xml.sax.SAXException,
    nx.NetworkXError,
    shapely.errors.ShapelyError,
)


def _named(path: Path, graph: nx.MultiDiGraph) -> tuple[str, str]:
    """Country and state of <Country>/<State>.graphml, spelt as in the table where it has them.

    In a folder of another name a known state is taken for itself only if the roads lie there.
    """
    state, folder = path.name.split(".")[0], path.resolve().parent.name
    home = find(folder.replace("_", " "))
    country = home.name if home else folder
    known = known_state(state, home.name if home else "")
    if known and (home or not strays(known, *coordinates(graph))):
        return known.country, known.name
    return country, state


def _cut(graph: nx.MultiDiGraph, polygon: shapely.Geometry, path: Path) -> nx.MultiDiGraph:
    """The nodes inside a (multi)polygon, with the edges between them."""
    try:
        graph = osmnx.truncate.truncate_graph_polygon(graph, polygon)
    except ValueError:  # no node is inside
        graph = nx.MultiDiGraph()
    if not graph.number_of_edges():
        raise DataError(f"{path} has no road inside the place's boundary: give another file")
    return graph


def _only(graph: nx.MultiDiGraph, roads: Collection[str]) -> nx.MultiDiGraph:
    """The edges of these classes and their links, with their nodes; no areas such as squares."""
    edges = [
        (u, v, key)
        for u, v, key, edge in graph.edges(keys=True, data=True)
        if edge.get("area") != "yes" and not set(roads).isdisjoint(_roads(edge))
    ]
    return graph.edge_subgraph(edges).copy()


def _require_degrees(graph: nx.MultiDiGraph) -> None:
    """Raise ValueError unless the nodes have coordinates in degrees."""
    lon, lat = coordinates(graph)
    if not ((np.abs(lon) <= 180).all() and (np.abs(lat) <= 90).all()):  # NaN fails too
        raise ValueError("its coordinates are no degrees")


def _values(tag: object) -> list[str]:
    """A tag's values; edges that OSMnx joined have lists."""
    return [str(value) for value in (tag if isinstance(tag, list) else [tag]) if value is not None]


def _roads(edge: Mapping[str, object]) -> list[str]:
    return [value.removesuffix("_link") for value in _values(edge.get("highway"))]


def _rank(road: str) -> tuple[int, str]:
    return (CLASSES.index(road) if road in CLASSES else len(CLASSES)), road


def _stretches(graph: nx.MultiDiGraph) -> pd.DataFrame:
    xy = {node: (data["x"], data["y"]) for node, data in graph.nodes(data=True)}
    lines, roads, tunnels = [], [], []
    for u, v, edge in graph.edges(data=True):
        lines.append(edge.get("geometry") or shapely.LineString([xy[u], xy[v]]))
        roads.append(min(_roads(edge), key=_rank, default="unknown"))
        tunnels.append(any(value != "no" for value in _values(edge.get("tunnel"))))
    points, edge_of = shapely.get_coordinates(lines, return_index=True)
    inside = edge_of[1:] == edge_of[:-1]
    start, end, edge_of = points[:-1][inside], points[1:][inside], edge_of[1:][inside]
    backwards = (start[:, 0] > end[:, 0]) | ((start[:, 0] == end[:, 0]) & (start[:, 1] > end[:, 1]))
    ends = np.hstack([start, end])
    ends[backwards] = ends[backwards][:, [2, 3, 0, 1]]
    frame = pd.DataFrame(ends, columns=["lon1", "lat1", "lon2", "lat2"])
    frame["metres"] = WGS84.inv(*ends.T)[2]
    frame["road"] = np.array(roads, dtype=object)[edge_of]
    frame["tunnel"] = np.array(tunnels)[edge_of]
    # Where two edges share a stretch, one in a tunnel, it is taken for a tunnel.
    frame = frame.sort_values(["lon1", "lat1", "lon2", "lat2", "tunnel"], ascending=[True] * 4 + [False])
    once = frame.drop_duplicates(["lon1", "lat1", "lon2", "lat2"])
    return once[once["metres"] > 0].reset_index(drop=True)
