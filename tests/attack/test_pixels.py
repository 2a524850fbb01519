"""Attacks on networks that take pixels: one that standardizes them itself must fare like its twin."""

import keras
import numpy as np
import pytest
from keras import layers

from kangaroo.attack.examples import examples
from kangaroo.attack.gradient import Attack
from kangaroo.attack.robustness import sweep
from kangaroo.attack.settings import CHOICES, AttackConfig
from kangaroo.attack.training import attack_while_training
from kangaroo.errors import KangarooError
from kangaroo.models.classifier import probabilities
from kangaroo.models.graph import takes_pixels
from kangaroo.models.transfer import build

LABELS = np.array([0, 1, 2, 1] * 10)


@pytest.fixture(scope="module")
def twins(models: dict[str, keras.Model]) -> tuple[keras.Model, keras.Model]:
    """The functional network of standardized photos, and the same one that standardizes pixels itself."""
    plain = models["functional"]
    taken = keras.Input(plain.input_shape[1:], name="pixels")
    x = layers.LayerNormalization(axis=(1, 2, 3), epsilon=0.01, center=False, scale=False)(taken)
    for layer in plain.layers[1:]:
        x = type(layer).from_config(layer.get_config())(x)
    model = keras.Model(taken, x)
    model.set_weights(plain.get_weights())
    assert takes_pixels(model)
    return plain, model


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("method", CHOICES["method"])
def test_twins_fare_alike(twins, pictures, method, policy):
    plain, pixels = (
        sweep(model, pictures, LABELS, (0, 2, 8), AttackConfig(method=method, steps=3), policy=policy)
        for model in twins
    )
    if policy == "float32":
        np.testing.assert_allclose(pixels.judged.log_odds, plain.judged.log_odds, rtol=5e-3, atol=5e-3)
        np.testing.assert_array_equal(pixels.judged.max_abs, plain.judged.max_abs)
    assert pixels.accuracy[0] == plain.accuracy[0]
    np.testing.assert_allclose(pixels.accuracy, plain.accuracy, atol=0.1)
    assert pixels.accuracy[2] < pixels.accuracy[0]


def test_attacked_photos_are_photos(twins, pictures):
    shown = examples(twins[1], pictures[:4], LABELS[:4], 300.0, AttackConfig())
    assert shown.attacked.min() == 0
    assert shown.attacked.max() == 255
    np.testing.assert_array_equal(shown.attacked, np.rint(shown.photos + shown.change))
    after = probabilities(twins[1], shown.attacked).argmax(axis=1)
    np.testing.assert_array_equal(after, shown.after.predicted)


def test_standardized_units_are_refused_where_there_are_none(twins):
    with pytest.raises(KangarooError, match=r"takes pixels, no standardized photos: attack it in .* pixels$"):
        Attack(twins[1], AttackConfig(space="standardized"))


@pytest.mark.slow
def test_a_backbone_is_attacked(pictures):
    photos = pictures[:6].repeat(3, axis=1).repeat(3, axis=2)  # of 36 px
    model = build("mobilenetv2", 36, 3, head=(), seed=0)
    normalizations = [layer for layer in model.layers if isinstance(layer, layers.BatchNormalization)]
    for layer in normalizations:
        layer.momentum = 0.0
    model(photos.astype(np.float32), training=True)
    labels = probabilities(model, photos).argmax(axis=1)
    found = sweep(model, photos, labels, (0, 4), AttackConfig())
    assert found.accuracy[0] == 1
    assert found.loss[1] > found.loss[0]
    assert found.max_abs_perturbation[1] == 4


def test_training_moves_every_second_photo_within_white_and_black():
    """One weight on each value, so that the gradient's sign is known."""
    taken = keras.Input((2, 2, 3), name="pixels")
    model = keras.Model(taken, layers.Dense(1, "sigmoid", use_bias=False)(layers.Flatten()(taken)))
    weights = np.array([1, -1] * 6) * 0.001
    model.set_weights([weights[:, None]])
    model.compile(keras.optimizers.SGD(1.0), "binary_crossentropy", jit_compile=False)
    attack_while_training(model, 20.0)
    photos = np.tile(np.array([250.0, 10.0], np.float32), (2, 6)).reshape(2, 2, 2, 3)
    labels = np.zeros((2, 1), np.float32)  # the loss rises with the weights' sign
    model.fit(photos, labels, batch_size=2, shuffle=False, verbose=0)
    moved = np.array([255.0, 0.0] * 6)
    p = [1 / (1 + np.exp(-(weights @ x))) for x in (photos[0].ravel(), moved)]
    expected = weights - (p[0] * photos[0].ravel() + p[1] * moved) / 2
    np.testing.assert_allclose(model.get_weights()[0][:, 0], expected, rtol=1e-4)
