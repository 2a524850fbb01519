"""The area that cells share out among them, in a plane where a kilometre is one and areas are true."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from pyproj import Transformer

from kangaroo.errors import DataError
from kangaroo.geo.regions import WGS84, read_table
from kangaroo.geo.sphere import km, unit_vectors

Array: TypeAlias = NDArray[np.float64]
Geometry: TypeAlias = Any
"""A polygon or several, of shapely."""

REACH_KM = 6000
"""How far a boundary may reach from its middle; lengths at that distance are off by 12 %."""
_DIGITS = 5  # of a km: boundaries are rounded to a centimetre, so that their text says them exactly


@dataclass(frozen=True)
class Plane:
    """Lambert's azimuthal equal-area projection of the WGS 84 ellipsoid around a point in degrees, in km.

    Equal-area and not equidistant, so that square cells of one width are as large everywhere and the areas of
    cells add up. Lengths are off by less than 0.1 % up to 500 km from the point, and by 2 % at 2,500 km.
    """

    lat: float
    lon: float

    @property
    def crs(self) -> str:
        """The projection as PROJ writes it."""
        return f"+proj=laea +lat_0={self.lat} +lon_0={self.lon} +datum=WGS84 +units=km +no_defs"

    def project(self, lat: ArrayLike, lon: ArrayLike) -> tuple[Array, Array]:
        """Points in degrees as km to the east and to the north; infinite at the antipode."""
        x, y = np.asarray(lon, np.float64), np.asarray(lat, np.float64)
        return self._transformer.transform(x, y)

    def unproject(self, x: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
        """Points in km as latitudes and longitudes, the latter as of :meth:`beside`."""
        x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
        lon, lat = self._transformer.transform(x, y, direction="INVERSE")
        return lat, self.beside(lon)

    def beside(self, lon: ArrayLike) -> Array:
        """Longitudes within 180 degrees of the plane's own, so also beyond 180 around the antimeridian."""
        return self.lon + wrapped(np.asarray(lon, np.float64) - self.lon)

    @cached_property
    def _transformer(self) -> Transformer:
        return Transformer.from_crs(WGS84, self.crs, always_xy=True)


@dataclass(frozen=True, eq=False)
class Boundary:
    """An area of one or several parts, with or without holes: ``shape`` in the km of ``plane``."""

    shape: Geometry
    plane: Plane

    def holds(self, lat: ArrayLike, lon: ArrayLike) -> NDArray[np.bool_]:
        """Whether points (n,) in degrees lie inside or on the border."""
        shapely.prepare(self.shape)
        return shapely.intersects_xy(self.shape, *self.plane.project(lat, lon))

    def nearest(self, lat: ArrayLike, lon: ArrayLike) -> tuple[Array, Array]:
        """The points (n,) in degrees, those outside moved to the nearest point inside."""
        lat, lon = np.array(lat, np.float64), np.array(lon, np.float64)
        out = ~self.holds(lat, lon)
        if out.any():
            points = shapely.points(*self.plane.project(lat[out], lon[out]))
            _, edge = self._edges.query_nearest(points, all_matches=False)
            ends = shapely.get_point(shapely.shortest_line(points, self._edges.geometries[edge]), -1)
            lat[out], east = self.plane.unproject(shapely.get_x(ends), shapely.get_y(ends))
            lon[out] = wrapped(east)
        return lat, lon

    @cached_property
    def _edges(self) -> shapely.STRtree:
        """Edges of a line a metre inside the border: what is moved there is inside however it is rounded."""
        inner = shapely.buffer(self.shape, -0.001)
        rings = shapely.get_rings(shapely.get_parts(self.shape if inner.is_empty else inner))
        corners = [shapely.get_coordinates(ring) for ring in rings]
        ends = [np.stack([ring[:-1], ring[1:]], axis=1) for ring in corners]
        return shapely.STRtree(shapely.linestrings(np.concatenate(ends)))

    def to_json(self) -> dict[str, Any]:
        """The shape as text (WKT) and the point of the plane; gives the same boundary again."""
        wkt = shapely.to_wkt(self.shape, rounding_precision=_DIGITS)
        return {"projection": "laea, km", "lat": self.plane.lat, "lon": self.plane.lon, "wkt": wkt}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Boundary":
        """Read what :meth:`to_json` gave."""
        return cls(shapely.from_wkt(values["wkt"]), Plane(float(values["lat"]), float(values["lon"])))


def read_boundary(path: Path) -> Boundary:
    """The union of the polygons of a GeoJSON file, GeoPackage or shapefile (also zipped).

    Several parts, holes and the antimeridian are no obstacle. Invalid polygons are mended. A file without a
    coordinate system is in degrees. DataError: no file that can be read, something else than polygons, or an
    area that is too large or reaches around a pole.
    """
    import geopandas

    table = read_table(path, "a boundary")
    polygons = table.geometry if hasattr(table, "crs") else geopandas.GeoSeries()
    polygons = polygons[~(polygons.isna() | polygons.is_empty)].force_2d().make_valid()
    if polygons.empty or not set(polygons.geom_type) <= {"Polygon", "MultiPolygon", "GeometryCollection"}:
        raise DataError(f"{path} holds no polygons, or something besides: give a file of the area's polygons")
    degrees = polygons.crs is None or polygons.crs.is_geographic
    # Straight in degrees is bent in the plane: points every tenth of a degree keep that to metres.
    fine = polygons.segmentize(0.1).set_crs(polygons.crs or WGS84) if degrees else polygons
    lon, lat = shapely.get_coordinates(fine.to_crs(WGS84)).T

    def shape(plane: Plane) -> Geometry:
        # On the grid, so that what was cut at the antimeridian becomes whole.
        return shapely.union_all(fine.to_crs(plane.crs).make_valid(), grid_size=10**-_DIGITS)

    return _around(shape, lat, lon, str(path))


def hull(lat: ArrayLike, lon: ArrayLike, margin_km: float) -> Boundary:
    """The convex hull of photos (n,), in degrees, and ``margin_km`` around it; NaN are left out.

    DataError: no photo has coordinates, all are at one spot or on a line and there is no margin, or they lie
    too far apart.
    """
    known = np.isfinite(lat) & np.isfinite(lon)
    if not known.any():
        raise DataError("no photo has coordinates: cells need photos with latitude and longitude")
    lat, lon = np.asarray(lat, np.float64)[known], np.asarray(lon, np.float64)[known]

    def shape(plane: Plane) -> Geometry:
        points = shapely.multipoints(np.column_stack(plane.project(lat, lon)))
        return shapely.buffer(shapely.convex_hull(points), margin_km)

    return _around(shape, lat, lon, "the hull of the photos")


def outside(boundary: Boundary, lat: ArrayLike, lon: ArrayLike) -> int:
    """How many photos (n,), in degrees, have coordinates outside of the boundary. DataError: all of them."""
    known = np.isfinite(lat) & np.isfinite(lon)
    inside = int(boundary.holds(lat, lon).sum())
    if not inside:
        raise DataError(
            f"none of the {int(known.sum()):,} photos with coordinates lies inside the boundary: give the "
            "boundary of the area they are from"
        )
    return int(known.sum()) - inside


def degrees(vectors: ArrayLike) -> tuple[Array, Array]:
    """Latitudes and longitudes (n,) of vectors (n, 3) of any length: where they leave the globe."""
    x, y, z = np.moveaxis(np.asarray(vectors, np.float64), -1, 0)
    return np.degrees(np.arctan2(z, np.hypot(x, y))), np.degrees(np.arctan2(y, x))


def wrapped(lon: ArrayLike) -> Array:
    """Longitudes, of any number of turns, from -180 to below 180 degrees."""
    return (np.asarray(lon, np.float64) + 180) % 360 - 180


def areas(geometries: ArrayLike) -> NDArray[Any]:
    """The geometries (n,) without the points and lines that mending or cutting left beside polygons."""
    whole = np.array(geometries, dtype=object)
    for i, geometry in enumerate(whole):
        if geometry.geom_type == "GeometryCollection":
            parts = shapely.get_parts(shapely.get_parts(geometry))
            whole[i] = shapely.union_all(parts[shapely.area(parts) > 0])
    return whole


def _around(shape: Callable[[Plane], Geometry], lat: Array, lon: Array, name: str) -> Boundary:
    """The boundary that ``shape`` makes in the plane around its middle; points (n,) in degrees span it."""
    vectors = unit_vectors(lat, lon)
    rough = _plane(vectors, *degrees(vectors.mean(axis=0)), 2 * REACH_KM, name)
    first = _rounded(shape(rough))
    if first.is_empty:
        raise DataError(f"{name} has no area: give a margin, or photos of several spots")
    middle = shapely.centroid(first)
    plane = _plane(vectors, *rough.unproject(middle.x, middle.y), REACH_KM, name)
    whole = _rounded(shape(plane))
    # The great circle of the middle's meridian, on the other side of the pole.
    beyond = plane.project(np.copysign(np.linspace(90, 1, 90), plane.lat), np.full(90, plane.lon + 180))
    if shapely.intersects(whole, shapely.linestrings(*beyond)):
        raise DataError(f"{name} reaches around a pole, where longitudes end: give an area beside it")
    return Boundary(whole, plane)


def _rounded(shape: Geometry) -> Geometry:
    (whole,) = areas([shapely.set_precision(shape, 10**-_DIGITS)])
    return whole


def _plane(vectors: Array, lat: Array, lon: Array, most: float, name: str) -> Plane:
    """The plane around a point in degrees. DataError: a unit vector is more than ``most`` km away."""
    plane = Plane(round(float(lat), 4), round(float(lon), 4))
    reach = km(np.linalg.norm(vectors - unit_vectors(plane.lat, plane.lon), axis=1)).max()
    if reach > most:
        raise DataError(
            f"{name} reaches {reach:,.0f} km from its middle: cells are made for up to {REACH_KM:,} km, give "
            "a smaller area"
        )
    return plane
