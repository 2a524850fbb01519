"""What all figures share: size, colours that colour-blind readers tell apart, titles, saving."""

import io
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

from kangaroo.errors import KangarooError
from kangaroo.files import atomic

WIDTH = 5.2  # inches: narrow enough that letters of 10 points can still be read on a phone
TITLE = 11  # points
GREY = "0.6"


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """An empty figure, sizes in inches, that belongs to no window and to no pyplot state."""
    figure = Figure(figsize=(width, height), dpi=150, layout=ConstrainedLayoutEngine(h_pad=0.08))
    FigureCanvasAgg(figure)
    return figure


def new_axes(ax: Axes | None, height: float, width: float = WIDTH) -> Axes:
    """The Axes given, or else those of a new figure."""
    return new_figure(height, width).subplots() if ax is None else ax


def stacked(heights: Sequence[float]) -> tuple[Figure, list[Axes]]:
    """A figure of panels one below the other; ``heights`` in inches."""
    figure = new_figure(sum(heights))
    axes = figure.subplots(len(heights), 1, squeeze=False, height_ratios=list(heights))
    return figure, list(axes[:, 0])


def colours(number: int) -> list[tuple[float, float, float]]:
    """As many colours of seaborn's colour-blind-safe palette, over again after ten."""
    return list(sns.color_palette("colorblind", number))


def headline(what: str, subject: str, n: int) -> str:
    """A title: what is shown; below it of which pictures ('photos', 'drawn scenes') and of how many."""
    return f"{label(what, 45)}\n{subject}, n = {n:,}"


def label(name: str, width: int = 28) -> str:
    """A name in lines of up to ``width`` characters, in which a dollar sign starts no formula."""
    return textwrap.fill(name, width).replace("$", r"\$")


def tidy(ax: Axes, grid: Literal["x", "y", "both"]) -> None:
    """Quiet grid lines behind the data, no box around them."""
    ax.set_axisbelow(True)
    ax.grid(axis=grid, color="0.9")
    sns.despine(ax=ax)


def log_axis(ax: Axes, which: Literal["x", "y"]) -> None:
    """Make an axis logarithmic, once all is drawn, with plain numbers that don't overlap.

    Where it spans few decades, 1 and 3 of each are named, or 1, 2 and 5, and where it spans hardly any, round
    numbers: at most five or so, which have room in half a figure. Matplotlib's own labels between decades
    are as wide as those of powers, and run into one another.
    """
    ax.set(**{f"{which}scale": "log"})
    axis, (low, high) = (ax.xaxis, ax.get_xlim()) if which == "x" else (ax.yaxis, ax.get_ylim())
    times = high / low
    steps = LogLocator(subs=(1, 2, 5) if times < 30 else (1, 3) if times < 300 else (1,))
    axis.set_major_locator(MaxNLocator(5) if times < 4 else steps)
    axis.set_major_formatter(StrMethodFormatter("{x:,.9g}"))
    axis.set_minor_formatter(NullFormatter())


@contextmanager
def any_letters() -> Iterator[None]:
    """Draw letters that the font lacks as boxes, without a warning for each of them."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        yield


def png(figure: Figure) -> bytes:
    """The figure as a PNG picture, for a notebook to show."""
    file = io.BytesIO()
    with any_letters():
        figure.savefig(file, format="png")
    return file.getvalue()


def save(figure: Figure, path: Path) -> None:
    """Write the figure atomically; the format follows the suffix. KangarooError: it is that of no picture."""
    if path.suffix.lower().lstrip(".") not in figure.canvas.get_supported_filetypes():
        raise KangarooError(f"{path} is no name for a picture: let it end in .png, .svg or .pdf")
    with atomic(path) as temporary, any_letters():
        figure.savefig(temporary)
