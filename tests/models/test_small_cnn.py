from itertools import pairwise

import keras
import numpy as np
import pytest

from kangaroo.models import small_cnn


def test_its_parameters_are_those_of_its_convolutions_normalizations_and_last_layer():
    widths = [3, *small_cnn.FILTERS]
    convolutions = sum(9 * a * b for a, b in pairwise(widths))
    assert (
        small_cnn.build(64, 8, seed=0).count_params() == convolutions + 4 * sum(small_cnn.FILTERS) + 257 * 8
    )


@pytest.mark.parametrize("size", [33, 64, 160])
def test_any_size_gives_probabilities(size):
    photos = np.random.default_rng(0).normal(size=(2, size, size, 3)).astype(np.float32)
    p = np.asarray(small_cnn.build(size, 5, seed=0)(photos))
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-6)


def test_a_point_on_the_globe_has_length_one():
    photos = np.random.default_rng(0).normal(size=(3, 48, 48, 3)).astype(np.float32)
    points = np.asarray(small_cnn.build(48, 3, activation="unit", seed=0)(photos))
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 1, atol=1e-6)


def test_weights_depend_on_the_seed_alone():
    keras.utils.set_random_seed(1)
    first = small_cnn.build(32, 3, seed=7).get_weights()
    keras.utils.set_random_seed(2)
    for a, b in zip(first, small_cnn.build(32, 3, seed=7).get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first[0], small_cnn.build(32, 3, seed=8).get_weights()[0])
