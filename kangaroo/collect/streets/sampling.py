"""Points along roads: uniform by length, seeded, shared out over states, with a minimum spacing."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import KDTree

from kangaroo.collect.streets.geocoding import WGS84
from kangaroo.collect.streets.networks import Network
from kangaroo.errors import DataError
from kangaroo.geo.distance import EARTH_RADIUS_KM
from kangaroo.progress import progress

SHARES = ("sqrt-nodes", "length", "even")
COLUMNS = ["lat", "lon", "country", "state"]
_DIGITS = 7  # of a degree: a centimetre, OpenStreetMap's own precision
_ROUNDS = 30  # of four times the missing points, before a spacing counts as not to be met

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SampleSettings:
    """``n`` points in all; how states share them; no two nearer than ``min_spacing`` metres."""

    n: int = 10_000
    seed: int = 0
    share: str = "sqrt-nodes"
    min_spacing: float = 0.0

    def __post_init__(self) -> None:
        """Check; raise DataError."""
        if self.n < 1:
            raise DataError(f"{self.n} points can't be drawn: give a number of 1 or more")
        if self.seed < 0:
            raise DataError(f"seed {self.seed} is below 0")
        if self.share not in SHARES:
            raise DataError(f"no share {self.share!r}: choose among {', '.join(SHARES)}")
        if not 0 <= self.min_spacing < np.inf:
            raise DataError(f"a spacing of {self.min_spacing} m can't be kept: give 0 or more metres")


def sample(networks: Sequence[Network], settings: SampleSettings) -> pd.DataFrame:
    """Points on the open roads of networks: lat, lon (degrees), country, state; n rows, by country and state.

    Within a network every metre of road outside tunnels is as likely as every other, whichever directions it
    may be driven in; a minimum spacing makes crowded roads a little less likely. Each network has a random
    generator of its own, from the seed and its name: the points don't depend on the order of the networks,
    nor, without a spacing, on the other networks, and fewer points of a network are the first of more.
    DataError: two networks of one state, one of tunnels only, a spacing that leaves no room for n points.
    """
    networks = sorted(networks, key=lambda network: (network.country, network.state))
    names = [network.name for network in networks]
    if twice := [name for name, following in pairwise(names) if name == following]:
        raise DataError(f"two networks of {twice[0]}: give one of them, or name them with --country, --state")
    roads = [_open_roads(network) for network in progress(networks, "measuring roads", unit=" networks")]
    numbers = shares(_weights(networks, roads, settings.share), settings.n)
    frames, taken = [], np.empty((0, 3))
    rows = list(zip(networks, roads, numbers, strict=True))
    for network, road, number in progress(rows, "drawing points", unit=" networks"):
        points = _draw(road, _generator(settings.seed, network), number, settings.min_spacing, taken)
        if len(points) < number:
            raise DataError(
                f"only {len(points):,} of {number:,} points find room in {network.name}, "
                f"{settings.min_spacing:g} m apart: give a smaller --min-spacing or --n"
            )
        taken = np.vstack([taken, _on_sphere(points)])
        frames.append(
            pd.DataFrame(points, columns=["lat", "lon"]).assign(country=network.country, state=network.state)
        )
    return pd.concat(frames, ignore_index=True)[COLUMNS]


def shares(weights: ArrayLike, n: int) -> NDArray[np.int64]:
    """Share ``n`` out by weight, in whole numbers that sum to n: largest remainders, the first of equals.

    ``weights`` has shape (k,), none below 0, not all 0; so has the result.
    """
    weights = np.asarray(weights, dtype=np.float64)
    quotas = n * weights / weights.sum()
    numbers = np.floor(quotas).astype(np.int64)
    # Rounded, so that equal remainders stay equal through the last bit of a division.
    order = np.argsort(-np.round(quotas - numbers, 9), kind="stable")
    numbers[order[: n - numbers.sum()]] += 1
    return numbers


def _open_roads(network: Network) -> pd.DataFrame:
    stretches = network.stretches
    outside = stretches[~stretches["tunnel"]]
    if outside.empty:
        raise DataError(f"every road of {network.name} is in a tunnel: give a larger network")
    return outside


def _weights(networks: Sequence[Network], roads: Sequence[pd.DataFrame], share: str) -> Array:
    if share == "even":
        return np.ones(len(networks))
    if share == "length":
        return np.array([road["metres"].sum() for road in roads])
    return np.sqrt([network.graph.number_of_nodes() for network in networks])  # as in the report


def _generator(seed: int, network: Network) -> np.random.Generator:
    name = hashlib.sha256(f"{network.country}/{network.state}".encode()).digest()
    return np.random.default_rng([seed, int.from_bytes(name[:8])])


def _draw(road: pd.DataFrame, rng: np.random.Generator, n: int, spacing: float, taken: Array) -> Array:
    """Up to ``n`` points (latitude, longitude), each ``spacing`` metres from the others and those taken."""
    if not spacing:
        return _along(road, rng.random(n))
    points = np.empty((0, 2))
    chord = _chord(spacing)
    for _ in range(_ROUNDS):
        missing = n - len(points)
        if not missing:
            break
        new = _along(road, rng.random(4 * missing))
        before = np.vstack([taken, _on_sphere(points)])
        if len(before):
            nearest, _ = KDTree(before).query(_on_sphere(new), distance_upper_bound=chord)
            new = new[np.isinf(nearest)]
        points = np.vstack([points, new[_thin(_on_sphere(new), chord)][:missing]])
    return points


def _along(road: pd.DataFrame, uniform: Array) -> Array:
    """Points (latitude, longitude) at these shares, 0 to 1, of the whole length of a table of stretches."""
    ends = road["metres"].cumsum().to_numpy()
    metres = uniform * ends[-1]
    row = np.minimum(np.searchsorted(ends, metres, side="right"), len(ends) - 1)
    lon1, lat1, lon2, lat2, length = road[["lon1", "lat1", "lon2", "lat2", "metres"]].to_numpy()[row].T
    bearing, _, _ = WGS84.inv(lon1, lat1, lon2, lat2)
    lon, lat, _ = WGS84.fwd(lon1, lat1, bearing, metres - ends[row] + length)
    return np.round(np.column_stack([lat, lon]), _DIGITS)


def _on_sphere(points: Array) -> Array:
    """Latitudes and longitudes (n, 2) as points (n, 3) on the unit sphere."""
    lat, lon = np.radians(points).T
    return np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


def _chord(metres: float) -> float:
    """The straight line on the unit sphere between points so far apart along its surface."""
    return 2 * float(np.sin(min(metres / 2000 / EARTH_RADIUS_KM, np.pi / 2)))


def _thin(points: Array, chord: float) -> list[int]:
    """Rows to keep: in order, each that is not nearer than ``chord`` to one that is kept."""
    if not len(points):
        return []
    tree, free, kept = KDTree(points), np.ones(len(points), dtype=bool), []
    for row in range(len(points)):
        if free[row]:
            kept.append(row)
            free[tree.query_ball_point(points[row], chord)] = False
    return kept
