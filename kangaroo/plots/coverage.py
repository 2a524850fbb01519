"""Where photos were asked for, and what came of it."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kangaroo.plots.style import GREY, TITLE, colours, headline, stacked, tidy

GROUPS = {
    "asked, no photo": ("no coverage", "rejected"),
    "photo taken": ("taken",),
    "photo already taken": ("already taken",),
    "still open": ("open",),
}


def coverage(points: pd.DataFrame, *, subject: str = "points") -> Figure:
    """Every point on the map by what came of it, one panel a class (its country).

    ``points`` has columns class, lat, lon (degrees) and outcome: no coverage, rejected, taken, already taken
    (another point has the same photo, or one too near) or open. A degree of longitude is drawn cos(latitude)
    times as long as one of latitude.
    """
    classes = sorted(points["class"].unique())
    figure, axes = stacked([4.4] * len(classes))
    for ax, name in zip(axes, classes, strict=True):
        own = points[points["class"] == name]
        _draw(ax, own)
        ax.set_title(headline(f"{name}: coverage", subject, len(own)), fontsize=TITLE)
    return figure


def _draw(ax: Axes, points: pd.DataFrame) -> None:
    _, orange, green, _, purple = colours(5)
    looks = (("x", orange), (".", green), ("+", purple), (".", GREY))
    for (name, outcomes), (marker, colour) in zip(GROUPS.items(), looks, strict=True):
        own = points[points["outcome"].isin(outcomes)]
        if len(own):
            ax.plot(own["lon"], own["lat"], marker, ms=4, color=colour, label=f"{name}, {len(own):,}")
    ax.set(xlabel="longitude (°)", ylabel="latitude (°)")
    ax.set_aspect(1 / np.cos(np.radians(points["lat"].mean())), adjustable="datalim")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2, fontsize="small", markerscale=1.5)
    tidy(ax, "both")
