"""Figures on maps: cells, what the model believes, and how far off its guesses are."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
from matplotlib.figure import Figure

from kangaroo.evaluation.geolocation import Guesses, Points
from kangaroo.evaluation.predictions import Predictions
from kangaroo.geo.cells import Cells
from kangaroo.geo.decoders import ClassPoints, Rule
from kangaroo.geo.distance import haversine_km
from kangaroo.plots import maps
from kangaroo.runs.figures import figure_of
from kangaroo.runs.photos import Data


def errors(
    data: Data,
    guesses: Guesses,
    trivial: Points,
    *,
    cells: Cells | None = None,
    ways: Mapping[str, np.ndarray] | None = None,
) -> Iterator[tuple[str, Figure]]:
    """A map of errors and their distribution, as far as the photos have coordinates.

    ``ways`` are the errors in km (n,) of several ways to guess, by name; by default those of ``guesses``.
    """
    known = np.isfinite(guesses.km)
    if not known.any():
        return
    lat, lon, km = guesses.lat[known], guesses.lon[known], guesses.km[known]
    if np.isfinite(data.manifest.photos["lat"]).any():  # else all stand at the points of their classes
        guessed = guesses.guess_lat[known], guesses.guess_lon[known]
        drawn = maps.error_map(lat, lon, km, guesses=guessed, cells=cells, subject=data.subject)
        yield "error_map", figure_of(drawn)
    km_of = {name: values[known] for name, values in (ways or {"the model": guesses.km}).items()}
    unlooked = {
        f"always the {name.replace('_', ' ')}": haversine_km(lat, lon, *point)
        for name, point in trivial.items()
    }
    yield "errors", figure_of(maps.errors(km_of, unlooked, subject=data.subject))


def of_cells(
    data: Data, cells: Cells, number: np.ndarray, predictions: Predictions, guesses: Guesses
) -> Iterator[tuple[str, Figure]]:
    """The cells by their ``number`` of training photos, and the belief about one photo."""
    yield "cells", figure_of(maps.cells_map(cells, number, subject=f"training {data.subject}"))
    # The photo on which the model is surest of a wrong place, or the first one.
    i = int(np.where(predictions.correct, -1, predictions.confidence).argmax())
    drawn = maps.belief(
        cells,
        predictions.probabilities[i],
        truth=(float(guesses.lat[i]), float(guesses.lon[i])),
        guess=(float(guesses.guess_lat[i]), float(guesses.guess_lon[i])),
        title="Where one photo may be",
        subject=data.subject,
    )
    yield "belief", figure_of(drawn)


def both_rules(predictions: Predictions, points: ClassPoints) -> dict[str, np.ndarray]:
    """The errors in km (n,) by both rules that lead from cells to coordinates."""
    names: dict[Rule, str] = {"best": "the likeliest cell", "mean": "the mean near the likeliest cell"}
    return {
        name: Guesses.of_classes(predictions, replace(points, rule=rule)).km for rule, name in names.items()
    }
