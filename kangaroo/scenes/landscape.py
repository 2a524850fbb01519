"""What fills the picture behind everything that stands up: sky, skyline, land and road."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kangaroo.scenes import objects
from kangaroo.scenes.canvas import Canvas
from kangaroo.scenes.conditions import Camera, Conditions


def _smooth_noise(rng: np.random.Generator, cells: int, size: int) -> NDArray[np.float32]:
    """Noise of about unit variance in blotches of size / cells pixels, (size, size)."""
    grid = Image.fromarray(rng.standard_normal((cells, cells), dtype=np.float32))
    return np.asarray(grid.resize((size, size), Image.Resampling.BICUBIC))


def sky(conditions: Conditions, rng: np.random.Generator) -> NDArray[np.float64]:
    """Sky and clouds, 0 to 255, (size, size, 3)."""
    size = conditions.camera.size
    height = np.linspace(0, 1, size)[:, None, None]
    sky = conditions.sky * (1 - height) + conditions.haze * height
    billows = _smooth_noise(rng, 4, size) + 0.4 * _smooth_noise(rng, 9, size)
    cover = np.clip(0.8 * billows + 2 * conditions.clouds - 1.2, 0, 1)[..., None] * 0.8
    return np.broadcast_to(sky, (size, size, 3)) * (1 - cover) + 236 * conditions.light * cover


def ground(canvas: Canvas, conditions: Conditions, cues: Mapping[str, str], rng: np.random.Generator) -> None:
    """Draw the land up to the horizon, and the road with its lines.

    ``cues`` (cue -> style) says what the skyline and the centre line look like, if the scene shows them.
    """
    camera = conditions.camera
    level = replace(camera, yaw=0.0, curve=0.0)  # the land has no direction
    edges = np.array([0.5, 4, 8, 16, 32, 64, 128, 4000])
    texture = 1 + 0.05 * _smooth_noise(rng, 40, camera.size) + 0.04 * _smooth_noise(rng, 9, camera.size)
    with canvas.textured(texture):
        for near, far in pairwise(edges):
            strip = level.ground((-2e4, 2e4, 2e4, -2e4), (far, far, 0.98 * near, 0.98 * near))
            canvas.fill(strip, conditions.shade(conditions.grass, near))
    _skyline(canvas, conditions, cues.get("skyline"), rng)
    _road(canvas, conditions, cues.get("centre line"), edge_lines=rng.uniform() < 0.6)


def _road(canvas: Canvas, conditions: Conditions, centre: str | None, *, edge_lines: bool) -> None:
    camera, half = conditions.camera, conditions.road_width / 2
    distances = np.geomspace(1.0, 300, 28)
    with canvas.layer():
        canvas.fill(_strip(camera, -half, half, distances), conditions.shade(conditions.asphalt, 15))
        for side in (-1, 1) if edge_lines else ():
            line = _strip(camera, side * (half - 0.3), side * (half - 0.18), distances)
            canvas.fill(line, conditions.shade(objects.WHITE, 15))
    if centre is None:
        return
    dashes = [distances]
    if conditions.lane_marks == "dashed":
        dashes = [np.linspace(z, z + 3, 3) for z in np.arange(1.5, 60, 7)]
    with canvas.layer("centre line"):
        colour = conditions.shade(objects.WHITE if centre == "white" else objects.YELLOW, 10)
        canvas.fill([_strip(camera, -0.08, 0.08, dash) for dash in dashes], colour)


def _strip(camera: Camera, left: float, right: float, distances: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.vstack([camera.ground(left, distances), camera.ground(right, distances)[::-1]])


def _skyline(canvas: Canvas, conditions: Conditions, style: str | None, rng: np.random.Generator) -> None:
    """The far edge of the land; without a style a wood near by hides it."""
    azimuth = np.radians(np.linspace(-60, 60, 90))
    ridge = np.clip(
        np.interp(azimuth, np.radians(np.linspace(-60, 60, 13)), rng.normal(0.5, 0.25, 13)), 0.1, 1.2
    )
    jagged = rng.normal(0, 1, 90)
    low, high, rough, distance = {
        "alpine": (2.5, 11.0, 0.7, 0.5),
        "hills": (2.0, 9.0, 0.03, 0.45),
        "flat": (0.5, 0.4, 0.05, 0.3),
        None: (1.5, 8.0, 0.3, 0.12),
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
            canvas.fill(
                np.vstack([top, conditions.camera.project(line)[::-1]]),
                conditions.shade((226, 230, 238), far),
            )
