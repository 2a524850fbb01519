import json

import numpy as np
import pytest
import shapely

from kangaroo.errors import DataError, ModelError
from kangaroo.geo.boundary import Boundary, Plane
from kangaroo.geo.cells import square_cells
from kangaroo.geo.countries import find
from kangaroo.geo.decoders import Box, ClassPoints, Sphere, centroids, country_points, from_json
from kangaroo.geo.distance import haversine_km
from kangaroo.geo.sphere import unit_vectors

NAN = float("nan")
LAT, LON = np.array([0.0, 0.0, 0.0, 40.0]), np.array([0.0, 2.0, 90.0, 5.0])
# A horseshoe, open to the north, of two arms 3 km wide and 6 km apart.
PLANE = Plane(48, 16)
BAY = Boundary(shapely.box(0, 0, 12, 20).difference(shapely.box(3, 3, 9, 20)), PLANE)


def again(places):
    """What comes back from a card."""
    return from_json(json.loads(json.dumps(places.to_json(), allow_nan=False)))


@pytest.fixture
def arms():
    """The ends of the two arms."""
    lat, lon = PLANE.unproject([1.5, 10.5], [18, 18])
    return np.asarray(lat), np.asarray(lon)


def test_the_best_class_names_its_point():
    lat, lon = ClassPoints(LAT, LON).decode([[0.1, 0.2, 0.3, 0.4], [0.7, 0.1, 0.1, 0.1], [0.5, 0.5, 0, 0]])
    assert (lat.tolist(), lon.tolist()) == ([40, 0, 0], [5, 0, 0])  # of equals the first


def test_the_mean_is_that_of_the_near_classes_by_their_probability():
    points = ClassPoints(LAT, LON, "mean", radius_km=300)
    lat, lon = points.decode([[0.5, 0.5, 0, 0], [0.6, 0.2, 0.2, 0], [0.1, 0.1, 0.7, 0.1]])
    np.testing.assert_allclose(lat, 0, atol=1e-12)
    np.testing.assert_allclose(lon, [1, 0.5, 90], atol=1e-4)  # on the equator as on a line, but for the chord
    (lat,), (lon,) = ClassPoints(np.array([60.0, 60.0]), np.array([-90.0, 90.0]), "mean", 7000).decode(
        [[0.5, 0.5]]
    )
    assert lat == pytest.approx(90)  # on the sphere, not in degrees


def test_means_against_a_loop():
    rng = np.random.default_rng(0)
    lat, lon = rng.uniform(-80, 80, 40), rng.uniform(-180, 180, 40)
    lat[7], lon[8] = NAN, NAN
    p = rng.dirichlet(np.full(40, 0.3), 200)
    found = np.column_stack(ClassPoints(lat, lon, "mean", 3000).decode(p))
    for row, guess in zip(p, found, strict=True):
        known = np.isfinite(lat) & np.isfinite(lon)
        best = max(np.flatnonzero(known), key=lambda i: row[i])
        near = known & (haversine_km(lat, lon, lat[best], lon[best]) <= 3000)
        x, y, z = (row[near, None] * unit_vectors(lat[near], lon[near])).sum(axis=0)
        assert guess == pytest.approx(
            [np.degrees(np.arctan2(z, np.hypot(x, y))), np.degrees(np.arctan2(y, x))]
        )


@pytest.mark.parametrize("rule", ["best", "mean"])
def test_a_class_without_a_point_is_never_guessed(rule):
    lat, lon = LAT.copy(), LON.copy()
    lat[0] = lon[3] = NAN
    p = [[0.9, 0.1, 0, 0], [0, 0, 0.1, 0.9], [1, 0, 0, 0]]
    found = ClassPoints(lat, lon, rule, 100).decode(p)
    np.testing.assert_allclose(np.transpose(found), [[0, 2], [0, 90], [0, 2]], atol=1e-9)


def test_a_mean_outside_moves_to_the_nearest_point_inside(arms):
    probabilities = [[0.5, 0.5], [0.7, 0.3], [0.9, 0.1], [1.0, 0.0]]
    points = ClassPoints(*arms, "mean", 50, BAY)
    lat, lon = points.decode(probabilities)
    assert BAY.holds(lat, lon).all()
    x, y = PLANE.project(lat, lon)
    # The means of 1.5 and 10.5 km are 6 and 4.2, in the bay, and 2.4 and 1.5, in the arm.
    assert min(abs(x[0] - 3), abs(x[0] - 9)) < 0.01
    np.testing.assert_allclose(x[1:], [3, 2.4, 1.5], atol=0.01)
    np.testing.assert_allclose(y, 18, atol=0.01)
    far = ClassPoints(np.array([48.5, 48.0]), np.array([16.0, 16.0]), boundary=BAY).decode([[1.0, 0.0]])
    assert BAY.holds(*far).all()  # a class's own point, too


def test_points_of_classes_come_back_from_json(arms):
    lat, lon = np.array([*arms[0], NAN]), np.array([*arms[1], NAN])
    points = ClassPoints(lat, lon, "mean", 50.0, BAY)
    p = np.random.default_rng(0).dirichlet([1, 1, 1], 50)
    np.testing.assert_array_equal(again(points).decode(p), points.decode(p))
    plain = again(ClassPoints(LAT, LON))
    assert (plain.rule, plain.boundary) == ("best", None)
    np.testing.assert_array_equal(plain.lon, LON)


def test_cells_as_classes():
    cells = square_cells(Boundary(shapely.box(0, 0, 10, 10), PLANE), 5)
    found = ClassPoints(cells.lat, cells.lon, boundary=cells.boundary).decode(np.eye(4))
    np.testing.assert_array_equal(found, (cells.lat, cells.lon))


def test_no_photo_no_guess():
    for places, k in ((ClassPoints(LAT, LON), 4), (ClassPoints(LAT, LON, "mean", 9), 4), (Sphere(), 3)):
        assert [len(values) for values in places.decode(np.empty((0, k)))] == [0, 0]


def test_centroids_are_means_on_the_sphere_of_known_photos():
    index = [0, 0, 1, 1, 3, 3, -1]
    lat, lon = centroids(index, [80, 80, 10, NAN, NAN, NAN, 1], [0, 180, 20, 5, 1, 2, 1], 4)
    np.testing.assert_allclose(lat, [90, 10, NAN, NAN])
    np.testing.assert_allclose(lon[1:], [20, NAN, NAN])
    lat, lon = centroids([0, 0], [0, 0], [179, -179], 1)
    assert (lat[0], abs(lon[0])) == (0, 180)


def test_countries_have_their_centroids():
    lat, lon = country_points(["Austria", "Czech Republic"])
    assert (lat[1], lon[1]) == (find("CZ").lat, find("CZ").lon)
    with pytest.raises(DataError, match="'Tyrol' is no country: its point needs training photos"):
        country_points(["Austria", "Tyrol"])


def test_a_box_by_hand():
    box = Box(40, 50, 10, 30)
    np.testing.assert_allclose(
        box.encode([40, 50, 45, 55], [10, 30, 15, 0]), [[0, 0], [1, 1], [0.5, 0.25], [1.5, -0.5]]
    )
    lat, lon = box.decode([[0, 0], [0.5, 0.25], [1.5, -0.5]])
    assert (lat.tolist(), lon.tolist()) == ([40, 45, 50], [10, 15, 10])  # beyond the edge is at the edge
    assert again(box) == box


def test_the_box_around_photos_has_a_margin():
    box = Box.around([40, 50, NAN, 45], [10, 30, 20, NAN], margin=0.1)
    assert (box.south, box.north, box.west, box.east) == pytest.approx((39, 51, 8, 32))
    polar = Box.around([89.9, 80.0], [0.0, 1.0])
    assert polar.north == 90


@pytest.mark.parametrize(
    ("lon", "west", "east"),
    [
        ([170.0, -170.0], 170, 190),
        ([-179.0, 179.5, 178.0], 178, 181),
        ([-170.0, -160.0], -170, -160),
        ([0, 180], 0, 180),
    ],
)
def test_boxes_across_the_antimeridian(lon, west, east):
    lat = np.linspace(-20, -10, len(lon))
    box = Box.around(lat, lon, margin=0)
    assert (box.west, box.east) == (west, east)
    targets = box.encode(lat, lon)
    assert ((targets >= 0) & (targets <= 1)).all()
    back_lat, back_lon = box.decode(targets)
    np.testing.assert_allclose(haversine_km(lat, lon, back_lat, back_lon), 0, atol=1e-9)
    assert (back_lon < 180).all()


def test_points_outside_of_a_box_are_encoded_on_their_own_side():
    box = Box(-20, -10, 170, 190)
    np.testing.assert_allclose(box.encode([-15, -15], [169, -169])[:, 1], [-0.05, 1.05])


@pytest.mark.parametrize(
    ("lat", "lon", "message"),
    [
        ([NAN], [NAN], "no photo has coordinates"),
        ([1.0, 1.0], [1.0, 2.0], r"make no box: give photos of several"),
    ],
)
def test_photos_without_a_box(lat, lon, message):
    with pytest.raises(DataError, match=message):
        Box.around(lat, lon)


def test_the_sphere_and_back():
    lat, lon = np.random.default_rng(0).uniform([[-90], [-180]], [[90], [180]], (2, 99))
    vectors = Sphere().encode(lat, lon)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1)
    np.testing.assert_allclose(Sphere().decode(0.3 * vectors), (lat, lon), atol=1e-12)
    assert again(Sphere()) == Sphere()


@pytest.mark.parametrize(
    "values",
    [
        {},
        [],
        {"kind": "pentagon"},
        {"kind": "box", "south": 1},
        {"kind": "box", "south": "a", "north": 1, "west": 0, "east": 1},
        {"kind": "box", "south": 3, "north": 1, "west": 0, "east": 1},
        ClassPoints(LAT, LON).to_json() | {"rule": "worst"},
        ClassPoints(LAT, LON).to_json() | {"lat": ["x"]},
        ClassPoints(LAT, LON).to_json() | {"lat": [1.0, 2.0]},
        ClassPoints(LAT, LON).to_json() | {"radius_km": -1},
        ClassPoints(LAT, LON).to_json() | {"boundary": {"wkt": "POLYGON ((", "lat": 0, "lon": 0}},
    ],
)
def test_places_that_no_one_wrote_are_refused_in_one_line(values):
    with pytest.raises(ModelError, match="places of a card can't be read") as caught:
        from_json(values)
    assert "\n" not in str(caught.value)


def test_outputs_of_another_shape_are_refused():
    for places, message in (
        (ClassPoints(LAT, LON), r"\(2, 3\) are no guesses for 4 classes, which needs \(n, 4\)"),
        (Box(0, 1, 0, 1), "for a box"),
    ):
        with pytest.raises(ModelError, match=message):
            places.decode(np.zeros((2, 3)))
    with pytest.raises(DataError, match="no class has a point"):
        ClassPoints(np.array([NAN]), np.array([NAN]))
