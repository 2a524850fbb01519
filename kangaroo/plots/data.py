"""What the data are: how many photos of what, and where, when and in which direction they were taken."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator

from kangaroo.plots.style import GREY, TITLE, colours, headline, label, stacked, tidy

STATE_COLOURS = 10  # the palette has no more
UNKNOWN = "(state unknown)"
MOST = 40
"""Bars that a figure of counts has at most."""
DENSE = 20_000
"""Points from which on a map shows their density: more of them would cover each other."""
_MARKERS = ".x+1^v2sd3"
_COMPASS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")


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


def counts_bars(counts: pd.DataFrame, *, what: str, subject: str = "photos") -> Figure:
    """Bars of photos by name, the columns of ``counts`` stacked, in their order; ``what`` the names are.

    Of more than MOST names the first ones have a bar each, and the last bar, in grey, is as long as the
    others are on average, so that bars stay comparable.
    """
    totals = counts.sum(axis=1)
    few = len(counts) <= MOST
    shown = counts if few else counts[: MOST - 1]
    names = [label(str(name), 40) for name in shown.index] + ([] if few else ["average of the others"])
    figure, (ax,) = stacked([1.4 + 0.2 * max(sum(name.count("\n") + 1 for name in names), 2)])
    positions, left = np.arange(len(shown)), np.zeros(len(shown))
    for colour, (kind, lengths) in zip(colours(counts.shape[1]), shown.items(), strict=True):
        bars = ax.barh(positions, lengths, left=left, color=colour, label=str(kind))
        left = left + lengths.to_numpy()
    ax.bar_label(bars, [f"{total:,}" for total in totals[: len(shown)]], padding=3, fontsize="small")
    if not few:
        rest = totals[len(shown) :]
        text = f"{rest.mean():,.0f} ({len(rest):,} others, {rest.sum():,} in all)"
        other = ax.barh([len(shown)], [rest.mean()], color=GREY)
        ax.bar_label(other, [text], padding=3, fontsize="small")
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(-0.6, len(names) - 0.4)
    ax.margins(x=0.12)
    _finish_bars(ax, what)
    ax.set_title(headline(f"By {what}", subject, int(totals.sum())), fontsize=TITLE)
    if counts.shape[1] > 1:
        figure.legend(loc="outside lower center", ncols=counts.shape[1])
    return figure


def photo_map(photos: pd.DataFrame, *, subject: str = "photos") -> Figure:
    """Where the photos of all classes were taken: longitude and latitude in degrees.

    ``photos`` has columns class, lat, lon, none of them unknown. Up to ten classes and DENSE photos are
    points of a colour and shape for each class, more are the number of photos in hexagonal cells. The map is
    cut at the antimeridian, unless the photos lie on both sides of it in less than half of the globe.
    """
    place = photos.assign(lon=_joined(photos["lon"].to_numpy()))
    south, north = place["lat"].min(), place["lat"].max()
    stretch = 1 / max(np.cos(np.radians((south + north) / 2)), 0.2)  # a kilometre is as long both ways there
    slope = stretch * (north - south) / max(np.ptp(place["lon"]), 1e-9)
    classes = place["class"].nunique()
    few = classes <= STATE_COLOURS and len(place) <= DENSE
    below = 0.2 * ((classes + 1) // 2) if few else 0.7  # inches of the legend
    figure, (ax,) = stacked([1.3 + below + float(np.clip(4.2 * slope, 1.5, 4.2))])
    if few:
        _draw_class_points(ax, place)
        figure.legend(loc="outside lower center", ncols=2, fontsize="small", markerscale=1.5)
    else:
        _draw_density(ax, place, slope)
    ax.set(xlabel="longitude (°)", ylabel="latitude (°)")
    ax.set_aspect(stretch, adjustable="datalim")
    ax.xaxis.set_major_formatter(lambda lon, _: f"{180 - (180 - lon) % 360:g}".replace("-", "−"))
    ax.yaxis.set_major_formatter(lambda lat, _: f"{lat:g}".replace("-", "−") if abs(lat) <= 90 else "")
    ax.set_title(headline("Where", subject, len(place)), fontsize=TITLE)
    tidy(ax, "both")
    return figure


def photos_by_year(years: Mapping[int, int], *, subject: str = "photos") -> Figure:
    """Photos by the year of their capture."""
    figure, (ax,) = stacked([2.8])
    ax.bar(list(years), list(years.values()), 0.8, color=colours(1)[0])
    ax.set(xlabel="year of capture", ylabel="number")
    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    ax.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.set_title(headline("By year", f"{subject} whose date is known", sum(years.values())), fontsize=TITLE)
    tidy(ax, "y")
    return figure


def photos_by_heading(headings: Sequence[int], *, subject: str = "photos") -> Figure:
    """Photos by the direction of view: counts of equal sectors, clockwise, the first centred on north."""
    figure, (ax,) = stacked([2.8])
    width = 360 / len(headings)
    ax.bar(width * np.arange(len(headings)), headings, 0.9 * width, color=colours(1)[0])
    ax.set(xlabel=f"heading, in sectors of {width:g}°", ylabel="number")
    ax.set_xticks(np.arange(0, 360, 45), _COMPASS)
    ax.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    known = f"{subject} whose heading is known"
    ax.set_title(headline("By heading", known, sum(headings)), fontsize=TITLE)
    tidy(ax, "y")
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


def _joined(lon: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Longitudes across the antimeridian in one piece (180 to 360 in place of -180 to 0), others as they are.

    They are joined where they span less than 180 degrees so, and more than that as they are.
    """
    eastward = lon % 360
    return eastward if np.ptp(eastward) < 180 < np.ptp(lon) else lon


def _draw_class_points(ax: Axes, photos: pd.DataFrame) -> None:
    """The class with most photos lies below, so that it hides no other."""
    counts = photos["class"].value_counts()
    for name, colour, marker in zip(counts.index, colours(len(counts)), _MARKERS, strict=False):
        own, text = photos[photos["class"] == name], label(f"{name}, {counts[name]:,}", 30)
        ax.plot(own["lon"], own["lat"], marker, ms=4, color=colour, label=text)


def _draw_density(ax: Axes, photos: pd.DataFrame, slope: float) -> None:
    across = 60
    cells = (across, int(np.clip(across * slope / np.sqrt(3), 4, 2 * across)))  # regular hexagons
    drawn = ax.hexbin(
        photos["lon"], photos["lat"], gridsize=cells, bins="log", mincnt=1, cmap="viridis_r", linewidths=0.2
    )
    bar = ax.figure.colorbar(
        drawn,
        ax=ax,
        ticks=LogLocator(10, (1, 3)),
        format="{x:,.0f}",
        location="bottom",
        shrink=0.8,
        aspect=30,
    )
    bar.minorticks_off()
    bar.set_label("photos in a cell")
