"""Grad-CAM by hand; and every attribution method on every kind of model."""

from functools import partial

import keras
import numpy as np
import pytest
from keras import layers

from kangaroo.errors import ModelError
from kangaroo.explain.cam import grad_cam
from kangaroo.explain.gradients import gradient, gradient_times_input, smooth_grad
from kangaroo.explain.vis import grad_cam_plus_plus, score_cam

SIZE = 32
RNG = np.random.default_rng(0)
INPUTS = RNG.normal(size=(3, SIZE, SIZE, 3)).astype(np.float32)
CLASSES = np.array([0, 1, 1])
METHODS = {
    "gradient": gradient,
    "gradient x input": gradient_times_input,
    "SmoothGrad": partial(smooth_grad, samples=3, seed=0),
    "Grad-CAM": grad_cam,
    "Grad-CAM++": grad_cam_plus_plus,
    "Score-CAM": partial(score_cam, max_channels=4),
}


def conv(filters):
    return layers.Conv2D(filters, 3, padding="same", activation="relu")


def sequential(units, activation):
    body = [conv(4), layers.MaxPooling2D(2), conv(5), layers.MaxPooling2D(2), layers.Flatten()]
    return keras.Sequential([keras.Input((SIZE, SIZE, 3)), *body, layers.Dense(units, activation)])


def functional(units, activation):
    inputs = keras.Input((SIZE, SIZE, 3))
    first = conv(4)(inputs)
    joined = layers.Add()([first, conv(4)(first)])
    logits = layers.Dense(units)(layers.GlobalAveragePooling2D()(joined))
    return keras.Model(inputs, layers.Activation(activation)(logits))


def nested(units, activation):
    """The first blocks of MobileNetV2, of any input size, inside: all of it would take minutes."""
    whole = keras.applications.MobileNetV2((None, None, 3), alpha=0.35, include_top=False, weights=None)
    backbone = keras.Model(whole.input, whole.get_layer("block_2_add").output)
    head = [layers.GlobalAveragePooling2D(), layers.Dense(units, activation)]
    return keras.Sequential([keras.Input((SIZE, SIZE, 3)), backbone, *head])


@pytest.fixture(scope="module", params=[(1, "sigmoid"), (3, "softmax")], ids=["binary", "multiclass"])
def head(request):
    return request.param


@pytest.fixture(scope="module", params=[sequential, functional, nested])
def fresh_and_reloaded(request, head, tmp_path_factory):
    keras.utils.set_random_seed(0)
    model = request.param(*head)
    path = tmp_path_factory.mktemp("model") / "model.keras"
    model.save(path)
    return model, keras.models.load_model(path)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_on_every_kind_of_model(fresh_and_reloaded, name):
    model, reloaded = fresh_and_reloaded
    weights = model.get_weights()
    found = METHODS[name](model, INPUTS, CLASSES)
    assert found.shape == (INPUTS.shape[:3] if "CAM" in name else INPUTS.shape)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert found.any()
    if "CAM" in name:
        assert found.min() >= 0
    # Of a photo alone, and of the model read from its file: the same.
    alone = METHODS[name](reloaded, INPUTS[1:2], CLASSES[1:2])
    np.testing.assert_allclose(alone, found[1:2], rtol=1e-3, atol=1e-4 * np.abs(found).max())
    for before, after in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def hand_made():
    """One convolution of two maps, their means, one logit 2 * mean(map 0) - 3 * mean(map 1)."""
    model = keras.Sequential([keras.Input((4, 4, 3)), layers.Conv2D(2, 1, activation="relu")])
    model.add(layers.GlobalAveragePooling2D())
    model.add(layers.Dense(1, "sigmoid"))
    kernel = np.zeros((1, 1, 3, 2))
    kernel[0, 0, 0, 0] = kernel[0, 0, 1, 1] = 1  # map 0 is red, map 1 green, where positive
    model.set_weights([kernel, np.zeros(2), np.array([[2.0], [-3.0]]), np.zeros(1)])
    return model


def test_grad_cam_of_a_network_worked_by_hand():
    photo = RNG.normal(size=(1, 4, 4, 3)).astype(np.float32)
    red, green = np.maximum(photo[0, ..., 0], 0), np.maximum(photo[0, ..., 1], 0)
    for_second = np.maximum(2 * red - 3 * green, 0) / 16  # the mean of 16 pixels has gradient 1 / 16
    for_first = np.maximum(3 * green - 2 * red, 0) / 16
    np.testing.assert_allclose(grad_cam(hand_made(), photo, [1])[0], for_second, rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(grad_cam(hand_made(), photo, [0])[0], for_first, rtol=1e-5, atol=1e-8)


def test_through_the_probability_the_map_has_its_derivative_as_a_factor():
    model, photo = hand_made(), RNG.normal(size=(1, 4, 4, 3)).astype(np.float32)
    p = float(model.predict_on_batch(photo)[0, 0])
    through = grad_cam(model, photo, [1], target="probability")
    np.testing.assert_allclose(through, p * (1 - p) * grad_cam(model, photo, [1]), rtol=1e-4, atol=1e-8)


def test_maps_are_enlarged_evenly():
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.AveragePooling2D(4), layers.Conv2D(1, 1)])
    model.add(layers.Flatten())
    model.add(layers.Dense(1, "sigmoid"))
    model.set_weights([np.ones((1, 1, 3, 1)) / 3, np.zeros(1), np.ones((4, 1)), np.zeros(1)])
    photo = np.kron([[0.0, 4.0], [4.0, 0.0]], np.ones((4, 4)))[None, ..., None].repeat(3, axis=3)
    row = np.interp((np.arange(8) + 0.5) / 4 - 0.5, [0, 1], [0, 4])  # between the centres of the fields
    np.testing.assert_allclose(grad_cam(model, photo, [1])[0, 0], row, rtol=1e-5, atol=1e-6)


def test_any_layer_that_gives_maps_can_be_named():
    model = sequential(1, "sigmoid")
    first, pooled = (layer.name for layer in model.layers[:2])
    assert grad_cam(model, INPUTS, CLASSES, layer=first).shape == (3, SIZE, SIZE)
    for method in (grad_cam, grad_cam_plus_plus, score_cam):
        with pytest.raises(
            ModelError, match=f"no layer 'head' that gives maps: choose from {first}, {pooled}"
        ):
            method(model, INPUTS, CLASSES, layer="head")
