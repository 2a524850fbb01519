"""What every source of photos can do: find the one picture for a point, and fetch it."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol, TypeVar

import numpy as np

from kangaroo.collect.run.points import Point
from kangaroo.collect.transport import Answer, Request
from kangaroo.errors import DataError
from kangaroo.geo.distance import EARTH_RADIUS_KM, haversine_km

T = TypeVar("T")
View = Mapping[str, str]
"""How the camera is turned: parameters such as heading; empty where photos are as they are."""


@dataclass(frozen=True)
class Job:
    """What a folder is collected with; another job needs another folder.

    ``size``: width and height in pixels; ``headings``, ``pitches``, ``fovs``: degrees, one photo for every
    combination; ``radius``: how far from its point a photo may be, ``min_distance``: how near photos may be
    to each other, in metres; ``photos``: the folder of the local source.
    """

    source: str
    size: tuple[int, int] = (640, 640)
    headings: tuple[float, ...] = ()
    pitches: tuple[float, ...] = (0.0,)
    fovs: tuple[float, ...] = (90.0,)
    radius: float = 100.0
    min_distance: float = 0.0
    photos: str = ""

    def __post_init__(self) -> None:
        """Check; raise DataError."""
        if not all(1 <= side <= 640 for side in self.size):
            raise DataError(f"no photos of {self.size[0]} x {self.size[1]} pixels: give sides from 1 to 640")
        if not 0 < self.radius <= 3000:
            raise DataError(f"no search within {self.radius:g} m: give a radius up to 3000")
        if not self.min_distance >= 0:
            raise DataError(f"minimum distance {self.min_distance:g} m is below 0")
        for name, values, low, high in (
            ("heading", self.headings, 0, 360),
            ("pitch", self.pitches, -90, 90),
            ("field of view", self.fovs, 10, 120),
        ):
            if bad := [value for value in values if not low <= value <= high]:
                raise DataError(f"{name} {bad[0]:g} is not from {low} to {high} degrees")
        if self.source != "google" and (self.headings or self.n_views > 1):
            raise DataError(
                f"photos of {self.source} are as they are: give headings, pitches, fovs to google only"
            )

    @property
    def n_views(self) -> int:
        """The number of photos that are wanted at every point."""
        return max(len(self.headings), 1) * len(self.pitches) * len(self.fovs)


@dataclass(frozen=True)
class Found:
    """A picture that a source has for a point: its id, where (degrees), when and by whom it was taken.

    ``heading``: where the camera looks, in degrees from north, where the source knows it.
    """

    id: str
    lat: float
    lon: float
    captured: str = ""
    attribution: str = ""
    heading: float | None = None
    longest: int = 0


class Get(Protocol):
    """Makes one call, as often as it takes, and gives what ``read`` makes of the answer."""

    async def __call__(self, request: Request, read: Callable[[Answer], T]) -> T:
        """Raise SourceError where asking again is no use, AgainError where it was no use."""


class Source(ABC):
    """One source of photos. A subclass says how to ask and how to read; it never waits, retries or counts."""

    name: ClassVar[str]
    key_variable: ClassVar[str] = ""
    endpoint: ClassVar[str] = ""
    licence: ClassVar[str] = ""
    shareable: ClassVar[bool] = False
    calls_per_second: ClassVar[float] = 1e9
    lookup_calls: ClassVar[int] = 1
    photo_calls: ClassVar[int] = 2
    secrets: tuple[str, ...] = ()
    size: tuple[int, int] | None = None

    def authorize(self, target: str) -> tuple[str, Mapping[str, str]]:
        """A request's path and query with the key, and further headers."""
        return target, {}

    @classmethod
    def photo_bytes(cls, job: Job) -> int:
        """How large one photo is, roughly: what JPEG makes of 1,024 x 768 pixels of street."""
        return 140_000

    @abstractmethod
    async def find(self, point: Point, get: Get) -> Found | None:
        """The picture for a point, or None where there is none."""

    @abstractmethod
    async def picture(self, found: Found, view: View, get: Get) -> bytes:
        """The bytes of one photo."""

    def views(self, point: Point, found: Found) -> tuple[View, ...]:
        """The photos to take of a picture, as many as the job has views."""
        return ({},)


def nearest(point: Point, photos: Iterable[Found], radius: float) -> Found | None:
    """The photo nearest to a point within ``radius`` metres; of equally near ones, the first by id."""
    there = sorted(photos, key=lambda photo: photo.id)
    if not there:
        return None
    lat, lon = (np.array([getattr(photo, name) for photo in there]) for name in ("lat", "lon"))
    km = haversine_km(point.lat, point.lon, lat, lon)
    best = int(km.argmin())
    return there[best] if km[best] * 1000 <= radius else None


def box(point: Point, radius: float) -> tuple[float, float, float, float]:
    """West, south, east and north (degrees) of the square of ``radius`` metres around a point."""
    north = math.degrees(radius / 1000 / EARTH_RADIUS_KM)
    east = north / max(math.cos(math.radians(point.lat)), 1e-3)
    return point.lon - east, point.lat - north, point.lon + east, point.lat + north
