"""What a network says of a photo: a class, a cell, or coordinates; and how such answers are judged."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from keras import Model

from kangaroo.evaluation.geolocation import Guesses, Points
from kangaroo.evaluation.metrics import evaluate, evaluate_places
from kangaroo.evaluation.predictions import Predictions
from kangaroo.geo.boundary import outside
from kangaroo.geo.cells import Cells, counts
from kangaroo.geo.decoders import Box, ClassPoints, Places, Sphere
from kangaroo.models.classifier import outputs, probabilities
from kangaroo.models.transfer import Activation
from kangaroo.models.unit_vectors import Centre
from kangaroo.runs.judgements import CellJudgement, ClassJudgement, CoordinateJudgement, Judgement
from kangaroo.runs.photos import Data
from kangaroo.scenes.profiles import PROFILES
from kangaroo.training import Objective


@dataclass(frozen=True, eq=False, kw_only=True)
class Task(ABC):
    """One way of saying where photos were taken.

    ``labels`` has what the network learns from, a row a photo. ``decoder`` turns outputs into degrees, where
    that can be done; ``trivial`` are answers that need no look. ``classes`` are named in the order of the
    outputs; a network that gives coordinates has none.
    """

    description: str
    labels: np.ndarray
    objective: Objective
    outputs: int
    activation: Activation = "softmax"
    centre: Centre | None = None
    loss_unit: str = "nats"
    decoder: Places | None = None
    trivial: Points | None = None
    classes: tuple[str, ...] = ()

    @abstractmethod
    def judge(self, model: Model, data: Data, side: str, *, seed: int, map_km: float) -> Judgement:
        """Let the model look at the photos of one side of the split, and evaluate."""

    def notes(self, data: Data) -> list[str]:
        """What has to be kept in mind about where the photos were taken."""
        return []

    def observable(self, data: Data) -> bool:
        """Whether an ideal observer of drawn scenes, who looks at no colours, can be asked the same."""
        return False


@dataclass(frozen=True, eq=False, kw_only=True)
class ClassTask(Task):
    """One class a folder: ``index`` (n,) is the class of each photo, a position in ``classes``."""

    index: np.ndarray
    decoder: ClassPoints | None = None

    def judge(self, model: Model, data: Data, side: str, *, seed: int, map_km: float) -> ClassJudgement:
        """Name the classes of the photos of one side and, as far as the classes have places, the places."""
        predictions, metrics = self._evaluate(model, data, side, seed=seed, map_km=map_km)
        guesses = Guesses.of_classes(predictions, self.decoder) if self.decoder else None
        return ClassJudgement(metrics, predictions, guesses, self.trivial or {})

    def notes(self, data: Data) -> list[str]:
        """Photos that count as taken at the point of their class."""
        unknown = int((~np.isfinite(data.coordinates[0])).sum())
        if not unknown or self.decoder is None:
            return []
        return [f"{unknown} photos have no coordinates: they count as taken at the point of their class"]

    def observable(self, data: Data) -> bool:
        """Of scenes without a colour cue, whose countries all have profiles."""
        return data.manifest.drawn and not data.colour_cue and set(data.manifest.classes) <= set(PROFILES)

    def _evaluate(
        self, model: Model, data: Data, side: str, *, seed: int, map_km: float
    ) -> tuple[Predictions, dict[str, Any]]:
        rows = data.rows(side)
        index = self.index[rows]
        named = data.manifest.photos.iloc[rows].assign(
            **{"class": np.array(self.classes, dtype=object)[index]}
        )
        p = probabilities(model, data.pixels, rows)
        predictions = Predictions.of(self.classes, self._located(named, index), p)
        metrics = evaluate(predictions, seed=seed, points=self.decoder, trivial=self.trivial, map_km=map_km)
        return predictions, metrics

    def _located(self, photos: pd.DataFrame, index: np.ndarray) -> pd.DataFrame:
        """The photos, those without coordinates at the point of their class, as far as it has one."""
        points = self.decoder
        if points is None:
            return photos
        unknown = ~(np.isfinite(photos["lat"]) & np.isfinite(photos["lon"]))
        return photos.assign(
            lat=photos["lat"].mask(unknown, pd.Series(points.lat[index], photos.index)),
            lon=photos["lon"].mask(unknown, pd.Series(points.lon[index], photos.index)),
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class CellTask(ClassTask):
    """One class a cell of an area."""

    cells: Cells
    decoder: ClassPoints

    def judge(self, model: Model, data: Data, side: str, *, seed: int, map_km: float) -> CellJudgement:
        """Name the cells of the photos of one side, and the places that follow."""
        predictions, metrics = self._evaluate(model, data, side, seed=seed, map_km=map_km)
        guesses = Guesses.of_classes(predictions, self.decoder)
        number = counts(self.cells, self.index[data.rows("training")])
        return CellJudgement(
            metrics, predictions, guesses, self.trivial or {}, self.cells, number, self.decoder
        )

    def notes(self, data: Data) -> list[str]:
        """Cells without photos, and photos outside of all cells."""
        number = counts(self.cells, self.index[data.rows("training")])
        sentences = super().notes(data)
        if empty := int((number == 0).sum()):
            sentences.append(f"{empty} of {len(number)} cells have no training photo and are never guessed")
        if beyond := outside(self.cells.boundary, *data.coordinates):
            sentences.append(f"{beyond} photos lie outside of the boundary: they count to the nearest cell")
        return sentences

    def observable(self, data: Data) -> bool:
        """Never: scenes show a country, and no cell of it."""
        return False


@dataclass(frozen=True, eq=False, kw_only=True)
class CoordinateTask(Task):
    """Latitude and longitude themselves."""

    decoder: Box | Sphere

    def judge(self, model: Model, data: Data, side: str, *, seed: int, map_km: float) -> CoordinateJudgement:
        """Say where the photos of one side were taken."""
        rows = data.rows(side)
        answers = self.decoder.decode(outputs(model, data.pixels, rows))
        guesses = Guesses.of(data.manifest.photos.iloc[rows], *answers)
        metrics = evaluate_places(guesses, seed=seed, trivial=self.trivial, map_km=map_km)
        return CoordinateJudgement(metrics, guesses, self.trivial or {})
