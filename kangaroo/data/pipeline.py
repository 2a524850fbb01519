"""Decoded photos to batches that Keras trains on."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from kangaroo.data.images import Pixels


def batches(
    pixels: Pixels,
    rows: npt.ArrayLike,
    labels: npt.NDArray[Any],
    *,
    batch_size: int,
    shuffle_seed: int | Sequence[int] | None = None,
) -> tf.data.Dataset:
    """Batches (photos, labels): float32 (b, H, W, 3), each photo standardized by itself, and labels (b,).

    ``pixels`` is uint8 (n, H, W, 3), ``labels`` (n,) in the same order and in the type that the loss wants;
    ``rows`` chooses what one pass sees, each once. Without ``shuffle_seed`` the order is that of ``rows``;
    with it (an integer, or several such as seed and epoch) it is a function of that seed alone, so that a
    resumed training sees the batches of an uninterrupted one.
    """
    if len(labels) != len(pixels):
        raise ValueError(f"{len(labels)} labels for {len(pixels)} photos: one for each photo is needed")
    order = np.asarray(rows, np.int64)
    if shuffle_seed is not None:
        order = np.random.default_rng(shuffle_seed).permutation(order)

    def gather(chosen: npt.NDArray[np.int64]) -> Pixels:
        return pixels[chosen]

    def load(chosen: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        photos = tf.numpy_function(gather, [chosen], tf.uint8, stateful=False)
        photos = tf.ensure_shape(photos, (None, *pixels.shape[1:]))
        return tf.image.per_image_standardization(photos), label

    dataset = tf.data.Dataset.from_tensor_slices((order, labels[order])).batch(batch_size)
    plain = tf.autograph.experimental.do_not_convert(load)
    loaded = dataset.map(plain, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return loaded.prefetch(tf.data.AUTOTUNE)
