"""Optimizers and their learning rates, as functions of the step: a resumed training goes on exactly."""

import math
from typing import Any

import keras
from keras import ops

from kangaroo.training.settings import TrainConfig


@keras.saving.register_keras_serializable("kangaroo")
class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that rises linearly to ``start`` and goes on to ``end``, along ``kind``.

    It has ``start`` first in step number ``warmup_steps`` (from 1), and would have ``end`` in the one after
    ``steps``. 'cosine' is half a cosine (Loshchilov & Hutter 2017, arXiv:1608.03983), 'exponential' the same
    factor every step.
    """

    def __init__(self, kind: str, start: float, end: float, *, warmup_steps: int, steps: int) -> None:
        super().__init__()
        self.kind, self.start, self.end = kind, start, end
        self.warmup_steps, self.steps = warmup_steps, steps

    def __call__(self, step: Any) -> Any:
        """The learning rate of a step, counted from 0: a float32 scalar."""
        step = ops.cast(step, "float32")
        rising = self.start * (step + 1) / max(self.warmup_steps, 1)
        way = ops.clip((step - self.warmup_steps) / (self.steps - self.warmup_steps), 0, 1)
        return ops.where(step < self.warmup_steps, rising, self._at(way))

    def _at(self, way: Any) -> Any:
        if self.kind == "exponential":
            return self.start * ops.exp(math.log(self.end / self.start) * way)
        return self.end + (self.start - self.end) * (1 + ops.cos(math.pi * way)) / 2

    def get_config(self) -> dict[str, Any]:
        """What a file keeps of it."""
        names = ("kind", "start", "end", "warmup_steps", "steps")
        return {name: getattr(self, name) for name in names}


def learning_rate(config: TrainConfig, phase: int, steps: int) -> float | Schedule:
    """The learning rate in a phase of the training, of epochs of ``steps`` steps."""
    if phase == 1:
        return config.head_learning_rate
    constant = config.schedule == "constant"
    if constant and not config.warmup_epochs:
        return config.learning_rate
    return Schedule(
        config.schedule,
        config.learning_rate,
        config.learning_rate if constant else config.final_learning_rate,
        warmup_steps=config.warmup_epochs * steps,
        steps=(config.epochs - config.head_epochs) * steps,
    )


def rate_after(config: TrainConfig, epoch: int, steps: int) -> float:
    """The learning rate with which an epoch, counted from 0, ends."""
    phase = config.phase(epoch)
    rate = learning_rate(config, phase, steps)
    if isinstance(rate, Schedule):
        return float(rate((epoch + 1 - config.head_epochs) * steps - 1))
    return rate


def optimizer(config: TrainConfig, phase: int, steps: int) -> keras.optimizers.Optimizer:
    """A new optimizer for a phase; its weight decay still has to leave biases and scales out."""
    kinds = {"adam": keras.optimizers.Adam, "adamw": keras.optimizers.AdamW, "sgd": keras.optimizers.SGD}
    own = {"momentum": config.momentum} if config.optimizer == "sgd" else {}
    # None, because 0 would be applied in every step; but AdamW asks for a number.
    no_decay = 0.0 if config.optimizer == "adamw" else None
    return kinds[config.optimizer](
        learning_rate(config, phase, steps),
        weight_decay=config.weight_decay or no_decay,
        global_clipnorm=config.clip_norm or None,
        use_ema=config.averaging > 0,
        ema_momentum=config.averaging,
        **own,
    )
