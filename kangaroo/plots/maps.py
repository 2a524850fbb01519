"""Where photos are, where a model believes them to be, and how far it is off."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import shapely
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import LogNorm, Normalize
from matplotlib.patches import Patch
from matplotlib.path import Path
from matplotlib.ticker import LogLocator, MaxNLocator
from numpy.typing import ArrayLike, NDArray

from kangaroo.geo.boundary import Plane
from kangaroo.geo.cells import Cells
from kangaroo.geo.regions import Geometries
from kangaroo.plots.style import GREY, TITLE, colours, headline, label, log_axis, new_axes, new_figure, tidy

WIDE = 30
"""How many times as much as the least the most must be for colours to be on a logarithmic scale."""
FEW = 80
"""Up to so many photos, lines lead from where they were taken to where they were guessed."""
_COLOURS = "YlGnBu"
_EDGE = "0.35"

Array = NDArray[np.float64]
Point = tuple[float, float]
"""Latitude and longitude in degrees."""


def cells_map(cells: Cells, photos: ArrayLike, *, subject: str = "photos", ax: Axes | None = None) -> Axes:
    """The cells coloured by their number of ``photos`` (k,), the empty ones hatched."""
    number = np.asarray(photos, np.int64)
    ax = _map(shapely.total_bounds(cells.polygons), ax)
    empty = number == 0
    if empty.any():
        _draw_cells(ax, cells.polygons[empty], facecolor="white", edgecolor=GREY, hatch="/////")
        name = f"without photos, {int(empty.sum()):,}"
        _legend(ax, [Patch(facecolor="white", edgecolor=GREY, hatch="/////", label=name)])
    drawn = _draw_cells(ax, cells.polygons[~empty], values=number[~empty])
    _colourbar(ax, drawn, "photos in a cell", integer=True)
    ax.set_title(headline(f"{len(number):,} cells", subject, int(number.sum())), fontsize=TITLE)
    return ax


def belief(
    cells: Cells,
    probabilities: ArrayLike,
    *,
    truth: Point | None = None,
    guess: Point | None = None,
    n: int = 1,
    title: str = "Where it may be",
    subject: str = "photos",
    ax: Axes | None = None,
) -> Axes:
    """The cells coloured by probability (k,): what a model says of one photo, or of ``n`` on average.

    ``truth`` and ``guess``, if given, are where the photo was taken and where the model puts it.
    """
    ax = _map(shapely.total_bounds(cells.polygons), ax)
    percent = 100 * np.asarray(probabilities, np.float64)
    drawn = _draw_cells(ax, cells.polygons, values=percent, norm=Normalize(0, percent.max()))
    _colourbar(ax, drawn, "probability (%)")
    _, orange = colours(2)
    for point, marker, size, colour, name in (
        (truth, "*", 13, orange, "where it was taken"),
        (guess, "X", 9, "black", "the model's guess"),
    ):
        if point:
            x = cells.boundary.plane.beside(point[1])
            ax.plot(x, point[0], marker, ms=size, color=colour, mec="white", mew=0.8, label=name)
    if truth or guess:
        _legend(ax, ax.lines)
    ax.set_title(headline(title, subject, n), fontsize=TITLE)
    return ax


def error_map(
    lat: ArrayLike,
    lon: ArrayLike,
    km: ArrayLike,
    *,
    guesses: tuple[ArrayLike, ArrayLike] | None = None,
    cells: Cells | None = None,
    subject: str = "photos",
    ax: Axes | None = None,
) -> Axes:
    """Where photos (n,) were taken, in degrees, coloured by the ``km`` (n,) by which they were guessed wrong.

    The worst are on top. Of up to FEW photos lines lead to their ``guesses``, latitudes and longitudes (n,).
    ``cells`` are outlined.
    """
    order = np.argsort(km, kind="stable")
    y, x, error = (np.asarray(values, np.float64)[order] for values in (lat, lon, km))
    beside = (cells.boundary.plane if cells else Plane(y[0], x[0])).beside
    x = beside(x)
    outlines = cells.polygons if cells else shapely.points(x, y)
    ax = _map(shapely.total_bounds(outlines), ax)
    if cells:
        _draw_cells(ax, outlines, facecolor="none", edgecolor="0.8")
    if guesses and len(order) <= FEW:
        ends = np.asarray(guesses[0], np.float64)[order], beside(guesses[1])[order]
        ax.plot([x, ends[1]], [y, ends[0]], color=GREY, linewidth=0.7, zorder=2)
    look: dict[str, Any] = {
        "cmap": _COLOURS,
        "norm": _norm(error, 100),
        "edgecolors": _EDGE,
        "linewidths": 0.3,
    }
    drawn = ax.scatter(x, y, 16, error, zorder=3, **look)
    _colourbar(ax, drawn, "distance between truth and guess (km)")
    ax.set_title(headline("How far off, by place", subject, len(order)), fontsize=TITLE)
    return ax


def errors(
    ways: Mapping[str, ArrayLike],
    trivial: Mapping[str, ArrayLike] = MappingProxyType({}),
    *,
    subject: str = "photos",
    ax: Axes | None = None,
) -> Axes:
    """The share of photos within a distance, a line for each way of guessing, by its errors in km (n,).

    ``trivial`` answers, which look at no photo, are dashed. The legend has the medians. Errors below a
    metre or a thousandth of the largest are drawn at that distance.
    """
    ax = new_axes(ax, 4.4 + 0.2 * len({**ways, **trivial}))
    every = {name: np.sort(np.asarray(km, np.float64)) for name, km in {**ways, **trivial}.items()}
    ends = np.array([(km[0], km[-1]) for km in every.values()])
    least = max(ends[:, 0].min(), ends[:, 1].max() / 1000, 0.001)
    for (name, km), colour in zip(every.items(), colours(len(every)), strict=True):
        share = 100 * np.arange(len(km) + 1) / len(km)
        line = "--" if name in trivial else "-"
        text = f"{label(name, 40)}: {_decimal(float(np.median(km)))} km"
        x = np.maximum(np.append(least, km), least)
        ax.step(x, share, line, where="post", color=colour, label=text)
    ax.set(xlabel="distance between truth and guess (km)", ylim=(0, 101))
    ax.set_ylabel("photos within this distance (%)")
    log_axis(ax, "x")
    ax.set_title(headline("How far off", subject, len(km)), fontsize=TITLE)
    _legend(ax, ax.lines, ncols=1, title="median")
    tidy(ax, "both")
    return ax


def _map(bounds: ArrayLike, ax: Axes | None) -> Axes:
    """Axes over these degrees (west, south, east, north): a kilometre is as long both ways in the middle."""
    west, south, east, north = np.asarray(bounds)
    stretch = 1 / max(np.cos(np.radians((south + north) / 2)), 0.1)
    slope = stretch * (north - south) / max(east - west, 1e-9)
    if ax is None:
        figure = new_figure(2.1 + float(np.clip(4.4 * slope, 1.5, 6)))
        figure.set_layout_engine(
            "compressed", h_pad=0.08
        )  # else a fixed aspect moves titles out of the figure
        ax = figure.subplots()
    ax.update_datalim([(west, south), (east, north)])
    ax.autoscale_view()
    ax.set_aspect(stretch, adjustable="box")
    ax.set(xlabel="longitude (°)", ylabel="latitude (°)")
    ax.xaxis.set_major_formatter(lambda lon, _: f"{180 - (180 - lon) % 360:g}".replace("-", "−"))
    ax.yaxis.set_major_formatter(lambda lat, _: f"{lat:g}".replace("-", "−") if abs(lat) <= 90 else "")
    tidy(ax, "both")
    return ax


def _draw_cells(
    ax: Axes, polygons: Geometries, values: Array | None = None, norm: Normalize | None = None, **look: Any
) -> PathCollection:
    """Polygons of one look, or coloured by values."""
    look = {"edgecolor": _EDGE, "linewidth": 0.4, **look}
    drawn = PathCollection([_path(polygon) for polygon in polygons], **look)
    if values is not None:
        drawn.set(array=values, cmap=_COLOURS, norm=norm or _norm(values))
    ax.add_collection(drawn, autolim=False)
    return drawn


def _path(polygon: Any) -> Path:
    """The rings of a polygon or several; holes turn the other way round, so that they stay open."""
    rings = shapely.get_rings(shapely.get_parts(shapely.normalize(polygon)))
    return Path.make_compound_path(*[Path(shapely.get_coordinates(ring), closed=True) for ring in rings])


def _norm(values: Array, span: float = np.inf) -> Normalize:
    """Logarithmic for values that differ widely, down to the ``span``-th part of the most, else from 0."""
    most = float(values.max())
    least = max(float(values.min()), most / span)
    return LogNorm(least, most, clip=True) if most > WIDE * least else Normalize(0, most)


def _colourbar(ax: Axes, drawn: Any, text: str, *, integer: bool = False) -> None:
    ticks = LogLocator(10, (1, 3)) if isinstance(drawn.norm, LogNorm) else MaxNLocator(6, integer=integer)
    below = "min" if drawn.get_array().min() < drawn.norm.vmin else "neither"
    bar = ax.figure.colorbar(
        drawn, ax=ax, ticks=ticks, format="{x:,g}", location="bottom", shrink=0.8, aspect=30, extend=below
    )
    bar.minorticks_off()
    bar.set_label(text)


def _legend(ax: Axes, handles: Any, *, ncols: int = 2, title: str | None = None) -> None:
    """A legend below the axis's own labels, whatever the height of the figure."""
    ax.legend(
        handles=handles,
        loc="upper center",
        bbox_to_anchor=(0.5, 0),
        borderaxespad=5,
        ncols=ncols,
        fontsize="small",
        title=title,
    )


def _decimal(value: float) -> str:
    """Two digits that count."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"
