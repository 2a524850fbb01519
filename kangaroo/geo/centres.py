"""Centres for Voronoi cells: evenly over an area, or where the photos are."""

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from kangaroo.errors import DataError
from kangaroo.geo.boundary import Array, Boundary

MOST = 20_000
"""Cells that an area may be divided into."""
_FINE = 12  # candidates along a spacing
_STEPS = 10  # in looking for the spacing of a number of centres
_SAMPLE = 50_000  # spots that are enough to find the clusters of


def draw_centres(
    boundary: Boundary, *, spacing_km: float | None = None, n: int | None = None, seed: int
) -> Array:
    """Centres (k, 2), latitudes and longitudes in degrees, drawn until there is room for no more.

    As in the report 'Playing GeoGuessr with machine learning', whose 252 cells of London are drawn so: a
    random point counts if it is ``spacing_km`` or a little more from its nearest neighbour, or half of that
    from the border, and from no other nearer. Points are drawn from a fine grid, one at a random spot in each
    of its squares, so that 'no more' is certain and the same seed gives the same. In place of the spacing,
    ``n`` asks for so many centres, the first ones of the widest spacing that has room for them.
    DataError: neither or both are given, or there is no room.
    """
    if (spacing_km is None) == (n is None):
        raise DataError(f"centres need either a spacing or a number: give one of {spacing_km} and {n}")
    if n is not None:
        return _degrees(boundary, _drawn(boundary, n, seed))
    if not (spacing_km and spacing_km > 0):
        raise DataError(f"centres can't be {spacing_km} km apart: give a distance above 0")
    require_few(max(1, boundary.shape.area / spacing_km**2), f"centres {spacing_km:g} km apart")
    centres = _spaced(boundary, spacing_km, seed)
    if not len(centres):
        raise DataError(
            f"no point lies {spacing_km / 2:g} km inside the boundary: give a spacing below {spacing_km:g} km"
        )
    return _degrees(boundary, centres)


def kmeans_centres(boundary: Boundary, lat: ArrayLike, lon: ArrayLike, n: int, seed: int) -> Array:
    """Centres (k, 2), latitudes and longitudes in degrees, of k-means clusters of the photos inside.

    ``lat``, ``lon`` (m,) are those of the photos; many photos of one spot weigh as many. k is ``n``, or less
    where the photos have fewer spots. The same photos in another order give the same centres. DataError: no
    photo lies inside, or n is below 1.
    """
    from sklearn.cluster import KMeans

    require_few(n, f"{n} centres")
    x, y = boundary.plane.project(lat, lon)
    there = boundary.holds(lat, lon)
    spots, photos = np.unique(np.column_stack([x[there], y[there]]).round(3), axis=0, return_counts=True)
    if not len(spots):
        raise DataError("no photo lies inside the boundary: give the boundary of the area they are from")
    if len(spots) > _SAMPLE:
        chosen = np.random.default_rng(seed).choice(len(spots), _SAMPLE, replace=False)
        spots, photos = spots[chosen], photos[chosen]
    found = KMeans(min(n, len(spots)), n_init=1, random_state=seed).fit(spots, sample_weight=photos)
    return _degrees(boundary, found.cluster_centers_)


def require_few(number: float, what: str) -> None:
    """Raise DataError unless an area can be divided into so many cells."""
    if not 1 <= number <= MOST:
        raise DataError(f"{what} make some {number:,.0f} cells: ask for 2 to {MOST:,}")


def _drawn(boundary: Boundary, n: int, seed: int) -> Array:
    """The first n centres of the widest spacing, found by halving intervals, that has room for as many."""
    require_few(n, f"{n} centres")
    wide = 1.5 * float(np.sqrt(boundary.shape.area / n))  # room for fewer
    narrow, best = wide, np.empty((0, 2))
    while len(best) < n:
        wide, narrow = narrow, narrow / 2
        if boundary.shape.area / narrow**2 > max(MOST, 20 * n):
            raise DataError(f"there is no room for {n} centres inside the boundary: ask for fewer")
        best = _spaced(boundary, narrow, seed)
    for _ in range(_STEPS):
        if len(best) == n:
            break
        middle = (wide + narrow) / 2
        centres = _spaced(boundary, middle, seed)
        if len(centres) >= n:
            best, narrow = centres, middle
        else:
            wide = middle
    return best[:n]


def _spaced(boundary: Boundary, spacing: float, seed: int, margin: float = 0.2) -> Array:
    """Points (k, 2) in km, each ``spacing`` to (1 + margin) * spacing from the nearest, if there is such."""
    from scipy.spatial import cKDTree

    rng = np.random.default_rng(seed)
    points = rng.permutation(_candidates(boundary, spacing, rng))
    if not len(points):
        return points
    free = np.ones(len(points), bool)
    inner = shapely.buffer(boundary.shape, -(1 + margin) * spacing / 2)
    near = ~_within(inner, points)  # at the right distance from the border or a centre
    tree, centres = cKDTree(points), []
    while free.any():
        eligible = free & near
        i = int(np.argmax(eligible if eligible.any() else free))
        centres.append(i)
        near[tree.query_ball_point(points[i], (1 + margin) * spacing)] = True
        free[tree.query_ball_point(points[i], spacing)] = False
    return points[centres]


def _candidates(boundary: Boundary, spacing: float, rng: np.random.Generator) -> Array:
    """A random point (m, 2) of each square of a fine grid, of those that lie half a spacing inside."""
    inner, step = shapely.buffer(boundary.shape, -spacing / 2), spacing / _FINE
    parts, found = shapely.get_parts(inner), [np.empty((0, 2))]
    for part in parts[~shapely.is_empty(parts)]:
        west, south, east, north = shapely.bounds(part)
        x = np.arange(west, east, step)
        for y in np.arange(south, north, step):
            row = np.column_stack([x, np.full(len(x), y)]) + step * rng.random((len(x), 2))
            found.append(row[_within(part, row)])
    return np.concatenate(found)


def _within(shape: shapely.Geometry, points: Array) -> NDArray[np.bool_]:
    shapely.prepare(shape)
    return shapely.contains_xy(shape, points)


def _degrees(boundary: Boundary, points: Array) -> Array:
    return np.column_stack(boundary.plane.unproject(*points.T))
