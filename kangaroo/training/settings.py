"""What one training was asked to do."""

import math
from dataclasses import MISSING, dataclass, fields
from typing import Any

from kangaroo.errors import KangarooError, require_choices

OPTIMIZERS = ("adam", "adamw", "sgd")
SCHEDULES = ("constant", "cosine", "exponential")


@dataclass(frozen=True)
class TrainConfig:
    """Settings of one training; ``precision`` is 'auto', 'float32' or 'bfloat16'.

    ``batch_size`` is for whoever makes the batches: :func:`kangaroo.training.fit` takes them as they come and
    records it.

    For the first ``head_epochs`` only the network's head is trained, with ``head_learning_rate``; then comes
    what the other settings are about, with an optimizer of its own. The learning rate rises linearly over
    ``warmup_epochs`` to ``learning_rate``, and goes on to ``final_learning_rate``, which it reaches with the
    last epoch: along half a cosine, or 'exponential', by the same factor every step (a factor of 0.99 an
    epoch is a final rate of learning_rate * 0.99 ** epochs). ``momentum`` is SGD's. ``weight_decay`` is
    decoupled (Loshchilov & Hutter 2019, arXiv:1711.05101): each step takes learning rate x weight decay of
    every weight, but of no bias and no scale. With ``averaging`` the weights that are judged and kept are
    their exponential moving average, of this momentum a step. ``clip_norm`` bounds the Euclidean norm of all
    gradients together. 0 means none of it.

    KangarooError for a setting that can't be, or that another one leaves without effect.
    """

    epochs: int
    batch_size: int = 32
    learning_rate: float = 0.001
    seed: int = 0
    precision: str = "auto"
    optimizer: str = "adam"
    momentum: float = 0.0
    weight_decay: float = 0.0
    schedule: str = "constant"
    final_learning_rate: float = 0.0
    warmup_epochs: int = 0
    averaging: float = 0.0
    clip_norm: float = 0.0
    head_epochs: int = 0
    head_learning_rate: float = 0.001

    def __post_init__(self) -> None:
        """Check; raise KangarooError."""
        require_choices(self, {"optimizer": OPTIMIZERS, "schedule": SCHEDULES})
        for name in ("learning_rate", "head_learning_rate"):
            self._require(name, 0 < getattr(self, name) < math.inf, "a number above 0")
        for name in ("final_learning_rate", "weight_decay", "clip_norm", "warmup_epochs", "head_epochs"):
            self._require(name, 0 <= getattr(self, name) < math.inf, "0 or more")
        for name in ("momentum", "averaging"):
            self._require(name, 0 <= getattr(self, name) < 1, "0 or more, and less than 1")
        self._check_together()

    def phase(self, epoch: int) -> int:
        """1 where an epoch, counted from 0, trains the head alone, else 2."""
        return 1 if epoch < self.head_epochs else 2

    def _require(self, name: str, right: bool, wanted: str) -> None:
        if not right:
            raise KangarooError(f"{name} {getattr(self, name):g} can't be: give {wanted}")

    def _check_together(self) -> None:
        if self.momentum and self.optimizer != "sgd":
            raise KangarooError(f"{self.optimizer} takes no momentum: choose the optimizer sgd, or give 0")
        if self.schedule == "constant" and self.final_learning_rate:
            raise KangarooError(
                f"a constant learning rate never gets to {self.final_learning_rate:g}: choose the schedule "
                "cosine or exponential"
            )
        if self.schedule == "exponential" and not self.final_learning_rate:
            raise KangarooError("an exponential schedule never gets to 0: give a final_learning_rate above 0")
        if self.head_epochs > self.epochs:
            raise KangarooError(f"{self.head_epochs} epochs of the head are more than {self.epochs} in all")
        left = self.epochs - self.head_epochs
        if self.warmup_epochs and self.warmup_epochs >= left:
            raise KangarooError(
                f"a warm-up of {self.warmup_epochs} epochs leaves nothing of {left}: warm up less"
            )


def defaults() -> dict[str, Any]:
    """What a settings.json means that lacks some words, because an older version of kangaroo wrote it."""
    config = {field.name: field.default for field in fields(TrainConfig) if field.default is not MISSING}
    return config | {"objective": {"loss": None, "measure": "accuracy", "keep": "accuracy"}}
