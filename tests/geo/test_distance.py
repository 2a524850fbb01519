"""Distances against published values, geometry and two other implementations."""

import numpy as np
import pytest
from pyproj import Geod
from sklearn.metrics.pairwise import haversine_distances

from kangaroo.geo.distance import geoguessr_score, haversine_km

VIENNA, SYDNEY = (48.2082, 16.3738), (-33.8688, 151.2093)


def test_identity_and_symmetry() -> None:
    assert haversine_km(*VIENNA, *VIENNA) == 0
    assert haversine_km(*VIENNA, *SYDNEY) == haversine_km(*SYDNEY, *VIENNA)


def test_published_airport_distance() -> None:
    """Sydney to Berlin Tegel: 16,105 km (aircalculator.com)."""
    assert haversine_km(-33.9461, 151.1769, 52.5597, 13.2877) == pytest.approx(16105, rel=2e-3)


def test_vienna_to_sydney_on_the_ellipsoid() -> None:
    _, _, metres = Geod(ellps="WGS84").inv(*VIENNA[::-1], *SYDNEY[::-1])
    assert haversine_km(*VIENNA, *SYDNEY) == pytest.approx(metres / 1000, rel=5e-3)


@pytest.mark.parametrize("lat", [0, 12.3, 48.2082, 90])
def test_antipodes_are_half_the_circumference(lat: float) -> None:
    assert haversine_km(lat, 20, -lat, -160) == pytest.approx(np.pi * 6371.0088)


def test_a_degree_of_the_equator_and_the_date_line() -> None:
    degree = 2 * np.pi * 6371.0088 / 360
    assert haversine_km(0, 0, 0, 1) == pytest.approx(degree)
    assert haversine_km(0, 179.5, 0, -179.5) == pytest.approx(degree)


def test_same_as_scikit_learn_and_broadcasts() -> None:
    rng = np.random.default_rng(0)
    lat, lon = rng.uniform(-90, 90, 30), rng.uniform(-180, 180, 30)
    expected = 6371.0088 * haversine_distances(np.radians(np.c_[lat, lon]))
    assert haversine_km(lat[:, None], lon[:, None], lat, lon) == pytest.approx(expected, abs=1e-6)


def test_unknown_coordinates_stay_unknown() -> None:
    assert np.isnan(haversine_km([np.nan, 0], 0, 0, 0)).tolist() == [True, False]


def test_scores() -> None:
    """5000 at no distance; a tenth of the map's size costs a factor e."""
    assert geoguessr_score([0, 1491.6862]) == pytest.approx([5000, 5000 / np.e])
    assert geoguessr_score(100, map_km=1000) == pytest.approx(5000 / np.e)
