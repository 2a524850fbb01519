"""What a search over settings found: trial by trial, and setting by setting."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from kangaroo.plots.style import GREY, TITLE, colours, headline, label, log_axis, new_axes, new_figure, tidy

COLUMNS = 2  # panels beside each other


def history(trials: pd.DataFrame, value: str, *, subject: str, n: int, ax: Axes | None = None) -> Axes:
    """The value of each trial, and the best so far as a line.

    ``trials`` has the columns trial (from 1), state, value (NaN where there is none) and best; ``value`` says
    what the value is, ``n`` is the number of trials that have one. Trials without one are marked below.
    """
    ax = new_axes(ax, 3.4)
    blue, orange = colours(2)
    ax.plot(trials["trial"], trials["value"], "o", ms=5, color=blue, label="finished")
    ax.step(trials["trial"], trials["best"], where="post", color=orange, label="best so far")
    for state, marker in (("pruned", "v"), ("failed", "x")):
        own = trials.loc[trials["state"] == state, "trial"]
        if len(own):
            below = ax.get_xaxis_transform()  # heights as a share of the Axes
            ax.plot(own, [0.03] * len(own), marker, ms=5, color="0.4", transform=below, label=state)
    ax.set(xlabel="trial", ylabel=label(value, 36), ymargin=0.12)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    ax.set_title(headline("Trials", subject, n), fontsize=TITLE)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=4, fontsize="small")
    tidy(ax, "both")
    return ax


def importances(shares: Mapping[str, float], *, subject: str, n: int, ax: Axes | None = None) -> Axes:
    """How much of the value's variance each setting explains, a bar a setting, the largest on top.

    ``shares`` sum to one; ``n`` is the number of trials that they were estimated from.
    """
    ax = new_axes(ax, 1.6 + 0.35 * len(shares))
    order = sorted(shares, key=lambda name: shares[name])
    bars = ax.barh(order, [100 * shares[name] for name in order], color=colours(1)[0])
    ax.bar_label(bars, fmt="%.0f %%", padding=3)
    ax.set(xlabel="share of the explained variance (%)", ylabel="setting", xlim=(0, 112))
    ax.set_xticks(range(0, 101, 20))
    ax.set_title(headline("Importance of the settings", subject, n), fontsize=TITLE)
    tidy(ax, "x")
    return ax


def slices(trials: pd.DataFrame, scales: Mapping[str, str], value: str, *, subject: str, n: int) -> Figure:
    """The value over each setting alone, a panel a setting; darker points are later trials.

    ``trials`` are those with a value: columns trial, value, is_best, and one for each of ``scales``, which
    says how that setting was searched: 'linear', 'log' or 'choice' (the column then holds words).
    """
    rows = -(-len(scales) // COLUMNS)
    figure = new_figure(0.9 + 2.3 * rows, 2.9 * COLUMNS)
    axes = figure.subplots(rows, COLUMNS, sharey=True, squeeze=False).ravel()
    for ax, (name, scale) in zip(axes, scales.items(), strict=False):
        _slice(ax, trials, name, scale)
    for ax in axes[len(scales) :]:
        ax.remove()
    for ax in axes[: len(scales) : COLUMNS]:
        ax.set_ylabel(label(value, 32), fontsize=9)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize="small")
    figure.suptitle(headline("The settings one by one", subject, n), fontsize=TITLE)
    return figure


def _slice(ax: Axes, trials: pd.DataFrame, name: str, scale: str) -> None:
    """One panel."""
    where = trials[name]
    if scale == "choice":
        words = sorted(set(where), key=_number)
        where = where.map(words.index)
        ax.set_xticks(range(len(words)), [label(word, 12) for word in words])
        ax.set_xlim(-0.5, len(words) - 0.5)
    ax.scatter(
        where,
        trials["value"],
        c=trials["trial"],
        cmap="Blues",
        vmin=-len(trials),
        s=28,
        label="trial (darker: later)",
    )
    best = trials["is_best"]
    ax.scatter(
        where[best], trials["value"][best], marker="*", s=150, color=colours(2)[1], ec=GREY, label="the best"
    )
    if scale == "log":
        log_axis(ax, "x")
    ax.set_xlabel(name)
    tidy(ax, "both")


def _number(word: str) -> tuple[float, str]:
    """What to sort words by: numbers by their value, before all others."""
    try:
        return float(word), word
    except ValueError:
        return float("inf"), word
