"""What one search was asked to do, and the figures by which it can compare trials."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from kangaroo.runs.search.space import Dimension


@dataclass(frozen=True)
class Metric:
    """A figure of metrics.json by which trials are compared; ``label`` is for axes, with the unit.

    ``watched`` are columns of history.csv; the first that there is tells, while a trial trains, whether it is
    worth going on with.
    """

    label: str
    direction: Literal["maximize", "minimize"]
    watched: tuple[str, ...]

    def while_training(self, row: Mapping[str, str]) -> float | None:
        """What one row of history.csv says, if anything, signed so that the metric's direction holds."""
        column = next((name for name in self.watched if name in row), None)
        if column is None:
            return None
        upwards = column == "val_accuracy"
        return float(row[column]) if upwards == (self.direction == "maximize") else -float(row[column])


METRICS: Mapping[str, Metric] = {
    "accuracy": Metric("accuracy (share of photos)", "maximize", ("val_accuracy",)),
    "balanced_accuracy": Metric("accuracy, mean over classes (share)", "maximize", ("val_accuracy",)),
    "loss": Metric("validation loss", "minimize", ("val_loss",)),
    "geo.median_km": Metric("median distance error (km)", "minimize", ("val_km", "val_accuracy")),
    "geo.geoscore": Metric("mean GeoGuessr score (of 5,000)", "maximize", ("val_km", "val_accuracy")),
}
BEST = 3  # trials whose models stay
SAMPLERS = ("random", "tpe")
PRUNERS = ("median", "hyperband", "none")


@dataclass(frozen=True, kw_only=True)
class SearchSettings:
    """One search, as asked for on the command line; ``flags`` go to every trial, beside those of ``space``.

    ``epochs`` are those of a trial, unless they are searched over. ``storage`` is a URL; '' stands for a file
    in ``out``. ``grace``: seconds without a sign of life after which a worker's trial is run again.
    """

    experiment: str
    flags: tuple[str, ...]
    space: tuple[Dimension, ...]
    epochs: int
    metric: str
    sampler: str
    pruner: str
    seed: int
    trials: int
    study: str
    storage: str
    grace: int
    out: Path
    keep_models: bool
    resume: bool
    overwrite: bool
    json: bool
    command: str

    @property
    def shared(self) -> dict[str, Any]:
        """What all workers of a study, and those who resume it, must have in common."""
        names = ("experiment", "epochs", "metric", "sampler", "pruner", "seed")
        space = [str(dimension) for dimension in self.space]
        return {name: getattr(self, name) for name in names} | {"space": space, "flags": list(self.flags)}

    def words(self, values: Mapping[str, Any]) -> list[str]:
        """The flags for values of the space, by its dimensions' names, as they stand on a command line."""
        pairs = ((f"--{d.name}", str(d.shown(values[d.name]))) for d in self.space)
        return [word for pair in pairs for word in pair]
