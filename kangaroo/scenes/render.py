"""One country and one seed to one street scene: the JPEG, what it shows, and where.

All chance comes from the seed alone: the conditions, the layout, which cues are shown, and one number a cue
that picks its style out of the country's profile. Two countries with the same seed are therefore twins: the
same street, with only the country's marks exchanged.
"""

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from kangaroo.geo.countries import STATES
from kangaroo.scenes import objects
from kangaroo.scenes.canvas import Canvas
from kangaroo.scenes.conditions import Camera, Conditions, draw_conditions
from kangaroo.scenes.landscape import ground, sky
from kangaroo.scenes.objects import Board
from kangaroo.scenes.profiles import PROFILES, SHOWN, TINTS

#: A cue of which fewer pixels than this share of the picture are left counts as hidden.
VISIBLE = 12 / 256**2

#: How far automatic white balance goes: 0 leaves the colours as they are, 1 makes every mean the wanted one.
BALANCE = 0.85

_KM_A_DEGREE = 111.2  # kilometres a degree of latitude


@dataclass(frozen=True)
class Scene:
    """A drawn scene; ``cues`` (cue -> style) and ``masks`` (cue -> bool (size, size)) hold what is seen."""

    jpeg: bytes
    country: str
    state: str
    lat: float
    lon: float
    cues: Mapping[str, str]
    masks: Mapping[str, NDArray[np.bool_]]

    @cached_property
    def photo(self) -> NDArray[np.uint8]:
        """The JPEG decoded: uint8 (size, size, 3)."""
        return np.asarray(Image.open(io.BytesIO(self.jpeg)))


def draw(country: str, seed: int, size: int = 256, *, colour_cue: bool = False) -> Scene:
    """Draw the scene of one seed in one country, ``size`` pixels square. Same arguments, same bytes.

    ``colour_cue`` tints the whole picture by country: evidence everywhere, so it has no mask.
    """
    conditions = draw_conditions(np.random.default_rng([seed, 0]), size)
    layout = np.random.default_rng([seed, 1])
    wanted = cues_of(country, seed)
    canvas = Canvas(sky(conditions, layout))
    ground(canvas, conditions, wanted, layout)
    _stand(canvas, conditions, wanted, layout)
    masks = {cue: mask for cue, mask in canvas.masks.items() if mask.mean() >= VISIBLE}
    tint = TINTS[country] if colour_cue else (1.0, 1.0, 1.0)
    state, lat, lon = _somewhere(country, np.random.default_rng([seed, 2]))
    return Scene(
        jpeg=_expose(canvas.photo, conditions, tint, np.random.default_rng([seed, 3])),
        country=country,
        state=state,
        lat=lat,
        lon=lon,
        cues={cue: wanted[cue] for cue in masks},
        masks=masks,
    )


def cues_of(country: str, seed: int) -> dict[str, str]:
    """The cues (cue -> style) that the scene of a seed is drawn with, whether or not they end up visible."""
    shown, pick = np.random.default_rng([seed, 4]).uniform(size=(2, len(SHOWN)))
    cues = {}
    for i, (cue, chance) in enumerate(SHOWN.items()):
        if shown[i] < chance:
            traits = PROFILES[country][cue]
            index = int(np.searchsorted(np.cumsum([trait.chance for trait in traits]), pick[i]))
            cues[cue] = traits[min(index, len(traits) - 1)].style
    return cues


def _somewhere(country: str, rng: np.random.Generator) -> tuple[str, float, float]:
    """A point drawn evenly from a disc inside one of the country's states: name, latitude, longitude."""
    state = STATES[country][rng.integers(len(STATES[country]))]
    north, east = _in_disc(rng, state.radius_km)
    lat = state.lat + north / _KM_A_DEGREE
    return state.name, round(lat, 6), round(state.lon + east / (_KM_A_DEGREE * np.cos(np.radians(lat))), 6)


def _in_disc(rng: np.random.Generator, radius: float) -> tuple[float, float]:
    angle, distance = rng.uniform(0, 2 * np.pi), radius * np.sqrt(rng.uniform())
    return distance * np.cos(angle), distance * np.sin(angle)


def _stand(canvas: Canvas, conditions: Conditions, cues: Mapping[str, str], rng: np.random.Generator) -> None:
    """Everything that stands up, from far to near, so that the nearer hides the farther."""
    seeds = rng.integers(2**32, size=64)
    items = sorted(enumerate(_layout(conditions, cues, rng)), key=lambda item: -item[1].z)
    for number, item in items:
        with canvas.layer(item.cue):
            item.paint(Board(canvas, conditions, item.x, item.z), np.random.default_rng(seeds[number]))


class _Item(NamedTuple):
    """Something to stand at (x, z), and the cue that it is evidence for."""

    cue: str | None
    paint: Callable[[Board, np.random.Generator], None]
    x: float
    z: float


def _layout(conditions: Conditions, cues: Mapping[str, str], rng: np.random.Generator) -> Iterator[_Item]:
    """What stands where; a cue that is not shown draws its chances too, so that nothing else moves."""
    camera, half = conditions.camera, conditions.road_width / 2
    for x, z in _spots(camera, rng, 5, (half + 1.5, half + 12), (9, 50)):
        yield _Item(None, _bush, x, z)
    layout = {
        "trees": (objects.tree, _spots(camera, rng, 5, (half + 3, half + 12), (12, 36))),
        "house": (objects.house, _spots(camera, rng, 2, (half + 6.5, half + 12), (15, 28))),
        "pole": (objects.pole, _row(camera, rng, half + 2.5, (10, 17), 16, 2)),
        "bollard": (objects.bollard, _row(camera, rng, half + 0.6, (3.6, 5), 7, 3)),
        "warning sign": (objects.warning_sign, _spots(camera, rng, 1, (half + 0.9, half + 2), (6, 10))),
        "driving side": (_traffic, _spots(camera, rng, 2, (half / 2, half / 2), (7, 15))),
    }
    for cue, (paint, spots) in layout.items():
        if cue in cues:
            for x, z in spots:
                yield _Item(cue, partial(paint, style=cues[cue]), x, z)


def _traffic(board: Board, rng: np.random.Generator, style: str) -> None:
    """A car in its lane: where traffic keeps right, those on the left come towards the camera."""
    objects.car(board, (board.x < 0) == (style == "right"), rng)


def _bush(board: Board, rng: np.random.Generator) -> None:
    height = rng.uniform(0.8, 2.2)
    board.fill(objects.blob(rng, 0, height / 2, height * 2, height), board.conditions.leaf, 0.85)


def _spots(
    camera: Camera,
    rng: np.random.Generator,
    count: int,
    beside: tuple[float, float],
    ahead: tuple[float, float],
) -> list[tuple[float, float]]:
    """Spots (x, z) on either side whose foot is inside the picture, as far as 20 tries find them."""
    x = rng.uniform(*beside, size=20) * rng.choice([-1, 1], size=20)
    z = rng.uniform(*ahead, size=20)
    column = camera.ground(x, z)[:, 0] / camera.size
    inside = np.flatnonzero((column > 0.06) & (column < 0.94))[: rng.integers(1, count + 1)]
    return [(float(x[i]), float(z[i])) for i in inside]


def _row(
    camera: Camera,
    rng: np.random.Generator,
    beside: float,
    first: tuple[float, float],
    step: float,
    count: int,
) -> list[tuple[float, float]]:
    """Spots in a row along one side, the first of them inside the picture where 20 tries find one."""
    x = beside * rng.choice([-1, 1], size=20)
    z = rng.uniform(*first, size=20)
    column = camera.ground(x, z)[:, 0] / camera.size
    start = int(np.argmax((column > 0.05) & (column < 0.95)))
    return [(float(x[start]), float(z[start]) + step * k) for k in range(count)]


def _expose(
    photo: NDArray[np.uint8],
    conditions: Conditions,
    tint: tuple[float, float, float],
    rng: np.random.Generator,
) -> bytes:
    """Lens blur, automatic exposure and white balance towards ``tint``, sensor noise, JPEG."""
    blurred = Image.fromarray(photo).filter(ImageFilter.GaussianBlur(conditions.blur))
    picture = np.asarray(blurred, np.float32)
    noise = conditions.noise * rng.standard_normal((*picture.shape[:2], 1), dtype=np.float32)
    gain = (conditions.target * tint / picture.mean(axis=(0, 1))) ** BALANCE
    picture = picture * gain.astype(np.float32) + noise
    file = io.BytesIO()
    Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=conditions.quality)
    return file.getvalue()
