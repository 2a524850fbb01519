import numpy as np
import pytest

from kangaroo.errors import KangarooError
from kangaroo.explain.evidence import evidence

CORNER = np.zeros((1, 4, 4), bool)
CORNER[0, :2, :2] = True  # a quarter of the picture


def attributed(*values):
    """Attribution (row, column, value) to single pixels."""
    places = np.zeros((1, 4, 4))
    for row, column, value in values:
        places[0, row, column] = value
    return places


def test_share_by_hand():
    found = evidence(attributed((0, 0, 3), (1, 1, 3), (3, 3, 2), (2, 2, -9)), CORNER)
    assert found.share == pytest.approx([6 / 8])  # what speaks against the class does not count
    assert found.picture_share == pytest.approx([1 / 4])
    assert found.ratio == pytest.approx(3)
    assert (found.hit, found.chance, found.left_out) == (1, 1 / 4, 0)


def test_channels_are_summed_first():
    values = np.zeros((1, 4, 4, 3))
    values[0, 0, 0], values[0, 3, 3] = [5, -4, 0], [1, 1, 1]
    assert evidence(values, CORNER).share == pytest.approx([1 / 4])


def test_what_is_near_hits_for_chance_too():
    near = attributed((0, 2, 1))
    assert evidence(near, CORNER).hit == 0
    found = evidence(near, CORNER, tolerance=1)
    assert (found.hit, found.chance) == (1, 8 / 16)
    assert found.share == 0  # of the share nothing is near


def test_even_attribution_gets_what_chance_gets():
    found = evidence(np.ones((1, 4, 4)), CORNER)
    assert found.ratio == 1
    assert found.hit == found.chance == 1 / 4


def test_photos_without_evidence_are_left_out_and_empty_maps_find_nothing():
    masks = np.concatenate([CORNER, np.zeros((1, 4, 4), bool), CORNER])
    maps = np.concatenate([attributed((0, 0, 1)), np.ones((1, 4, 4)), -np.ones((1, 4, 4))])
    found = evidence(maps, masks)
    assert found.left_out == 1
    np.testing.assert_array_equal(found.share, [1, 0])
    np.testing.assert_array_equal(found.hit, [1, 0])
    with pytest.raises(KangarooError, match="none of 3 pictures shows evidence"):
        evidence(maps, np.zeros_like(masks))
