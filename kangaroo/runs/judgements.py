"""What a trained network is worth on some photos: figures in numbers and in pictures, and sentences."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from kangaroo.evaluation.geolocation import Guesses, Points
from kangaroo.evaluation.predictions import Predictions
from kangaroo.geo.cells import Cells
from kangaroo.geo.decoders import ClassPoints
from kangaroo.runs import map_figures
from kangaroo.runs.figures import class_figures
from kangaroo.runs.photos import Data

BESIDE = ("n", "accuracy", "accuracy_ci95", "balanced_accuracy", "loss", "geo")
"""Of other photos or another split, what metrics.json keeps beside its own figures."""


@dataclass(frozen=True, eq=False)
class Judgement(ABC):
    """``metrics`` are those of metrics.json."""

    metrics: dict[str, Any]

    @abstractmethod
    def frame(self) -> pd.DataFrame:
        """The rows of predictions.csv."""

    @abstractmethod
    def figures(self, data: Data) -> Iterator[tuple[str, Figure]]:
        """What shows how good the answers are, by the names of the files."""

    @abstractmethod
    def summary(self, subject: str) -> list[str]:
        """Lines for the console."""

    @abstractmethod
    def in_short(self) -> str:
        """How good the answers are, as the end of a sentence."""

    @abstractmethod
    def leak(self, other: "Judgement") -> tuple[dict[str, Any], str]:
        """What ``other``, judged on a split by photo, has more: figures, and a sentence."""

    @staticmethod
    @abstractmethod
    def of_epoch(measured: float) -> str:
        """What an epoch measured on the validation photos, as the end of a sentence."""

    @property
    def beside(self) -> dict[str, Any]:
        """What metrics.json of another run keeps of this one."""
        return {key: self.metrics[key] for key in BESIDE if key in self.metrics}


@dataclass(frozen=True, eq=False)
class ClassJudgement(Judgement):
    """Of classes: ``predictions``, ``guesses`` if the classes have places, and answers that need no look."""

    predictions: Predictions
    guesses: Guesses | None
    trivial: Points

    def frame(self) -> pd.DataFrame:
        """One row a photo: what the model names, and where that is."""
        named = self.predictions.frame()
        return named.join(self.guesses.frame().drop(columns=["file", "place"])) if self.guesses else named

    def figures(self, data: Data) -> Iterator[tuple[str, Figure]]:
        """Which classes are taken for which and, where they have places, how far off the guesses are."""
        yield from class_figures(data, self.predictions, np.array(self.metrics["confusion_matrix"]))
        yield from self._maps(data)

    def _maps(self, data: Data) -> Iterator[tuple[str, Figure]]:
        if self.guesses:
            yield from map_figures.errors(data, self.guesses, self.trivial)

    def summary(self, subject: str) -> list[str]:
        """Accuracy and confidence; distances, where the classes have places."""
        metrics = self.metrics
        low, high = metrics["accuracy_ci95"]
        lines = [
            f"{metrics['n']} validation {subject} of unseen places: accuracy {metrics['accuracy']:.4f} "
            f"(95 % interval {low:.4f} to {high:.4f}), loss {metrics['loss']:.4f}",
            f"confidence {metrics['confidence']['mean']:.2%} on average, calibration error "
            f"{metrics['ece']:.4f}",
        ]
        return [*lines, *(_distances(metrics) if self.guesses and "geo" in metrics else [])]

    def in_short(self) -> str:
        """The accuracy and its interval."""
        low, high = (100 * bound for bound in self.metrics["accuracy_ci95"])
        return (
            f"it names {100 * self.metrics['accuracy']:.1f} % "
            f"rightly (95 % interval {low:.1f} to {high:.1f} %)"
        )

    def leak(self, other: Judgement) -> tuple[dict[str, Any], str]:
        """Points of accuracy, with an interval."""
        share, own = other.metrics["accuracy"], self.metrics["accuracy"]
        leak = share - own
        intervals = (other.metrics["accuracy_ci95"], self.metrics["accuracy_ci95"])
        half = np.hypot(*(high - low for low, high in intervals)) / 2
        low, high = float(leak - half), float(leak + half)
        return {"leak": leak, "leak_ci95": [low, high]}, (
            f"split by photo in place of by place, the same network names {100 * share:.1f} % "
            f"rightly: a leak of {100 * leak:+.1f} points (95 % interval {100 * low:+.1f} to "
            f"{100 * high:+.1f})"
        )

    @staticmethod
    def of_epoch(measured: float) -> str:
        """The share of photos."""
        return f"names {100 * measured:.1f} % of them rightly"


@dataclass(frozen=True, eq=False)
class CellJudgement(ClassJudgement):
    """Of cells, each with its ``number`` of training photos; ``points`` are what lead to coordinates."""

    cells: Cells
    number: np.ndarray
    points: ClassPoints

    def _maps(self, data: Data) -> Iterator[tuple[str, Figure]]:
        assert self.guesses
        yield from map_figures.of_cells(data, self.cells, self.number, self.predictions, self.guesses)
        yield from map_figures.errors(
            data,
            self.guesses,
            self.trivial,
            cells=self.cells,
            ways=map_figures.both_rules(self.predictions, self.points),
        )


@dataclass(frozen=True, eq=False)
class CoordinateJudgement(Judgement):
    """Of coordinates: ``guesses``, and answers that need no look."""

    guesses: Guesses
    trivial: Points

    def frame(self) -> pd.DataFrame:
        """One row a photo: where it was taken, and where the model says that it was."""
        return self.guesses.frame()

    def figures(self, data: Data) -> Iterator[tuple[str, Figure]]:
        """How far off the guesses are."""
        yield from map_figures.errors(data, self.guesses, self.trivial)

    def summary(self, subject: str) -> list[str]:
        """Distances."""
        return _distances(self.metrics)

    def in_short(self) -> str:
        """The median distance and its interval."""
        geo = self.metrics["geo"]
        low, high = geo["median_km_ci95"]
        return f"half are within {geo['median_km']:,.1f} km (95 % interval {low:,.1f} to {high:,.1f})"

    def leak(self, other: Judgement) -> tuple[dict[str, Any], str]:
        """The other's median distance."""
        km = other.metrics["geo"]["median_km"]
        return {}, f"split by photo in place of by place, the same network is off by {km:,.1f} km (median)"

    @staticmethod
    def of_epoch(measured: float) -> str:
        """The mean distance, ``measured`` in km."""
        return f"is {measured:,.1f} km off on average"


def _distances(metrics: dict[str, Any]) -> list[str]:
    """Lines about distances, beside answers that need no look."""
    geo = metrics["geo"]
    low, high = geo["median_km_ci95"]
    return [
        f"median distance {geo['median_km']:,.1f} km (95 % interval {low:,.1f} to {high:,.1f}), mean "
        f"{geo['mean_km']:,.1f} km, GeoGuessr score {geo['geoscore']:,.0f}",
        *(
            f"always the {name.replace('_', ' ')}: median {answer['median_km']:,.1f} km, mean "
            f"{answer['mean_km']:,.1f} km, score {answer['geoscore']:,.0f}"
            for name, answer in geo.get("trivial", {}).items()
        ),
    ]
