import keras
import numpy as np
import pytest

from kangaroo.models import small_cnn
from kangaroo.models.precision import with_policy
from kangaroo.models.unit_vectors import Centre, unit_layers


def points(model: keras.Model, numbers: np.ndarray) -> np.ndarray:
    return np.asarray(model(np.asarray(numbers, np.float32)))


def test_numbers_around_zero_become_points_around_the_centre():
    model = keras.Sequential([keras.Input((3,)), *unit_layers(Centre(0, 0.6, 0.8, 0.05))])
    found = points(model, [[0, 0, 0], [2, 0, 0], [0, 0.6, 0.8]])
    np.testing.assert_allclose(found[0], [0, 0.6, 0.8], atol=1e-6)
    np.testing.assert_allclose(found[1], np.array([0.1, 0.6, 0.8]) / np.hypot(0.1, 1), atol=1e-6)
    np.testing.assert_allclose(found[2], [0, 0.6, 0.8], atol=1e-6)  # further out on the same line


def test_without_a_centre_the_length_alone_changes():
    model = keras.Sequential([keras.Input((3,)), *unit_layers()])
    np.testing.assert_allclose(points(model, [[3, 0, -4]]), [[0.6, 0, -0.8]], atol=1e-6)


def test_positions_stay_exact_in_bfloat16():
    model = small_cnn.build(32, 3, activation="unit", centre=Centre(0.1, 0.7, 0.7071, 0.01), seed=0)
    photos = np.random.default_rng(0).normal(size=(4, 32, 32, 3)).astype(np.float32)
    rough = with_policy(model, "mixed_bfloat16")
    # 0.001 Earth radii are 6 km, a tenth of the spread; rounded to bfloat16 it would be four times as much.
    assert points(rough, photos) == pytest.approx(points(model, photos), abs=0.001)
