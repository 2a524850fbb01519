from itertools import combinations

import numpy as np

from kangaroo.collect.run.assignment import Chooser, choose
from kangaroo.collect.sources.base import Found
from kangaroo.geo.distance import haversine_km


def test_the_first_point_gets_the_picture():
    found = {0: None, 1: Found("a", 47, 11), 2: Found("b", 47.1, 11), 3: Found("a", 47, 11)}
    assert choose(found, [], 0) == {1, 2}


def test_a_point_that_has_a_photo_keeps_it():
    found = {1: Found("a", 47, 11), 3: Found("a", 47, 11)}
    assert choose(found, [3], 0) == {3}


def test_distances_are_kept_and_nobody_is_left_out_for_nothing():
    rng = np.random.default_rng(0)
    found = {
        i: Found(str(i), 47 + lat / 50, 11 + lon / 50) for i, (lat, lon) in enumerate(rng.random((300, 2)))
    }

    def metres(i, j):
        return 1000 * haversine_km(found[i].lat, found[i].lon, found[j].lat, found[j].lon)

    chosen = choose(found, [], 150)
    assert min(metres(i, j) for i, j in combinations(chosen, 2)) >= 150
    for left in set(found) - chosen:
        assert min(metres(left, taken) for taken in chosen if taken < left) < 150
    assert 10 < len(chosen) < 300


def test_longitude_is_shorter_in_the_north():
    chooser = Chooser(100)
    assert chooser.takes(Found("a", 70, 20))
    assert not chooser.takes(Found("b", 70, 20.0025))  # 95 m; at the equator 278 m
    assert chooser.takes(Found("c", 70, 20.0027))  # 103 m
