"""Photos as a camera would have taken them, cut out of panoramas.

A panorama here is equirectangular: a column is a heading, a row an elevation, with as many degrees a pixel
everywhere. Straight lines of the world are bent in it. A view projects it onto the plane of a camera
(gnomonic projection: Snyder, Map Projections, USGS Professional Paper 1395, 1987, chapter 22), where they are
straight again. Angles are degrees, to the right and upwards; heading 0 is the panorama's centre column.
"""

import hashlib
import math
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from kangaroo.data.images import Pixels
from kangaroo.data.splits import rank
from kangaroo.errors import DataError, PhotoError

Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Field:
    """What a panorama shows: ``hfov`` degrees around, ``vfov`` degrees up and down, the horizon amid them.

    By default a whole turn, and as many degrees a pixel downwards as sideways: right for full spheres, which
    are twice as wide as high, and for those whose sky and ground were cut off alike.
    """

    hfov: float = 360
    vfov: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.hfov <= 360:
            raise DataError(f"a panorama can't show {self.hfov:g} degrees around: give 0 to 360")
        if self.vfov is not None and not 0 < self.vfov <= 180:
            raise DataError(f"a panorama can't show {self.vfov:g} degrees up and down: give 0 to 180")

    def height(self, panorama: Pixels) -> float:
        """The degrees that the panorama's height (H, W, 3) shows. PhotoError: more than a sphere has."""
        degrees = self.vfov or self.hfov * panorama.shape[0] / panorama.shape[1]
        if degrees > 180.5:
            raise PhotoError(f"{panorama.shape[1]} x {panorama.shape[0]} pixels can't be a panorama")
        return min(degrees, 180)


@dataclass(frozen=True)
class Cut:
    """How to cut a panorama: ``n`` views all around, each ``fov`` degrees wide and ``width`` pixels.

    ``aspect`` is width to height. The headings begin at 0 or, with a ``seed``, at an angle drawn by it and
    the panorama's name; a panorama that is no whole turn gives the middles of ``n`` equal sectors. ``flat``
    pieces have the panorama's full height, lie amid such sectors and are not projected: the second report
    used these.
    """

    n: int = 4
    fov: float = 90
    aspect: float = 16 / 9
    width: int = 640
    pitch: float = 0
    seed: int | None = None
    flat: bool = False
    field: Field = Field()

    def __post_init__(self) -> None:
        if self.n < 1:
            raise DataError(f"{self.n} views can't be cut: give 1 or more")
        if not 0 < self.fov < 180:
            raise DataError(
                f"a view of {self.fov:g} degrees is no projection: give more than 0, less than 180"
            )
        if not (self.width >= 1 and self.aspect > 0 and self.size[1] >= 1):
            raise DataError(f"a view of {self.width} pixels and aspect {self.aspect:g} has no pixels")

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of a view in pixels."""
        return self.width, round(self.width / self.aspect)

    @property
    def tag(self) -> str:
        """A name of these settings for folders: other settings, other name."""
        digest = hashlib.sha256(repr(self).encode()).hexdigest()[:8]
        return f"{'flat' if self.flat else f'{self.fov:g}deg'}-{self.size[0]}x{self.size[1]}-{digest}"

    def headings(self, name: str) -> tuple[float, ...]:
        """The headings of the views of the panorama ``name``."""
        step = self.field.hfov / self.n
        if self.flat or self.field.hfov < 360:
            first = (step - self.field.hfov) / 2
        elif self.seed is None:
            first = 0.0
        else:
            first = step * int.from_bytes(rank(self.seed, name)[:8]) / 2**64
        return tuple((first + k * step) % 360 for k in range(self.n))


def cut(panorama: Pixels, how: Cut, name: str = "") -> list[tuple[float, Pixels]]:
    """The views of one panorama, uint8 (H, W, 3), each with its heading in degrees from the centre column.

    PhotoError: the panorama doesn't show all that a view needs.
    """
    if how.flat:
        return [(heading, _flat(panorama, heading, how)) for heading in how.headings(name)]
    field = replace(how.field, vfov=how.field.height(panorama))
    panorama, finer = _matched(panorama, how.fov, how.width, field)
    rays = _rays(how.pitch, how.fov, how.size, finer)
    return [(heading, _picture(panorama, *rays, heading, how.size, field)) for heading in how.headings(name)]


def view(
    panorama: Pixels, heading: float, pitch: float, fov: float, size: tuple[int, int], field: Field = Field()
) -> Pixels:
    """What a camera at the panorama's place sees: uint8 (height, width, 3) of ``size`` = (width, height).

    ``panorama`` is uint8 (H, W, 3), ``fov`` the horizontal field of view below 180 degrees. Interpolation is
    bilinear, across the seam too. A panorama finer than the view's finest pixels is scaled down to these
    first, and where a pixel still covers several of the panorama's, the mean of as many rays squared is
    taken: 2 x 2 at 90 degrees. So every pixel counts, and fine patterns give no moiré.
    PhotoError: the panorama doesn't show all that the view needs.
    """
    field = replace(field, vfov=field.height(panorama))
    panorama, finer = _matched(panorama, fov, size[0], field)
    return _picture(panorama, *_rays(pitch, fov, size, finer), heading, size, field)


def _matched(panorama: Pixels, fov: float, width: int, field: Field) -> tuple[Pixels, int]:
    """The panorama no finer than a view's finest pixels, and how many rays each pixel takes to meet them all.

    A view's pixel spans most degrees at its centre, cos(fov / 2)^2 times as many at its sides.
    """
    central = 2 * math.degrees(math.tan(math.radians(fov / 2))) / width
    degrees = min(field.hfov / panorama.shape[1], field.height(panorama) / panorama.shape[0])
    shrink = max(1.0, central / degrees * math.cos(math.radians(fov / 2)) ** 2)
    rays = math.ceil(central / degrees / shrink - 1e-9)
    if shrink > 1:
        columns, rows = (math.ceil(side / shrink) for side in (panorama.shape[1], panorama.shape[0]))
        panorama = np.array(Image.fromarray(panorama).resize((columns, rows), Image.Resampling.BOX))
    return panorama, max(1, rays)


def _rays(pitch: float, fov: float, size: tuple[int, int], finer: int) -> tuple[Floats, Floats]:
    """Yaw and elevation of the rays through a camera's pixels, in degrees, (height, width) times finer."""
    width, height = size[0] * finer, size[1] * finer
    focal = width / 2 / math.tan(math.radians(fov / 2))
    right = (np.arange(width) + 0.5 - width / 2) / focal
    up = (height / 2 - np.arange(height) - 0.5)[:, None] / focal
    tilt = math.radians(pitch)
    forward, up = math.cos(tilt) - up * math.sin(tilt), math.sin(tilt) + up * math.cos(tilt)
    elevation = np.arctan2(up, np.hypot(right, forward))
    return np.degrees(np.arctan2(right, forward)), np.degrees(elevation)


def _picture(
    panorama: Pixels, yaw: Floats, elevation: Floats, heading: float, size: tuple[int, int], field: Field
) -> Pixels:
    rows, columns = panorama.shape[:2]
    turn = (heading + 180) % 360 - 180
    x = (turn + yaw) / field.hfov * columns + (columns - 1) / 2
    y = (rows - 1) / 2 - elevation / field.height(panorama) * rows
    if y.min() < -1 or y.max() > rows:
        raise PhotoError(
            f"it shows {field.height(panorama):.0f} degrees up and down, the view needs "
            f"{2 * np.abs(elevation).max():.0f}: use a smaller field of view or a wider aspect"
        )
    if field.hfov < 360 and (x.min() < -1 or x.max() > columns):
        raise PhotoError(
            f"it shows {field.hfov:g} degrees around, the view at {turn:.0f} reaches beyond: "
            "use a smaller field of view"
        )
    sampled = _bilinear(panorama, x, y, wrap=field.hfov == 360)
    finer = sampled.shape[0] // size[1]
    rays = (sampled[i::finer, j::finer] for i in range(finer) for j in range(finer))
    return np.rint(sum(rays) / finer**2).astype(np.uint8)


def _bilinear(panorama: Pixels, x: Floats, y: Floats, *, wrap: bool) -> npt.NDArray[np.float32]:
    """Values between the pixel centres (x, y); beyond the edges those of the edge, or of the other side."""
    rows, columns = panorama.shape[:2]
    left, top = np.floor(x).astype(np.intp), np.floor(y).astype(np.intp)
    across, down = (part.astype(np.float32)[..., None] for part in (x - left, y - top))
    right = left + 1
    left, right = (side % columns if wrap else np.clip(side, 0, columns - 1) for side in (left, right))
    pixels = panorama.reshape(-1, 3).astype(np.float32)

    def row(number: npt.NDArray[np.intp]) -> npt.NDArray[np.float32]:
        start = np.clip(number, 0, rows - 1) * columns
        values = pixels.take(start + left, axis=0)
        values += (pixels.take(start + right, axis=0) - values) * across
        return values

    values = row(top)
    values += (row(top + 1) - values) * down
    return values


def _flat(panorama: Pixels, heading: float, how: Cut) -> Pixels:
    """The piece of full height around a heading, across the seam where the panorama is a whole turn."""
    rows, columns = panorama.shape[:2]
    width = round(rows * how.aspect)
    turn = (heading + 180) % 360 - 180
    left = round((turn / how.field.hfov + 0.5) * columns - width / 2)
    if width > columns or (how.field.hfov < 360 and not 0 <= left <= columns - width):
        raise PhotoError(f"{columns} x {rows} pixels hold no {how.n} pieces of aspect {how.aspect:.3g}")
    piece = Image.fromarray(panorama[:, np.arange(left, left + width) % columns])
    return np.array(piece.resize(how.size, Image.Resampling.BILINEAR))
