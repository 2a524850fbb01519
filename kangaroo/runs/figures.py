"""The figures of a run that trained one network, from its result objects to PNG files."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kangaroo.data.augment import augment, draw
from kangaroo.data.augmentation import Augmentation
from kangaroo.data.images import Pixels
from kangaroo.evaluation.calibration import reliability
from kangaroo.evaluation.predictions import Predictions
from kangaroo.plots import classification, examples, training
from kangaroo.plots import data as data_plots
from kangaroo.plots.augmentation import preview
from kangaroo.plots.style import save
from kangaroo.runs.photos import Data
from kangaroo.training import History

MANY = 12  # classes, of which a confusion matrix can be read on a phone
SHOWN, VERSIONS = 4, 5  # photos of the preview, and how often each is changed


def training_figures(data: Data, history: History, loss_unit: str) -> Iterator[tuple[str, Figure]]:
    """Where the photos are, some of them, and how training went."""
    manifest, subject = data.manifest, data.subject
    maps = {
        "photos_by_state": data_plots.photos_by_state(manifest.photos, manifest.locations, subject=subject),
        "locations": data_plots.locations_map(manifest.locations, subject=subject),
    }
    yield from ((name, figure) for name, figure in maps.items() if figure)  # None without coordinates
    n_training, n_validation = len(data.rows("training")), len(data.rows("validation"))
    yield (
        "history",
        training.history(
            history.frame(),
            history.best_epoch,
            subject=subject,
            n_training=n_training,
            n_validation=n_validation,
            loss_unit=loss_unit,
        ),
    )
    yield from _examples(manifest.photos, data.pixels, subject)


def class_figures(
    data: Data, predictions: Predictions, confusion: np.ndarray
) -> Iterator[tuple[str, Figure]]:
    """Which classes are taken for which, whether confidence can be trusted, and examples."""
    subject = data.subject
    if len(predictions.classes) <= MANY:
        matrix = classification.confusion_matrix(confusion, predictions.classes, subject=subject)
        yield "confusion_matrix", figure_of(matrix)
    yield "reliability", classification.reliability(reliability(predictions), subject=subject)
    yield from _predicted(predictions.frame(), data.pixels, data.rows("validation"), subject)


def augmentation_figure(data: Data, settings: Augmentation, seed: int) -> Figure:
    """Some training photos as they are, and as training sees them."""
    rows = data.rows("training")[:: max(1, len(data.rows("training")) // SHOWN)][:SHOWN]
    photos = data.training_pixels[rows]
    alone = replace(settings, mixup=0, cutmix=0)  # what is mixed shows nothing of the photo's own change
    copies = np.repeat(photos, VERSIONS, axis=0)
    changed = augment(copies, draw(len(copies), seed), alone, data.pixels.shape[1])
    pairs = changed.reshape(len(rows), VERSIONS, *changed.shape[1:])
    return preview(list(data.pixels[rows]), [list(row) for row in pairs], settings, subject=data.subject)


def figure_of(ax: Axes) -> Figure:
    """The figure whose only Axes these are."""
    assert isinstance(ax.figure, Figure)
    return ax.figure


def write_figures(folder: Path, figures: Mapping[str, Figure]) -> None:
    """Write each as folder/NAME.png, and remove what an earlier run left there."""
    for old in folder.glob("*.png"):  # a resumed run may have other figures
        old.unlink()
    for name, figure in figures.items():
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
