"""How a training went, epoch by epoch."""

import csv
from dataclasses import astuple, dataclass
from pathlib import Path

import pandas as pd


@dataclass(frozen=True)
class Epoch:
    """One row of history.csv: ``epoch`` counts from 1, ``seconds`` include validation.

    ``measured`` is what the run's objective measures: the accuracy, or the mean distance in km.
    """

    epoch: int
    loss: float
    measured: float
    val_loss: float
    val_measured: float
    seconds: float

    @property
    def accuracy(self) -> float:
        """``measured``, of a run that measures the accuracy."""
        return self.measured

    @property
    def val_accuracy(self) -> float:
        """``val_measured``, of a run that measures the accuracy."""
        return self.val_measured


@dataclass(frozen=True)
class History:
    """The epochs trained so far, in order.

    ``measure`` is 'accuracy' or 'km'; ``keep``, 'loss' or the measure, is by what the kept epoch is chosen.
    """

    rows: tuple[Epoch, ...] = ()
    measure: str = "accuracy"
    keep: str = "accuracy"

    @property
    def best_epoch(self) -> int:
        """The epoch, from 1, that is best on the validation photos by ``keep``.

        That is the highest accuracy, the lowest distance or the lowest loss; of equals, that of the lowest
        loss (or the best measure, where the loss chooses). By default the accuracy, as in the report: once a
        network begins to overfit, its loss rises with its confidence while it still gets better at telling
        the classes apart.
        """
        sign = 1 if self.measure == "accuracy" else -1

        def goodness(row: Epoch) -> tuple[float, float, int]:
            measured, loss = sign * row.val_measured, -row.val_loss
            return (*((loss, measured) if self.keep == "loss" else (measured, loss)), -row.epoch)

        return max(self.rows, key=goodness).epoch

    @property
    def columns(self) -> list[str]:
        """The columns of history.csv."""
        return ["epoch", "loss", self.measure, "val_loss", f"val_{self.measure}", "seconds"]

    def frame(self) -> pd.DataFrame:
        """One row an epoch; the measured values stand under the measure's name."""
        return pd.DataFrame([astuple(row) for row in self.rows], columns=self.columns)

    @classmethod
    def read(cls, path: Path, keep: str = "") -> "History":
        """Read history.csv; the numbers are exactly those that were written. ``keep``: if not the measure."""
        with path.open(encoding="utf-8", newline="") as file:
            head, *rows = csv.reader(file)
        epochs = tuple(Epoch(int(epoch), *map(float, numbers)) for epoch, *numbers in rows)
        return cls(epochs, measure=head[2], keep=keep or head[2])
