import numpy as np
import pytest
import shapely
from scipy.spatial.distance import cdist, pdist

from kangaroo.errors import DataError
from kangaroo.geo.boundary import Boundary, Plane
from kangaroo.geo.centres import draw_centres, kmeans_centres

PLANE = Plane(48, 16)
RING = Boundary(shapely.Point(0, 0).buffer(10).difference(shapely.Point(3, 0).buffer(3)), PLANE)
TWO = Boundary(shapely.union(shapely.box(-10, 0, 0, 9), shapely.box(4, 0, 9, 5)), PLANE)


def km(centres, boundary=RING):
    return np.column_stack(boundary.plane.project(*centres.T))


@pytest.mark.parametrize("boundary", [RING, TWO])
def test_centres_keep_their_distance_and_leave_no_room(boundary):
    spacing = 1.5
    centres = km(draw_centres(boundary, spacing_km=spacing, seed=0), boundary)
    assert pdist(centres).min() >= spacing
    border = shapely.boundary(boundary.shape)
    assert shapely.contains_xy(boundary.shape, centres).all()
    assert shapely.distance(border, shapely.points(centres)).min() >= spacing / 2 - 0.01  # arcs are polygons
    # No point is far enough from all of them; the candidates lie up to two diagonals of their grid apart.
    anywhere = np.random.default_rng(0).uniform(-10, 10, (20_000, 2))
    anywhere = anywhere[shapely.contains_xy(boundary.shape, anywhere)]
    room = 2 * np.sqrt(2) * spacing / 12
    free = shapely.distance(border, shapely.points(anywhere)) > spacing / 2 + room
    assert not (free & (cdist(anywhere, centres).min(axis=1) > spacing + room)).any()


def test_neighbours_are_not_much_farther_than_the_spacing():
    centres = km(draw_centres(RING, spacing_km=1.5, seed=0))
    apart = cdist(centres, centres) + 99 * np.eye(len(centres))
    # Each was placed within a fifth of the spacing from another, or as near to half of it from the border.
    to_border = shapely.distance(shapely.boundary(RING.shape), shapely.points(centres))
    assert ((apart.min(axis=1) <= 1.8 + 0.01) | (to_border <= 0.9 + 0.01)).all()


@pytest.mark.parametrize("n", [2, 37, 200])
def test_a_number_of_centres_can_be_asked_for(n):
    centres = km(draw_centres(RING, n=n, seed=1))
    assert len(np.unique(centres, axis=0)) == n
    # Discs at random that leave no room cover about 55 % of the plane; at the border there is less room.
    assert pdist(centres).min() > 0.6 * np.sqrt(RING.shape.area / n)


def test_the_seed_alone_decides():
    first, again, other = (draw_centres(RING, n=20, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.isin(first, other).any()


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({}, "either a spacing or a number"),
        ({"spacing_km": 1, "n": 3}, "either a spacing or a number"),
        ({"spacing_km": 0}, "can't be 0 km apart"),
        ({"spacing_km": 100}, "no point lies 50 km inside the boundary: give a spacing below 100 km"),
        ({"spacing_km": 0.01}, r"make some 2,8\d\d,\d\d\d cells: ask for 2 to 20,000"),
        ({"spacing_km": 15.5}, "no point lies 7.75 km inside the boundary"),
        ({"n": 0}, "0 centres make some 0 cells"),
        ({"n": 30_000}, "30000 centres make some 30,000 cells"),
    ],
)
def test_what_cannot_be_placed_is_said(asked, message):
    with pytest.raises(DataError, match=message):
        draw_centres(RING, **asked, seed=0)


def test_an_area_too_ragged_for_so_many():
    dust = shapely.union_all(shapely.points(np.random.default_rng(0).uniform(-9, 9, (5, 2))).tolist())
    specks = Boundary(shapely.union_all([dust.buffer(1e-4), shapely.box(0, 0, 9, 1e-4)]), PLANE)
    with pytest.raises(DataError, match="no room for 3 centres"):
        draw_centres(specks, n=3, seed=0)


@pytest.fixture
def photos():
    """Of three towns, 60, 30 and 10 of them, and one outside."""
    rng = np.random.default_rng(0)
    towns = np.repeat([[-5, 5], [-5, -5], [8, 0]], [60, 30, 10], axis=0)
    points = np.vstack([towns + rng.normal(0, 0.3, towns.shape), [[40, 40]]])
    return PLANE.unproject(*points.T), points


def test_clusters_are_the_means_of_their_photos(photos):
    (lat, lon), points = photos
    centres = km(kmeans_centres(RING, lat, lon, 3, 0))
    means = [points[a:b].mean(axis=0) for a, b in ((0, 60), (60, 90), (90, 100))]
    nearest = cdist(means, centres)
    assert sorted(nearest.argmin(axis=1)) == [0, 1, 2]
    assert nearest.min(axis=1).max() < 0.01


def test_the_order_of_photos_does_not_matter_but_their_number_does(photos):
    (lat, lon), points = photos
    mixed = np.random.default_rng(1).permutation(len(lat))
    once = kmeans_centres(RING, lat, lon, 8, 0)
    np.testing.assert_array_equal(once, kmeans_centres(RING, lat[mixed], lon[mixed], 8, 0))
    more = np.concatenate([np.full(99, 0), np.arange(60)])  # of the first town
    (centre,) = km(kmeans_centres(RING, lat[more], lon[more], 1, 0))
    np.testing.assert_allclose(centre, points[more].mean(axis=0), atol=0.01)


def test_there_are_no_more_clusters_than_spots(photos):
    (lat, lon), _ = photos
    assert len(kmeans_centres(RING, np.repeat(lat[:5], 4), np.repeat(lon[:5], 4), 30, 0)) == 5
    with pytest.raises(DataError, match="no photo lies inside the boundary"):
        kmeans_centres(RING, lat[100:], lon[100:], 3, 0)
