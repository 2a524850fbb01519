"""Labels of which a teacher says a part, worked out by hand."""

import numpy as np
import pytest

from kangaroo.data.pipeline import batches
from kangaroo.errors import KangarooError
from kangaroo.models.losses import place_rows, targets

PHOTOS = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), np.uint8)
KM = np.arange(12, dtype=np.float32).reshape(6, 2)
LABELS = place_rows(targets([0, 1, 0, 1, 0, 1], 2), KM)


def constant(*outputs, activation):
    """A network that says the same of every photo."""
    import keras

    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten()])
    model.add(keras.layers.Dense(len(outputs), activation))
    model.layers[-1].set_weights([np.zeros((192, len(outputs))), np.array(outputs, float)])
    return model


def labels_of(teacher, share):
    from kangaroo.models.distillation import distilled

    given = distilled(batches(PHOTOS, range(6), LABELS, batch_size=4), teacher, share)
    assert len(given) == 2
    return np.concatenate([labels for _, labels in given])


def test_a_share_of_each_label_is_the_teachers():
    teacher = constant(0.0, np.log(3), activation="softmax")  # a quarter, three quarters
    found = labels_of(teacher, 0.4)
    first, second = [0.6 + 0.1, 0.3], [0.1, 0.6 + 0.3]
    np.testing.assert_allclose(found[:, :2], [first, second] * 3, atol=1e-6)
    np.testing.assert_array_equal(found[:, 2:], KM)  # distances stay


def test_one_output_is_the_second_class():
    found = labels_of(constant(np.log(3), activation="sigmoid"), 1.0)
    np.testing.assert_allclose(found[:, :2], [[0.25, 0.75]] * 6, atol=1e-6)


def test_the_teacher_sees_the_very_batch():
    import keras

    teacher = constant(0.0, 0.0, activation="softmax")
    teacher.layers[-1].set_weights([np.random.default_rng(1).normal(0, 0.1, (192, 2)), np.zeros(2)])
    from kangaroo.models.distillation import distilled

    for photos, labels in distilled(batches(PHOTOS, range(6), LABELS, batch_size=4), teacher, 1.0):
        said = keras.ops.convert_to_numpy(teacher(photos))
        np.testing.assert_allclose(labels[:, :2], said, atol=1e-6)
        assert said.std() > 0.01


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_shares_that_are_none(share):
    with pytest.raises(KangarooError, match="teacher's share"):
        labels_of(constant(0.0, 0.0, activation="softmax"), share)
