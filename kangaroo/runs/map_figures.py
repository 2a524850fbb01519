"""The figures, files and pages of a run on places: cells, beliefs, errors, and changed training photos."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from kangaroo.data.augment import Augmentation, augment, draw
from kangaroo.evaluation.geolocation import Guesses
from kangaroo.evaluation.predictions import Predictions
from kangaroo.files import write_text
from kangaroo.geo.cells import counts, to_geojson
from kangaroo.geo.decoders import ClassPoints, Rule
from kangaroo.geo.distance import haversine_km
from kangaroo.pages import cells
from kangaroo.plots import maps as plots
from kangaroo.plots.augmentation import preview
from kangaroo.runs.figures import figure_of
from kangaroo.runs.photos import Data
from kangaroo.runs.tasks import Task

SHOWN, VERSIONS = 4, 5  # photos of the preview, and how often each is changed


def place_figures(
    data: Data, task: Task, predictions: Predictions | None, guesses: Guesses | None
) -> Iterator[tuple[str, Figure]]:
    """Maps and errors, as far as the photos and what is said of them have coordinates."""
    subject = data.subject
    if task.cells is not None and task.index is not None:
        number = counts(task.cells, task.index[data.rows("training")])
        yield "cells", figure_of(plots.cells_map(task.cells, number, subject=f"training {subject}"))
        if predictions is not None and guesses is not None:
            yield "belief", _belief(task, predictions, guesses, subject)
    if guesses is None or not np.isfinite(guesses.km).any():
        return
    known = np.isfinite(guesses.km)
    lat, lon, km = guesses.lat[known], guesses.lon[known], guesses.km[known]
    if np.isfinite(data.manifest.photos["lat"]).any():  # else all stand at the points of their classes
        guessed = guesses.guess_lat[known], guesses.guess_lon[known]
        drawn = plots.error_map(lat, lon, km, guesses=guessed, cells=task.cells, subject=subject)
        yield "error_map", figure_of(drawn)
    trivial = {
        f"always the {name.replace('_', ' ')}": haversine_km(lat, lon, *point)
        for name, point in (task.trivial or {}).items()
    }
    ways = _ways(task, predictions, guesses, known)
    yield "errors", figure_of(plots.errors(ways, trivial, subject=subject))


def augmentation_figure(data: Data, settings: Augmentation, seed: int) -> Figure:
    """Some training photos as they are, and as training sees them."""
    rows = data.rows("training")[:: max(1, len(data.rows("training")) // SHOWN)][:SHOWN]
    photos = data.training_pixels[rows]
    alone = replace(settings, mixup=0, cutmix=0)  # what is mixed shows nothing of the photo's own change
    copies = np.repeat(photos, VERSIONS, axis=0)
    changed = augment(copies, draw(len(copies), seed), alone, data.pixels.shape[1])
    pairs = changed.reshape(len(rows), VERSIONS, *changed.shape[1:])
    return preview(list(data.pixels[rows]), [list(row) for row in pairs], settings, subject=data.subject)


def write_cells(out: Path, data: Data, task: Task, predictions: Predictions | None) -> None:
    """Leave the cells as GeoJSON, and the page that shows which of them look alike."""
    if task.cells is None or task.index is None or predictions is None:
        return
    number = counts(task.cells, task.index[data.rows("training")])
    write_text(out / "cells.geojson", to_geojson(task.cells, number))
    cells.write_page(
        out / "neighbourhood.html",
        task.cells,
        predictions.labels,
        predictions.probabilities,
        subject=f"validation {data.subject}",
        badge=f"{data.subject}, not photos" if data.manifest.drawn else "",
    )


def _belief(task: Task, predictions: Predictions, guesses: Guesses, subject: str) -> Figure:
    """What the model says of the photo on which it is surest of a wrong place, or of the first one."""
    assert task.cells
    wrong = np.where(predictions.correct, -1, predictions.confidence)
    i = int(wrong.argmax())
    drawn = plots.belief(
        task.cells,
        predictions.probabilities[i],
        truth=(float(guesses.lat[i]), float(guesses.lon[i])),
        guess=(float(guesses.guess_lat[i]), float(guesses.guess_lon[i])),
        title="Where one photo may be",
        subject=subject,
    )
    return figure_of(drawn)


def _ways(
    task: Task, predictions: Predictions | None, guesses: Guesses, known: np.ndarray
) -> dict[str, np.ndarray]:
    """The errors of the model's guesses in km; of cells, by both rules that lead to coordinates."""
    if predictions is None or task.cells is None or not isinstance(task.places, ClassPoints):
        return {"the model": guesses.km[known]}
    names: dict[Rule, str] = {"best": "the likeliest cell", "mean": "the mean near the likeliest cell"}
    return {
        name: Guesses.of_classes(predictions, replace(task.places, rule=rule)).km[known]
        for rule, name in names.items()
    }
