"""Fused batch normalization is Keras's own, within rounding."""

import keras
import numpy as np
import pytest
from keras import layers

from kangaroo.models.fused_normalization import fused_normalization
from kangaroo.models.precision import with_policy
from kangaroo.training import compiled


def network(policy: str = "float32") -> keras.Model:
    """Normalized maps, one of them locked, and a normalized vector, which stays as it is."""
    inputs = keras.Input((16, 16, 3))
    x = layers.Conv2D(4, 3, use_bias=False, kernel_initializer=keras.initializers.HeNormal(1))(inputs)
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    x = layers.Conv2D(5, 3, use_bias=False, kernel_initializer=keras.initializers.HeNormal(2))(x)
    x = layers.BatchNormalization(name="locked", trainable=False)(x)
    x = layers.BatchNormalization()(layers.GlobalAveragePooling2D()(x))
    kernel = keras.initializers.GlorotUniform(3)
    outputs = layers.Dense(3, "softmax", kernel_initializer=kernel, dtype="float32")(x)
    return with_policy(keras.Model(inputs, outputs), policy)


def trained(model: keras.Model, steps: int) -> list[np.ndarray]:
    """All weights after some steps of training on the same photos."""
    rng = np.random.default_rng(0)
    photos, labels = rng.normal(2, 3, (6, 16, 16, 3)).astype(np.float32), np.array([0, 1, 2, 0, 1, 2])
    for _ in range(steps):
        model.train_on_batch(photos, labels)
    return model.get_weights()


@pytest.mark.parametrize(("policy", "within"), [("float32", 2e-5), ("mixed_bfloat16", 2e-2)])
def test_steps_are_those_of_keras(policy, within):
    plain, fused = (compiled(network(policy), 0.001) for _ in range(2))
    fused_normalization(fused)
    for ours, theirs in zip(trained(fused, 3), trained(plain, 3), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=within, atol=within)


def test_it_is_used_only_for_maps_that_train():
    model = fused_normalization(network())
    ours = ["call" in vars(layer) for layer in model.layers if isinstance(layer, layers.BatchNormalization)]
    assert ours == [True, True, False]
    before = [weights.copy() for weights in model.get_layer("locked").get_weights()]
    trained(compiled(model, 0.001), 2)
    for old, new in zip(before, model.get_layer("locked").get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_its_file_and_its_copies_know_nothing_of_it(tmp_path):
    model = fused_normalization(network())
    photos = np.random.default_rng(1).normal(size=(2, 16, 16, 3)).astype(np.float32)
    model.save(tmp_path / "model.keras")
    for other in (keras.models.load_model(tmp_path / "model.keras"), with_policy(model, "float32")):
        assert not any("call" in vars(layer) for layer in other.layers)
        np.testing.assert_allclose(other(photos), model(photos), atol=1e-6)
