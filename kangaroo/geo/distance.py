"""Distances on the globe, and what GeoGuessr pays for them."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

EARTH_RADIUS_KM = 6371.0088
"""The mean radius (2a + b) / 3 of the WGS 84 ellipsoid."""

WORLD_KM = 14916.862
"""Diagonal of GeoGuessr's world map."""


def haversine_km(lat1: ArrayLike, lon1: ArrayLike, lat2: ArrayLike, lon2: ArrayLike) -> NDArray[np.float64]:
    """Great-circle distance in km between points in degrees, on a sphere of the mean Earth radius.

    The arguments broadcast; the result has the broadcast shape. NaN where a coordinate is NaN. The sphere is
    within about 0.5 % of the ellipsoid.
    """
    phi1, lambda1, phi2, lambda2 = (
        np.radians(np.asarray(angle, dtype=np.float64)) for angle in (lat1, lon1, lat2, lon2)
    )
    across = np.cos(phi1) * np.cos(phi2) * np.sin((lambda2 - lambda1) / 2) ** 2
    haversine = np.sin((phi2 - phi1) / 2) ** 2 + across
    # Rounding can lift antipodes above 1, where arcsin is NaN.
    return 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.minimum(haversine, 1)))


def geoguessr_score(km: ArrayLike, map_km: float = WORLD_KM) -> NDArray[np.float64]:
    """Points of a guess that is ``km`` away: 5000 exp(-10 km / map_km), not rounded, same shape as ``km``.

    ``map_km`` is the diagonal of the map played, by default that of GeoGuessr's world map. GeoGuessr doesn't
    publish its formula: this is the one that players measured (reddit.com/r/geoguessr/comments/zqwgnr).
    """
    return 5000 * np.exp(-10 * np.asarray(km, dtype=np.float64) / map_km)
