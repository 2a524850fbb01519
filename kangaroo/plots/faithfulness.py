"""How far attribution methods can be trusted, side by side."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from kangaroo.plots.style import GREY, TITLE, colours, headline, label, new_axes, tidy

if TYPE_CHECKING:  # the module that computes them needs Keras
    from kangaroo.explain.evidence import Evidence
    from kangaroo.explain.faithfulness import Curves, Randomization


def perturbation_curves(
    methods: Mapping[str, "Curves"],
    kind: Literal["deletion", "insertion"],
    chance: "Curves",
    *,
    subject: str = "photos",
    ax: Axes | None = None,
) -> Axes:
    """Mean probability of the class while pixels are deleted or inserted, a line a method.

    Bands: the standard error of the mean over photos. ``chance`` are the curves of a random order. The
    legend has the mean areas, the best method first.
    """
    ax = new_axes(ax, 4 + 0.1 * len(methods))
    own = dict(zip(methods, colours(len(methods)), strict=True))  # the same in both kinds of figure
    order = sorted(methods, key=lambda name: _area(methods[name], kind), reverse=kind == "insertion")
    for name in order:
        _curve(ax, methods[name], kind, name, color=own[name])
    _curve(ax, chance, kind, "random order", color="0.3", linestyle="--")
    verb = {"deletion": "deleted", "insertion": "inserted"}[kind]
    ax.set(
        xlabel=f"pixels {verb}, strongest attribution first (% of the picture)",
        ylabel="probability of the class",
        xlim=(0, 100),
    )
    ax.set_title(headline(kind.capitalize(), subject, len(chance.deletion)), fontsize=TITLE)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2, fontsize="small", title="mean area")
    tidy(ax, "both")
    return ax


def randomization(
    methods: Mapping[str, "Randomization"], *, subject: str = "photos", ax: Axes | None = None
) -> Axes:
    """Mean rank correlation with the trained model's attributions, layer by layer, a line a method."""
    ax = new_axes(ax, 4.2)
    results = list(methods.values())
    for (name, found), colour in zip(methods.items(), colours(len(methods)), strict=True):
        means = [1, *(_mean(row) for row in found.correlation)]
        ax.plot(means, "o-", markersize=4, color=colour, label=label(name))
    steps = ["none", *results[0].layers]
    ax.axhline(0, color=GREY, linewidth=0.8)
    ax.set_xticks(range(len(steps)), steps, rotation=35, ha="right", rotation_mode="anchor")
    ax.set(xlabel="weights random from the output down to", ylabel="rank correlation of |attribution|")
    ax.set_title(headline("Random weights", subject, results[0].correlation.shape[1]), fontsize=TITLE)
    ax.legend(fontsize="small")
    tidy(ax, "both")
    return ax


def evidence(methods: Mapping[str, "Evidence"], *, subject: str = "photos", ax: Axes | None = None) -> Axes:
    """Mean share of the positive attribution that lies inside the evidence, a bar a method.

    The lowest bar is the evidence's share of the picture, which attribution that knows nothing would get.
    Whiskers: standard error of the mean over photos.
    """
    ax = new_axes(ax, 1.8 + 0.32 * len(methods))
    order = sorted(methods, key=lambda name: methods[name].share.mean())
    chance = methods[order[0]].picture_share
    shares = [100 * values for values in (chance, *(methods[name].share for name in order))]
    (blue,) = colours(1)
    ax.barh(
        ["share of the picture", *map(label, order)],
        [values.mean() for values in shares],
        xerr=[_standard_error(values) for values in shares],
        color=[GREY, *[blue] * len(order)],
        ecolor="0.3",
    )
    ax.axvline(100 * chance.mean(), color="0.3", linestyle="--", linewidth=0.8)
    ax.set(xlabel="positive attribution inside the evidence (%)", ylabel="method")
    ax.set_title(headline("Where the evidence is", subject, len(chance)), fontsize=TITLE)
    tidy(ax, "x")
    return ax


def _curve(ax: Axes, curves: "Curves", kind: str, name: str, **style: Any) -> None:
    p, percent = getattr(curves, kind), 100 * curves.shares
    mean, error = p.mean(axis=0), _standard_error(p)
    (line,) = ax.plot(percent, mean, label=f"{label(name)}: {_area(curves, kind):.3f}", **style)
    ax.fill_between(percent, mean - error, mean + error, color=line.get_color(), alpha=0.1, linewidth=0)


def _area(curves: "Curves", kind: str) -> float:
    return float(getattr(curves, f"{kind}_area").mean())


def _standard_error(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Of the mean over the first axis; 0 for one value."""
    return values.std(axis=0, ddof=int(len(values) > 1)) / np.sqrt(len(values))


def _mean(row: NDArray[np.floating]) -> float:
    """Without NaN; NaN where nothing is left."""
    known = row[~np.isnan(row)]
    return float(known.mean()) if len(known) else np.nan
