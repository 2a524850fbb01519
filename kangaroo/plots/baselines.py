"""How far linear models and support vector machines come."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kangaroo.plots.style import TITLE, colours, headline, label, new_figure, tidy


def accuracies(
    summary: pd.DataFrame, panels: Mapping[str, str], chance: float, *, n: int, subject: str = "photos"
) -> Figure:
    """Mean accuracy of each model on training and validation photos, its range over the draws as a line.

    ``summary`` is that of kangaroo.models.classical; ``panels`` gives each value of its column sampling a
    title, side by side. ``chance`` (a share) is the accuracy of always naming the commonest class, ``n`` the
    number of photos from which all samples are drawn.
    """
    first = summary[summary["sampling"] == next(iter(panels))]
    figure = new_figure(1.4 + 0.5 * len(first))
    axes = figure.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False)[0]
    for ax, (sampling, title) in zip(axes, panels.items(), strict=True):
        _bars(ax, summary[summary["sampling"] == sampling])
        ax.axvline(chance, color="0.2", ls="--", lw=1, label=f"commonest class, {chance:.2f}")
        ax.set_title(label(title), fontsize=9)
        ax.set_xlabel("accuracy (share of photos)", fontsize=8)
        ax.set_xlim(0, 1.02)
        ax.margins(y=0.02)
        tidy(ax, "x")
    axes[0].set_yticks(range(len(first)), [_name(row) for _, row in first.iterrows()], fontsize=8)
    axes[0].set_ylabel("model (n for training and for validation)")
    axes[0].invert_yaxis()
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8)
    figure.suptitle(headline("Classical models", subject, n), fontsize=TITLE)
    return figure


def _bars(ax: Axes, summary: pd.DataFrame) -> None:
    positions = np.arange(len(summary))
    sides = {"training": -0.2, "validation": 0.2}
    for (side, shift), colour in zip(sides.items(), colours(2), strict=True):
        mean = summary[f"{side}_mean"]
        spread = [mean - summary[f"{side}_min"], summary[f"{side}_max"] - mean]
        spread = [part.clip(lower=0) for part in spread]  # a mean of equal numbers can be off by 1e-16
        ax.barh(positions + shift, mean, 0.4, color=colour, label=side)
        ax.errorbar(mean, positions + shift, xerr=spread, fmt="none", color="0.2", lw=1, capsize=2)
    for position, (failed, draws) in enumerate(zip(summary["not_converged"], summary["draws"], strict=True)):
        if failed:
            ax.text(0.02, position + 0.2, f"{failed} of {draws} not converged", va="center", fontsize=7)


def _name(row: "pd.Series[str]") -> str:
    return f"{row['model']}, {row['size']} px\nn = {row['n_training']:,} and {row['n_validation']:,}"
