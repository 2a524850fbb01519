import numpy as np
import pytest

from kangaroo.geo.distance import haversine_km
from kangaroo.geo.sphere import chord, km, unit_vectors


def test_axes():
    expected = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [-1, 0, 0]]
    np.testing.assert_allclose(unit_vectors([0, 0, 90, 0], [0, 90, 12, 180]), expected, atol=1e-15)


def test_straight_distances_are_those_of_the_great_circle():
    rng = np.random.default_rng(0)
    lat, lon = rng.uniform(-90, 90, (2, 99)), rng.uniform(-180, 180, (2, 99))
    straight = np.linalg.norm(unit_vectors(lat[0], lon[0]) - unit_vectors(lat[1], lon[1]), axis=1)
    along = haversine_km(lat[0], lon[0], lat[1], lon[1])
    np.testing.assert_allclose(km(straight), along, rtol=1e-9)
    np.testing.assert_allclose([chord(d) for d in along], straight, rtol=1e-9)
    assert chord(1e6) == 2  # farther than anything on the globe


@pytest.mark.parametrize("point", [(np.nan, 1.0), (1.0, np.nan)])
def test_an_unknown_coordinate_spoils_the_vector(point):
    assert np.isnan(unit_vectors(*point)).any()
