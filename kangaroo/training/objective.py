"""What a training makes small, what it measures, and by what it chooses the epoch to keep."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras

from kangaroo.errors import require_choices

_EXACT = "exact_loss"
"""Name of the metric that is the loss where only some photos of a batch count: Keras's mean counts all."""


@dataclass(frozen=True)
class Objective:
    """``loss`` is made small; None is the cross entropy that fits the network's output.

    ``metric`` measures what ``measure`` says, the accuracy or km; None is the accuracy of plain labels.
    ``keep``: the epoch is kept that is best by the validation photos' measure, or by their loss ('loss').
    KangarooError for words that can't be; ValueError for km without a metric.
    """

    loss: keras.losses.Loss | None = None
    metric: keras.metrics.Metric | None = None
    measure: str = "accuracy"
    keep: str = "accuracy"

    def __post_init__(self) -> None:
        """Check; raise KangarooError or ValueError."""
        require_choices(self, {"measure": ("accuracy", "km"), "keep": (self.measure, "loss")})
        if self.measure == "km" and self.metric is None:
            raise ValueError("km are measured by a metric: give it with the objective")

    def record(self) -> dict[str, Any]:
        """What a resumed training must not change, as JSON values."""
        loss = {"class": type(self.loss).__name__, **self.loss.get_config()} if self.loss else None
        return {"objective": {"loss": loss, "measure": self.measure, "keep": self.keep}}

    def new_metric(self) -> str | keras.metrics.Metric:
        """A metric of its own for each compiled model, under the measure's name."""
        if self.metric is None:
            return "accuracy"  # Keras finds the one that fits the network's output
        return type(self.metric).from_config({**self.metric.get_config(), "name": self.measure})

    def values(self, logs: Mapping[str, float]) -> dict[str, float]:
        """What :class:`kangaroo.training.Epoch` keeps of an epoch's logs."""
        found = {}
        for side in ("", "val_"):
            found[f"{side}loss"] = logs.get(f"{side}{_EXACT}", logs[f"{side}loss"])
            found[f"{side}measured"] = logs[f"{side}{self.measure}"]
        return found


def compiled(
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer | float,
    objective: Objective = Objective(),
    *,
    weighted: bool = False,
) -> keras.Model:
    """Set up ``model`` in place for training towards ``objective``; a number is the learning rate of Adam.

    ``weighted``: it will see batches (photos, labels, weights), and the loss is the weighted mean.
    """
    loss = objective.loss or _cross_entropy(model)
    metrics = [objective.new_metric(), *([_MeanLoss(loss)] if weighted else [])]
    model.compile(
        optimizer if isinstance(optimizer, keras.optimizers.Optimizer) else keras.optimizers.Adam(optimizer),
        loss,
        weighted_metrics=metrics,
        # With TensorFlow on a CPU, XLA is several times slower here than oneDNN; JAX has nothing else.
        jit_compile=keras.backend.backend() != "tensorflow",
    )
    return model


def _cross_entropy(model: keras.Model) -> keras.losses.Loss:
    kind = "BinaryCrossentropy" if model.output_shape[-1] == 1 else "SparseCategoricalCrossentropy"
    return getattr(keras.losses, kind)(reduction="mean_with_sample_weight")


@keras.saving.register_keras_serializable("kangaroo")
class _MeanLoss(keras.metrics.Mean):
    """The mean of a loss over all photos, each with its weight."""

    def __init__(self, loss: keras.losses.Loss) -> None:
        super().__init__(_EXACT)
        self._loss = loss

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add the photos of a batch."""
        super().update_state(self._loss.call(y_true, y_pred), sample_weight)

    def get_config(self) -> dict[str, Any]:
        """What a copy of the compiled model makes it from."""
        return {"loss": keras.losses.serialize(self._loss)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "_MeanLoss":
        """Make it again."""
        return cls(keras.losses.deserialize(config["loss"]))
