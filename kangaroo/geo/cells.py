"""Cells that share an area out among them: what a network can name in place of coordinates."""

import io
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from kangaroo.errors import DataError
from kangaroo.geo.boundary import Array, Boundary, areas, wrapped
from kangaroo.geo.centres import require_few
from kangaroo.geo.regions import WGS84, Geometries

Index = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Cells:
    """k cells without gaps or overlaps: ``shapes`` (k,) in km of the boundary's plane, from north to south.

    ``lat``, ``lon`` (k,) are those of a point inside each, in degrees: its middle where that lies inside.
    """

    boundary: Boundary
    shapes: Geometries
    names: tuple[str, ...]
    lat: Array
    lon: Array

    @cached_property
    def polygons(self) -> Geometries:
        """The shapes in degrees, longitude before latitude; beyond 180 where they cross the antimeridian."""
        fine = shapely.segmentize(self.shapes, 20)  # straight in the plane is bent in degrees
        return shapely.transform(fine, self._unprojected)

    def _unprojected(self, points: Array) -> Array:
        lat, lon = self.boundary.plane.unproject(*points.T)
        return np.column_stack([lon, lat])


def square_cells(boundary: Boundary, width_km: float, *, sliver: float = 0.1) -> Cells:
    """Squares of one area, cut off at the boundary, in a grid that lies evenly over it.

    What the boundary leaves of a square joins, where it is less than ``sliver`` of a whole one, the cell with
    which it shares the longest border, or the nearest. DataError: the squares are too many or wider than the
    boundary.
    """
    if not width_km > 0:
        raise DataError(f"squares can't be {width_km} km wide: give a width above 0")
    west, south, east, north = shapely.bounds(boundary.shape)
    columns, rows = np.ceil([(east - west) / width_km, (north - south) / width_km])
    what = f"squares of {width_km:g} km"
    require_few(max(1, boundary.shape.area / width_km**2), what)
    x = (west + east - columns * width_km) / 2 + width_km * np.arange(columns)
    tops = (south + north + rows * width_km) / 2 - width_km * np.arange(rows)
    # Row by row: the squares over a few far islands can be many more than those on them.
    pieces = [_cut(boundary, shapely.box(x, y - width_km, x + width_km, y)) for y in tops]
    return _cells(boundary, _without_slivers(np.concatenate(pieces), sliver * width_km**2), what)


def voronoi_cells(boundary: Boundary, centres: ArrayLike) -> Cells:
    """The cells of the points that are nearest, in the boundary's plane, to each of ``centres`` (k, 2).

    Centres are latitudes and longitudes in degrees; those within a centimetre of one another count as one,
    and one that no point of the boundary is nearest to has no cell. DataError: fewer than two cells.
    """
    lat, lon = np.asarray(centres, np.float64).reshape(-1, 2).T
    points = np.unique(np.column_stack(boundary.plane.project(lat, lon)).round(5), axis=0)
    if len(points) < 2:
        raise DataError(f"{len(points)} different centre(s) divide nothing: give two or more")
    sites = shapely.multipoints(points)
    whole = shapely.get_parts(shapely.voronoi_polygons(sites, extend_to=shapely.envelope(boundary.shape)))
    pieces = _cut(boundary, whole)
    x, y = shapely.get_coordinates(shapely.centroid(pieces)).T
    north_first = np.lexsort((x, -y))
    return _cells(boundary, pieces[north_first], f"{len(points)} centres")


def locate(cells: Cells, lat: ArrayLike, lon: ArrayLike) -> Index:
    """The cell of each photo (n,), in degrees: the one that holds it, else the nearest; -1 where NaN.

    Of two cells that share a border, the first holds what lies on it.
    """
    x, y = cells.boundary.plane.project(lat, lon)
    index = np.full(len(x), -1, np.int64)
    order = np.argsort(x, kind="stable")
    x, y = x[order], y[order]
    boxes = shapely.bounds(cells.shapes)
    starts, ends = np.searchsorted(x, boxes[:, 0], "left"), np.searchsorted(x, boxes[:, 2], "right")
    for i in reversed(range(len(boxes))):  # so that the first has the last word
        band = slice(starts[i], ends[i])
        held = starts[i] + np.flatnonzero((y[band] >= boxes[i, 1]) & (y[band] <= boxes[i, 3]))
        shapely.prepare(cells.shapes[i])
        index[order[held[shapely.intersects_xy(cells.shapes[i], x[held], y[held])]]] = i
    known = np.isfinite(np.asarray(lat, np.float64)) & np.isfinite(np.asarray(lon, np.float64))
    left = np.flatnonzero((index[order] < 0) & known[order])
    index[order[left]] = _nearest(cells, x[left], y[left])
    return index


def counts(cells: Cells, index: ArrayLike) -> Index:
    """Photos in each cell (k,), 0 for an empty one, from the photos' cells (n,); -1 counts nowhere."""
    index = np.asarray(index, np.int64)
    return np.bincount(index[index >= 0], minlength=len(cells.shapes))


def to_geojson(cells: Cells, photos: ArrayLike | None = None) -> str:
    """The cells as GeoJSON (RFC 7946), with properties name and, if given (k,), photos.

    Degrees of WGS 84, exterior rings counterclockwise, cut in two at the antimeridian.
    """
    import geopandas

    columns = {"name": cells.names, **({} if photos is None else {"photos": np.asarray(photos, np.int64)})}
    table = geopandas.GeoDataFrame(columns, geometry=_cut_at_180(cells.polygons), crs=WGS84)
    file = io.BytesIO()
    table.to_file(file, driver="GeoJSON", layer="cells", engine="pyogrio", RFC7946="YES")
    return file.getvalue().decode()


def _cut_at_180(polygons: Geometries) -> Geometries:
    """Polygons with longitudes from -180 to 180, of as many digits as GeoJSON is written with.

    Else GDAL, which rounds to them, finds hairs in some that are none, and adds lines to them.
    """
    turns = [
        shapely.transform(
            shapely.intersection(polygons, shapely.box(turn - 180, -90, turn + 180, 90), grid_size=1e-7),
            lambda points, turn=turn: points - [turn, 0],
        )
        for turn in (-360, 0, 360)
    ]
    return areas(shapely.union_all(np.array(turns), axis=0, grid_size=1e-7))


def _cells(boundary: Boundary, shapes: Geometries, what: str) -> Cells:
    """Number the cells and find their points."""
    if len(shapes) < 2:
        west, south, east, north = shapely.bounds(boundary.shape)
        raise DataError(
            f"{what} leave one cell of a boundary of {east - west:,.3g} x {north - south:,.3g} km: ask for "
            "more and smaller ones"
        )
    middle = shapely.centroid(shapes)
    middle = np.where(shapely.contains(shapes, middle), middle, shapely.point_on_surface(shapes))
    lat, lon = boundary.plane.unproject(shapely.get_x(middle), shapely.get_y(middle))
    digits = len(str(len(shapes)))
    names = tuple(f"cell {i + 1:0{digits}}" for i in range(len(shapes)))
    return Cells(boundary, shapes, names, lat, wrapped(lon))


def _cut(boundary: Boundary, shapes: Geometries) -> Geometries:
    """What of the shapes lies inside the boundary and has an area."""
    shapely.prepare(boundary.shape)
    inside = shapely.contains_properly(boundary.shape, shapes)
    crossing = ~inside & shapely.intersects(boundary.shape, shapes)
    shapes = shapes.copy()
    shapes[crossing] = areas(shapely.intersection(shapes[crossing], boundary.shape))
    kept = shapes[inside | crossing]
    return kept[shapely.area(kept) > 0]


def _without_slivers(pieces: Geometries, least: float) -> Geometries:
    """The pieces, each below ``least`` km² joined to its neighbour."""
    size = shapely.area(pieces)
    large = size >= min(least, size.max())
    kept, small = pieces[large], pieces[~large]
    which, neighbour = shapely.STRtree(kept).query_nearest(small)
    border = shapely.length(shapely.intersection(small[which], kept[neighbour]))
    order = np.lexsort((neighbour, -border, which))
    _, first = np.unique(which[order], return_index=True)
    chosen = neighbour[order][first]
    for i in np.unique(chosen):
        # On a grid of micrometres, so that the common border goes whatever its last digits are.
        kept[i] = shapely.union_all([kept[i], *small[chosen == i]], grid_size=1e-9)
    return kept


def _nearest(cells: Cells, x: Array, y: Array) -> Index:
    """The nearest cell of points (n,) in km; of several as near, the first."""
    points = shapely.points(np.minimum(x, 1e5), np.minimum(y, 1e5))  # infinite at the antipode
    row, cell = shapely.STRtree(cells.shapes).query_nearest(points)
    index = np.full(len(points), len(cells.shapes))
    np.minimum.at(index, row, cell)
    return index
