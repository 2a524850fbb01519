"""How far from the truth a predicted country lies."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from kangaroo.evaluation.predictions import Predictions
from kangaroo.geo.countries import find
from kangaroo.geo.distance import geoguessr_score, haversine_km


@dataclass(frozen=True)
class Geolocation:
    """Distances of n photos, in km, to the points of their predicted classes.

    ``accuracy_at_km`` is the share of photos within 1 (street), 25 (city), 200 (region), 750 (country) and
    2500 km (continent), the levels of Hays & Efros, CVPR 2008; ``geoscore`` the mean GeoGuessr score.
    """

    n: int
    mean_km: float
    median_km: float
    accuracy_at_km: dict[int, float]
    geoscore: float


def geolocation(
    predictions: Predictions, locations: Mapping[str, tuple[float, float]] | None = None
) -> Geolocation | None:
    """Measure from each photo's coordinates to its predicted class's point (latitude, longitude in degrees).

    By default the classes are countries and their points centroids. Photos without coordinates are left out;
    None if all are, or if a class has no known location.
    """
    if locations is None:
        locations = _centroids(predictions.classes)
    known = np.isfinite(predictions.lat) & np.isfinite(predictions.lon)
    if not known.any() or not set(predictions.classes) <= set(locations):
        return None
    points = np.array([locations[name] for name in predictions.classes])
    guess = points[predictions.predicted[known]]
    km = haversine_km(predictions.lat[known], predictions.lon[known], guess[:, 0], guess[:, 1])
    return Geolocation(
        n=len(km),
        mean_km=float(km.mean()),
        median_km=float(np.median(km)),
        accuracy_at_km={level: float((km <= level).mean()) for level in (1, 25, 200, 750, 2500)},
        geoscore=float(geoguessr_score(km).mean()),
    )


def _centroids(names: tuple[str, ...]) -> dict[str, tuple[float, float]]:
    """Centroids of those names that are countries."""
    countries = {name: find(name) for name in names}
    return {name: (country.lat, country.lon) for name, country in countries.items() if country}
