"""Attacked photos to look at."""

from collections.abc import Iterator
from dataclasses import dataclass

import keras
import numpy as np

from kangaroo.attack.gradient import Attack, Judged
from kangaroo.attack.robustness import Robustness
from kangaroo.attack.settings import AttackConfig
from kangaroo.data.images import Pixels

NUMBER = 6
"""Photos in one figure."""


@dataclass(frozen=True, eq=False)
class Examples:
    """Photos, what an attack adds to them, and the sum.

    ``photos`` and ``attacked`` are pictures, uint8 (m, H, W, 3); ``change``, float32 (m, H, W, 3), is in the
    units of the attack's space. ``labels`` (m,) are class numbers; ``before`` and ``after`` have arrays (m,).
    """

    config: AttackConfig
    epsilon: float
    labels: np.ndarray
    photos: Pixels
    change: np.ndarray
    attacked: Pixels
    before: Judged
    after: Judged


def telling(found: Robustness) -> int:
    """Number of the smallest epsilon whose attack reaches its goal in half the photos, or else in most."""
    enough = np.flatnonzero((found.success >= 0.5) & (np.array(found.epsilons) > 0))
    return int(enough[0]) if len(enough) else int(found.success.argmax())


def pick(found: Robustness, which: int, number: int = NUMBER, *, seed: int) -> np.ndarray:
    """Rows of random photos at epsilon number ``which``: up to two without a gradient, one that resisted.

    The others reached the attack's goal. Where epsilon 0 was tried, all were named rightly there.
    """
    right = np.ones(found.n, bool)
    if 0 in found.epsilons:
        right = found.judged.predicted[found.epsilons.index(0)] == found.labels
    target, predicted = found.config.target, found.judged.predicted[which]
    reached = (predicted != found.labels) if target is None else (predicted == target)
    order = np.random.default_rng(seed).permutation(found.n)

    def some(among: np.ndarray, most: int) -> Iterator[int]:
        return iter(order[(right & among)[order]][:most])

    still = [*some(~reached & ~found.zero_gradient, 1), *some(found.zero_gradient & ~reached, 2)]
    return np.array([*some(reached, number - len(still)), *still], int)


def examples(
    model: keras.Model, photos: Pixels, labels: np.ndarray, epsilon: float, config: AttackConfig
) -> Examples:
    """Attack a few photos, uint8 (m, H, W, 3) of classes ``labels`` (m,), in float32."""
    attack, labels = Attack(model, config), np.asarray(labels, np.int32)
    at = attack.units(photos)
    direction, _, before = attack.direction(at, labels)
    change = attack.perturb(at, labels, direction, epsilon)
    after = attack.judge(at, labels, direction, epsilon)
    return Examples(config, epsilon, labels, photos, change, _pictures(at + change, config), before, after)


def _pictures(photos: np.ndarray, config: AttackConfig) -> Pixels:
    """What a screen can show; photos in standardized units are rescaled one by one to fill 0 to 255."""
    if config.space == "standardized":
        low, high = (of(photos, axis=(1, 2, 3), keepdims=True) for of in (np.min, np.max))
        photos = (photos - low) * (255 / np.maximum(high - low, 1e-6))
    return np.rint(photos).astype(np.uint8)
