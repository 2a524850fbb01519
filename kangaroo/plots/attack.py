"""Attacked photos, and how accuracy falls as they are changed more."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kangaroo.plots.examples import captions
from kangaroo.plots.style import TITLE, WIDTH, colours, headline, label, new_figure, stacked, tidy

if TYPE_CHECKING:  # these modules import TensorFlow
    from kangaroo.attack.examples import Examples
    from kangaroo.attack.gradient import Judged
    from kangaroo.attack.robustness import Robustness

NAMES: Mapping[str, str] = {
    "signed-gradient": "signed gradient",
    "iterative": "iterative signed gradient",
    "pgd": "projected gradient descent",
}
"""The methods as people write them."""
UNITS: Mapping[str, str] = {"pixels": "levels of 0 to 255", "standardized": "standardized units"}
_MARKERS, _LINES = "osD^", ("-", "--", "-.", ":")


def examples(found: "Examples", classes: Sequence[str], *, subject: str = "photos") -> Figure:
    """A row a photo: photo + change = attacked photo, the first and last with the model's answer.

    The change is drawn from black (its largest fall) over grey (none) to white (its largest rise).
    """
    side = 0.95 * WIDTH / 3
    figure = new_figure(len(found.labels) * (side + 0.45) + 0.8)
    axes = figure.subplots(len(found.labels), 3, squeeze=False)
    before, after = (_captions(found, judged, classes) for judged in (found.before, found.after))
    for i, line in enumerate(axes):
        largest = np.abs(found.change[i]).max()
        grey = 0.5 + found.change[i] / (2 * largest or 1)
        names = (before[i], _change(found) if largest else "the gradient is zero", after[i])
        for ax, picture, name in zip(line, (found.photos[i], grey, found.attacked[i]), names, strict=True):
            ax.imshow(picture)
            ax.set_axis_off()
            ax.set_title(label(name, round(13 * side)), fontsize=9)
        for ax, sign in zip(line[1:], "+=", strict=True):
            ax.text(-0.08, 0.5, sign, ha="center", va="center", fontsize=14, transform=ax.transAxes)
    what = f"{NAMES[found.config.method].capitalize()}, ε = {found.epsilon:g}"
    figure.suptitle(headline(what, subject, len(found.labels)), fontsize=TITLE)
    shown = "; attacked photos are rescaled to be shown" if found.config.space == "standardized" else ""
    figure.supxlabel(f"ε in {UNITS[found.config.space]}{shown}", fontsize=9)
    return figure


def curves(results: Mapping[str, "Robustness"], *, subject: str = "photos") -> Figure:
    """Accuracy and loss against epsilon, a line for each named sweep; all of one space and norm.

    Epsilon is drawn linearly from 0 to the smallest that is above 0, then logarithmically.
    """
    figure, (upper, lower) = stacked([3.2, 2.6])
    styles = zip(colours(len(results)), cycle(_MARKERS), cycle(_LINES), strict=False)
    for (name, found), (colour, marker, line) in zip(results.items(), styles, strict=False):
        style: dict[str, Any] = {"color": colour, "marker": marker, "ls": line, "ms": 5}
        upper.plot(found.epsilons, found.accuracy, label=label(name, 40), **style)
        lower.plot(found.epsilons, found.loss, **style)
    upper.set(ylabel="accuracy (share of photos)", ylim=(-0.03, 1.03))
    lower.set(ylabel="loss (nats)")
    first = next(iter(results.values()))
    for ax in (upper, lower):
        _epsilon_axis(ax, sorted({epsilon for found in results.values() for epsilon in found.epsilons}))
        ax.set_xlabel(f"ε ({UNITS[first.config.space]}{_of_norm(first)})")
        tidy(ax, "both")
    upper.set_title(headline("Accuracy under attack", subject, first.n), fontsize=TITLE)
    upper.legend(loc="best", fontsize="small")
    return figure


def _captions(found: "Examples", judged: "Judged", classes: Sequence[str]) -> list[str]:
    names = np.array(classes, dtype=object)
    table = {"label": names[found.labels], "prediction": names[judged.predicted]}
    return captions(pd.DataFrame(table | {"confidence": judged.confidence}))


def _change(found: "Examples") -> str:
    if found.config.method != "signed-gradient":
        return "change, at most ε"
    return "ε × sign(gradient)" if found.config.norm == "linf" else "ε × gradient / its length"


def _of_norm(found: "Robustness") -> str:
    return "" if found.config.norm == "linf" else ", Euclidean norm"


def _epsilon_axis(ax: Axes, epsilons: Sequence[float]) -> None:
    smallest = min((epsilon for epsilon in epsilons if epsilon > 0), default=1)
    ax.set_xscale("symlog", linthresh=smallest, linscale=0.5)
    ax.set_xlim(min(epsilons) - 0.2 * smallest, 1.2 * max(*epsilons, smallest))
    ax.set_xticks(epsilons, [f"{epsilon:g}" for epsilon in epsilons])
    ax.minorticks_off()
