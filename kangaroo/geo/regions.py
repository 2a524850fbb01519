"""Points to the regions of a polygon file, such as Natural Earth's states and provinces."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kangaroo.errors import DataError
from kangaroo.geo.sphere import km, unit_vectors

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

Geometries: TypeAlias = NDArray[Any]
"""Shapely geometries in an array of objects."""

WGS84 = "EPSG:4326"
# The columns of Natural Earth, GADM, geoBoundaries and Eurostat's NUTS, in the order of looking, in any case.
NAMES = ("name", "name_2", "name_1", "shapename", "nuts_name", "region")
COUNTRIES = ("admin", "country", "name_0", "shapegroup", "cntr_code")
IDS = ("adm1_code", "gid_2", "gid_1", "shapeid", "nuts_id", "iso_3166_2", "id")


@dataclass(frozen=True, eq=False)
class Regions:
    """Regions of the globe: polygons (n,) in the plane of ``crs``, valid and not empty, largest first.

    ``labels`` name each region for itself, ``names`` as people do. ``lat`` and ``lon`` (n,) are those of a
    representative point, which lies inside, in degrees.
    """

    labels: NDArray[np.str_]
    names: NDArray[np.str_]
    polygons: Geometries
    crs: str
    lat: NDArray[np.float64]
    lon: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Located:
    """The regions of n points: ``index`` into the regions, -1 where the point's coordinates are unknown.

    ``km`` is 0 where the region holds the point, else the distance of its representative point.
    """

    index: NDArray[np.int64]
    km: NDArray[np.float64]


def read_regions(
    path: Path, *, name_column: str = "", country_column: str = "", id_column: str = ""
) -> Regions:
    """Read the polygons of a GeoJSON file, GeoPackage or shapefile (also zipped).

    A region is labelled 'name, country, id' as far as there are such columns; '' looks for those of Natural
    Earth and other sources of regions. A label that comes again gets the number of its row, from 1. Invalid
    polygons are mended; what is empty is left out. A file without a coordinate system is in degrees.
    DataError: no file that can be read, no such column, something else than polygons.
    """
    import shapely

    table = read_table(path, "regions")
    if "geometry" not in table or not hasattr(table, "crs"):
        raise DataError(f"{path} has no polygons: give a file of regions")
    table = table[~(table.geometry.isna() | table.geometry.is_empty)]
    other = sorted(set(table.geom_type) - {"Polygon", "MultiPolygon"})
    if other or table.empty:
        raise DataError(
            f"{path} holds {other[0] + 's' if other else 'nothing'}, not polygons: give a file of regions"
        )
    columns = {
        "name": _column(table, path, name_column, NAMES, "--name-column"),
        "country": _column(table, path, country_column, COUNTRIES, "--country-column"),
        "id": _column(table, path, id_column, IDS, "--id-column"),
    }
    if not any(columns.values()):
        there = ", ".join(map(str, table.columns.drop("geometry")))
        raise DataError(f"{path} names no region in its columns {there}: say which with --name-column")
    texts = {kind: _texts(table, column) for kind, column in columns.items()}
    polygons = _mended(shapely.force_2d(table.geometry.to_numpy()))
    order = np.argsort(-shapely.area(polygons), kind="stable")
    labels = _labels(list(texts.values()))
    names = np.where(texts["name"] != "", texts["name"], labels)
    crs = table.crs.to_wkt() if table.crs else WGS84
    inside = shapely.point_on_surface(polygons)
    lon, lat = _projected(crs, WGS84, shapely.get_x(inside), shapely.get_y(inside))
    return Regions(labels[order], names[order], polygons[order], crs, lat[order], lon[order])


def read_table(path: Path, what: str) -> "GeoDataFrame":
    """A GeoJSON file, GeoPackage or shapefile as a table; DataError: ``path`` is no such file of ``what``."""
    import geopandas

    try:
        return geopandas.read_file(path)
    except Exception as error:  # of pyogrio and GDAL, and their kinds differ
        reason = " ".join(str(error).split())
        raise DataError(
            f"{path} can't be read as {what}: give GeoJSON, GeoPackage or a shapefile ({reason})"
        ) from error


def locate(regions: Regions, lat: ArrayLike, lon: ArrayLike) -> Located:
    """The region of each point (n,), in degrees: the one that holds it, else the nearest.

    Points are brought into the plane of the polygons and not the other way round, so that regions across a
    pole or the antimeridian stay whole in a file whose plane keeps them whole; in degrees, a polygon may also
    go on beyond 180. Of several regions that hold a point, the smallest counts. Nearest is, on the globe, the
    region's representative point, as in the report 'Lost & Found' for all points.
    """
    from scipy.spatial import cKDTree

    lat, lon = np.asarray(lat, np.float64), np.asarray(lon, np.float64)
    index = _holding(regions, lat, lon)
    known = ~(np.isnan(lat) | np.isnan(lon))
    distance = np.where(known, 0.0, np.nan)
    outside = np.flatnonzero((index < 0) & known)
    if len(outside):
        tree = cKDTree(unit_vectors(regions.lat, regions.lon))
        chords, index[outside] = tree.query(unit_vectors(lat[outside], lon[outside]))
        distance[outside] = km(chords)
    return Located(index, distance)


def _holding(regions: Regions, lat: NDArray[np.float64], lon: NDArray[np.float64]) -> NDArray[np.int64]:
    """Number of the smallest region that holds each point, -1 for none."""
    import shapely

    index = np.full(len(lat), -1, np.int64)
    west, _, east, _ = shapely.total_bounds(regions.polygons)
    degrees = _is_degrees(regions.crs)
    turns = [
        turn for turn in (0, 360, -360) if not turn or (degrees and (east > 180 if turn > 0 else west < -180))
    ]
    x, y = _projected(WGS84, regions.crs, lon, lat)
    for turn in turns:
        there = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
        tree = shapely.STRtree(shapely.points(x[there] + turn, y[there]))
        # Each polygon asks for its points, and not each point for its polygon: the one who asks is prepared.
        region, row = tree.query(regions.polygons, predicate="intersects")
        row = there[row]
        if not degrees:
            right = _comes_back(regions.crs, x[row], y[row], lat[row], lon[row])
            region, row = region[right], row[right]
        np.maximum.at(index, row, region)  # the largest comes first
    return index


def _comes_back(
    crs: str,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    lat: NDArray[np.float64],
    lon: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Whether points are where they seem: some projections fold the far side of the globe onto their own."""
    back_lon, back_lat = _projected(crs, WGS84, x, y)
    gap = np.linalg.norm(unit_vectors(back_lat, back_lon) - unit_vectors(lat, lon), axis=-1)
    return gap < 1e-5  # some 60 m


def _projected(
    source: str, target: str, x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coordinates in another system, x before y; those it has no room for become infinite."""
    from pyproj import Transformer

    if source == target:
        return x, y
    return Transformer.from_crs(source, target, always_xy=True).transform(x, y)


def _is_degrees(crs: str) -> bool:
    from pyproj import CRS

    return CRS(crs).is_geographic


def _mended(polygons: Geometries) -> Geometries:
    """Valid polygons; of what mending makes, only the parts with an area."""
    import shapely

    polygons = polygons.copy()
    bad = ~shapely.is_valid(polygons)
    polygons[bad] = [
        shapely.multipolygons([part for part in _parts(mended) if shapely.area(part) > 0])
        for mended in shapely.make_valid(polygons[bad])
    ]
    return polygons


def _parts(geometry: Any) -> Geometries:
    """The polygons, lines and points of a geometry, however they are nested."""
    import shapely

    return shapely.get_parts(shapely.get_parts(geometry))


def _column(table: "GeoDataFrame", path: Path, asked: str, usual: Sequence[str], flag: str) -> str:
    """The column asked for, or the first usual one, or ''."""
    there = {str(name).lower(): str(name) for name in table.columns}
    if asked and asked not in table:
        raise DataError(f"{path} has no column {asked!r} for {flag}: choose from {', '.join(there.values())}")
    return asked or next((there[name] for name in usual if name in there), "")


def _texts(table: "GeoDataFrame", column: str) -> NDArray[np.str_]:
    if not column:
        return np.full(len(table), "")
    values = table[column]
    return np.array(
        ["" if missing else str(value).strip() for value, missing in zip(values, values.isna(), strict=True)]
    )


def _labels(parts: Sequence[NDArray[np.str_]]) -> NDArray[np.str_]:
    """What is known of name, country and id, with commas; the number of the row where that is not unique."""
    labels = [", ".join(part for part in row if part) for row in zip(*parts, strict=True)]
    _, inverse, count = np.unique(labels, return_inverse=True, return_counts=True)
    again = (count[inverse] > 1) | (np.array(labels) == "")
    return np.array(
        [
            f"{text} {i + 1}".strip() if more else text
            for i, (text, more) in enumerate(zip(labels, again, strict=True))
        ]
    )
