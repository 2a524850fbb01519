"""What several test files share: the photos at hand, and the switch for slow tests."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    import keras

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run the tests that take ten seconds or more")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--slow"):
        return
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="slow: run with --slow"))


def folder_from(variable: str) -> Path:
    """The folder that an environment variable names; the test is skipped, saying so, where it is not set."""
    value = os.environ.get(variable)
    if not value:
        pytest.skip(f"{variable} is not set")
    return Path(value)


@pytest.fixture(autouse=True, scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache folder of the tests' own."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KANGAROO_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def photos() -> Path:
    """Real street-level photos: folders europe, oceania, croatia."""
    return folder_from("KANGAROO_PHOTOS")


@pytest.fixture(scope="session")
def report_models() -> Path:
    """The SavedModels that the first report's author published."""
    return folder_from("KANGAROO_REPORT_MODELS")


@pytest.fixture(params=[2, 3], ids=["binary", "multiclass"])
def n_classes(request: pytest.FixtureRequest) -> int:
    """How many classes ``any_network`` tells apart."""
    return int(request.param)


@pytest.fixture(params=["sequential", "functional", "nested"])
def fresh_network(request: pytest.FixtureRequest, n_classes: int) -> "keras.Model":
    """A small classifier of 32 px photos, its weights from NumPy.

    The report's kind; one with a layer used twice, a sum, and the end's activation as a layer of its own; and
    one with a backbone that is a model.
    """
    import keras
    from keras import layers

    outputs, activation = (1, "sigmoid") if n_classes == 2 else (n_classes, "softmax")
    taken = x = keras.Input((32, 32, 3))
    if request.param == "functional":
        shared = layers.Conv2D(4, 3, padding="same")
        x = layers.Conv2D(4, 3, padding="same", activation="relu")(x)
        x = layers.GlobalAveragePooling2D()(layers.ReLU()(shared(shared(x)) + x))
        model = keras.Model(taken, layers.Activation(activation)(layers.Dense(outputs)(x)))
    elif request.param == "nested":
        convolution = layers.Conv2D(4, 3, strides=2, name="inner")
        backbone = keras.Sequential([taken, convolution, layers.BatchNormalization(), layers.ReLU()])
        x = keras.Input((32, 32, 3))
        model = keras.Model(x, layers.Dense(outputs, activation)(layers.Flatten()(backbone(x))))
    else:
        model = keras.Sequential([taken])
        for filters in (4, 5):
            model.add(layers.Conv2D(filters, 3, padding="same", activation="relu"))
            model.add(layers.MaxPooling2D(2, padding="same"))
        model.add(layers.Flatten())
        model.add(layers.Dense(outputs, activation))
    rng = np.random.default_rng(0)
    weights = [rng.normal(0, 0.12, variable.shape).astype(np.float32) for variable in model.weights]
    variances = ["variance" in variable.path for variable in model.weights]
    model.set_weights([abs(w) if positive else w for w, positive in zip(weights, variances, strict=True)])
    return model


@pytest.fixture(params=["fresh", "reloaded"])
def any_network(
    request: pytest.FixtureRequest, fresh_network: "keras.Model", tmp_path: Path
) -> "keras.Model":
    """The classifier as it was built, and as it comes back from its file."""
    if request.param == "fresh":
        return fresh_network
    import keras

    fresh_network.save(tmp_path / "network.keras")
    return keras.models.load_model(tmp_path / "network.keras", compile=False)


@pytest.fixture
def inputs() -> np.ndarray:
    """Five inputs of such a classifier."""
    return np.random.default_rng(1).normal(size=(5, 32, 32, 3)).astype(np.float32)
