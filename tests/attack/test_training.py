from functools import partial
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from kangaroo.attack.training import attack_while_training
from kangaroo.errors import KangarooError
from kangaroo.models import report_cnn
from kangaroo.training import History, TrainConfig, compiled, fit

EPSILON = 0.3
CONFIG = TrainConfig(epochs=2, batch_size=8, learning_rate=0.01, seed=1, precision="float32")
PREPARE = partial(attack_while_training, epsilon=EPSILON)


def data(epoch: int, n: int = 32) -> tf.data.Dataset:
    rng = np.random.default_rng(epoch)
    labels = (np.arange(n) % 2).astype(np.float32)
    photos = rng.normal(size=(n, 8, 8, 3)).astype(np.float32)
    photos[labels == 1, :, :4] += 0.5
    return tf.data.Dataset.from_tensor_slices((photos, labels)).batch(8)


def run(folder: Path, config: TrainConfig = CONFIG, **options: object) -> tuple[keras.Model, History]:
    return fit(
        lambda policy: report_cnn.build(8, 2, seed=0, dtype_policy=policy, filters=(4,), units=4),
        data,
        data(99),
        config,
        folder,
        **options,
    )


def test_every_second_photo_is_moved_against_its_label(monkeypatch: pytest.MonkeyPatch) -> None:
    """A linear model: the loss of class 1 rises against the weights, that of class 0 along them."""
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, "sigmoid")])
    weights = np.array([1.0, -2.0, 0.5, -0.1], np.float32)
    model.set_weights([weights[:, None], np.zeros(1)])
    seen = []
    monkeypatch.setattr(keras.Sequential, "train_step", lambda _, batch: seen.append(batch))
    attack_while_training(compiled(model, 0.01), EPSILON)
    photos = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    labels = np.array([0, 1, 1, 0, 1], np.float32)
    model.train_step((tf.constant(photos), tf.constant(labels)))
    ((mixed, of),) = seen
    expected = [photos[0], photos[2], photos[4]]
    expected += [photos[1] - EPSILON * np.sign(weights), photos[3] + EPSILON * np.sign(weights)]
    np.testing.assert_allclose(mixed, expected, atol=1e-6)
    np.testing.assert_array_equal(of, [0, 1, 1, 1, 0])


def test_it_changes_what_is_learned_and_leaves_a_plain_file(tmp_path: Path) -> None:
    (plain, _), (hardened, _) = run(tmp_path / "plain"), run(tmp_path / "hardened", prepare=PREPARE)
    assert any((a != b).any() for a, b in zip(plain.get_weights(), hardened.get_weights(), strict=True))
    assert type(hardened) is keras.Sequential
    assert hardened.get_config()["layers"][0].keys() == plain.get_config()["layers"][0].keys()
    assert "train_step" not in vars(hardened)


def test_a_resumed_training_goes_on_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, history = run(tmp_path / "whole", prepare=PREPARE)
    # As if it had been killed.
    monkeypatch.setattr("kangaroo.training.checkpoints.RunFolder.finish", lambda _: None)
    run(tmp_path / "killed", TrainConfig(**{**vars(CONFIG), "epochs": 1}), prepare=PREPARE)
    monkeypatch.undo()
    resumed, again = run(tmp_path / "killed", prepare=PREPARE, resume=True)
    assert [(row.loss, row.val_loss) for row in again.rows] == [
        (row.loss, row.val_loss) for row in history.rows
    ]
    for a, b in zip(resumed.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("epsilon", [0, -1, float("nan")])
def test_epsilon_is_above_zero(epsilon: float) -> None:
    with pytest.raises(KangarooError, match="give one above 0"):
        attack_while_training(report_cnn.build(8, 2, seed=0), epsilon)
