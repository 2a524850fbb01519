"""Training photos changed at random, as another camera might have shown the same place; no TensorFlow.

All that moves pixels becomes one projective map a photo, sampled once, and all that changes colours one
affine map of its values. Beyond a photo's edges lies its mirror image, because black corners can be learned.
"""

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from kangaroo.data.augmentation import Augmentation
from kangaroo.data.cache import rows_of
from kangaroo.data.images import Pixels

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
Draws = npt.NDArray[np.void]

LUMA = (0.299, 0.587, 0.114)
"""What red, green and blue add to the grey of a pixel (ITU-R BT.601)."""

_UNIFORM = np.dtype(
    [("flip", "f8"), ("crop", "f8", 4), ("rotation", "f8"), ("perspective", "f8", 9), ("colour", "f8", 4)]
)


"""Settings by name: none; kangaroo's own, and stronger ones for long trainings; the report of that name, with
torchvision's usual crop; the London report, by its code (github.com/JLuij/CV-GeoGuessr)."""


def draw(n: int, seed: int | Sequence[int]) -> Draws:
    """Uniform random numbers, 0 to 1, to change n photos by: row i is a function of the seed and i alone."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,)))
    return rng.random((n, _UNIFORM.itemsize // 8)).view(_UNIFORM)[:, 0]


def augment(photos: Pixels, draws: Draws, settings: Augmentation, size: int | None = None) -> Pixels:
    """Change uint8 photos (b, H, W, 3) as their ``draws`` (b,) say, into as many of ``size`` or the same.

    Bilinear, with one rounding at the end, and without antialiasing: a ``size`` below that of the photos is
    meant for cut-outs, whose side is about as small.
    """
    height, width = photos.shape[1:3]
    out_height, out_width = (size, size) if size else (height, width)
    maps = geometry(settings, draws, width, height) @ _pixels_of(width / out_width, height / out_height)
    matrices, offsets = colours(settings, draws, np.array([cv2.mean(photo)[:3] for photo in photos]))
    changed = np.empty((len(photos), out_height, out_width, 3), np.uint8)
    for photo, place, matrix, offset, out in zip(photos, maps, matrices, offsets, changed, strict=True):
        moved = cv2.warpPerspective(
            photo.astype(np.float32),  # faster than uint8 too
            place,
            (out_width, out_height),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REFLECT_101,
        )
        coloured = cv2.transform(moved, matrix)
        cv2.add(coloured, np.full(4, offset), dst=out, dtype=cv2.CV_8U)  # rounds and clips
    return changed


def _pixels_of(across: float, down: float) -> Floats:
    """The matrix (3, 3) that leads pixels to those of a picture so many times as wide and high."""
    return np.array([[across, 0, (across - 1) / 2], [0, down, (down - 1) / 2], [0, 0, 1]])


def geometry(settings: Augmentation, draws: Draws, width: int, height: int) -> Floats:
    """Where the pixels of the changed photos come from: matrices (b, 3, 3) for (column, row, 1), from 0.

    The photo is seen in perspective, turned, cut and flipped, in this order; the matrices lead back.
    """
    turn, cut, flip = np.tile(np.eye(3), (3, len(draws), 1, 1))
    angle = np.radians(settings.rotation * (2 * draws["rotation"] - 1))
    turn[:, :2, :2] = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]).T
    sides, places = _cut_outs(settings, draws["crop"], width / height)
    cut[:, [0, 1], [0, 1]] = sides
    cut[:, :2, 2] = places * (width, height)
    flip[:, 0, 0] = np.where(draws["flip"] < settings.flip, -1, 1)
    half = (width / 2, height / 2, 1)
    perspective = _perspectives(settings, draws["perspective"]) * np.divide.outer(half, half)
    middle = np.array([[1, 0, (width - 1) / 2], [0, 1, (height - 1) / 2], [0, 0, 1]])
    return middle @ perspective @ turn @ cut @ flip @ np.linalg.inv(middle)


def colours(settings: Augmentation, draws: Draws, means: Floats) -> tuple[Floats, Floats]:
    """What becomes of a pixel: matrices (b, 3, 3) for (red, green, blue), and (b,) to add to all three.

    ``means`` (b, 3) are those of the photos. Brightness comes first, then contrast, saturation and hue; turns
    and fading leave greys alone, so that only contrast adds something.
    """
    spread = 2 * draws["colour"] - 1
    strength = (settings.brightness, settings.contrast, settings.saturation)
    brightness, contrast, saturation = 1 + (spread[:, :3] * strength).T[:, :, None, None]
    fade = saturation * np.eye(3) + (1 - saturation) * LUMA
    angle = (2 * np.pi * settings.hue * spread[:, 3])[:, None, None]
    across = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / math.sqrt(3)
    turn = np.cos(angle) * np.eye(3) + (1 - np.cos(angle)) / 3 + np.sin(angle) * across  # Rodrigues' formula
    added = (1 - contrast) * brightness
    return contrast * brightness * (turn @ fade), added[:, 0, 0] * (means @ LUMA)


def _cut_outs(settings: Augmentation, uniform: Floats, aspect: float) -> tuple[Floats, Floats]:
    """Width and height (b, 2) of cut-outs of a photo of this aspect, and how far off its middle: shares."""
    low, high = settings.crop
    area = low + (high - low) * uniform[:, 0]
    low, high = (np.clip(ratio / aspect, area, 1 / area) for ratio in settings.aspect)  # what fits
    ratio = low * (high / low) ** uniform[:, 1]
    sides = np.sqrt(np.stack([area * ratio, area / ratio], axis=1))
    return sides, (1 - sides) * (uniform[:, 2:] - 0.5)


def _perspectives(settings: Augmentation, uniform: Floats) -> Floats:
    """Matrices (b, 3, 3) that lead moved corners back to those of a square from -1 to 1."""
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    chosen = uniform[:, :1] < settings.perspective_probability
    inwards = settings.perspective * (chosen * uniform[:, 1:]).reshape(-1, 4, 2)
    x, y = np.moveaxis(corners * (1 - inwards), 2, 0)
    one, zero = np.ones_like(x), np.zeros_like(x)
    # What maps (x, y) to (X, Y): x a + y b + c = X (x g + y h + 1), and likewise d, e, f for Y.
    across = np.stack([x, y, one, zero, zero, zero, -x * corners[:, 0], -y * corners[:, 0]], axis=2)
    down = np.stack([zero, zero, zero, x, y, one, -x * corners[:, 1], -y * corners[:, 1]], axis=2)
    entries = np.linalg.solve(np.concatenate([across, down], axis=1), corners.T.reshape(8, 1))[:, :, 0]
    return np.concatenate([entries, one[:, :1]], axis=1).reshape(-1, 3, 3)


class Augmented:
    """Decoded photos (n, H, W, 3) as one pass over the rows ``order`` sees them, changed as ``seed`` says.

    They come out in ``size``, or as large as they are. A row's photo is a function of the seed and the row;
    where photos are mixed, each with the one after it in ``order``, of the order too. So batches of any
    length, in any process, have the same photos.
    """

    def __init__(
        self,
        pixels: Pixels,
        order: Rows,
        settings: Augmentation,
        seed: int | Sequence[int],
        size: int | None = None,
    ) -> None:
        self.shape = (len(pixels), size, size, 3) if size else pixels.shape
        self._pixels, self._settings, self._size = pixels, settings, size
        self._draws = draw(len(pixels), seed)
        self._next = np.arange(len(pixels))
        self._next[order] = np.roll(order, -1)
        self._shares, self._boxes = _mixtures(settings, self.shape, seed)

    def photos(self, rows: Rows) -> Pixels:
        """The changed photos of some rows, uint8 (b, H, W, 3)."""
        if not self._settings.mixes:
            return self._changed(rows)
        needed, where = np.unique([rows, self._next[rows]], return_inverse=True)
        photos, others = self._changed(needed)[where.reshape(2, -1)]
        for photo, other, share, box in zip(
            photos, others, self._shares[rows], self._boxes[rows], strict=True
        ):
            left, top, right, bottom = box
            if right > left:
                photo[top:bottom, left:right] = other[top:bottom, left:right]
            else:
                cv2.addWeighted(photo, share, other, 1 - share, 0, dst=photo)
        return photos

    def labels(self, labels: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The labels of all n photos, mixed as these are. ValueError: they are no rows of shares (n, k)."""
        if not self._settings.mixes:
            return labels
        if labels.ndim != 2 or labels.dtype.kind != "f":
            raise ValueError(f"mixed photos need labels (n, k) of floats, not {labels.dtype} {labels.shape}")
        share = self._shares[:, None].astype(labels.dtype)
        return share * labels + (1 - share) * labels[self._next]

    def _changed(self, rows: Rows) -> Pixels:
        return augment(rows_of(self._pixels, rows), self._draws[rows], self._settings, self._size)


def _mixtures(settings: Augmentation, shape: Sequence[int], seed: int | Sequence[int]) -> tuple[Floats, Rows]:
    """Which share each of n photos keeps of itself (n,), and the box for the other (n, 4), empty if blended.

    ``shape`` is (n, H, W, 3). A box has the other's share of the area, amid a random point, and loses what
    lies outside.
    """
    n, height, width = shape[:3]
    if not settings.mixes:
        return np.ones(n), np.zeros((n, 4), np.int64)
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,)))
    chance = 0.5 if settings.mixup and settings.cutmix else float(settings.cutmix > 0)
    pasted = rng.random(n) < chance
    parameter = np.where(pasted, settings.cutmix, settings.mixup)
    shares = rng.beta(parameter, parameter)
    half = np.sqrt(1 - shares)[:, None] / 2 * pasted[:, None]
    middle = rng.random((n, 2))
    edges = np.clip([middle - half, middle + half], 0, 1) * (width, height)
    boxes = np.rint(np.concatenate(edges, axis=1)).astype(np.int64)
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return np.where(pasted, 1 - area / (width * height), shares), boxes
