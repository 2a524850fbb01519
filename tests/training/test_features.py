"""Optimizers, schedules, averaging and phases: against NumPy, and through kill and resume."""

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from kangaroo.errors import KangarooError
from kangaroo.training import Objective, TrainConfig, fit

RATE, STEPS, N = 0.1, 3, 10
BATCHES = [slice(0, 4), slice(4, 8), slice(8, 10)]  # the last is smaller
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 4)).astype(np.float32)
Y = (X[:, 0] + RNG.normal(size=N) > 0).astype(np.float32)
START = RNG.normal(size=(4, 1)).astype(np.float32)


def linear(_: str) -> keras.Model:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, "sigmoid")])
    model.set_weights([START, np.full(1, 0.3)])
    return model


def points(_: int = 0) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices((X, Y)).batch(4)


def by_hand(config: TrainConfig, rate: Callable[[int], float]) -> Iterator[float]:
    """Validation losses of logistic regression, in float64; of averaged weights where it is asked."""
    w, b = START[:, 0].astype(float), 0.3
    velocity, first, second = np.zeros(5), np.zeros(5), np.zeros(5)
    average = None
    for step in range(config.epochs * STEPS):
        rows = BATCHES[step % STEPS]
        error = 1 / (1 + np.exp(-(X[rows] @ w + b))) - Y[rows]
        gradient = np.append(X[rows].T @ error, error.sum()) / len(error)
        if config.clip_norm:
            gradient *= min(1, config.clip_norm / np.linalg.norm(gradient))
        w = w * (1 - rate(step) * config.weight_decay)  # not the bias
        if config.optimizer == "sgd":
            change = velocity = config.momentum * velocity - rate(step) * gradient
        else:
            first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
            mean, square = first / (1 - 0.9 ** (step + 1)), second / (1 - 0.999 ** (step + 1))
            change = -rate(step) * mean / (np.sqrt(square) + 1e-7)
        w, b = w + change[:4], b + change[4]
        now = np.append(w, b)
        average = now if average is None else config.averaging * average + (1 - config.averaging) * now
        if step % STEPS == STEPS - 1:
            judged = average if config.averaging else now
            p = 1 / (1 + np.exp(-(X @ judged[:4] + judged[4])))
            yield -np.log(np.where(Y == 1, p, 1 - p)).mean()


def cosine(step: int) -> float:
    """From RATE to 0.01 in four epochs, of which the first rises."""
    if step < STEPS:
        return RATE * (step + 1) / STEPS
    return 0.01 + (RATE - 0.01) * 0.5 * (1 + math.cos(math.pi * (step - STEPS) / (3 * STEPS)))


BASE = TrainConfig(epochs=4, batch_size=4, learning_rate=RATE, precision="float32")
COSINE = replace(BASE, schedule="cosine", final_learning_rate=0.01, warmup_epochs=1)


@pytest.mark.parametrize(
    ("config", "rate"),
    [
        (BASE, lambda step: RATE),
        (replace(BASE, weight_decay=0.3), lambda step: RATE),
        (replace(BASE, optimizer="adamw", weight_decay=0.3, averaging=0.9), lambda step: RATE),
        (replace(BASE, optimizer="sgd", momentum=0.9, weight_decay=0.2, clip_norm=0.2), lambda step: RATE),
        (
            replace(BASE, optimizer="sgd", schedule="exponential", final_learning_rate=RATE * 0.99**4),
            lambda step: RATE * 0.99 ** (step / STEPS),
        ),
        (COSINE, cosine),
        (replace(COSINE, optimizer="adamw", weight_decay=0.1, clip_norm=0.3, averaging=0.8), cosine),
        (replace(BASE, warmup_epochs=2), lambda step: RATE * min(1, (step + 1) / (2 * STEPS))),
    ],
)
def test_losses_are_those_of_numpy(config: TrainConfig, rate: Callable[[int], float], tmp_path: Path) -> None:
    _, history = fit(linear, points, points(), config, tmp_path)
    losses = [row.val_loss for row in history.rows]
    assert losses == pytest.approx(list(by_hand(config, rate)), rel=2e-5)


def test_kept_weights_are_the_averaged_ones(tmp_path: Path) -> None:
    """Validated again by hand, the file has the loss of the kept epoch."""
    config = replace(BASE, optimizer="sgd", momentum=0.9, averaging=0.7)
    _, history = fit(linear, points, points(), config, tmp_path, objective=Objective(keep="loss"))
    p = keras.models.load_model(tmp_path / "model.keras").predict(X, verbose=0)[:, 0]
    loss = -np.log(np.where(Y == 1, p, 1 - p)).mean()
    assert loss == pytest.approx(history.rows[history.best_epoch - 1].val_loss, rel=1e-5)


def normalized(_: str) -> keras.Model:
    """A body with batch normalization and dropout, and a head."""
    keras.utils.set_random_seed(3)
    return keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(6, name="body"),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.ReLU(),
            keras.layers.Dropout(0.2, seed=1),
            keras.layers.Dense(3, "softmax", name="head"),
        ]
    )


def unlock(model: keras.Model, phase: int) -> None:
    for layer in model.layers:
        layer.trainable = phase == 2 or layer.name == "head"


class KilledError(Exception):
    """Stands for the end of the process."""


def three_classes(epoch: int, killed: int = -1) -> tf.data.Dataset:
    if epoch == killed:
        raise KilledError
    order = np.random.default_rng(epoch).permutation(N)
    return tf.data.Dataset.from_tensor_slices((X[order], (np.arange(N) % 3)[order])).batch(4)


FEATURES = {
    "adamw, cosine, warm-up": replace(COSINE, epochs=3, optimizer="adamw", weight_decay=0.1),
    "sgd, exponential, clipped": replace(
        BASE,
        epochs=3,
        optimizer="sgd",
        momentum=0.9,
        schedule="exponential",
        final_learning_rate=1e-3,
        clip_norm=0.5,
    ),
    "averaged": replace(BASE, epochs=3, averaging=0.9),
    "two phases, all of it": replace(
        COSINE, epochs=4, head_epochs=2, optimizer="adamw", weight_decay=0.1, averaging=0.9, clip_norm=1.0
    ),
}


@pytest.fixture
def eagerly() -> Iterator[None]:
    """Without tracing, which takes a second a run."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def train(folder: Path, config: TrainConfig, *, killed: int = -1, **options: Any) -> Any:
    """The history without seconds, and the weights."""
    batches = lambda epoch: three_classes(epoch, killed)  # noqa: E731
    steps = {"unlock": unlock} if config.head_epochs else {}
    model, history = fit(normalized, batches, three_classes(99), config, folder, **steps, **options)
    return [replace(row, seconds=0) for row in history.rows], model.get_weights()


def same(one: Any, other: Any) -> bool:
    return one[0] == other[0] and all(map(np.array_equal, one[1], other[1]))


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("config", FEATURES.values(), ids=FEATURES)
def test_killed_after_any_epoch_and_resumed(config: TrainConfig, tmp_path: Path) -> None:
    whole = train(tmp_path / "whole", config)
    assert len({row.val_loss for row in whole[0]}) == config.epochs  # every epoch changes something
    for killed in (1, 2, 3) if config.head_epochs else (2,):
        folder = tmp_path / str(killed)
        with pytest.raises(KilledError):
            train(folder, config, killed=killed)
        assert same(train(folder, config, resume=True), whole), killed


@pytest.mark.usefixtures("eagerly")
def test_the_first_phase_trains_the_head_alone(tmp_path: Path) -> None:
    config = replace(BASE, epochs=4, head_epochs=2, head_learning_rate=0.05, learning_rate=0.02)
    seen: list[tuple[int, list[np.ndarray]]] = []

    def watched(model: keras.Model, phase: int) -> None:
        seen.append((phase, model.get_weights()))
        unlock(model, phase)

    model, _ = fit(
        normalized,
        three_classes,
        three_classes(99),
        config,
        tmp_path,
        unlock=watched,
        objective=Objective(keep="loss"),
    )
    (first, start), (second, middle) = seen
    assert (first, second) == (1, 2)
    changed = [not np.array_equal(a, b) for a, b in zip(start, middle, strict=True)]
    assert changed == [False] * 6 + [True, True]  # batch normalization's statistics neither
    assert all(not np.array_equal(a, b) for a, b in zip(middle, model.get_weights(), strict=True))


def test_a_network_without_a_head(tmp_path: Path) -> None:
    with pytest.raises(KangarooError, match=r"no head to train alone for 2 epochs: give 0$"):
        fit(linear, points, points(), replace(BASE, head_epochs=2), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("eagerly")
def test_more_epochs_are_refused_where_the_rate_depends_on_them(tmp_path: Path) -> None:
    for name, config in (("constant", replace(BASE, warmup_epochs=1)), ("cosine", COSINE)):
        with pytest.raises(KilledError):
            train(tmp_path / name, config, killed=2)
    longer = train(tmp_path / "constant", replace(BASE, warmup_epochs=1, epochs=5), resume=True)
    assert same(longer, train(tmp_path / "whole", replace(BASE, warmup_epochs=1, epochs=5)))
    with pytest.raises(
        KangarooError, match=r"the cosine schedule of .* ends with epoch 4: resume with as many"
    ):
        train(tmp_path / "cosine", replace(COSINE, epochs=5), resume=True)


@pytest.mark.usefixtures("eagerly")
def test_a_run_of_an_older_version_goes_on(tmp_path: Path) -> None:
    """Its settings.json has no word for optimizers and objectives."""
    whole = train(tmp_path / "whole", BASE)
    with pytest.raises(KilledError):
        train(tmp_path / "old", BASE, killed=2)
    path = tmp_path / "old" / "settings.json"
    old = ("epochs", "batch_size", "learning_rate", "seed", "precision")
    path.write_text(json.dumps({name: json.loads(path.read_text())[name] for name in old}))
    assert same(train(tmp_path / "old", BASE, resume=True), whole)
