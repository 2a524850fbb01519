"""A folder of networks, ``DIR/<Country>/<State>.graphml``: fetched once, with the query that each answers."""

import glob
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import networkx as nx

from kangaroo.collect.streets import openstreetmap
from kangaroo.collect.streets.geocoding import Place, strays
from kangaroo.collect.streets.networks import (
    ROADS,
    Network,
    coordinates,
    read_graph,
    read_network,
    require_roads,
    simplify,
    write_network,
)
from kangaroo.collect.streets.openstreetmap import Boundary
from kangaroo.errors import DataError
from kangaroo.files import sha256

LICENCE = "© OpenStreetMap contributors, ODbL 1.0"


@dataclass(frozen=True)
class NetworkSettings:
    """What to take and from where: road classes (links come along), addresses of the two services.

    ``tiles`` divides large areas into several queries, ``clip`` cuts a file to the place's boundary,
    ``refresh`` replaces what the folder holds.
    """

    roads: tuple[str, ...] = ROADS
    overpass: str = openstreetmap.OVERPASS
    nominatim: str = openstreetmap.NOMINATIM
    tiles: bool = False
    clip: bool = False
    refresh: bool = False

    def __post_init__(self) -> None:
        """Check; raise DataError."""
        require_roads(self.roads)


@dataclass(frozen=True, eq=False)
class Entry:
    """A network of the folder, its file, and whether it was there already."""

    network: Network
    path: Path
    cached: bool

    @property
    def date(self) -> str:
        """When it was fetched or read, in UTC."""
        return self.network.graph.graph["fetched"]

    @property
    def boundary(self) -> str:
        """What the geocoder took the place for; '' where it was not asked."""
        return self.network.graph.graph.get("boundary", "")


def obtain(out: Path, place: Place, settings: NetworkSettings, file: Path | None = None) -> Entry:
    """The network of a place: from the folder where it holds the answer to this very query, else made anew.

    With ``file`` its roads are taken, cut to the place with ``clip``; else they are asked of Overpass.
    DataError: the folder holds another query's network, or nothing that fits the place is found.
    """
    query = _query(place, settings, file)
    name = _file_name(place.name)
    for path in out.glob(f"{glob.escape(_file_name(place.country)) or '*'}/{glob.escape(name)}.graphml"):
        if not settings.refresh:
            return Entry(_cached(path, query), path, cached=True)
    record = {"query": json.dumps(query), "licence": LICENCE}
    if file and not settings.clip:
        graph = _whole(file, place, settings)
    else:
        boundary = openstreetmap.geocode(place, endpoint=settings.nominatim)
        place, record["boundary"] = boundary.place, boundary.found
        graph = _inside(boundary, settings, file, out / f".{name}.overpass")
    country = place.country or place.name
    path = out / _file_name(country) / f"{name}.graphml"
    network = Network(country, place.name, simplify(graph))
    record["fetched"] = datetime.now(UTC).isoformat(timespec="seconds")
    write_network(network, path, record)
    return Entry(network, path, cached=False)


def _query(place: Place, settings: NetworkSettings, file: Path | None) -> dict[str, Any]:
    query: dict[str, Any] = {"place": place.label, "roads": sorted(settings.roads), "source": "Overpass"}
    if file:
        if not file.is_file():
            raise DataError(f"no such file: {file}")
        query |= {"source": file.name, "sha256": sha256(file), "clip": settings.clip}
    return query


def _cached(path: Path, query: Mapping[str, Any]) -> Network:
    network = read_network(path)
    record = network.graph.graph.get("query", "")
    if record != json.dumps(query):
        what = f"the answer to another query ({record})" if record else "a network from elsewhere"
        raise DataError(f"{path} is {what}: choose another --out, or --refresh to replace it")
    return network


def _inside(
    boundary: Boundary, settings: NetworkSettings, file: Path | None, scratch: Path
) -> nx.MultiDiGraph:
    """The roads inside a boundary, of a file or of Overpass."""
    if file:
        return read_graph(file, settings.roads, boundary.polygon)
    endpoint, tiles = settings.overpass, settings.tiles
    return openstreetmap.fetch_roads(
        boundary, settings.roads, endpoint=endpoint, tiles=tiles, scratch=scratch
    )


def _whole(file: Path, place: Place, settings: NetworkSettings) -> nx.MultiDiGraph:
    """All roads of a file, which must be the place's."""
    graph = read_graph(file, settings.roads)
    if fault := strays(place, *coordinates(graph)):
        raise DataError(
            f"{file} {fault}: give the file of {place.label}, or --clip to cut it to the boundary"
        )
    return graph


def _file_name(name: str) -> str:
    """A name that stays in its folder, whatever a geocoder or a reader wrote."""
    return name.replace("/", "-").replace("\\", "-").lstrip(".")
