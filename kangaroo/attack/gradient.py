"""Attacks along the gradient: small changes of photos that make a model misname them.

One loop (normalize, step, project, clip) in three settings; see :class:`AttackConfig`.
"""

from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from kangaroo.attack.settings import AttackConfig
from kangaroo.data.images import Pixels, standardize
from kangaroo.errors import KangarooError
from kangaroo.models.gradients import compiled, value_and_gradient
from kangaroo.models.graph import class_scores, log_odds, logit_model, standardized, takes_pixels
from kangaroo.models.relu_after_pooling import late_relu

WHITE = 255.0
CERTAIN = 1e-7  # Keras clips probabilities this far from 0 and 1 before it takes their logarithm


class Judged(NamedTuple):
    """What a model says of attacked photos, each (n,).

    ``log_odds`` log(p / (1 - p)) of the label, ``predicted`` class number, ``confidence`` its probability;
    ``mean_abs`` and ``max_abs`` of the perturbation's values, in the units of the attack's space.
    """

    log_odds: np.ndarray
    predicted: np.ndarray
    confidence: np.ndarray
    mean_abs: np.ndarray
    max_abs: np.ndarray


class Linf:
    """The largest change of any value."""

    @staticmethod
    def normalize(gradient: Any) -> Any:
        """The step of size 1 that a linear function rises most by."""
        return ops.sign(gradient)

    @staticmethod
    def project(perturbation: Any, epsilon: Any) -> Any:
        """The nearest perturbation within epsilon."""
        return ops.minimum(ops.maximum(perturbation, -epsilon), epsilon)

    @staticmethod
    def start(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        """A random perturbation, uniform within epsilon 1."""
        return rng.uniform(-1, 1, shape)


class L2:
    """The Euclidean norm of all changes of a photo; the methods are those of :class:`Linf`."""

    @staticmethod
    def normalize(gradient: Any) -> Any:
        """See :class:`Linf`."""
        return gradient / ops.maximum(_length(gradient), 1e-12)

    @staticmethod
    def project(perturbation: Any, epsilon: Any) -> Any:
        """See :class:`Linf`."""
        return perturbation * ops.minimum(1.0, epsilon / ops.maximum(_length(perturbation), 1e-12))

    @staticmethod
    def start(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        """See :class:`Linf`."""
        direction = rng.normal(size=shape)
        return direction / np.linalg.norm(direction) * rng.uniform() ** (1 / direction.size)


NORMS: dict[str, type[Linf] | type[L2]] = {"linf": Linf, "l2": L2}


class Attack:
    """One attack on one model, compiled once for any number of photos and any epsilon.

    ``photos`` are float32 (n, H, W, 3) in the units of ``config.space``, as :meth:`units` gives them;
    ``labels``, int32 (n,), are their class numbers. ``model`` is left as it is: a copy computes with dtype
    ``policy``. A photo's result depends on no other photo. Raises KangarooError for a target that is no
    class and for standardized units where the model takes pixels, ModelError as
    :func:`kangaroo.models.graph.logit_model` does.
    """

    def __init__(self, model: keras.Model, config: AttackConfig, *, policy: str = "float32") -> None:
        n_classes = max(2, model.output_shape[-1])
        if config.target is not None and not 0 <= config.target < n_classes:
            raise KangarooError(
                f"no class {config.target} to aim at: give a number from 0 to {n_classes - 1}"
            )
        if config.space == "standardized" and takes_pixels(model):
            raise KangarooError(
                f"{model.name} takes pixels, no standardized photos: attack it in the space pixels"
            )
        self._standardizes = config.space == "pixels" and not takes_pixels(model)
        self.config = config
        self._network = late_relu(logit_model(model, policy))
        self._norm = NORMS[config.norm]
        start = self._norm.start(model.input_shape[1:], np.random.default_rng(config.seed))
        self._start = ops.convert_to_tensor(start[None].astype(np.float32))
        self._gradient = value_and_gradient(self._objective)
        self._run_direction = compiled(self._direction, tensors=True)
        self._run_perturb = compiled(self._perturb)
        self._run_judge = compiled(self._judge)

    def units(self, pixels: Pixels) -> np.ndarray:
        """Photos, uint8 (n, H, W, 3), as float32 in the units of the attack's space."""
        return pixels.astype(np.float32) if self.config.space == "pixels" else standardize(pixels)

    def direction(self, photos: Any, labels: Any) -> tuple[Any, np.ndarray, Judged]:
        """The normalized gradient at each photo (like ``photos``), and whether it is zero throughout (n,).

        The first is the backend's tensor: :meth:`perturb` and :meth:`judge` take it. The third is what the
        model says of the photos as they are, which the same pass tells.
        """
        direction, *rest = self._run_direction(photos, labels)
        vanishes, odds, predicted, confidence = map(ops.convert_to_numpy, rest)
        nothing = np.zeros(len(vanishes), np.float32)
        return direction, vanishes, Judged(odds, predicted, confidence, nothing, nothing)

    def perturb(self, photos: Any, labels: Any, direction: Any, epsilon: float) -> np.ndarray:
        """What the attack adds to each photo (like ``photos``), within ``epsilon``.

        ``direction`` is what :meth:`direction` gives for these photos, whatever the epsilon.
        """
        return self._run_perturb(photos, labels, direction, *self._sizes(epsilon))

    def judge(self, photos: Any, labels: Any, direction: Any, epsilon: float) -> Judged:
        """What the model says of the photos once they are attacked; arguments as of :meth:`perturb`."""
        return self._run_judge(photos, labels, direction, *self._sizes(epsilon))

    def _sizes(self, epsilon: float) -> tuple[np.float32, np.float32]:
        return np.float32(epsilon), np.float32(self.config.step(epsilon))

    def _logits(self, photos: Any) -> Any:
        inputs = standardized(photos) if self._standardizes else photos
        return self._network(inputs, training=False)

    def _aim(self, labels: Any) -> tuple[Any, int]:
        """The class whose score the attack changes, and whether up or down."""
        target = self.config.target
        return (labels, -1) if target is None else (ops.full_like(labels, target), 1)

    def _objective(self, photos: Any, labels: Any) -> tuple[Any, Any]:
        """What the attack ascends, and the logits.

        The log odds' gradient is parallel to that of the cross entropy, log(1 + exp(-log odds)), but does
        not fade where the model is certain.
        """
        classes, sign = self._aim(labels)
        logits = self._logits(photos)
        if self.config.through == "logit":
            return sign * log_odds(logits, classes), logits
        p = class_scores(logits, classes, "probability")
        return sign * ops.log(ops.clip(p, CERTAIN, 1 - CERTAIN)), logits

    def _direction(self, photos: Any, labels: Any) -> tuple[Any, ...]:
        _, logits, gradient = self._gradient(photos, labels)
        vanishes = ops.all(gradient == 0, axis=(1, 2, 3))
        return self._norm.normalize(gradient), vanishes, *verdict(logits, labels)

    def _perturb(self, photos: Any, labels: Any, direction: Any, epsilon: Any, size: Any) -> Any:
        def step(_: Any, perturbation: Any) -> Any:
            onwards = self._direction(photos + perturbation, labels)[0]
            return self._clip(photos, self._norm.project(perturbation + size * onwards, epsilon))

        if self.config.method == "iterative":  # the first step's direction is known
            first = self._clip(photos, self._norm.project(size * direction, epsilon))
            return ops.fori_loop(1, self.config.steps, step, first)
        once = self._clip(photos, epsilon * direction)
        if self.config.method == "signed-gradient":
            return once
        start = self._clip(photos, ops.zeros_like(photos) + epsilon * self._start)
        return self._better(photos, labels, once, ops.fori_loop(0, self.config.steps, step, start))

    def _clip(self, photos: Any, perturbation: Any) -> Any:
        """Leave photos in pixels within 0 to 255."""
        if self.config.space == "standardized":
            return perturbation
        return ops.minimum(ops.maximum(perturbation, -photos), WHITE - photos)

    def _better(self, photos: Any, labels: Any, first: Any, second: Any) -> Any:
        """Of two perturbations of each photo, the one that reaches the goal, or else the better one."""
        (reached, value), (also, other) = (
            self._reached(self._logits(photos + perturbation), labels) for perturbation in (first, second)
        )
        takes = (also > reached) | ((also == reached) & (other > value))
        return ops.where(takes[:, None, None, None], second, first)

    def _reached(self, logits: Any, labels: Any) -> tuple[Any, Any]:
        """Whether the goal is reached (1 or 0), and how far."""
        classes, sign = self._aim(labels)
        there = _predicted(logits) == classes if sign > 0 else _predicted(logits) != classes
        return ops.cast(there, "int32"), sign * log_odds(logits, classes)

    def _judge(self, photos: Any, labels: Any, direction: Any, epsilon: Any, size: Any) -> Judged:
        perturbation = self._perturb(photos, labels, direction, epsilon, size)
        change = ops.abs(perturbation)
        return Judged(
            *verdict(self._logits(photos + perturbation), labels),
            ops.mean(change, axis=(1, 2, 3)),
            ops.max(change, axis=(1, 2, 3)),
        )


def verdict(logits: Any, labels: Any) -> tuple[Any, Any, Any]:
    """The first three fields of :class:`Judged`, from the outputs of a logit model."""
    predicted = _predicted(logits)
    return log_odds(logits, labels), predicted, class_scores(logits, predicted, "probability")


def _predicted(logits: Any) -> Any:
    if logits.shape[-1] == 1:
        return ops.cast(logits[:, 0] > 0, "int32")
    return ops.cast(ops.argmax(logits, axis=1), "int32")


def _length(values: Any) -> Any:
    return ops.sqrt(ops.sum(ops.square(values), axis=(1, 2, 3), keepdims=True))
