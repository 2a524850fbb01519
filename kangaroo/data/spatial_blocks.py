"""Photos that belong on one side of a split: linked by name, by look, by nearness; and cuts through them."""

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

Links = tuple[NDArray[np.int64], NDArray[np.int64]]
Mask = NDArray[np.bool_]

_NEIGHBOURS = 8
_DIRECTIONS = 16


def components(n: int, links: Iterable[Links]) -> NDArray[np.int64]:
    """Number the connected components of ``n`` rows, of which each of ``links`` ties pairs: (n,) from 0."""
    pairs = list(links)
    left, right = (np.concatenate([np.empty(0, np.int64), *(pair[i] for pair in pairs)]) for i in (0, 1))
    graph = coo_array((np.ones(len(left), np.bool_), (left, right)), shape=(n, n))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def same(values: "pd.Series[str]") -> Links:
    """Tie each row to the first one of the same value; '' ties nothing."""
    rows = np.flatnonzero((values != "").to_numpy())
    codes = pd.factorize(values.iloc[rows])[0]
    first = np.unique(codes, return_index=True)[1]
    return rows, rows[first[codes]]


def near(points: NDArray[np.float64], chord: float) -> Links:
    """Tie points (n, 3) so that whoever is nearer than ``chord`` to another is in one component with it.

    Not by all such pairs, which in a city are as many as the square of its photos: each point is tied to its
    eight nearest. A pair that this misses has two points with eight nearer ones each; of these, the nearest
    points of other components are tied, as in Borůvka's minimum spanning tree, until there are none. Two
    components differ in some bit of their numbers, so a tree of the points with that bit and one of those
    without it find them. Points of unknown coordinates (NaN) are tied to none.
    """
    known = np.flatnonzero(~np.isnan(points).any(axis=1))
    places, inverse = np.unique(points[known], axis=0, return_inverse=True)
    found = [same(pd.Series(inverse.ravel().astype(str)))]
    first = np.unique(inverse, return_index=True)[1]
    found += [(first[left], first[right]) for left, right in _near(places, chord)]
    return known[np.concatenate([pair[0] for pair in found])], known[
        np.concatenate([pair[1] for pair in found])
    ]


def _near(points: NDArray[np.float64], chord: float) -> list[Links]:
    if not len(points):
        return []
    distance, other = cKDTree(points).query(points, _NEIGHBOURS + 1, distance_upper_bound=chord, workers=-1)
    found = np.isfinite(distance)
    rows = np.repeat(np.arange(len(points)), found.sum(axis=1))
    links = [(rows, other[found])]
    full = np.flatnonzero(found.all(axis=1))
    while len(full):
        labels = components(len(points), links)[full]
        more = [(full[left], full[right]) for left, right in _between(points[full], labels, chord)]
        if not sum(len(left) for left, _ in more):
            break
        links += more
    return links


def _between(points: NDArray[np.float64], labels: NDArray[np.int64], chord: float) -> Iterator[Links]:
    """For each bit of the labels, the nearest point without it of every point with it, within ``chord``."""
    numbers = np.unique(labels, return_inverse=True)[1]
    for bit in range(int(numbers.max()).bit_length()):
        has = (numbers >> bit) & 1 == 1
        left, right = np.flatnonzero(has), np.flatnonzero(~has)
        tree = cKDTree(points[right])
        distance, other = tree.query(points[left], distance_upper_bound=chord, workers=-1)
        found = np.isfinite(distance)
        yield left[found], right[other[found]]


def cut(
    points: NDArray[np.float64],
    groups: NDArray[np.int64],
    classes: NDArray[np.int64],
    missing: NDArray[np.float64],
    chord: float,
) -> tuple[Mask, Mask] | None:
    """Cut a piece off the photos of one block: masks (n,) of those taken and those dropped between.

    ``points`` (n, 3), ``groups`` (n,), which stay whole, ``classes`` (n,) index ``missing``: how many photos
    of each class the piece should have. Cut is straight across one of sixteen directions, where photos
    dropped and photos too few or too many are fewest together; None if cutting makes things no better.
    Dropped are photos of the rest that are nearer than ``chord`` to the piece, and those of either that
    their group has across the cut.
    """
    numbers = np.unique(groups, return_inverse=True)[1]
    line = _best_line(points, numbers, classes, missing, chord)
    if line is None:
        return None
    height, below, level = line
    taken = below[numbers]
    astray = np.where(taken, height > level + chord / 2, height < level - chord / 2)
    rest = np.flatnonzero(~taken & ~astray & ~np.isnan(height))
    piece = points[taken & ~astray & ~np.isnan(height)]
    dropped = astray.copy()
    if len(piece):
        distance, _ = cKDTree(piece).query(points[rest], distance_upper_bound=chord)
        dropped[rest] = np.isfinite(distance)
    got = np.bincount(classes[taken & ~dropped], minlength=len(missing))
    left = (~taken & ~dropped).any()
    better = np.abs(missing - got).sum() + dropped.sum() < np.abs(missing).sum()
    return (taken & ~dropped, dropped) if better and left else None


def _best_line(
    points: NDArray[np.float64],
    numbers: NDArray[np.int64],
    classes: NDArray[np.int64],
    missing: NDArray[np.float64],
    chord: float,
) -> tuple[NDArray[np.float64], Mask, float] | None:
    """Where to cut: heights (n,) of the photos across the line, which groups lie below it, its own height."""
    centres = _group_means(points, numbers)
    counts = np.zeros((len(centres), len(missing)))
    np.add.at(counts, (numbers, classes), 1)
    least, best = np.abs(missing).sum(), None
    for direction in _directions(np.nanmean(points, axis=0)) if len(centres) > 1 else ():
        heights, along = points @ direction, centres @ direction
        order = np.argsort(along, kind="stable")
        ranked = np.sort(heights[~np.isnan(heights)])
        levels = along[order][:-1]  # never all of them
        margin = np.searchsorted(ranked, levels + chord, "right") - np.searchsorted(ranked, levels, "right")
        cost = np.abs(missing - counts[order].cumsum(axis=0)[:-1]).sum(axis=1) + margin
        if cost.min() < least:
            last, below = int(cost.argmin()), np.zeros(len(centres), np.bool_)
            below[order[: last + 1]] = True
            least, best = cost[last], (heights, below, float(levels[last]))
    return best


def _group_means(values: NDArray[np.float64], numbers: NDArray[np.int64]) -> NDArray[np.float64]:
    """The mean of each group's known values: (groups, k) from (n, k)."""
    known = ~np.isnan(values[:, 0])
    sums = [np.bincount(numbers[known], column[known], minlength=numbers.max() + 1) for column in values.T]
    return np.stack(sums, axis=1) / np.bincount(numbers[known], minlength=numbers.max() + 1)[:, None]


def _directions(centre: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
    """Unit vectors all around, at right angles to ``centre``."""
    pole = np.eye(3)[np.abs(centre).argmin()]
    east = np.cross(pole, centre)
    east /= np.linalg.norm(east) or 1
    north = np.cross(centre, east)
    north /= np.linalg.norm(north) or 1
    for angle in np.linspace(0, 2 * np.pi, _DIRECTIONS, endpoint=False):
        yield np.cos(angle) * east + np.sin(angle) * north
