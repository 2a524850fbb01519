"""How a model's accuracy falls as photos are changed more and more."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from kangaroo.attack.gradient import Attack, Judged, verdict
from kangaroo.attack.settings import AttackConfig, check_epsilons
from kangaroo.data.cache import rows_of
from kangaroo.data.images import Pixels
from kangaroo.errors import DataError
from kangaroo.models.gradients import chunks, compiled
from kangaroo.models.graph import inputs_of, logit_model
from kangaroo.progress import progress

_CLOSE = 0.65
"""Answers of a lower confidence could be another in float32: log odds of 0.6, where bfloat16 errs by 0.1."""


@dataclass(frozen=True, eq=False)
class Robustness:
    """What became of n photos under one attack at each of k epsilons.

    ``labels`` (n,) are class numbers, ``zero_gradient`` (n,) says whose gradient is zero throughout, so that
    the photo can't be attacked; ``judged`` has arrays (k, n), see :class:`kangaroo.attack.gradient.Judged`.
    """

    config: AttackConfig
    epsilons: tuple[float, ...]
    labels: np.ndarray
    zero_gradient: np.ndarray
    judged: Judged

    @property
    def n(self) -> int:
        """Number of photos."""
        return len(self.labels)

    @property
    def accuracy(self) -> np.ndarray:
        """Share of photos that are named rightly, (k,)."""
        return (self.judged.predicted == self.labels).mean(axis=1)

    @property
    def loss(self) -> np.ndarray:
        """Mean cross entropy in nats, (k,); from the log odds, so that it never overflows."""
        return np.logaddexp(0, -self.judged.log_odds.astype(np.float64)).mean(axis=1)

    @property
    def success(self) -> np.ndarray:
        """Share of photos that are taken for the target or, without one, for any class but theirs, (k,)."""
        target = self.config.target
        return 1 - self.accuracy if target is None else (self.judged.predicted == target).mean(axis=1)

    @property
    def mean_abs_perturbation(self) -> np.ndarray:
        """Mean absolute change of a value, in the units of the attack's space, (k,)."""
        return self.judged.mean_abs.astype(np.float64).mean(axis=1)

    @property
    def max_abs_perturbation(self) -> np.ndarray:
        """Largest absolute change of any value of any photo, (k,)."""
        return self.judged.max_abs.astype(np.float64).max(axis=1)

    @property
    def zero_gradient_fraction(self) -> float:
        """Share of photos whose gradient is zero throughout."""
        return float(self.zero_gradient.mean())

    def figures(self) -> dict[str, Any]:
        """Every figure, in Python types that JSON can hold."""
        config, lists = self.config, ("accuracy", "loss", "success")
        return {
            "method": config.method,
            "space": config.space,
            "norm": config.norm,
            "through": config.through,
            "n": self.n,
            "eps": list(self.epsilons),
            **{name: getattr(self, name).tolist() for name in lists},
            "mean_abs_perturbation": self.mean_abs_perturbation.tolist(),
            "max_abs_perturbation": self.max_abs_perturbation.tolist(),
            "zero_gradient_fraction": self.zero_gradient_fraction,
        }


def sweep(
    model: keras.Model,
    photos: Pixels,
    labels: np.ndarray,
    epsilons: Sequence[float],
    config: AttackConfig,
    *,
    policy: str = "float32",
) -> Robustness:
    """Attack ``photos``, uint8 (n, H, W, 3) with class numbers ``labels`` (n,), with each of ``epsilons``.

    The gradient at a photo is computed once, however many epsilons there are; that is all that
    'signed-gradient' needs. Photos are differentiated and judged with dtype ``policy``; where nothing was
    changed (epsilon 0) and the answer is close, they are judged again in float32, so that the accuracy is
    that of an evaluation. Raises KangarooError for an epsilon that is no size, DataError if there is no
    photo or one of another shape than the model takes.
    """
    check_epsilons(epsilons)
    _check_photos(photos, labels, model.input_shape[1:])
    attack, labels = Attack(model, config, policy=policy), np.asarray(labels, np.int32)
    zero, judged = [], []
    for rows in progress(list(chunks(len(photos))), f"attack: {config.method}", unit="batch"):
        at, own = (
            ops.convert_to_tensor(attack.units(rows_of(photos, rows))),
            ops.convert_to_tensor(labels[rows]),
        )
        direction, vanishes, as_it_is = attack.direction(at, own)
        verdicts = [
            attack.judge(at, own, direction, epsilon) if epsilon else as_it_is for epsilon in epsilons
        ]
        judged.append([np.stack(field) for field in zip(*verdicts, strict=True)])
        zero.append(vanishes)
    whole = Judged(*(np.concatenate(field, axis=1) for field in zip(*judged, strict=True)))
    if 0 in epsilons and policy != "float32":
        _judge_closely(model, photos, labels, whole, np.equal(epsilons, 0))
    return Robustness(config, tuple(map(float, epsilons)), labels, np.concatenate(zero), whole)


def _judge_closely(
    model: keras.Model, photos: Pixels, labels: np.ndarray, judged: Judged, unchanged: np.ndarray
) -> None:
    """Judge photos whose answer is close in float32, as a classifier does, and correct ``judged``.

    ``unchanged`` (k,) says which of the epsilons are 0.
    """
    network = logit_model(model)
    run = compiled(lambda photos, labels: verdict(network(photos, training=False), labels))
    close = np.flatnonzero(judged.confidence[unchanged][0] < _CLOSE)
    for part in chunks(len(close)):
        rows = close[part]
        for field, values in zip(judged, run(inputs_of(model, photos[rows]), labels[rows]), strict=False):
            field[np.ix_(unchanged, rows)] = values


def _check_photos(photos: Pixels, labels: np.ndarray, wanted: tuple[int, ...]) -> None:
    if not len(photos):
        raise DataError("no photo to attack: give at least one that can be read")
    if photos.dtype != np.uint8 or photos.shape[1:] != tuple(wanted) or len(labels) != len(photos):
        raise DataError(
            f"photos must be uint8 (n, {wanted[0]}, {wanted[1]}, 3) with n labels, these are {photos.dtype} "
            f"{photos.shape} with {len(labels)}: kangaroo.data.images.decode brings any photo to that shape"
        )
