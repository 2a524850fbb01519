"""How good the predictions are, and how far their confidence can be trusted."""

from collections.abc import Sequence

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from kangaroo.evaluation.calibration import Reliability
from kangaroo.plots.style import GREY, TITLE, any_letters, colours, headline, label, new_axes, stacked, tidy


def confusion_matrix(
    matrix: np.ndarray, classes: Sequence[str], *, subject: str = "photos", ax: Axes | None = None
) -> Axes:
    """Heatmap of counts ``matrix`` (k, k), rows = label; colour and second line are per cent of the row.

    ``classes`` are the k names in order.
    """
    matrix = np.asarray(matrix)
    percent = 100 * matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    side = max(4.2, 0.75 * len(classes))
    ax = new_axes(ax, side, side + 1.0)
    names = [label(name, 16) for name in classes]
    text = [
        [f"{count:,}\n{share:.0f} %" for count, share in zip(*row, strict=True)]
        for row in zip(matrix, percent, strict=True)
    ]
    with any_letters():  # seaborn measures its labels
        sns.heatmap(
            percent,
            vmin=0,
            vmax=100,
            cmap="Blues",
            annot=np.array(text),
            fmt="",
            square=True,
            linewidths=1,
            xticklabels=names,
            yticklabels=names,
            cbar=False,
            ax=ax,
        )
    ax.set_title(headline("Confusion matrix", subject, int(matrix.sum())), fontsize=TITLE)
    ax.set(xlabel="prediction (number of photos, % of the row)", ylabel="label")
    ax.set_xticks(ax.get_xticks(), names, rotation=35, ha="right", rotation_mode="anchor")
    ax.tick_params(axis="y", rotation=0)
    return ax


def reliability(result: Reliability, *, subject: str = "photos") -> Figure:
    """Accuracy against mean confidence, bin by bin, above the number of photos in each bin."""
    figure, (upper, lower) = stacked([3.6, 1.6])
    full = result.count > 0
    (blue,) = colours(1)
    upper.plot([0, 1], [0, 1], "--", color=GREY, label="perfectly calibrated")
    upper.plot(result.confidence[full], result.accuracy[full], "o-", color=blue, label="model")
    widths = np.diff(result.edges)
    lower.bar(result.edges[:-1], result.count, widths, align="edge", color=blue, edgecolor="white")
    what = f"Reliability, ECE = {100 * result.ece:.1f} %"
    upper.set_title(headline(what, subject, int(result.count.sum())), fontsize=TITLE)
    upper.set(ylabel="accuracy (share of photos)", ylim=(-0.03, 1.03))
    lower.set(xlabel="confidence (probability of the prediction)", ylabel="number\nof photos")
    lower.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    upper.legend(loc="best")
    for ax in (upper, lower):
        ax.set_xlim(0, 1.01)
        tidy(ax, "both")
    return figure
