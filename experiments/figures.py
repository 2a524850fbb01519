"""The figures of one classification run, from its result objects to PNG files."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.photos import Data
from kangaroo.data.images import Pixels
from kangaroo.evaluation.calibration import reliability
from kangaroo.evaluation.predictions import Predictions
from kangaroo.plots import classification, examples, training
from kangaroo.plots import data as data_plots
from kangaroo.plots.style import save
from kangaroo.training import History


def draw_figures(
    folder: Path, data: Data, history: History, predictions: Predictions, metrics: dict[str, Any]
) -> None:
    """Write every figure of the run as folder/*.png."""
    manifest, pixels, subject = data.manifest, data.pixels, data.subject
    held = data.rows("validation")
    figures = {
        "photos_by_state": data_plots.photos_by_state(manifest.photos, manifest.locations, subject=subject),
        "locations": data_plots.locations_map(manifest.locations, subject=subject),
        "history": training.history(
            history.frame(),
            history.best_epoch,
            subject=subject,
            n_training=len(data.rows("training")),
            n_validation=len(held),
        ),
        "confusion_matrix": classification.confusion_matrix(
            np.array(metrics["confusion_matrix"]), manifest.classes, subject=subject
        ).figure,
        "reliability": classification.reliability(reliability(predictions), subject=subject),
        **dict(_predicted(predictions.frame(), pixels, held, subject)),
        **dict(_examples(manifest.photos, pixels, subject)),
    }
    for old in folder.glob("*.png"):  # a resumed run may have other figures
        old.unlink()
    for name, figure in figures.items():
        if isinstance(figure, Figure):  # there is no map without coordinates
            save(figure, folder / f"{name}.png")


def _predicted(
    predictions: pd.DataFrame, pixels: Pixels, held: np.ndarray, subject: str
) -> Iterator[tuple[str, Figure]]:
    """Correct, wrong and unsure examples, with label and confidence."""
    for name, title, rows in (
        ("correct", "Correctly classified", examples.pick_correct(predictions, seed=0)),
        ("wrong", "Misclassified", examples.pick_wrong(predictions, seed=0)),
        ("unsure", "Least sure", examples.pick_unsure(predictions)),
    ):
        if len(rows):
            captions = examples.captions(predictions.iloc[rows])
            yield name, examples.photo_grid(pixels[held[rows]], captions, title, subject=subject)


def _examples(photos: pd.DataFrame, pixels: Pixels, subject: str) -> Iterator[tuple[str, Figure]]:
    """Random photos by state of each class that has states; the other classes share a figure."""
    stated = photos.groupby("class")["state"].transform(lambda states: (states != "").any())
    for name, rows in photos[stated].groupby("class").indices.items():
        rows = np.flatnonzero(stated)[rows]
        groups = examples.pick_groups(photos.iloc[rows], "state", seed=0)
        pictures = {state: pixels[rows[chosen]] for state, chosen in groups.items()}
        yield f"examples_{name}", examples.photo_rows(pictures, str(name), subject=subject)
    if not stated.all():
        rows = np.flatnonzero(~stated)
        groups = examples.pick_groups(photos.iloc[rows], "class", seed=0)
        pictures = {name: pixels[rows[chosen]] for name, chosen in groups.items()}
        yield "examples", examples.photo_rows(pictures, "Random examples", subject=subject)
