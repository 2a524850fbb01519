"""Outlines of the world's countries, for maps without tiles, and which country a point lies in.

``outlines.json`` is a TopoJSON file made from ``countries-50m.json`` of the npm package world-atlas 2.0.2
(ISC, Mike Bostock), which holds Natural Earth's countries 1:50m (public domain, naturalearthdata.com). Each
border was simplified once for both its sides (Douglas-Peucker, 0.02 degrees) and rounded to 0.01 degrees, so
lines are right to about 2 km. Ids are the ISO codes of :mod:`kangaroo.geo.countries`. Parts overseas that
have a code of their own are taken out of France, the Netherlands, Norway and Natural Earth's 'Indian Ocean
Territories'; Northern Cyprus counts as Cyprus and Somaliland as Somalia, because ISO 3166 has no code for
them, and the Siachen Glacier is nobody's. What is smaller than the scale lacks: Gibraltar, Tuvalu, Tokelau,
Bouvet Island, the outlying islands of the United States.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from kangaroo.errors import DataError
from kangaroo.geo.countries import Country, find
from kangaroo.geo.distance import EARTH_RADIUS_KM, haversine_km


@cache
def outlines() -> Mapping[str, shapely.MultiPolygon]:
    """The countries' areas by ISO code (alpha-2), in degrees: x longitude -180 to 180, y latitude."""
    topology = json.loads((files("kangaroo.geo") / "outlines.json").read_text(encoding="utf-8"))
    scale = np.array(topology["transform"]["scale"])
    arcs = [np.cumsum(arc, axis=0) * scale for arc in topology["arcs"]]
    geometries = topology["objects"]["countries"]["geometries"]
    return MappingProxyType({geometry["id"]: _area(geometry["arcs"], arcs) for geometry in geometries})


def country_at(lat: float, lon: float, *, within_km: float = 20.0) -> Country | None:
    """The country that a point in degrees lies in, or the nearest one if the point is off its coast.

    None where no country is within ``within_km``: outlines are rough, so a click on a beach may be in the
    sea. DataError: the point is none on the globe.
    """
    if not (abs(lat) <= 90 and abs(lon) <= 180):
        raise DataError(
            f"{lat}, {lon} is no point: give a latitude of -90 to 90 and a longitude of -180 to 180"
        )
    codes, tree = _tree()
    inside = tree.query(shapely.Point(lon, lat), "intersects")
    if len(inside):
        return find(codes[inside[0]])
    code, km = min(_off_coast(lat, lon, within_km), key=lambda found: found[1], default=("", np.inf))
    return find(code) if km <= within_km else None


def _off_coast(lat: float, lon: float, within_km: float) -> list[tuple[str, float]]:
    """Countries that may be near a point at sea, and how far away their nearest point is in km."""
    codes, tree = _tree()
    north = np.degrees(within_km / EARTH_RADIUS_KM)
    east = north / max(np.cos(np.radians(min(abs(lat) + north, 90))), 1e-6)
    found = []
    for x in (lon, lon - 360, lon + 360):  # the coast may lie beyond the antimeridian
        for i in tree.query(shapely.box(x - east, lat - north, x + east, lat + north)):
            # A longitude counts as much as it is long here; so near, the Earth is flat.
            flat = np.array([np.cos(np.radians(lat)), 1.0])
            area = shapely.transform(tree.geometries[i], lambda points: points * flat)  # noqa: B023
            near = shapely.get_coordinates(
                shapely.shortest_line(area, shapely.Point(np.array([x, lat]) * flat))
            )[0]
            found.append((codes[i], float(haversine_km(lat, x, near[1], near[0] / flat[0]))))
    return found


@cache
def _tree() -> tuple[tuple[str, ...], shapely.STRtree]:
    return tuple(outlines()), shapely.STRtree(list(outlines().values()))


def _area(polygons: list[Any], arcs: list[NDArray[np.float64]]) -> shapely.MultiPolygon:
    """A country from its polygons' rings of arcs, in one piece across the antimeridian; cut there."""
    parts = [
        shapely.Polygon(outer, holes)
        for outer, *holes in ([_ring(ring, arcs) for ring in polygon] for polygon in polygons)
    ]
    whole = shapely.union_all(shapely.make_valid(parts))  # where a border was simplified it may cross itself
    pieces = [
        shapely.transform(whole & shapely.box(west, -90, west + 360, 90), lambda p, w=west: p - [w + 180, 0])
        for west in (-540, -180, 180)
    ]
    areas = [part for part in shapely.get_parts(pieces, return_index=False) if part.area > 0]
    return shapely.MultiPolygon(areas)


def _ring(numbers: list[int], arcs: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The points of a ring, going on beyond 180 degrees; arc ~i is arc i backwards."""
    points = np.concatenate([arcs[i] if i >= 0 else arcs[~i][::-1] for i in numbers])
    lon = np.unwrap(points[:, 0], period=360)
    points = np.column_stack([lon, points[:, 1]])
    if abs(lon[-1] - lon[0]) < 180:
        return points
    pole = np.copysign(90, points[:, 1].mean())  # it goes around one, as Antarctica does
    return np.concatenate([points, [[lon[-1], pole], [lon[0], pole]]])
