"""Photos by class before and after a data set was balanced."""

import pandas as pd
from matplotlib.figure import Figure

from kangaroo.plots.style import GREY, TITLE, colours, headline, label, log_axis, new_figure, tidy


def before_and_after(table: pd.DataFrame, *, subject: str = "photos") -> Figure:
    """A line for each class, the largest first: a grey dot before, a blue one after, a cross where it went.

    ``table`` is that of kangaroo.data.balance.plan, indexed by class: the photos before (source) and after
    (kept), 0 where the class was dropped. The scale is logarithmic, so that equal ratios are equal lengths.
    """
    ranked = table.sort_values("source", ascending=False, kind="stable")
    figure = new_figure(1.8 + 0.2 * len(ranked))
    ax = figure.subplots()
    rows = pd.Series(range(len(ranked)), ranked.index)
    blue, _, _, red = colours(4)
    kept = ranked["kept"] > 0
    ax.hlines(rows[kept], ranked["kept"][kept], ranked["source"][kept], color=GREY, zorder=1)
    ax.scatter(ranked["source"], rows, s=50, color="0.8", label=f"before, {ranked['source'].sum():,}")
    after = f"after, {ranked['kept'].sum():,} in {kept.sum():,} classes"
    ax.scatter(ranked["kept"][kept], rows[kept], s=22, color=blue, label=after)
    if not kept.all():
        gone = ranked["source"][~kept]
        what = f"dropped, {gone.sum():,} in {len(gone):,} classes"
        ax.scatter(gone, rows[~kept], s=30, marker="x", color=red, zorder=3, label=what)
    ax.set_yticks(rows, [label(str(name)) for name in ranked.index])
    log_axis(ax, "x")
    ax.set(xlabel=f"{subject} of a class (logarithmic)", ylabel="class")
    ax.set_ylim(len(ranked) - 0.4, -0.6)
    title = headline("Before and after balancing", subject, int(ranked["source"].sum()))
    ax.set_title(title, fontsize=TITLE)
    figure.legend(loc="outside lower center", fontsize="small")
    tidy(ax, "both")
    return figure
