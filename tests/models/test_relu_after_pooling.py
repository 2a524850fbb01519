import keras
import numpy as np
import pytest
from keras import layers, ops

from kangaroo.models import report_cnn
from kangaroo.models.gradients import compiled, value_and_gradient
from kangaroo.models.precision import with_policy
from kangaroo.models.relu_after_pooling import late_relu

PHOTOS = np.random.default_rng(0).normal(size=(3, 32, 32, 3)).astype(np.float32)
LABELS = np.array([[0.0], [1.0], [1.0]], np.float32)


def report_network() -> keras.Sequential:
    return report_cnn.build(32, 2, seed=0, filters=(8, 8, 8), units=5)


def input_gradient(model: keras.Model, photos: np.ndarray) -> np.ndarray:
    return compiled(value_and_gradient(lambda x: (model(x, training=False)[:, 0], ())))(photos)[2]


def trained_weights(model: keras.Model, steps: int = 3) -> list[np.ndarray]:
    """Plain gradient descent, so that the weights moved by exactly the gradients."""
    model.compile(keras.optimizers.SGD(0.1), "binary_crossentropy", jit_compile=False)
    for _ in range(steps):
        model.train_on_batch(PHOTOS, LABELS)
    return model.get_weights()


def without_dropout(model: keras.Sequential) -> keras.Sequential:
    kept = [layer for layer in model.layers if not isinstance(layer, layers.Dropout)]
    return keras.Sequential([keras.Input((32, 32, 3)), *kept])


def test_values_and_input_gradients_stay_the_same():
    model = report_network()
    plain, late = with_policy(model, "float32"), late_relu(with_policy(model, "float32"))
    np.testing.assert_array_equal(plain(PHOTOS), late(PHOTOS))
    np.testing.assert_array_equal(input_gradient(plain, PHOTOS), input_gradient(late, PHOTOS))
    assert input_gradient(late, PHOTOS).any()


def test_weight_gradients_stay_the_same():
    model = without_dropout(report_network())
    plain, late = with_policy(model, "float32"), late_relu(with_policy(model, "float32"))
    for expected, weights in zip(trained_weights(plain), trained_weights(late), strict=True):
        np.testing.assert_allclose(weights, expected, atol=1e-6)


def test_windows_of_zeros_let_no_gradient_through():
    model = keras.Sequential([keras.Input((4, 4, 1)), layers.Conv2D(1, 1, activation="relu")])
    model.add(layers.MaxPooling2D(2))
    model.add(layers.Flatten())
    model.add(layers.Dense(1, kernel_initializer="ones"))
    model.layers[0].set_weights([np.ones((1, 1, 1, 1)), np.zeros(1)])
    photo = -np.ones((1, 4, 4, 1), np.float32)
    photo[0, 0, 1], photo[0, 3, 3] = 2, 5
    expected = np.zeros_like(photo)
    expected[0, 0, 1] = expected[0, 3, 3] = 1
    np.testing.assert_array_equal(input_gradient(late_relu(model), photo), expected)


def test_the_file_knows_nothing_of_it(tmp_path):
    model = late_relu(report_network())
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.layers[0].get_config()["activation"] == "relu"
    assert "call" not in vars(loaded.layers[0])
    np.testing.assert_array_equal(loaded(PHOTOS), model(PHOTOS))
    np.testing.assert_array_equal(late_relu(loaded)(PHOTOS), model(PHOTOS))


@pytest.mark.parametrize("n", [1, 2])
def test_once_or_twice(n):
    model = report_network()
    expected = input_gradient(model, PHOTOS)
    late = with_policy(model, "float32")
    for _ in range(n):
        late_relu(late)
    np.testing.assert_array_equal(input_gradient(late, PHOTOS), expected)


def test_other_models_are_left_alone():
    inputs = keras.Input((8, 8, 3))
    maps = layers.Conv2D(2, 3, activation="relu")(inputs)
    outputs = ops.mean(layers.MaxPooling2D(2)(maps), (1, 2, 3)) + ops.mean(maps, (1, 2, 3))
    model = keras.Model(inputs, outputs)
    before = vars(model.layers[1]).get("call")
    assert late_relu(model) is model
    assert vars(model.layers[1]).get("call") is before
