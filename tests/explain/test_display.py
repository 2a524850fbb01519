import numpy as np

from kangaroo.explain.display import Explained, strength


def values() -> np.ndarray:
    """A block of evidence for the class, one against it, and a speck of a single pixel."""
    values = np.zeros((20, 20, 3))
    values[2:8, 2:8] = 0.5
    values[12:18, 12:18, 1] = -3
    values[2, 15] = 9
    return values


def test_each_polarity_shows_its_own_block_and_no_specks():
    positive, negative = strength(values(), "positive"), strength(values(), "negative")
    np.testing.assert_array_equal(positive > 0, np.pad(np.ones((6, 6), bool), ((2, 12), (2, 12))))
    np.testing.assert_array_equal(negative > 0, np.pad(np.ones((6, 6), bool), ((12, 2), (12, 2))))
    assert (positive.max(), negative.max()) == (1, 1)


def test_gaps_between_neighbours_are_closed():
    dotted = np.zeros((20, 20, 3))
    dotted[4:14:2, 4:14:2] = 1
    assert strength(dotted, "positive")[6:12, 6:12].all()


def test_the_strongest_few_do_not_drown_the_rest():
    rng = np.random.default_rng(0)
    smooth = np.kron(rng.uniform(0.5, 1, (10, 10)), np.ones((5, 5)))[..., None] * np.ones(3)
    smooth[10:14, 10:14] = 1000
    shown = strength(smooth, "positive", percentile=95)
    assert shown.max() == 1
    assert np.median(shown) > 0.5


def test_nothing_is_shown_of_nothing():
    assert not strength(np.zeros((5, 5, 3)), "positive").any()
    assert not Explained.of(np.zeros((5, 5, 3), np.uint8), np.zeros((5, 5))).supports.any()


def test_maps_of_one_sign_are_scaled_only():
    photo, cam = np.zeros((4, 4, 3), np.uint8), np.arange(16.0).reshape(4, 4)
    explained = Explained.of(photo, cam, "name")
    np.testing.assert_allclose(explained.supports, cam / 15)
    assert explained.against is None
