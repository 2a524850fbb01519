"""One country and one seed to one street scene: the JPEG, what it shows, and where.

All chance comes from the seed alone: the conditions, the layout, which cues are shown, and one number a cue
that picks its style out of the country's profile. Two countries with the same seed are
therefore twins: the same street, with only the country's marks exchanged.
"""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from kangaroo.geo.countries import STATES
from kangaroo.scenes import objects
from kangaroo.scenes.canvas import Canvas
from kangaroo.scenes.conditions import Camera, Conditions, draw_conditions
from kangaroo.scenes.objects import Board
from kangaroo.scenes.profiles import PROFILES, SHOWN

#: A cue of which fewer pixels than this share of the picture are left counts as hidden.
VISIBLE = 12 / 256**2

#: How far automatic white balance goes: 0 leaves the colours as they are, 1 makes every mean the wanted one.
BALANCE = 0.85

_KM_A_DEGREE = 111.2  # kilometres a degree of latitude


@dataclass(frozen=True)
class Scene:
    """A drawn street scene; ``cues`` (cue -> style) and ``masks`` (cue -> bool (size, size)) hold what is visible."""

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


def draw(country: str, seed: int, size: int = 256) -> Scene:
    """Draw the scene of one seed in one country, ``size`` pixels square. Same arguments, same bytes."""
    conditions = draw_conditions(np.random.default_rng([seed, 0]), size)
    layout = np.random.default_rng([seed, 1])
    wanted = cues_of(country, seed)
    canvas = Canvas(_sky(conditions, layout))
    _ground(canvas, conditions, wanted, layout)
    _stand(canvas, conditions, wanted, layout)
    masks = {cue: mask for cue, mask in canvas.masks.items() if mask.mean() >= VISIBLE}
    state, lat, lon = _somewhere(country, np.random.default_rng([seed, 2]))
    return Scene(
        jpeg=_expose(canvas.photo, conditions, np.random.default_rng([seed, 3])),
        country=country, state=state, lat=lat, lon=lon,
        cues={cue: wanted[cue] for cue in masks}, masks=masks,
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


def _smooth_noise(rng: np.random.Generator, cells: int, size: int) -> NDArray[np.float32]:
    """Noise of about unit variance in blotches of size / cells pixels, (size, size)."""
    grid = Image.fromarray(rng.standard_normal((cells, cells), dtype=np.float32))
    return np.asarray(grid.resize((size, size), Image.Resampling.BICUBIC))


def _sky(conditions: Conditions, rng: np.random.Generator) -> NDArray[np.float64]:
    size = conditions.camera.size
    height = np.linspace(0, 1, size)[:, None, None]
    sky = conditions.sky * (1 - height) + conditions.haze * height
    billows = _smooth_noise(rng, 4, size) + 0.4 * _smooth_noise(rng, 9, size)
    cover = np.clip(0.8 * billows + 2 * conditions.clouds - 1.2, 0, 1)[..., None] * 0.8
    return np.broadcast_to(sky, (size, size, 3)) * (1 - cover) + 236 * conditions.light * cover


def _ground(canvas: Canvas, conditions: Conditions, cues: Mapping[str, str], rng: np.random.Generator) -> None:
    """The land up to the horizon, what stands on it, and the road."""
    camera = conditions.camera
    level = replace(camera, yaw=0.0, curve=0.0)  # the land has no direction
    edges = np.array([0.5, 4, 8, 16, 32, 64, 128, 4000])
    texture = 1 + 0.05 * _smooth_noise(rng, 40, camera.size) + 0.04 * _smooth_noise(rng, 9, camera.size)
    with canvas.textured(texture):
        for near, far in zip(edges[:-1], edges[1:], strict=True):
            strip = np.vstack([level.ground(x, z) for x, z in ((-2e4, far), (2e4, far), (2e4, near * 0.98), (-2e4, near * 0.98))])
            canvas.fill(strip, conditions.shade(conditions.grass, near))
    _skyline(canvas, conditions, cues.get("skyline"), rng)
    distances = np.geomspace(1.0, 300, 28)
    half = conditions.road_width / 2
    with canvas.layer():
        canvas.fill(_strip(camera, -half, half, distances), conditions.shade(conditions.asphalt, 15))
        if rng.uniform() < 0.6:
            for side in (-1, 1):
                canvas.fill(_strip(camera, side * (half - 0.3), side * (half - 0.18), distances), conditions.shade(objects.WHITE, 15))
    if "centre line" in cues:
        colour = objects.WHITE if cues["centre line"] == "white" else objects.YELLOW
        dashes = [distances] if conditions.lane_marks == "solid" else [np.linspace(z, z + 3, 3) for z in np.arange(1.5, 60, 7)]
        with canvas.layer("centre line"):
            canvas.fill([_strip(camera, -0.08, 0.08, dash) for dash in dashes], conditions.shade(colour, 10))


def _strip(camera: Camera, left: float, right: float, distances: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.vstack([camera.ground(left, distances), camera.ground(right, distances)[::-1]])


def _skyline(canvas: Canvas, conditions: Conditions, style: str | None, rng: np.random.Generator) -> None:
    """The far edge of the land; without a style a wood near by hides it."""
    azimuth = np.radians(np.linspace(-60, 60, 90))
    ridge = np.clip(np.interp(azimuth, np.radians(np.linspace(-60, 60, 13)), rng.normal(0.5, 0.25, 13)), 0.1, 1.2)
    jagged = rng.normal(0, 1, 90)
    low, high, rough, distance = {
        "alpine": (2.5, 11.0, 0.7, 0.5), "hills": (2.0, 9.0, 0.03, 0.45), "flat": (0.5, 0.4, 0.05, 0.3), None: (1.5, 8.0, 0.3, 0.12),
    }[style]
    if style == "hills":
        ridge = np.convolve(np.pad(ridge, 6, mode="edge"), np.ones(13) / 13, mode="valid")
    elevation = np.radians(low + high * ridge + rough * jagged)
    land = np.stack([np.sin(azimuth), np.tan(elevation), np.cos(azimuth)], axis=1) * 3000
    foot = land * (1, 0, 1)
    far = conditions.visibility * distance * 2
    with canvas.layer(style and "skyline"):
        top, bottom = conditions.camera.project(land), conditions.camera.project(foot)
        canvas.fill(np.vstack([top, bottom[::-1]]), conditions.shade(conditions.relief, far))
        if style == "alpine":
            snow = np.minimum(elevation, np.radians(5.5 + 0.8 * np.abs(jagged)))
            line = np.stack([np.sin(azimuth), np.tan(snow), np.cos(azimuth)], axis=1) * 3000
            canvas.fill(np.vstack([top, conditions.camera.project(line)[::-1]]), conditions.shade((226, 230, 238), far))


def _stand(canvas: Canvas, conditions: Conditions, cues: Mapping[str, str], rng: np.random.Generator) -> None:
    """Everything that stands up, from far to near, so that the nearer hides the farther."""
    half, items = conditions.road_width / 2, []
    seeds = iter(rng.integers(2**32, size=64))

    def add(cue: str | None, paint: Callable[[Board, np.random.Generator], None], x: float, z: float) -> None:
        items.append((z, cue, paint, x, int(next(seeds))))

    for x, z in _spots(conditions.camera, rng, 5, (half + 1.5, half + 12), (9, 50)):
        add(None, _bush, x, z)
    layout = {
        "trees": (objects.tree, _spots(conditions.camera, rng, 5, (half + 3, half + 12), (12, 36))),
        "house": (objects.house, _spots(conditions.camera, rng, 2, (half + 6.5, half + 12), (15, 28))),
        "pole": (objects.pole, _row(conditions.camera, rng, half + 2.5, (10, 17), 16, 2)),
        "bollard": (objects.bollard, _row(conditions.camera, rng, half + 0.6, (3.6, 5), 7, 3)),
        "warning sign": (objects.warning_sign, _spots(conditions.camera, rng, 1, (half + 0.9, half + 2), (6, 10))),
        "driving side": (_traffic, _spots(conditions.camera, rng, 2, (half / 2, half / 2), (7, 15))),
    }
    for cue, (paint, spots) in layout.items():
        if cue in cues:
            for x, z in spots:
                add(cue, _styled(paint, cues[cue]), x, z)
    for z, cue, paint, x, seed in sorted(items, key=lambda item: -item[0]):
        with canvas.layer(cue):
            paint(Board(canvas, conditions, x, z), np.random.default_rng(seed))


def _styled(paint: Callable[[Board, str, np.random.Generator], None], style: str) -> Callable[[Board, np.random.Generator], None]:
    return lambda board, rng: paint(board, style, rng)


def _traffic(board: Board, side: str, rng: np.random.Generator) -> None:
    """A car in its lane: where traffic keeps right, those on the left come towards the camera."""
    objects.car(board, (board.x < 0) == (side == "right"), rng)


def _bush(board: Board, rng: np.random.Generator) -> None:
    height = rng.uniform(0.8, 2.2)
    board.fill(objects.blob(rng, 0, height / 2, height * 2, height), board.conditions.leaf, 0.85)


def _spots(
    camera: Camera, rng: np.random.Generator, count: int, beside: tuple[float, float], ahead: tuple[float, float]
) -> list[tuple[float, float]]:
    """Spots (x, z) on either side whose foot is inside the picture, as far as 20 tries find them."""
    x = rng.uniform(*beside, size=20) * rng.choice([-1, 1], size=20)
    z = rng.uniform(*ahead, size=20)
    column = camera.ground(x, z)[:, 0] / camera.size
    inside = np.flatnonzero((column > 0.06) & (column < 0.94))[: rng.integers(1, count + 1)]
    return [(float(x[i]), float(z[i])) for i in inside]


def _row(
    camera: Camera, rng: np.random.Generator, beside: float, first: tuple[float, float], step: float, count: int
) -> list[tuple[float, float]]:
    """Spots in a row along one side, the first of them inside the picture where 20 tries find one."""
    x = beside * rng.choice([-1, 1], size=20)
    z = rng.uniform(*first, size=20)
    column = camera.ground(x, z)[:, 0] / camera.size
    start = int(np.argmax((column > 0.05) & (column < 0.95)))
    return [(float(x[start]), float(z[start]) + step * k) for k in range(count)]


def _expose(photo: NDArray[np.uint8], conditions: Conditions, rng: np.random.Generator) -> bytes:
    """Lens blur, automatic exposure and white balance, sensor noise, JPEG."""
    blurred = Image.fromarray(photo).filter(ImageFilter.GaussianBlur(conditions.blur))
    picture = np.asarray(blurred, np.float32)
    noise = conditions.noise * rng.standard_normal((*picture.shape[:2], 1), dtype=np.float32)
    gain = (conditions.target / picture.mean(axis=(0, 1))) ** BALANCE
    picture = picture * gain.astype(np.float32) + noise
    file = io.BytesIO()
    Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=conditions.quality)
    return file.getvalue()
