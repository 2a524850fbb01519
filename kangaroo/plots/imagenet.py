"""What a network for ImageNet sees in street-level photos."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from kangaroo.plots.style import TITLE, WIDTH, colours, headline, label, new_figure, tidy


def commonest(photos: pd.DataFrame, number: int = 20) -> list[str]:
    """The ``number`` labels that most photos have (column label), those of equally many in order of name."""
    counts = photos["label"].value_counts().sort_index().sort_values(ascending=False, kind="stable")
    return list(counts.index[:number])


def pick_confident(photos: pd.DataFrame, labels: Sequence[str], number: int = 5) -> dict[str, np.ndarray]:
    """Rows of up to ``number`` photos of each label, the most confident first (columns label, confidence)."""
    order = np.argsort(-photos["confidence"].to_numpy(), kind="stable")
    names = photos["label"].to_numpy()[order]
    return {name: order[names == name][:number] for name in labels}


def label_shares(shares: pd.DataFrame, sizes: Mapping[str, int], *, subject: str = "photos") -> Figure:
    """Share of each class's photos that carry a label: ``shares`` has a row a label, a column a class.

    ``sizes`` is the number of photos of each class.
    """
    figure = new_figure(1.3 + len(shares) * (0.16 + 0.08 * len(sizes)))
    ax = figure.subplots()
    positions, width = np.arange(len(shares)), 0.8 / len(sizes)
    for i, ((name, n), colour) in enumerate(zip(sizes.items(), colours(len(sizes)), strict=True)):
        place = positions + (i - (len(sizes) - 1) / 2) * width
        ax.barh(place, 100 * shares[name], width, color=colour, label=label(f"{name}, n = {n:,}"))
    ax.set_yticks(positions, [_short(name) for name in shares.index], fontsize=9)
    ax.margins(y=0.01)
    ax.invert_yaxis()
    ax.set(xlabel="share of the class's photos (%)", ylabel="ImageNet label")
    tidy(ax, "x")
    ax.legend(loc="lower right")
    what = f"The {len(shares)} commonest ImageNet labels"
    ax.set_title(headline(what, subject, sum(sizes.values())), fontsize=TITLE)
    return figure


def confident_photos(
    rows: Mapping[str, Sequence[tuple[np.ndarray, str]]], *, n: int, subject: str = "photos"
) -> Figure:
    """For each label a row of pictures (uint8, H x W x 3) under their captions, out of ``n`` photos."""
    columns = max(map(len, rows.values()))
    side = 0.8 * WIDTH / columns
    figure = new_figure(len(rows) * (side + 0.2) + 0.5)
    axes = figure.subplots(len(rows), columns, squeeze=False)
    for line, (name, pictures) in zip(axes, rows.items(), strict=True):
        for ax in line:
            ax.set_axis_off()
        for ax, (picture, caption) in zip(line, pictures, strict=False):
            ax.imshow(picture)
            ax.set_title(label(caption, 24), fontsize=6, pad=2)
        own = {"ha": "right", "va": "center", "fontsize": 8, "transform": line[0].transAxes}
        line[0].text(-0.08, 0.5, label(_short(name), 14), **own)
    figure.suptitle(headline("Most confident photos of each label", subject, n), fontsize=TITLE)
    return figure


def _short(name: str) -> str:
    """A label without its synonyms."""
    return name.partition(",")[0]
