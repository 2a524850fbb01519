"""Photos with their predictions: which rows to show, and the grid that shows them.

The choosing functions give row numbers (positions), so that only those photos need to be decoded.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from kangaroo.plots.style import TITLE, WIDTH, colours, headline, label, new_axes, new_figure

UNSURE_BELOW = 0.9  # the report's threshold of confidence


def pick_groups(photos: pd.DataFrame, by: str, number: int = 5, *, seed: int) -> dict[str, np.ndarray]:
    """Rows of up to ``number`` random photos for each value of column ``by`` ('state', 'class'), in order."""
    rng = np.random.default_rng(seed)
    groups = {str(name): np.asarray(rows) for name, rows in photos.groupby(by).indices.items()}
    return {name: _some(groups[name], number, rng) for name in sorted(groups)}


def pick_correct(predictions: pd.DataFrame, number: int = 9, *, seed: int) -> np.ndarray:
    """Rows of up to ``number`` random correct predictions."""
    right = predictions["label"] == predictions["prediction"]
    return _some(np.flatnonzero(right), number, np.random.default_rng(seed))


def pick_wrong(predictions: pd.DataFrame, number: int = 9, *, seed: int) -> np.ndarray:
    """Rows of up to ``number`` random wrong predictions."""
    wrong = predictions["label"] != predictions["prediction"]
    return _some(np.flatnonzero(wrong), number, np.random.default_rng(seed))


def pick_unsure(predictions: pd.DataFrame, number: int = 9, *, below: float = UNSURE_BELOW) -> np.ndarray:
    """Rows of up to ``number`` predictions with a confidence under ``below``, the most unsure first."""
    confidence = predictions["confidence"].to_numpy()
    order = np.argsort(confidence, kind="stable")
    return order[confidence[order] < below][:number]


def captions(predictions: pd.DataFrame) -> list[str]:
    """'Austria: 84.68 %' for a correct prediction, 'Austria called Australia: 84.68 %' for a wrong one."""
    columns = (predictions["label"], predictions["prediction"], predictions["confidence"])
    return [
        f"{label}{'' if label == prediction else f' called {prediction}'}: {100 * confidence:.2f} %"
        for label, prediction, confidence in zip(*columns, strict=True)
    ]


def photo_grid(
    pictures: Sequence[np.ndarray],
    captions: Sequence[str],
    title: str,
    *,
    subject: str = "photos",
    columns: int = 3,
) -> Figure:
    """Pictures (uint8, H x W x 3) in rows of ``columns``, each under its caption."""
    rows = math.ceil(len(pictures) / columns)
    side = WIDTH / columns
    wrapped = [label(caption, round(13 * side)) for caption in captions]
    lines = max((text.count("\n") + 1 for text in wrapped), default=1)
    figure = new_figure(max(1, rows * (side + 0.16 * lines) + 0.5))
    axes = figure.subplots(max(1, rows), columns, squeeze=False).ravel()
    for ax in axes:
        ax.set_axis_off()
    for ax, picture, text in zip(axes, pictures, wrapped, strict=False):
        _show(ax, picture)
        ax.set_title(text, fontsize=9)
    if not len(pictures):
        axes[0].text(0, 0.5, "none")
    figure.suptitle(headline(title, subject, len(pictures)), fontsize=TITLE)
    return figure


def photo_rows(rows: Mapping[str, Sequence[np.ndarray]], title: str, *, subject: str = "photos") -> Figure:
    """One row of pictures (uint8, H x W x 3) for each name, the name beside it."""
    columns = max((len(pictures) for pictures in rows.values()), default=1)
    side = 0.8 * WIDTH / columns
    figure = new_figure(max(1, len(rows)) * side + 0.5)
    axes = figure.subplots(max(1, len(rows)), columns, squeeze=False)
    for ax in axes.ravel():
        ax.set_axis_off()
    for line, (name, pictures) in zip(axes, rows.items(), strict=False):
        for ax, picture in zip(line, pictures, strict=False):
            _show(ax, picture)
        text = label(name or "(unknown)", 14)
        line[0].text(-0.08, 0.5, text, ha="right", va="center", fontsize=9, transform=line[0].transAxes)
    figure.suptitle(headline(title, subject, sum(map(len, rows.values()))), fontsize=TITLE)
    return figure


def evidence(
    photo: np.ndarray, masks: Mapping[str, np.ndarray], title: str, *, ax: Axes | None = None
) -> Axes:
    """Colour what tells the country: ``photo`` uint8 (H, W, 3), ``masks`` cue -> bool (H, W)."""
    ax = new_axes(ax, WIDTH)
    faded = photo.mean(axis=2, keepdims=True).repeat(3, axis=2) * 0.55 + 100
    shown = faded.astype(np.uint8)
    for colour, mask in zip(colours(len(masks)), masks.values(), strict=True):
        shown[mask] = 0.35 * photo[mask] + 0.65 * 255 * np.array(colour)
    _show(ax, shown)
    ax.axis("off")
    patches = [Patch(color=colour, label=cue) for colour, cue in zip(colours(len(masks)), masks, strict=True)]
    ax.legend(handles=patches, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    ax.set_title(title, fontsize=TITLE)
    return ax


def _show(ax: Axes, picture: np.ndarray) -> None:
    if picture.dtype != np.uint8:
        raise TypeError(f"pictures are uint8, this one is {picture.dtype}")
    ax.imshow(picture)


def _some(rows: np.ndarray, number: int, rng: np.random.Generator) -> np.ndarray:
    return rng.permutation(rows)[:number]
