"""Street networks on the map: the roads by class, and the points drawn along them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from kangaroo.plots.style import GREY, TITLE, colours, headline, label, new_figure, stacked, tidy

_WIDTHS = (1.6, 1.3, 1.0)  # points, the highest class first; the others as the last
_CREDIT = "map data © OpenStreetMap contributors"


def network_map(
    stretches: pd.DataFrame, length_km_by_road: Mapping[str, float], name: str, *, nodes: int
) -> Figure:
    """The roads of a network by class, tunnels in black.

    ``stretches`` has columns lon1, lat1, lon2, lat2 (degrees), road and tunnel (bool); the lengths of each
    class in km say which classes are drawn, the first the widest.
    """
    figure = new_figure(4.8)
    ax = figure.subplots()
    for i, (road, colour) in enumerate(zip(length_km_by_road, colours(len(length_km_by_road)), strict=True)):
        own = stretches[stretches["road"] == road]
        width = _WIDTHS[min(i, len(_WIDTHS) - 1)]
        what = f"{road}, {length_km_by_road[road]:,.0f} km"
        _draw(ax, own, colour, width, label=label(what, 40))
    if stretches["tunnel"].any():
        _draw(ax, stretches[stretches["tunnel"]], "black", 0.6, label="in a tunnel")
    _finish(ax, name, "nodes of the road network", nodes)
    return figure


def points_map(stretches: Mapping[tuple[str, str], pd.DataFrame], points: pd.DataFrame) -> Figure:
    """Points over the roads that they were drawn from, one panel a country.

    ``stretches`` are the roads of each (country, state), ``points`` has lat, lon (degrees), country, state.
    """
    countries = sorted({country for country, _ in stretches})
    figure, axes = stacked([4.8] * len(countries))
    for ax, country in zip(axes, countries, strict=True):
        own = points[points["country"] == country]
        for (home, _), roads in stretches.items():
            if home == country:
                _draw(ax, roads, GREY, 0.6)
        ax.plot(own["lon"], own["lat"], ".", ms=2, color=colours(1)[0], label="point")
        _finish(ax, country, "points along roads", len(own))
    return figure


def _draw(ax: Axes, stretches: pd.DataFrame, colour: object, width: float, **style: Any) -> None:
    ends = stretches[["lon1", "lat1", "lon2", "lat2"]].to_numpy().reshape(-1, 2, 2)
    ax.add_collection(LineCollection(list(ends), colors=[colour], linewidths=width, **style))


def _finish(ax: Axes, name: str, subject: str, n: int) -> None:
    ax.autoscale_view()
    ax.set(xlabel="longitude (°)", ylabel="latitude (°)")
    ax.set_aspect(1 / np.cos(np.radians(np.mean(ax.get_ylim()))), adjustable="datalim")
    ax.set_title(headline(name, subject, n), fontsize=TITLE)
    ax.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, -0.2),
        ncols=2,
        fontsize="small",
        title=_CREDIT,
        title_fontsize="small",
    )
    tidy(ax, "both")
