"""Explained photos: what speaks for a class and against it, the path from the baseline, how exact it is."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from kangaroo.explain.display import Explained
from kangaroo.plots.style import TITLE, WIDTH, colours, headline, label, log_axis, new_axes, new_figure, tidy

FOR, AGAINST = colours(2)  # blue and orange
Picture = NDArray[np.uint8]


def explained(photos: Sequence[Explained], title: str, *, name: str = "the class") -> Figure:
    """One photo as a square of four panels, or several side by side, each a column of panels.

    The photo; where evidence for ``name`` (blue) and against it (orange) lies; and the photo as far as it
    speaks for, and against.
    """
    columns = [_panels(photo, name) for photo in photos]
    if len(photos) == 1:
        columns = [columns[0][0::2], columns[0][1::2]] if len(columns[0]) > 3 else [[p] for p in columns[0]]
    rows = max(map(len, columns))
    side = WIDTH / len(columns)
    figure = new_figure(rows * (side + 0.25) + 0.25 * (title.count("\n") + 1))
    axes = figure.subplots(rows, len(columns), squeeze=False)
    for ax in axes.ravel():
        ax.set_axis_off()
    for line, column in zip(axes.T, columns, strict=True):
        for ax, (heading, picture) in zip(line, column, strict=False):
            ax.imshow(picture)
            ax.set_title(label(heading, round(13 * side)), fontsize=9)
    figure.suptitle(title, fontsize=TITLE)
    return figure


def evidence(photo: Explained, title: str, *, ax: Axes | None = None) -> Axes:
    """The photo in grey on ``ax``: blue where something speaks for its class, orange where against it."""
    ax = new_axes(ax, WIDTH)
    ax.imshow(overlay(photo))
    ax.set_axis_off()
    ax.set_title(title, fontsize=TITLE)
    return ax


def side_by_side(rows: Sequence[Sequence[Explained]], title: str, *, subject: str) -> Figure:
    """Methods compared: a row a photo, the photo first, then where each method (heading) sees evidence."""
    columns = 1 + len(rows[0])
    side = 1.6 * WIDTH / columns
    figure = new_figure(len(rows) * side + 0.9, 1.6 * WIDTH)
    axes = figure.subplots(len(rows), columns, squeeze=False)
    for ax in axes.ravel():
        ax.set_axis_off()
    for line, methods in zip(axes, rows, strict=True):
        line[0].imshow(methods[0].photo)
        for ax, method in zip(line[1:], methods, strict=True):
            ax.imshow(overlay(method))
    for ax, method in zip(axes[0, 1:], rows[0], strict=True):
        ax.set_title(label(method.heading, 14), fontsize=9)
    figure.suptitle(headline(title, subject, len(rows)), fontsize=TITLE)
    return figure


def path(
    pictures: Sequence[Picture],
    nodes: NDArray[np.floating],
    scores: NDArray[np.floating],
    title: str,
    *,
    ylabel: str,
) -> Figure:
    """From the baseline to the photo: a strip of pictures, and the score at shares ``nodes`` of the way."""
    figure = new_figure(2.9 + WIDTH / len(pictures))
    heights = (WIDTH / len(pictures) + 0.6, 2.3)
    strip, below = figure.subfigures(2, 1, squeeze=False, height_ratios=heights)[:, 0]
    for ax, picture, share in zip(
        strip.subplots(1, len(pictures)), pictures, np.linspace(0, 1, len(pictures)), strict=True
    ):
        ax.imshow(picture)
        ax.set_axis_off()
        ax.set_title(f"{share:.0%}", fontsize=9)
    ax = below.subplots()
    ax.plot(100 * nodes, scores, color=FOR)
    ax.axhline(0, color="0.6", linewidth=0.8)
    ax.set(xlabel="share of the way from baseline to photo (%)", ylabel=ylabel, xlim=(0, 100))
    tidy(ax, "both")
    strip.suptitle(title, fontsize=TITLE)
    return figure


def gaps(table: pd.DataFrame, tolerance: float, *, subject: str, ax: Axes | None = None) -> Axes:
    """How far the sums miss the score difference, against the gradients taken.

    ``table`` has the columns rule, evaluations and gap (a share of the score difference), a row a photo and
    setting. Lines: medians of a rule's settings; bands: the middle half of the photos.
    """
    ax = new_axes(ax, 3.6)
    for colour, (rule, rows) in zip(
        colours(table["rule"].nunique()), table.groupby("rule", sort=False), strict=True
    ):
        settings = rows.groupby("setting", sort=False)
        x = settings["evaluations"].median()
        low, middle, high = (settings["gap"].quantile(q) for q in (0.25, 0.5, 0.75))
        ax.plot(x, 100 * middle, "o-", color=colour, label=rule, markersize=4)
        ax.fill_between(x, 100 * low, 100 * high, color=colour, alpha=0.15, linewidth=0)
    ax.axhline(100 * tolerance, color="0.4", linestyle="--", linewidth=0.8)
    ax.set(xlabel="gradients a photo (median)", ylabel="completeness gap (%)")
    log_axis(ax, "x")
    log_axis(ax, "y")
    ax.legend(frameon=False, fontsize=9)
    tidy(ax, "both")
    ax.set_title(
        headline("How exact integrated gradients are", subject, table["photo"].nunique()), fontsize=TITLE
    )
    return ax


def overlay(photo: Explained) -> Picture:
    """The photo in grey, with what speaks for its class in blue, and what speaks against it in orange."""
    grey = photo.photo.mean(axis=2, keepdims=True).repeat(3, axis=2) * 0.6 + 70
    net = photo.supports - (0 if photo.against is None else photo.against)
    share = 0.9 * np.abs(net)[..., None]
    colour = 255 * np.where(net[..., None] > 0, FOR, AGAINST)
    return ((1 - share) * grey + share * colour).astype(np.uint8)


def _panels(photo: Explained, name: str) -> list[tuple[str, Picture]]:
    against = photo.against
    where = f"for {name} (blue){'' if against is None else ', against (orange)'}"
    panels = [(photo.heading or "photo", photo.photo), (where, overlay(photo))]
    panels.append((f"as far as it speaks for {name}", _weighted(photo.photo, photo.supports)))
    if against is not None:
        panels.append(("as far as it speaks against", _weighted(photo.photo, against)))
    return panels


def _weighted(photo: Picture, strength: NDArray[np.floating]) -> Picture:
    return (photo * strength[..., None]).astype(np.uint8)
