"""Losses and metrics that know how far a wrong answer is from the truth, and the targets that go with them.

Networks of classes (countries, cells) learn from rows y (n, 2k): the wanted distribution over k classes, then
the distances in km from the photo's true coordinates to each class's point. Networks of coordinates learn
from y as they say it: unit vectors (n, 3), or latitude and longitude (n, 2) as shares of a box; for the
latter Keras's own MeanSquaredError does as well. Functions of (y_true, y_pred) are for MeanMetricWrapper.
"""

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike, NDArray

from kangaroo.errors import DataError, KangarooError
from kangaroo.geo.decoders import ClassPoints
from kangaroo.geo.distance import EARTH_RADIUS_KM, haversine_km

Rows: TypeAlias = NDArray[np.float32]
T = TypeVar("T")

REDUCTION = "mean_with_sample_weight"
# With this a checkpoint, which holds loss and metrics by name, comes back wherever this module is imported.
_registered: Callable[[T], T] = keras.saving.register_keras_serializable("kangaroo")


@_registered
class PlaceLoss(keras.losses.Loss):
    """Cross entropy in nats, and ``alpha`` for each 1,000 km by which a guess is expected to be wrong.

    'CNN plays GeoGuessr' adds alpha times the haversine distance of the prediction. That of the likeliest
    class has no gradient; here it is the expected distance, that of each class weighted with its probability.
    ``y_true`` (n, 2k) are rows of :func:`place_rows`; ``y_pred`` (n, k) are probabilities, or (n, 1) that of
    the second of two classes.
    """

    def __init__(self, alpha: float, *, name: str = "place_loss", reduction: str = REDUCTION) -> None:
        if not alpha >= 0:
            raise KangarooError(f"alpha {alpha} would reward distance: give 0 or more")
        super().__init__(name, reduction)
        self.alpha = alpha

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each photo, (n,)."""
        target, km = ops.split(y_true, 2, axis=-1)
        expected_km = ops.sum(_of_classes(y_pred) * km, axis=-1)
        return _cross_entropy(target, y_pred) + self.alpha * expected_km / 1000

    def get_config(self) -> dict[str, Any]:
        """What a checkpoint makes it from again."""
        return {**super().get_config(), "alpha": self.alpha}


@_registered
class SphereLoss(keras.losses.Loss):
    """Great-circle distance in 1,000 km of unit vectors (n, 3), see :func:`sphere_km`."""

    def __init__(self, *, name: str = "sphere_loss", reduction: str = REDUCTION) -> None:
        super().__init__(name, reduction)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each photo, (n,)."""
        return sphere_km(y_true, y_pred) / 1000


@_registered
class BoxLoss(keras.losses.Loss):
    """Great-circle distance in 1,000 km of points (n, 2) in a box of degrees, see :func:`box_km`."""

    def __init__(
        self,
        south: float,
        north: float,
        west: float,
        east: float,
        *,
        name: str = "box_loss",
        reduction: str = REDUCTION,
    ) -> None:
        super().__init__(name, reduction)
        self.box = {"south": south, "north": north, "west": west, "east": east}

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each photo, (n,)."""
        return _box_km(y_true, y_pred, **self.box) / 1000

    def get_config(self) -> dict[str, Any]:
        """What a checkpoint makes it from again."""
        return {**super().get_config(), **self.box}


@_registered
def place_accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where the likeliest class is that of the target, else 0, (n,); arguments as in :class:`PlaceLoss`."""
    target, _ = ops.split(y_true, 2, axis=-1)
    right = ops.equal(ops.argmax(target, axis=-1), ops.argmax(_of_classes(y_pred), axis=-1))
    return ops.cast(right, "float32")


@_registered
def sphere_km(y_true: Any, y_pred: Any) -> Any:
    """Great-circle distance in km (n,) of unit vectors (n, 3) from vectors of any length (n, 3).

    The angle between a and b is 2 atan2(|a - b|, |a + b|) (W. Kahan, How Futile are Mindless Assessments of
    Roundoff in Floating-Point Computation?, 2006, section 12): right for small angles, where the
    arccosine of the product isn't, and with a finite gradient at the antipodes, where arcsine has none.
    Vectors in float32 are right to a metre.
    """
    guess = y_pred * ops.rsqrt(ops.maximum(ops.sum(ops.square(y_pred), axis=-1, keepdims=True), 1e-12))
    apart, together = (_root(ops.sum(ops.square(v), axis=-1)) for v in (y_true - guess, y_true + guess))
    return 2 * EARTH_RADIUS_KM * ops.arctan2(apart, together)


@_registered
def box_km(y_true: Any, y_pred: Any, south: float, north: float, west: float, east: float) -> Any:
    """Great-circle distance in km (n,) of points (n, 2) in a box, whose sides are given in degrees.

    Latitude is 0 in the south and 1 in the north, longitude 0 in the west and 1 in the east. A guess outside
    is moved to the edge, as :class:`kangaroo.geo.decoders.Box` does; :class:`BoxLoss` doesn't, because then
    no gradient would lead back inside.
    """
    return _box_km(y_true, ops.clip(y_pred, 0, 1), south, north, west, east)


def targets(index: ArrayLike, k: int, *, smoothing: float = 0.0) -> Rows:
    """Distributions (n, k) over k classes of which those of ``index`` (n,) are true.

    ``smoothing`` shares out that much of the certainty among all classes alike (Szegedy et al., CVPR 2016).
    Raises KangarooError unless it is at least 0 and below 1.
    """
    if not 0 <= smoothing < 1:
        raise KangarooError(f"label smoothing {smoothing} leaves no label: give 0 or more, and less than 1")
    return (1 - smoothing) * np.eye(k, dtype=np.float32)[np.asarray(index)] + np.float32(smoothing / k)


def soft_targets(distances: ArrayLike, index: ArrayLike, *, tau_km: float) -> Rows:
    """Distributions (n, k) over k classes that fall off with the distance, from :func:`distance_rows`.

    Haversine smoothing of PIGEON (Haas et al., arXiv:2307.05845): exp(-(d - d_true) / tau), d_true being the
    distance of the true class's point (``index``, (n,)), here normalized. PIGEON's cells are small; of
    countries, another one's point is often nearer than the own one's and would get the greater weight. Here
    it gets a hair less than the true class, which so stays the likeliest, also for :func:`place_accuracy`.
    Raises KangarooError unless ``tau_km`` is above 0.
    """
    if not tau_km > 0:
        raise KangarooError(f"labels can't fall off over {tau_km} km: give more than 0")
    km, true = np.asarray(distances, np.float32), np.asarray(index)[:, None]
    further = km - np.take_along_axis(km, true, axis=1)
    weights = np.minimum(np.exp(-np.maximum(further, 0) / np.float32(tau_km)), np.float32(1 - 1e-6))
    np.put_along_axis(weights, true, 1, axis=1)
    return weights / weights.sum(axis=1, keepdims=True)


def distance_rows(lat: ArrayLike, lon: ArrayLike, index: ArrayLike, points: ClassPoints) -> Rows:
    """Distances (n, k) in km from photos at ``lat``, ``lon`` (n,), in degrees, to the points of k classes.

    A photo without coordinates (NaN) is where the point of its class is (``index``, (n,)). A class without a
    point, which nobody can guess, is as far from a photo as the farthest other class. Raises DataError where
    neither a photo nor its class has coordinates.
    """
    index = np.asarray(index)
    known = np.isfinite(np.asarray(lat, np.float64)) & np.isfinite(np.asarray(lon, np.float64))
    from_lat, from_lon = np.where(known, lat, points.lat[index]), np.where(known, lon, points.lon[index])
    if not np.isfinite(from_lat).all():
        row = int(np.isfinite(from_lat).argmin())
        raise DataError(
            f"class number {index[row]}, counted from 0, has a photo without coordinates and no point: leave "
            "the class out, or give it photos with coordinates"
        )
    km = np.empty((len(index), len(points.lat)), np.float32)
    for i, (to_lat, to_lon) in enumerate(zip(points.lat, points.lon, strict=True)):
        km[:, i] = haversine_km(from_lat, from_lon, to_lat, to_lon)
    return np.where(np.isnan(km), np.nanmax(km, axis=1, keepdims=True), km)


def place_rows(distributions: Rows, distances: Rows) -> Rows:
    """What a network of classes learns from, (n, 2k): distributions (n, k), then distances (n, k) in km."""
    return np.concatenate([distributions, distances], axis=1, dtype=np.float32)


def _cross_entropy(target: Any, outputs: Any) -> Any:
    """Cross entropy (n,) of distributions (n, k)."""
    # Outputs go in as they came: with TensorFlow, Keras then finds the logits behind them, and the gradient
    # doesn't vanish where a probability rounds to 0.
    if outputs.shape[-1] == 1:
        return ops.binary_crossentropy(target[:, 1:], outputs)[:, 0]
    return ops.categorical_crossentropy(target, outputs)


def _box_km(y_true: Any, y_pred: Any, south: float, north: float, west: float, east: float) -> Any:
    """The haversine formula, as in :func:`kangaroo.geo.distance.haversine_km`.

    Differences are taken before they become angles, so that float32 tells centimetres apart in a city.
    """
    height, width = np.radians(north - south), np.radians(east - west)
    apart = ops.square(ops.sin((y_pred - y_true) * ops.convert_to_tensor([height, width], y_pred.dtype) / 2))
    latitudes = np.radians(south) + height * ops.stack([y_true[:, 0], y_pred[:, 0]])
    haversine = apart[:, 0] + ops.prod(ops.cos(latitudes), axis=0) * apart[:, 1]
    return 2 * EARTH_RADIUS_KM * ops.arctan2(_root(haversine), _root(1 - haversine))


def _of_classes(outputs: Any) -> Any:
    """Probabilities (n, k); of (n, 1), which is that of the second class, both."""
    return ops.concatenate([1 - outputs, outputs], axis=-1) if outputs.shape[-1] == 1 else outputs


def _root(x: Any) -> Any:
    """The square root; of 0, or less by rounding, it is 0 and so is its gradient, which else is infinite."""
    some = x > 1e-30  # not 0: of the smallest numbers some processors make 0 in one place, and not in another
    return ops.where(some, ops.sqrt(ops.where(some, x, 1)), 0)
