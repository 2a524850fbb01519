"""One map of the world for every tab: no tiles, no outside address; the drawing is worldmap.js's.

world = world_map(label="Where was it taken?", pick=True, elem_id="game-map")
world.select(guess, inputs=world, outputs=world)

def guess(value):
    pin = pin_of(value)  # (latitude, longitude) or None
    return View(marks=(Mark(48.2, 16.4, "truth", "Vienna"),)).to_json()
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import gradio as gr
import numpy as np
import shapely
from numpy.typing import ArrayLike

from kangaroo.geo.countries import find
from kangaroo.geo.outlines import outlines

Point = tuple[float, float]
"""Latitude and longitude in degrees."""


@dataclass(frozen=True)
class Dot:
    """A place and the probability that it has."""

    lat: float
    lon: float
    share: float
    text: str


@dataclass(frozen=True)
class Mark:
    """A place with a name: where somebody or the model guessed, or where the photo was taken."""

    lat: float
    lon: float
    kind: Literal["guess", "model", "truth"]
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class View:
    """What a map shows.

    ``shades``: probability by ISO code (alpha-2); countries with a code here are blue, the darker the more
    probable. ``lines`` are shortest ways between two points. ``fit``: points that are all in view at first,
    and again when others are given; none: the whole world. ``summary`` says in words what is shown, for those
    who don't see it. ``pin``: where the player's pin stands; ``locked``: it can't be moved any more.
    """

    shades: Mapping[str, float] = field(default_factory=dict)
    dots: Sequence[Dot] = ()
    marks: Sequence[Mark] = ()
    lines: Sequence[tuple[Point, Point]] = ()
    fit: Sequence[Point] = ()
    summary: str = ""
    pin: Point | None = None
    locked: bool = False

    def to_json(self) -> dict[str, Any]:
        """What worldmap.js reads."""
        return {
            "shades": {code: float(share) for code, share in self.shades.items()},
            "dots": [{"at": _at(d.lat, d.lon), "share": float(d.share), "text": d.text} for d in self.dots],
            "marks": [{"at": _at(m.lat, m.lon), "kind": m.kind, "text": m.text} for m in self.marks],
            "lines": [{"from": _at(*start), "to": _at(*end)} for start, end in self.lines],
            "fit": [_at(*point) for point in self.fit],
            "summary": self.summary,
            "pin": self.pin and _at(*self.pin),
            "locked": self.locked,
        }


def world_map(*, label: str, pick: bool = False, **settings: Any) -> gr.HTML:
    """The map as a component; its value is :meth:`View.to_json`, and :func:`pin_of` reads it.

    With ``pick`` a click, a tap, or arrow keys and Enter set the pin, which fires ``select``. Buttons, wheel,
    pinch and keys zoom. ``label`` names the map for those who don't see it; ``settings`` are gr.HTML's.
    """
    # Not a class of its own: for each subclass of a component Gradio writes a file beside the module.
    return gr.HTML(
        View().to_json(),
        label=label,
        html_template="",
        css_template=_own("css"),
        js_on_load=_own("js"),
        server_functions=[_outlines],
        apply_default_css=False,
        pick=pick,
        **settings,
    )


def pin_of(value: Any) -> Point | None:
    """The pin in the value of a map; whatever else a browser may send is none."""
    try:
        lat, lon = map(float, value["pin"])
    except (KeyError, TypeError, ValueError):
        return None
    return (lat, lon) if abs(lat) <= 90 and abs(lon) <= 180 else None


def belief(names: Sequence[str], shares: ArrayLike, points: Iterable[Point]) -> View:
    """A view of the probabilities ``shares`` (k,) of k classes: countries shaded, a dot at each point.

    ``names`` that are no countries (cells, states) have their dot alone; a point that is NaN has none. All
    points are in view.
    """
    p = np.asarray(shares, np.float64)
    known = [(name, float(share), point) for name, share, point in zip(names, p, points, strict=True)]
    placed = [(name, share, point) for name, share, point in known if np.isfinite(point).all()]
    shades: dict[str, float] = {}
    for name, share, _ in known:
        if country := find(name):
            shades[country.alpha2] = shades.get(country.alpha2, 0.0) + share
    return View(
        shades=shades,
        dots=[Dot(*point, share, name) for name, share, point in placed if share >= 0.005],
        fit=[point for _, _, point in placed],
        summary=", ".join(
            f"{names[i]} {100 * p[i]:.0f} %" for i in np.argsort(-p, kind="stable")[:3] if p[i] >= 0.005
        ),
    )


@cache
def paths() -> list[tuple[str, str, str]]:
    """Code, name and outline of each country as an SVG path, in hundredths of a degree on Mercator's map."""
    found = []
    for code, area in outlines().items():
        country = find(code)
        assert country is not None  # the outlines' codes are those of the table
        found.append((code, country.name, _path(area)))
    return found


def _path(area: shapely.MultiPolygon) -> str:
    """An area as SVG writes it: each ring a start and whole steps from it."""
    text = ""
    for ring in shapely.get_rings(shapely.get_parts(area)):
        lon, lat = shapely.get_coordinates(ring).T
        y = -np.degrees(np.log(np.tan(np.pi / 4 + np.radians(np.clip(lat, -85, 85)) / 2)))
        corners = np.rint(100 * np.column_stack([lon, y])).astype(int)
        steps = np.diff(corners, axis=0)
        steps = steps[steps.any(axis=1)][:-1]
        text += "M{},{}l".format(*corners[0]) + " ".join(f"{x},{y}" for x, y in steps) + "z"
    return text


def _outlines(_: object = None) -> list[tuple[str, str, str]]:
    return paths()


_outlines.__name__ = "outlines"  # what the script calls it


def _at(lat: float, lon: float) -> list[float]:
    return [round(float(lat), 4), round(float(lon), 4)]


def _own(kind: str) -> str:
    """The map's style (css) or script (js)."""
    return (files("kangaroo.app") / f"worldmap.{kind}").read_text(encoding="utf-8")
