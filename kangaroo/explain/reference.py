"""What a photo is compared with: the baselines of integrated gradients, in the units of a network's input."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from kangaroo.data.images import Pixels, decode
from kangaroo.errors import KangarooError, PhotoError
from kangaroo.explain.settings import BASELINES

_BLUR = 1 / 16
"""Standard deviation of the blurred baseline, as a share of the photo's side."""


def baselines(kind: str, photos: Pixels, *, standardized: bool = True) -> NDArray[np.float32]:
    """The baseline of each photo, uint8 (n, H, W, 3), standardized as that photo is: float32 (n, H, W, 3).

    'mean' is the grey of the photo's mean: zero everywhere, which is the report's baseline. 'black' is black.
    'blurred' is the photo without its details. Anything else is the path of a picture. The baseline keeps the
    photo's own mean and deviation, so that the path between the two is a path between two pictures. Without
    ``standardized`` baselines are pixels, 0 to 255. Raises KangarooError for a picture that can't be read.
    """
    if kind == "mean":
        return np.zeros(photos.shape, np.float32) if standardized else mean_grey(photos)
    if kind == "black":
        pictures = np.zeros_like(photos)
    elif kind == "blurred":
        pictures = np.stack([_blurred(photo) for photo in photos])
    else:
        pictures = np.broadcast_to(_picture(kind, photos.shape[1]), photos.shape)
    return standardized_like(pictures, photos) if standardized else pictures.astype(np.float32)


def mean_grey(photos: NDArray[Any]) -> NDArray[np.float32]:
    """The mean of all values of each photo (n, H, W, 3), everywhere in it: float32, like the photos."""
    mean = photos.mean(axis=(1, 2, 3), keepdims=True, dtype=np.float64)
    return np.broadcast_to(mean.astype(np.float32), photos.shape)


def standardized_like(pictures: Pixels, photos: Pixels) -> NDArray[np.float32]:
    """``pictures`` less the mean of ``photos``, over their standard deviation, photo by photo (n, H, W, 3).

    Where both are the same it is :func:`kangaroo.data.images.standardize`.
    """
    flat = photos.reshape(len(photos), -1)
    mean = flat.mean(axis=1, dtype=np.float64)
    deviation = np.maximum(flat.std(axis=1, dtype=np.float64), 1 / np.sqrt(flat.shape[1]))
    column = (slice(None), None, None, None)
    return ((pictures - mean[column]) / deviation[column]).astype(np.float32)


def _blurred(photo: Pixels) -> Pixels:
    return np.asarray(Image.fromarray(photo).filter(ImageFilter.GaussianBlur(_BLUR * len(photo))))


def _picture(path: str, size: int) -> Pixels:
    try:
        return decode(Path(path), size)
    except PhotoError as error:
        choice = ", ".join(BASELINES)
        raise KangarooError(f"baseline {path}: {error}: give {choice}, or a picture") from None
