"""What every country shares: camera, light, weather, season, sensor; drawn without looking at the country."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kangaroo.scenes.canvas import Colour, Points


@dataclass(frozen=True)
class Camera:
    """A pinhole camera above a road that runs along z; x to the right, y up, metres; angles in radians."""

    size: int
    focal: float
    x: float
    height: float
    yaw: float
    pitch: float
    roll: float
    curve: float

    def project(self, points: Points) -> Points:
        """Road coordinates (n, 3) to pixels (n, 2); what is nearer than 0.4 m is pushed out to there."""
        right, up, ahead = (points - (self.x, self.height, 0.0)).T
        right = right + self.curve * np.minimum(ahead, 60) ** 2
        right, ahead = (
            right * np.cos(self.yaw) - ahead * np.sin(self.yaw),
            right * np.sin(self.yaw) + ahead * np.cos(self.yaw),
        )
        up, ahead = (
            up * np.cos(self.pitch) - ahead * np.sin(self.pitch),
            np.maximum(up * np.sin(self.pitch) + ahead * np.cos(self.pitch), 0.4),
        )
        flat = np.stack([right / ahead, -up / ahead], axis=1) * self.focal
        return flat @ self.turn.T + self.size / 2

    @cached_property
    def turn(self) -> NDArray[np.float64]:
        """Rotation (2, 2) of the picture by the camera's roll."""
        return np.array([[np.cos(self.roll), -np.sin(self.roll)], [np.sin(self.roll), np.cos(self.roll)]])

    def ground(self, x: ArrayLike, z: ArrayLike) -> Points:
        """Pixels (n, 2) of points on the ground, ``x`` metres beside the road's centre, ``z`` ahead."""
        x, z = np.broadcast_arrays(np.atleast_1d(x), np.atleast_1d(z))
        return self.project(np.stack([x, np.zeros(x.shape), z], axis=1))


@dataclass(frozen=True)
class Conditions:
    """One draw of everything that does not depend on the country. Colours are RGB, 0 to 255."""

    camera: Camera
    road_width: float
    lane_marks: str
    sun_left: bool
    light: float
    visibility: float
    sky: Colour
    haze: Colour
    relief: Colour
    grass: Colour
    leaf: Colour
    wall: float
    asphalt: Colour
    clouds: float
    target: Colour
    blur: float
    noise: float
    quality: int

    def shade(self, colour: Colour | tuple[int, int, int], distance: float, shine: float = 1.0) -> Colour:
        """``colour`` in this light, faded into the haze by its distance in metres."""
        clear = np.exp(-distance / self.visibility)
        return np.asarray(colour) * self.light * shine * clear + self.haze * (1 - clear)


_GRASS = np.array([[96, 128, 62], [122, 134, 70], [160, 146, 88], [150, 116, 76], [226, 228, 232]], float)
_LEAF = np.array([[58, 92, 44], [86, 108, 52], [104, 104, 56], [146, 112, 50], [96, 84, 66]], float)


def draw_conditions(rng: np.random.Generator, size: int) -> Conditions:
    """Conditions of one scene; ``rng`` must not depend on the country."""
    width = rng.uniform(5.5, 7.5)
    camera = Camera(
        size=size,
        focal=size * rng.uniform(0.75, 1.0),
        x=width / 4 * rng.choice([-1, 0, 1]) + rng.normal(0, 0.3),
        height=rng.uniform(2.1, 2.7),
        yaw=np.radians(rng.uniform(-16, 16)),
        pitch=np.radians(rng.uniform(-6, 5)),
        roll=np.radians(rng.normal(0, 1.2)),
        curve=rng.normal(0, 0.002),
    )
    cloudy = rng.uniform()
    blue = np.array([112, 158, 212]) * (1 - cloudy) + np.array([192, 196, 200]) * cloudy
    season = rng.dirichlet(np.full(5, 0.35))
    return Conditions(
        camera=camera,
        road_width=width,
        lane_marks=str(rng.choice(["dashed", "solid"])),
        sun_left=bool(rng.integers(2)),
        light=rng.uniform(0.75, 1.1) * (1.08 - 0.25 * cloudy),
        visibility=float(np.exp(rng.uniform(np.log(80), np.log(900)))),
        sky=blue * rng.uniform(0.42, 1.1),
        haze=np.array([206, 212, 218]) * rng.uniform(0.55, 1.08),
        relief=np.array([112, 118, 122]) * rng.uniform(0.5, 1.7),
        grass=season @ _GRASS * rng.uniform(0.85, 1.15),
        leaf=season @ _LEAF * np.exp(rng.uniform(np.log(0.5), np.log(3.0))),
        wall=np.exp(rng.uniform(np.log(0.4), np.log(1.1))),
        asphalt=np.full(3, rng.uniform(82, 140)) + rng.normal(0, 3, 3),
        clouds=cloudy,
        target=rng.normal(128, 5) * np.array([0.965, 1.01, 1.01]) + rng.normal(0, 3, 3),
        blur=max(0.0, rng.normal(0.3, 0.3)),
        noise=rng.uniform(1, 5),
        quality=int(rng.integers(72, 96)),
    )
