from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from kangaroo.errors import KangarooError
from kangaroo.training import Objective, TrainConfig, compiled, fit


@keras.saving.register_keras_serializable("tests")
class Scaled(keras.losses.Loss):
    """Squared error times a factor."""

    def __init__(
        self, factor: float, reduction: str = "mean_with_sample_weight", name: str = "scaled"
    ) -> None:
        super().__init__(name, reduction)
        self.factor = factor

    def call(self, y_true, y_pred):
        return self.factor * ops.sum(ops.square(y_true - y_pred), axis=-1)

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


@keras.saving.register_keras_serializable("tests")
def far(y_true, y_pred):
    """A distance of a kind."""
    return 100 * ops.sum(ops.abs(y_true - y_pred), axis=-1)


def by_distance(keep: str = "km", factor: float = 2.0) -> Objective:
    return Objective(Scaled(factor), keras.metrics.MeanMetricWrapper(far, name="anything"), "km", keep)


X = np.random.default_rng(0).normal(size=(10, 3)).astype(np.float32)
Y = np.stack([X[:, 0], X[:, 1] * X[:, 2]], axis=1)


def batches(_: int = 0) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices((X, Y)).batch(4)


def network(_: str) -> keras.Model:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.set_weights([np.ones((3, 2)), np.zeros(2)])
    return model


CONFIG = TrainConfig(3, 4, learning_rate=0.05, precision="float32")


def test_coordinates_are_learnt_by_their_own_loss_and_judged_in_km(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, history = fit(network, batches, batches(), CONFIG, tmp_path, objective=by_distance())
    guess = X @ model.get_weights()[0] + model.get_weights()[1]
    best = history.rows[history.best_epoch - 1]
    assert best.val_measured == min(row.val_measured for row in history.rows)
    assert best.val_measured == pytest.approx(100 * np.abs(Y - guess).sum(axis=1).mean(), rel=1e-5)
    assert best.val_loss == pytest.approx(2 * ((Y - guess) ** 2).sum(axis=1).mean(), rel=1e-5)
    head = (tmp_path / "history.csv").read_text(encoding="utf-8").splitlines()[0]
    assert head == "epoch,loss,km,val_loss,val_km,seconds"
    assert f"km {best.val_measured:.1f};" in capsys.readouterr().err


def test_resuming_with_an_objective_and_not_with_another(tmp_path: Path) -> None:
    def killed(epoch: int) -> tf.data.Dataset:
        if epoch == 2:
            raise InterruptedError
        return batches()

    whole, history = fit(
        network, batches, batches(), CONFIG, tmp_path / "whole", objective=by_distance("loss")
    )
    with pytest.raises(InterruptedError):
        fit(network, killed, batches(), CONFIG, tmp_path / "run", objective=by_distance("loss"))
    for other, reason in (
        (by_distance("km"), "objective {.*'loss'}, not {.*'km'}"),
        (by_distance("loss", 3.0), "objective {.*2.0.*}, not {.*3.0.*}"),
    ):
        with pytest.raises(KangarooError, match=f"was trained with {reason}"):
            fit(network, batches, batches(), CONFIG, tmp_path / "run", objective=other, resume=True)
    objective = by_distance("loss")
    model, again = fit(
        network, batches, batches(), CONFIG, tmp_path / "run", objective=objective, resume=True
    )
    assert [(row.val_loss, row.val_measured) for row in again.rows] == [
        (row.val_loss, row.val_measured) for row in history.rows
    ]
    assert all(map(np.array_equal, model.get_weights(), whole.get_weights()))
    assert (again.measure, again.keep) == ("km", "loss")


def test_a_weighted_loss_is_exact(tmp_path: Path) -> None:
    """Of a batch of three, the last only fills up; also in a copy of the model that was read from a file."""
    model = compiled(network(""), 0.1, by_distance(), weighted=True)
    expected = 2 * ((Y[:2] - X[:2].sum(axis=1, keepdims=True)) ** 2).sum(axis=1).mean()
    model.optimizer.build(model.trainable_variables)
    model.save(tmp_path / "model.keras")
    for one in (model, keras.models.clone_model(keras.models.load_model(tmp_path / "model.keras"))):
        one.set_weights(model.get_weights())
        logs = one.test_on_batch(X[:3], Y[:3], np.array([1, 1, 0]), return_dict=True)
        found = by_distance().values({**logs, **{f"val_{name}": 0.0 for name in logs}})
        assert found["loss"] == pytest.approx(expected, rel=1e-5)


def test_objectives_that_cannot_be() -> None:
    with pytest.raises(KangarooError, match="no keep 'km': choose from accuracy, loss"):
        Objective(keep="km")
    with pytest.raises(KangarooError, match="no measure 'miles'"):
        Objective(measure="miles")
    with pytest.raises(ValueError, match="measured by a metric"):
        Objective(measure="km", keep="km")
