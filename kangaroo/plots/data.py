"""What the data are: how many photos of each state, and where they were taken."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from kangaroo.plots.style import GREY, TITLE, colours, headline, label, stacked, tidy

STATE_COLOURS = 10  # the palette has no more
UNKNOWN = "(state unknown)"


def photos_by_state(photos: pd.DataFrame, locations: pd.DataFrame, *, subject: str = "photos") -> Figure:
    """Photos by state, one panel a class; classes without states share a last panel of photos and places.

    ``photos`` has columns class, state ('' where unknown) and place; ``locations`` class, state and
    has_photo (bool): the locations that gave no photo are stacked on the photos.
    """
    stated = photos["state"].ne("").groupby(photos["class"]).any()
    tables = {name: _by_state(photos, locations, name) for name in stated.index[stated]}
    rest = photos[photos["class"].isin(stated.index[~stated])]
    lines = [_lines(table.index) for table in tables.values()]
    if len(rest):
        lines.append(2 * rest["class"].nunique())
    figure, axes = stacked([1.2 + 0.24 * max(number, 2) for number in lines])
    for ax, (name, table) in zip(axes, tables.items(), strict=False):
        _draw_states(ax, table)
        ax.set_title(headline(name, subject, int(table["photos"].sum())), fontsize=TITLE)
    if len(rest):
        _draw_classes(axes[-1], rest)
        axes[-1].set_title(headline("By class", subject, len(rest)), fontsize=TITLE)
    handles = {what: bar for ax in axes for bar, what in zip(*ax.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=len(handles))
    return figure


def locations_map(locations: pd.DataFrame, *, subject: str = "photos") -> Figure | None:
    """Latitude and longitude (degrees) of every location, one panel a class; None without coordinates.

    ``locations`` has columns class, state, lat, lon (degrees, NaN where unknown) and has_photo. Up to ten
    states have a colour each; a degree of longitude is drawn cos(latitude) times as long as one of latitude.
    """
    known = locations.dropna(subset=["lat", "lon"])
    if known.empty:
        return None
    classes = sorted(known["class"].unique())
    figure, axes = stacked([4.4] * len(classes))
    for ax, name in zip(axes, classes, strict=True):
        own = known[known["class"] == name]
        _draw_points(ax, own)
        ax.set_title(headline(name, f"locations of {subject}", len(own)), fontsize=TITLE)
    return figure


def _by_state(photos: pd.DataFrame, locations: pd.DataFrame, name: str) -> pd.DataFrame:
    """Counts by state of one class, most photos first: columns photos, missing."""
    taken = photos.loc[photos["class"] == name, "state"].value_counts()
    empty = locations[(locations["class"] == name) & ~locations["has_photo"].astype(bool)]
    table = pd.DataFrame({"photos": taken, "missing": empty["state"].value_counts()}).fillna(0).astype(int)
    table = table.sort_values("photos", ascending=False, kind="stable")
    return table.rename(index=lambda state: label(state or UNKNOWN))


def _lines(labels: pd.Index) -> int:
    """How many lines of letters the labels of a bar chart need, all rows being as high as the highest."""
    return len(labels) * max(text.count("\n") + 1 for text in labels)


def _draw_states(ax: Axes, table: pd.DataFrame) -> None:
    blue, orange = colours(2)
    ax.barh(table.index, table["photos"], color=blue, label="photos")
    if table["missing"].any():
        what = "locations without a photo"
        ax.barh(table.index, table["missing"], left=table["photos"], color=orange, label=what)
    _finish_bars(ax, "state")


def _draw_classes(ax: Axes, photos: pd.DataFrame) -> None:
    """Bars of photos and of distinct places, class by class."""
    counts = photos.groupby("class").agg(photos=("file", "size"), places=("place", "nunique"))
    positions, (blue, _, green) = np.arange(len(counts)), colours(3)
    ax.barh(positions - 0.2, counts["photos"], 0.4, color=blue, label="photos")
    ax.barh(positions + 0.2, counts["places"], 0.4, color=green, label="places")
    ax.set_yticks(positions, [label(name, 20) for name in counts.index])
    _finish_bars(ax, "class")


def _finish_bars(ax: Axes, what: str) -> None:
    ax.set(xlabel="number", ylabel=what)
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.invert_yaxis()
    tidy(ax, "x")


def _draw_points(ax: Axes, locations: pd.DataFrame) -> None:
    taken = locations["has_photo"].astype(bool)
    missing, photos = locations[~taken], locations[taken]
    states = sorted(photos["state"].unique())
    if len(states) > STATE_COLOURS or states in ([], [""]):
        groups = {"with a photo": photos}
    else:
        groups = {state or UNKNOWN: photos[photos["state"] == state] for state in states}
    for (name, own), colour in zip(groups.items(), colours(len(groups)), strict=True):
        ax.plot(own["lon"], own["lat"], ".", ms=4, color=colour, label=label(f"{name}, {len(own):,}", 40))
    if len(missing):
        ax.plot(
            missing["lon"], missing["lat"], "x", ms=4, color=GREY, label=f"without a photo, {len(missing):,}"
        )
    ax.set(xlabel="longitude (°)", ylabel="latitude (°)")
    ax.set_aspect(1 / np.cos(np.radians(locations["lat"].mean())), adjustable="datalim")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2, fontsize="small", markerscale=1.5)
    tidy(ax, "both")
