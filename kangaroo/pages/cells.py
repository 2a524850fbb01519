"""Which places a model takes for which: a map of cells to point at, as one self-contained HTML page."""

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path

import matplotlib
import numpy as np
import shapely
from matplotlib.colors import to_hex
from numpy.typing import ArrayLike, NDArray

from kangaroo.errors import DataError
from kangaroo.files import write_text
from kangaroo.geo.boundary import Array, Geometry
from kangaroo.geo.cells import Cells, counts
from kangaroo.pages import elements

FEW = 5
"""With fewer photos than that the map of a cell is greyed out."""
_WIDTH = 10_000  # of the map, in whole units

HOW = (
    "Point at a cell, tap it, or go from cell to cell with the arrow keys: the map then shows where the "
    "model puts the photos that were taken there, on average. The stronger another cell's colour, the more "
    "alike the two look to it."
)
NO_SCRIPT = "The map needs a browser that runs the page's script; the table below says the same."


def write_page(
    path: Path,
    cells: Cells,
    index: ArrayLike,
    probabilities: ArrayLike,
    *,
    title: str = "Which places look alike?",
    subject: str = "validation photos",
    badge: str = "",
) -> None:
    """Write the page of a model's ``probabilities`` (n, k) of n photos, taken in the cells ``index`` (n,).

    Photos of no cell (-1) are left out. ``subject`` is what the photos are, ``badge`` a remark above the
    title. The page asks no other address for anything, and its Content-Security-Policy forbids it to.
    DataError: no photo has a cell, or the name isn't a page's.
    """
    if path.suffix.lower() not in (".html", ".htm"):
        raise DataError(f"{path} is no name for a page: let it end in .html")
    index = np.asarray(index, np.int64)
    p = np.asarray(probabilities, np.float64)[index >= 0]
    index = index[index >= 0]
    if not len(index):
        raise DataError(f"no photo for {path} lies in a cell: photos with coordinates are needed")
    photos = counts(cells, index)
    mean = _means(index, p, photos)
    parts = (
        elements.paragraph(_lead(mean, photos, subject), "lead"),
        elements.paragraph(HOW),
        _atlas(cells, mean, photos),
        elements.section(
            "In numbers", elements.details(f"All {len(photos):,} cells", _table(cells, mean, photos))
        ),
    )
    write_text(path, _sealed(elements.page(title, parts, badge), len(_steps(len(photos)))))


def _means(index: NDArray[np.int64], p: Array, photos: NDArray[np.int64]) -> Array:
    """Mean probabilities (k, k): row i is of the photos taken in cell i, 0 where there are none."""
    sums = np.stack([np.bincount(index, column, len(photos)) for column in p.T], axis=1)
    return sums / np.maximum(photos, 1)[:, None]


def _lead(mean: Array, photos: NDArray[np.int64], subject: str) -> str:
    kept, even = photos @ np.diag(mean) / photos.sum(), 1 / len(photos)
    empty, few = int((photos == 0).sum()), int(((photos > 0) & (photos < FEW)).sum())
    lead = (
        f"Of the probability of {photos.sum():,} {subject}, the model puts {_percent(kept)} into the cells "
        f"they were taken in. Spread evenly over all {len(photos):,} cells it would be {_percent(even)}."
    )
    if few:
        lead += f" Cells with fewer than {FEW} of these photos, where chance decides much: {few:,}."
    return lead + (f" Cells without any: {empty:,}." if empty else "")


def _steps(k: int) -> list[float]:
    """The probabilities where colours change: 1, 2, 5, 10 % and so on, from half the even share on."""
    steps = [digit * 10.0**power for power in range(-5, 0) for digit in (1, 2, 5)]
    first = max(step for step in steps if step <= max(0.5 / k, steps[0]))
    return [round(step, 6) for step in steps if step >= first]


def _atlas(cells: Cells, mean: Array, photos: NDArray[np.int64]) -> str:
    """The map beside what is said about its cells, the legend, and the figures they are made from."""
    west, south, east, north = shapely.total_bounds(cells.shapes)
    scale = _WIDTH / max(east - west, north - south)

    def on_map(points: Array) -> Array:
        return np.rint((points - [west, north]) * [scale, -scale])

    points = np.column_stack(cells.boundary.plane.project(cells.lat, cells.lon))
    steps = _steps(len(photos))
    data = {
        "names": cells.names,
        "photos": photos.tolist(),
        "few": FEW,
        "steps": steps,
        "km": points.round(2).tolist(),
        "at": on_map(points).astype(int).tolist(),
        "matrix": base64.b64encode(np.rint(65535 * mean).astype("<u2").tobytes()).decode(),
    }
    text = json.dumps(data).replace("<", "\\u003c")  # so that no name ends the script
    outlines = "\n".join(
        f'<path class="cell" role="option" tabindex="-1" aria-selected="false" '
        f'aria-label="{escape(name)}, {n} photos" d="{_path(shape, on_map)}"/>'
        for name, n, shape in zip(cells.names, photos, cells.shapes, strict=True)
    )
    width, height = on_map(np.array([east, south])).astype(int)
    marks = "\n".join(
        f'<g class="mark" display="none" aria-hidden="true"><circle r="190"/><text>{i}</text></g>'
        for i in (1, 2, 3)
    )
    return f"""<div class="atlas">
<svg id="map" viewBox="-150 -150 {width + 300} {height + 300}" role="listbox" aria-label="Cells, on a map">
{outlines}
<path class="ring halo" aria-hidden="true"/><path class="ring line" aria-hidden="true"/>
{marks}
</svg>
<div>
<ul class="legend" aria-label="Mean probability">{_legend(steps)}</ul>
<div id="said" class="said" role="status" aria-live="polite"><noscript>{escape(NO_SCRIPT)}</noscript></div>
</div>
</div>
<script type="application/json" id="data">{text}</script>
<script>{_own("js")}</script>"""


def _path(shape: Geometry, on_map: Callable[[Array], Array]) -> str:
    """The outline of a cell in whole units of the map, as SVG writes it; parts too small to be seen go."""
    text = ""
    for ring in shapely.get_rings(shapely.get_parts(shape)):
        corners = on_map(shapely.get_coordinates(ring)).astype(int)
        steps = np.diff(corners, axis=0)
        steps = steps[steps.any(axis=1)][:-1]
        if len(steps) > 1:
            text += "M{},{}l".format(*corners[0]) + " ".join(f"{x},{y}" for x, y in steps) + "z"
    return text


def _legend(steps: Sequence[float]) -> str:
    texts = [f"below {_percent(steps[0])}", *(f"from {_percent(step)}" for step in steps)]
    return "".join(f'<li><span class="b{i}"></span>{text}</li>' for i, text in enumerate(texts))


def _table(cells: Cells, mean: Array, photos: NDArray[np.int64]) -> str:
    """What the map says, in words."""
    rows = []
    for i, n in enumerate(photos):
        others = [j for j in np.argsort(-mean[i], kind="stable") if j != i][:3]
        text = ", ".join(f"{cells.names[j]} ({_percent(mean[i, j])})" for j in others)
        rows.append((cells.names[i], f"{n:,}", *((_percent(mean[i, i]), text) if n else ("–", "no photo"))))
    head = ("cell", "photos", "into the cell itself", "most of the rest")
    return elements.table("Mean probability of the photos taken in a cell", head, rows)


def _percent(share: float) -> str:
    return f"{100 * share:.3g}\N{NO-BREAK SPACE}%"


def _sealed(html: str, steps: int) -> str:
    """The page with the map's style, and a policy: it runs its own script alone and asks for nothing."""
    digest = base64.b64encode(hashlib.sha256(_own("js").encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'"
    meta = f'<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{policy}">'
    html = html.replace('<meta charset="utf-8">', meta, 1)
    return html.replace("</head>", f"<style>{_own('css')}{_colours(steps + 1)}</style>\n</head>", 1)


def _own(kind: str) -> str:
    """The map's style (css) or script (js)."""
    return (files("kangaroo.pages") / f"cells.{kind}").read_text(encoding="utf-8")


def _colours(number: int) -> str:
    """A colour for each step, pale to dark; where the page is dark, dark to pale."""
    scale = [to_hex(colour) for colour in matplotlib.colormaps["YlGnBu"](np.linspace(0, 1, number))]
    light = "".join(f"--b{i}:{colour};" for i, colour in enumerate(scale))
    dark = "".join(f"--b{i}:{colour};" for i, colour in enumerate(reversed(scale)))
    rules = "".join(f".b{i}{{fill:var(--b{i});background:var(--b{i})}}" for i in range(number))
    return f":root{{{light}}}\n@media (prefers-color-scheme: dark){{:root{{{dark}}}}}\n{rules}\n"
