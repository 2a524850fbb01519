from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from kangaroo.models import report_cnn

SIDE = 12
LABELS = {2: np.array([0, 1] * 20, np.int32), 3: np.array([0, 1, 2, 1] * 10, np.int32)}


def shaken(model: keras.Model, scale: float = 0.15) -> keras.Model:
    """With weights that give different photos different answers, none of them certain."""
    rng = np.random.default_rng(3)
    model.set_weights([w + rng.normal(0, scale, w.shape) for w in model.get_weights()])
    return model


def smooth() -> keras.Model:
    """A Functional network without kinks that ends in a softmax layer of its own."""
    inputs = keras.Input((SIDE, SIDE, 3))
    x = layers.AveragePooling2D(2)(layers.Conv2D(6, 3, activation="tanh")(inputs))
    return keras.Model(inputs, layers.Softmax()(layers.Dense(3)(layers.Flatten()(x))))


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, keras.Model]:
    """Binary and of three classes, Sequential and Functional, fresh and read from a file."""
    binary, classes = (report_cnn.build(SIDE, n, seed=1, filters=(6, 6), units=8) for n in (2, 3))
    made = {"binary": shaken(binary), "classes": shaken(classes), "functional": shaken(smooth())}
    folder: Path = tmp_path_factory.mktemp("models")
    for name in ("binary", "functional"):
        made[name].save(folder / f"{name}.keras")
        made[f"{name}, reloaded"] = keras.models.load_model(folder / f"{name}.keras")
    return made


@pytest.fixture(params=["binary", "classes", "functional", "binary, reloaded", "functional, reloaded"])
def model(request: pytest.FixtureRequest, models: dict[str, keras.Model]) -> keras.Model:
    return models[request.param]


@pytest.fixture(scope="session")
def pictures() -> np.ndarray:
    """Forty photos of noise, uint8: two batches, the second smaller."""
    return np.random.default_rng(0).integers(0, 256, (40, SIDE, SIDE, 3), dtype=np.uint8)


@pytest.fixture
def labels(model: keras.Model) -> np.ndarray:
    return LABELS[max(2, model.output_shape[-1])]
