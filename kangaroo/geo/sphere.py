"""Points on the globe as unit vectors: in space neither the poles nor the antimeridian are special."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kangaroo.geo.distance import EARTH_RADIUS_KM


def unit_vectors(lat: ArrayLike, lon: ArrayLike) -> NDArray[np.float64]:
    """Unit vectors (n, 3) of latitudes and longitudes in degrees (n,); NaN where one of them is NaN."""
    phi, lambda_ = np.radians(np.asarray(lat, np.float64)), np.radians(np.asarray(lon, np.float64))
    across = np.cos(phi)
    # + 0 * lambda_: an unknown longitude spoils all three numbers, as an unknown latitude does.
    return np.stack([across * np.cos(lambda_), across * np.sin(lambda_), np.sin(phi) + 0 * lambda_], axis=-1)


def chord(km: float) -> float:
    """The straight distance between unit vectors whose great-circle distance is ``km``."""
    return 2 * float(np.sin(min(km / EARTH_RADIUS_KM, np.pi) / 2))


def km(chord: ArrayLike) -> NDArray[np.float64]:
    """The great-circle distance in km of unit vectors with this straight distance."""
    return 2 * EARTH_RADIUS_KM * np.arcsin(np.minimum(np.asarray(chord, np.float64) / 2, 1))
