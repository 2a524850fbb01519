"""Decoded photos to batches that Keras trains on: through tf.data with TensorFlow, else through NumPy."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import keras
import numpy as np
import numpy.typing as npt

from kangaroo.data.augment import Augmented
from kangaroo.data.augmentation import Augmentation
from kangaroo.data.cache import rows_of
from kangaroo.data.images import Pixels, standardize

Rows = npt.NDArray[np.int64]


class Batches(Protocol):
    """A known number of batches (photos, labels), which can be gone through any number of times."""

    def __len__(self) -> int:
        """Number of batches."""

    def __iter__(self) -> Iterator[Any]:
        """The batches, as the backend's tensors or as arrays."""


def batches(
    pixels: Pixels,
    rows: npt.ArrayLike,
    labels: npt.NDArray[Any],
    *,
    batch_size: int,
    shuffle_seed: int | Sequence[int] | None = None,
    standardized: bool = True,
    augmentation: Augmentation | None = None,
    size: int | None = None,
) -> Batches:
    """Batches (photos, labels): float32 (b, H, W, 3), each photo standardized by itself, and labels (b,).

    ``pixels`` is uint8 (n, H, W, 3), ``labels`` (n,) in the same order and in the type that the loss wants;
    ``rows`` chooses what one pass sees, each once. Without ``shuffle_seed`` the order is that of ``rows``;
    with it (an integer, or several such as seed and epoch) it is a function of that seed alone, so that a
    resumed training sees the batches of an uninterrupted one. With TensorFlow as Keras's backend they are a
    tf.data.Dataset, else :class:`NumpyBatches`, in the same order. Without ``standardized`` photos stay
    pixels, 0 to 255, for the networks of :func:`kangaroo.models.graph.takes_pixels`.

    ``augmentation`` changes the photos before that, as ``shuffle_seed`` and a photo's row say, whatever the
    batch size; where it mixes photos, ``labels`` are rows (n, k) of floats. They come out in ``size``, if it
    is given, so that parts of larger photos need not be enlarged.
    """
    if len(labels) != len(pixels):
        raise ValueError(f"{len(labels)} labels for {len(pixels)} photos: one for each photo is needed")
    order = np.asarray(rows, np.int64)
    if shuffle_seed is not None:
        order = np.random.default_rng(shuffle_seed).permutation(order)
    photos: Pixels | Augmented = pixels
    if augmentation is not None:
        if shuffle_seed is None:
            raise ValueError("augmentation changes photos at random: give a shuffle_seed")
        photos = Augmented(pixels, order, augmentation, shuffle_seed, size)
        labels = photos.labels(labels)
    make = _tensorflow_batches if keras.backend.backend() == "tensorflow" else NumpyBatches
    return make(photos, labels, order, batch_size, standardized=standardized)


@dataclass(frozen=True)
class Share:
    """The part of each batch that one of several processes works on, ``devices`` being those of them all.

    Processes have as many devices each. The parts, in order of the processes, make up the batch.
    """

    process: int
    processes: int
    devices: int

    def of(self, n: int) -> tuple[Rows, npt.NDArray[np.float32]]:
        """Positions (k,) in a batch of n, and what each counts: 1, or 0 where it only fills the batch up.

        k is the same for all processes, and a multiple of the devices of each.
        """
        k = -(-n // self.devices) * self.devices // self.processes
        own = np.arange(self.process * k, (self.process + 1) * k)
        return np.minimum(own, n - 1), (own < n).astype(np.float32)


class NumpyBatches(keras.utils.PyDataset):
    """Batches (photos, labels) of the rows ``order``, one of which is read ahead in a thread.

    Keras could read ahead too, with ``workers``, but mixes up the order when it has looked at a batch before
    the training (3.15: what was read by then comes first, and again).

    With a ``share`` they are one process's parts, (photos, labels (k, 1), weights (k,)); the labels are a
    column because Keras's metrics don't make it one.
    """

    def __init__(
        self,
        pixels: Pixels | Augmented,
        labels: npt.NDArray[Any],
        order: Rows,
        batch_size: int,
        share: Share | None = None,
        *,
        standardized: bool = True,
    ) -> None:
        super().__init__()
        self._pixels, self._labels, self._order = pixels, labels, order
        self._batch_size, self._share = batch_size, share
        self._standardized = standardized
        self._thread = ThreadPoolExecutor(1)
        self._ahead: dict[int, Future[tuple[npt.NDArray[Any], ...]]] = {}

    def __len__(self) -> int:
        return -(-len(self._order) // self._batch_size)

    def __getitem__(self, index: int) -> tuple[npt.NDArray[Any], ...]:
        batch = self._ahead.pop(index, None) or self._thread.submit(self._load, index)
        following = [index + 1] if index + 1 < len(self) else []
        self._ahead = {i: self._thread.submit(self._load, i) for i in following}
        return batch.result()

    def _load(self, index: int) -> tuple[npt.NDArray[Any], ...]:
        rows = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        if self._share is None:
            return self._photos(rows), self._labels[rows]
        own, weights = self._share.of(len(rows))
        return self._photos(rows[own]), self._labels[rows[own]].reshape(len(own), -1), weights

    def _photos(self, rows: Rows) -> npt.NDArray[np.float32]:
        return _as_inputs(self._pixels, rows, self._standardized)

    def shared(self, share: Share) -> "NumpyBatches":
        """The same batches, of which one process sees its part."""
        return NumpyBatches(
            self._pixels, self._labels, self._order, self._batch_size, share, standardized=self._standardized
        )


def _as_inputs(pixels: Pixels | Augmented, rows: Rows, standardized: bool) -> npt.NDArray[np.float32]:
    photos = pixels.photos(rows) if isinstance(pixels, Augmented) else rows_of(pixels, rows)
    return standardize(photos) if standardized else photos.astype(np.float32)


def _tensorflow_batches(
    pixels: Pixels | Augmented, labels: npt.NDArray[Any], order: Rows, batch_size: int, *, standardized: bool
) -> Batches:
    import tensorflow as tf

    def read(chosen: Rows) -> npt.NDArray[np.float32]:
        return _as_inputs(pixels, chosen, standardized)

    def load(chosen: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        photos = tf.numpy_function(read, [chosen], tf.float32, stateful=False)
        return tf.ensure_shape(photos, (None, *pixels.shape[1:])), label

    dataset = tf.data.Dataset.from_tensor_slices((order, labels[order])).batch(batch_size)
    plain = tf.autograph.experimental.do_not_convert(load)
    loaded = dataset.map(plain, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return loaded.prefetch(tf.data.AUTOTUNE)
