import numpy as np
import pandas as pd
import pytest

from kangaroo.data.spatial_blocks import components, cut, near, same
from kangaroo.geo.distance import haversine_km
from kangaroo.geo.sphere import chord, unit_vectors


def linked(lat, lon, km):
    """Single linkage by comparing all pairs: the component of each point."""
    distance = haversine_km(lat[:, None], lon[:, None], lat, lon)
    return components(len(lat), [np.nonzero(distance < km)])


def same_partition(one, other):
    pairs = set(zip(one.tolist(), other.tolist(), strict=True))
    return len(pairs) == len(set(one.tolist())) == len(set(other.tolist()))


@pytest.mark.parametrize("km", [0.3, 1, 5, 40])
@pytest.mark.parametrize("where", [(48, 11), (-17, 180), (90, 0)], ids=["here", "antimeridian", "pole"])
def test_near_points_are_those_of_single_linkage(km, where):
    rng = np.random.default_rng(0)
    towns = rng.normal(size=(8, 2)) * 0.4
    spread = np.repeat([0.002, 0.1], 300)[:, None]  # some so dense that eight neighbours say nothing
    lat, lon = (np.array(where) + towns[rng.integers(8, size=600)] + spread * rng.normal(size=(600, 2))).T
    lat, lon = np.where(lat > 90, 180 - lat, lat), (lon + 180) % 360 - 180
    lat[:50], lon[:50] = lat[50:100], lon[50:100]  # equal points
    found = components(600, [near(unit_vectors(lat, lon), chord(km))])
    assert same_partition(found, linked(lat, lon, km))


def test_dense_clusters_a_little_apart_are_joined_across_the_narrowest_gap():
    offsets = np.random.default_rng(0).uniform(0, 0.003, (3, 400, 2))  # 330 m wide
    for gap, expected in ((0.006, 1), (0.02, 3)):  # 330 m and 1.9 km between them
        lat, lon = np.concatenate([offset + np.array([i * gap, 0]) for i, offset in enumerate(offsets)]).T
        assert components(1200, [near(unit_vectors(lat, lon), chord(0.7))]).max() + 1 == expected


def test_unknown_points_are_tied_to_nothing():
    points = unit_vectors([0, np.nan, 0, 5], [0, 3, 0, np.nan])
    assert components(4, [near(points, chord(1))]).tolist() == [0, 1, 0, 2]
    assert components(2, [near(points[[1, 3]], chord(1))]).tolist() == [0, 1]


def test_same_values_are_tied_and_unknown_ones_are_not():
    values = pd.Series(["a", "", "b", "a", "", "b", "a"])
    assert components(7, [same(values)]).tolist() == [0, 1, 2, 0, 3, 2, 0]


def line(n, km):
    """Points in a row, ``km`` apart, along a meridian."""
    return unit_vectors(np.arange(n) * km / 111.195, np.zeros(n))


def test_a_row_of_places_is_cut_where_the_wanted_photos_end():
    # Ten places 0.6 km apart: of three wanted, the piece has three, and within 1 km beyond lies one more.
    taken, dropped = cut(line(10, 0.6), np.arange(10), np.zeros(10, int), np.array([3.0]), chord(1))
    assert (taken.sum(), dropped.sum()) == (3, 1)
    order = "".join("t" if t else "d" if d else "." for t, d in zip(taken, dropped, strict=True))
    assert order in ("tttd......", "......dttt")


def test_the_cut_goes_where_few_photos_lie():
    # Places at 0 to 9 times 0.6 km, with fifty photos in the fourth: it costs less to take one too few.
    places = np.repeat(np.arange(10), [1, 1, 1, 50, 1, 1, 1, 1, 1, 1])
    taken, dropped = cut(line(10, 0.6)[places], places, np.zeros(59, int), np.array([3.0]), chord(1))
    assert (taken.sum(), dropped.sum()) == (3, 1)
    assert not (taken | dropped)[places == 3].any()


def test_a_group_across_the_cut_stays_on_one_side_and_its_strays_are_dropped():
    points = line(40, 0.3)
    groups = np.arange(40) // 8  # drives of 2.1 km
    taken, dropped = cut(points, groups, np.zeros(40, int), np.array([12.0]), chord(1))
    rest = ~taken & ~dropped
    assert not set(groups[taken]) & set(groups[rest])
    distance = np.linalg.norm(points[taken][:, None] - points[rest], axis=2)
    assert distance.min() >= chord(1)


def test_no_cut_where_it_would_cost_more_than_it_gives():
    points = line(30, 0.02)  # all within 600 m
    assert cut(points, np.arange(30), np.zeros(30, int), np.array([6.0]), chord(1)) is None
    assert cut(points, np.zeros(30, int), np.zeros(30, int), np.array([6.0]), chord(0.1)) is None


def test_classes_are_wanted_one_by_one():
    # East of the border class 1, west of it class 0; wanted are four photos of class 1 only.
    taken, dropped = cut(line(20, 0.6), np.arange(20), np.arange(20) // 10, np.array([0.0, 4.0]), chord(1))
    assert np.flatnonzero(taken).tolist() == [16, 17, 18, 19]
    assert np.flatnonzero(dropped).tolist() == [15]
