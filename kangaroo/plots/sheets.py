"""Contact sheets: many small pictures at once."""

import math
from collections.abc import Sequence

from matplotlib.figure import Figure

from kangaroo.data.images import Pixels
from kangaroo.plots.style import TITLE, label, new_figure

# Inches: a picture, the gap beside it, a line of a caption, the title, the whole sheet's edge.
_SIDE, _GAP, _LINE, _TITLE, _EDGE = 1.1, 0.1, 0.1, 0.45, 0.1


def contact_sheet(
    pictures: Sequence[Pixels], captions: Sequence[str], *, title: str, columns: int = 8
) -> Figure:
    """Pictures (uint8, H x W x 3) in rows of ``columns``, in order, each with its caption (lines) below."""
    columns = max(4, min(columns, len(pictures)))
    wrapped = ["\n".join(label(line, 20) for line in caption.splitlines()) for caption in captions]
    below = _LINE * (1.5 + max((text.count("\n") + 1 for text in wrapped), default=1))
    width = columns * (_SIDE + _GAP) - _GAP + 2 * _EDGE
    height = math.ceil(len(pictures) / columns) * (_SIDE + below) + _TITLE
    figure = new_figure(height, width)
    figure.set_layout_engine("none")  # it would make room for every caption, and the grid be uneven
    figure.suptitle(label(title, 12 * columns), y=1 - _EDGE / height, fontsize=TITLE)
    for i, (picture, text) in enumerate(zip(pictures, wrapped, strict=True)):
        row, column = divmod(i, columns)
        left = _EDGE + column * (_SIDE + _GAP)
        bottom = height - _TITLE - _SIDE - row * (_SIDE + below)
        ax = figure.add_axes((left / width, bottom / height, _SIDE / width, _SIDE / height))
        ax.set_axis_off()
        ax.imshow(picture)
        ax.text(0.5, -0.03, text, transform=ax.transAxes, ha="center", va="top", fontsize=6)
    return figure
