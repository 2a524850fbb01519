"""A batch of training photos changed at random: kangaroo's way, and what else does the same or nearly so.

All move each photo once, perspective, rotation, crop and flip being one map, and change its colours by one
matrix; only Keras's layers do one thing after the other.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from PIL import Image
from scipy import ndimage

from kangaroo.data.augment import augment, colours, draw, geometry
from kangaroo.data.augmentation import Augmentation
from kangaroo.data.images import Pixels
from kangaroo.scenes.render import draw as scene

BATCH, SIZE = 32, 224
SETTINGS = Augmentation(
    flip=0.5,
    crop=(0.5, 1),
    rotation=5,
    perspective=0.2,
    brightness=0.2,
    contrast=0.2,
    saturation=0.2,
    hue=0.05,
)
DRAWS = draw(BATCH, 0)


def rows(repeats: int) -> Iterator[tuple[str, float, str]]:
    """Each way, its milliseconds of processor time a batch, and those on the clock; medians, ways in turn."""
    photos = np.stack([scene("Austria", seed, SIZE).photo for seed in range(BATCH)])
    ways = {
        "kangaroo (OpenCV)": lambda: augment(photos, DRAWS, SETTINGS),
        "Pillow, black corners": lambda: _pillow(photos),
        "SciPy": lambda: _scipy(photos),
        "TensorFlow": _tensorflow(photos),
        "Keras's layers": _keras(photos),
    }
    times: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for work in ways.values():
        work()  # tracing
    for _ in range(repeats):
        for name, work in ways.items():
            times[name].append(_times(work))
    for name, measured in times.items():
        processor, clock = (1000 * median(column) for column in zip(*measured, strict=True))
        yield f"{BATCH} photos of {SIZE} px changed, {name}, ms", processor, f"{clock:.1f} on the clock"


def _times(work: Callable[[], object]) -> tuple[float, float]:
    start = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - start[0], time.perf_counter() - start[1]


def _maps(photos: Pixels) -> tuple[Any, Any, Any]:
    means = photos.mean(axis=(1, 2))
    return geometry(SETTINGS, DRAWS, SIZE, SIZE), *colours(SETTINGS, DRAWS, means)


def _pillow(photos: Pixels) -> list[Pixels]:
    """Its pixels lie half a pixel further on."""
    shift = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    changed = []
    for photo, place, matrix, offset in zip(photos, *_maps(photos), strict=True):
        moved = shift @ place @ np.linalg.inv(shift)
        coefficients = (moved / moved[2, 2]).ravel()[:8].tolist()
        size, kind = (SIZE, SIZE), Image.Transform.PERSPECTIVE
        picture = Image.fromarray(photo).transform(size, kind, coefficients, Image.Resampling.BILINEAR)
        rows = np.column_stack([matrix, np.full(3, offset)])
        changed.append(np.asarray(picture.convert("RGB", tuple(rows.ravel().tolist()))))
    return changed


def _scipy(photos: Pixels) -> list[Pixels]:
    y, x = np.mgrid[:SIZE, :SIZE]
    points = np.stack([x.ravel(), y.ravel(), np.ones(x.size)])
    changed = []
    for photo, place, matrix, offset in zip(photos, *_maps(photos), strict=True):
        across, down, depth = place @ points
        channels = [
            ndimage.map_coordinates(
                photo[..., i], [down / depth, across / depth], np.float32, 1, mode="mirror"
            )
            for i in range(3)
        ]
        colour = matrix @ channels + offset
        changed.append(np.rint(np.clip(colour, 0, 255)).astype(np.uint8).T.reshape(photo.shape))
    return changed


def _tensorflow(photos: Pixels) -> Callable[[], object]:
    places, matrices, offsets = (tf.constant(values, tf.float32) for values in _maps(photos))
    transforms = tf.reshape(places / places[:, 2:, 2:], (BATCH, 9))[:, :8]

    def change(photos: tf.Tensor) -> tf.Tensor:
        moved = tf.raw_ops.ImageProjectiveTransformV3(
            images=photos,
            transforms=transforms,
            output_shape=(SIZE, SIZE),
            fill_value=0.0,
            interpolation="BILINEAR",
            fill_mode="REFLECT",
        )
        coloured = tf.einsum("bhwc,bdc->bhwd", tf.cast(moved, tf.float32), matrices)
        return tf.saturate_cast(tf.round(coloured + offsets[:, None, None, None]), tf.uint8)

    traced, pixels = tf.function(change), tf.constant(photos)
    return lambda: traced(pixels).numpy()


def _keras(photos: Pixels) -> Callable[[], object]:
    """Their nearest equals."""
    change = keras.Sequential(
        [
            layers.RandomFlip("horizontal", seed=0),
            layers.RandomZoom((-0.3, 0), seed=0),
            layers.RandomRotation(5 / 360, seed=0),
            layers.RandomPerspective(1.0, scale=0.2, seed=0),
            layers.RandomColorJitter((0, 255), 0.2, 0.2, 0.2, 0.05, seed=0),
        ]
    )
    traced, pixels = (
        tf.function(lambda photos: change(photos, training=True)),
        tf.constant(photos, tf.float32),
    )
    return lambda: traced(pixels).numpy()
