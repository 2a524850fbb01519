import keras
import numpy as np
import pytest
from keras import ops

from kangaroo.data.images import standardize
from kangaroo.errors import ModelError
from kangaroo.models.graph import (
    class_scores,
    end_layer,
    find_layer,
    inputs_of,
    leaf_layers,
    log_odds,
    logit_model,
    standardized,
    takes_pixels,
)
from kangaroo.models.precision import with_policy


def probabilities(model: keras.Model, inputs: np.ndarray) -> np.ndarray:
    p = np.asarray(model(inputs, training=False), np.float64)
    return np.hstack([1 - p, p]) if p.shape[1] == 1 else p


def test_scores_give_the_models_own_probabilities(any_network, inputs):
    before, p = any_network.get_config(), probabilities(any_network, inputs)
    logits = logit_model(any_network)(inputs, training=False)
    for column in range(p.shape[1]):
        classes = ops.convert_to_tensor(np.full(5, column, np.int32))
        np.testing.assert_allclose(class_scores(logits, classes, "probability"), p[:, column], rtol=2e-4)
        odds = np.log(p[:, column] / (1 - p[:, column]))
        np.testing.assert_allclose(log_odds(logits, classes), odds, rtol=2e-3, atol=1e-3)
    assert any_network.get_config() == before
    np.testing.assert_array_equal(probabilities(any_network, inputs), p)


def test_of_one_output_the_logit_is_the_log_odds_of_either_class():
    logits, classes = ops.convert_to_tensor([[2.0], [2.0]]), ops.convert_to_tensor([0, 1])
    np.testing.assert_array_equal(class_scores(logits, classes, "logit"), [-2, 2])


def test_log_odds_do_not_saturate():
    logits = ops.convert_to_tensor([[200.0, 0.0, 0.0]])
    assert float(log_odds(logits, ops.convert_to_tensor([0]))[0]) == pytest.approx(200 - np.log(2))


def test_a_copy_in_bfloat16_ends_in_float32(fresh_network, inputs):
    half = logit_model(fresh_network, "mixed_bfloat16")
    assert end_layer(half).compute_dtype == "float32"
    assert "bfloat16" in {layer.compute_dtype for layer in leaf_layers(half)}
    full = np.asarray(logit_model(fresh_network)(inputs))
    np.testing.assert_allclose(half(inputs), full, atol=0.05 * np.abs(full).max())


def test_copies_keep_the_weights(any_network, inputs):
    copy = with_policy(any_network, "float32")
    np.testing.assert_array_equal(copy(inputs, training=False), any_network(inputs, training=False))


def test_a_model_that_ends_otherwise_is_refused():
    model = keras.Sequential(
        [keras.Input((4, 4, 3)), keras.layers.Flatten(), keras.layers.Dense(2, name="end")]
    )
    with pytest.raises(
        ModelError, match=r"^the model ends in end, which gives 2 value\(s\) and is no softmax"
    ):
        logit_model(model)


def test_layers_are_found_by_name_or_the_last_convolution_is():
    inner = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3, name="deep")])
    layers = [
        keras.layers.MaxPooling2D(name="pool"),
        keras.layers.Flatten(),
        keras.layers.Dense(2, "softmax"),
    ]
    model = keras.Sequential([keras.Input((8, 8, 3)), inner, *layers])
    assert find_layer(model, None).name == "deep"
    assert find_layer(model, "pool").name == "pool"
    with pytest.raises(ModelError, match=r"^no layer 'dip' that gives maps: choose from deep, pool$"):
        find_layer(model, "dip")


def test_without_a_name_it_is_what_stands_between_the_convolutions_and_the_pooling():
    inputs = keras.Input((8, 8, 3))
    first = keras.layers.Conv2D(2, 3, padding="same")(inputs)
    branch = keras.layers.Conv2D(2, 3, padding="same", name="branch")(first)
    joined = keras.layers.ReLU(name="end")(keras.layers.Add()([first, branch]))
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.AveragePooling2D(2)(joined))
    model = keras.Model(inputs, keras.layers.Dense(2, "softmax")(pooled))
    assert find_layer(model, None).name == "end"
    assert find_layer(model, "branch").name == "branch"


@pytest.mark.parametrize("name", ["pixels", "photo"])
@pytest.mark.parametrize("kind", ["sequential", "functional"])
def test_the_inputs_name_says_what_a_network_takes(name, kind, tmp_path):
    inputs, layer = keras.Input((4, 4, 3), name=name), keras.layers.Flatten()
    model = keras.Sequential([inputs, layer]) if kind == "sequential" else keras.Model(inputs, layer(inputs))
    model.save(tmp_path / "m.keras")
    photos = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3), np.uint8)
    for each in (model, keras.models.load_model(tmp_path / "m.keras"), with_policy(model, "mixed_bfloat16")):
        assert takes_pixels(each) == (name == "pixels")
        given = inputs_of(each, photos)
        assert given.dtype == np.float32
        np.testing.assert_array_equal(given, photos if name == "pixels" else standardize(photos))


def test_standardized_is_standardize(inputs):
    photos = np.round(50 * inputs[:, :8, :8] + 120).clip(0, 255).astype(np.float32)
    photos[0] = 7  # of one colour
    np.testing.assert_allclose(standardized(ops.convert_to_tensor(photos)), standardize(photos), atol=2e-6)
