"""How training went."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from kangaroo.plots.style import TITLE, colours, headline, stacked, tidy

MEASURES = {"accuracy": "accuracy (share of photos)", "km": "mean distance (km)"}


def history(
    history: pd.DataFrame,
    best_epoch: int,
    *,
    subject: str = "photos",
    n_training: int,
    n_validation: int,
    loss_unit: str = "nats",
) -> Figure:
    """Accuracy, or mean distance in km, and loss by epoch, the kept epoch marked.

    ``history`` has one row an epoch: epoch (from 1), loss, accuracy, val_loss, val_accuracy, or km and val_km
    in place of the accuracies. The sample sizes are the numbers of training and validation photos.
    ``loss_unit`` is nats for a cross entropy, and '' for a loss without a unit.
    """
    figure, axes = stacked([2.8, 2.6])
    names = {"": f"training, n = {n_training:,}", "val_": f"validation, n = {n_validation:,}"}
    measure = next(name for name in MEASURES if name in history)
    loss = f"loss ({loss_unit})" if loss_unit else "loss"
    for ax, metric, label in zip(axes, (measure, "loss"), (MEASURES[measure], loss), strict=True):
        for (prefix, name), colour in zip(names.items(), colours(2), strict=True):
            ax.plot(history["epoch"], history[prefix + metric], "o-", ms=4, color=colour, label=name)
        ax.axvline(best_epoch, color="0.3", ls=":", label=f"kept: epoch {best_epoch}")
        _label(ax, label)
    axes[0].set_title(headline("Training", subject, n_training + n_validation), fontsize=TITLE)
    axes[0].legend(loc="lower right" if measure == "accuracy" else "upper right")
    return figure


def _label(ax: Axes, value: str) -> None:
    ax.set(xlabel="epoch", ylabel=value)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    ax.margins(x=0.03)
    tidy(ax, "both")
