"""Integrated gradients (Sundararajan, Taly and Yan, 2017), with an error that is known and kept.

The attribution of a pixel is its difference to a baseline times the mean gradient along the straight path
between the two. Over all pixels that sums to the change of the score, if the mean is exact: how far it is off
is the completeness gap. The score of a network of ReLUs and max-pooling has kinks everywhere along the path,
so that no fixed rule converges faster than 1 / steps; but the true change of the score is known for every
segment, so that the path can be split where the gradients miss it most.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray
from tqdm import tqdm

from kangaroo.explain import quadrature
from kangaroo.explain.settings import Rule, Settings
from kangaroo.models.gradients import chunks, compiled, value_and_gradient
from kangaroo.models.graph import Target, class_scores, logit_model
from kangaroo.models.relu_after_pooling import late_relu
from kangaroo.progress import progress

_FIRST = 3.2
"""The adaptive rule begins with this number over sqrt(tolerance) of segments: 32 for one per cent.

Where errors of opposite sign cancel, the gap closes although the path is still coarse; that is why a stricter
tolerance begins with a finer one.
"""
_COARSE = 16
"""The doubled rule begins with this number of segments."""


@dataclass(frozen=True, eq=False)
class Attribution:
    """What each value of one photo adds to the score of a class, as against its baseline.

    ``values`` float32 (H, W, 3); ``completeness_gap`` is how far their sum misses score - baseline_score, as
    a positive number; ``evaluations`` counts the gradients that were taken. ``error`` is the estimated error
    of all values together, as a share of the sum of their magnitudes; None where the rule estimates none.
    """

    values: NDArray[np.float32]
    baseline_score: float
    score: float
    completeness_gap: float
    evaluations: int
    error: float | None = None

    @property
    def sum(self) -> float:
        """The sum of all values."""
        return float(self.values.sum(dtype=np.float64))

    def within(self, tolerance: float) -> bool:
        """Whether the gap is at most ``tolerance`` times the score difference, or times 1 if that is less."""
        return self.completeness_gap <= tolerance * max(abs(self.score - self.baseline_score), 1)


def integrated_gradients(
    model: keras.Model,
    inputs: NDArray[np.float32],
    baselines: NDArray[np.float32],
    classes: Sequence[int] | NDArray[np.int64],
    *,
    target: Target = "logit",
    rule: Rule = "adaptive",
    steps: int = 50,
    tolerance: float = 0.01,
    max_steps: int = 1000,
    policy: str = "float32",
) -> list[Attribution]:
    """Attribute the score of ``classes`` (n,) for ``inputs`` (n, H, W, 3) to every value of them.

    ``inputs`` and ``baselines`` (same shape, or one for all) are what ``model``, a classifier that ends in a
    sigmoid or softmax, takes: standardized photos, or pixels. ``target`` is the 'logit' or the 'probability'
    of the class. The 'adaptive' rule splits the path until the gap is :meth:`Attribution.within`
    ``tolerance``, or ``max_steps`` gradients were taken for a photo. The 'doubled' rule takes even segments,
    and twice as many, without taking a gradient again, until that changes all values together by no more than
    ``tolerance`` of the sum of their magnitudes: since errors fall as 1 / segments, that change estimates the
    error that is left. It bounds single pixels, where the other bounds their sum. The other rules of
    :mod:`~kangaroo.explain.quadrature` take ``steps``. Memory does not depend on either. ``policy`` is the
    dtype policy of the gradients: 'mixed_bfloat16' adds noise to single values, of about 13 % of all
    attribution on the report's network; scores and gap are float32's. Raises KangarooError for settings that
    make no sense.
    """
    Settings(target=target, rule=rule, steps=steps, tolerance=tolerance, max_steps=max_steps)  # checks them
    integral = _Integral(model, inputs, baselines, classes, target, policy)
    errors: list[float | None] = [None] * len(integral.values)
    if rule == "adaptive":
        evaluations = _adapt(integral, tolerance, max_steps)
    elif rule == "doubled":
        evaluations, errors = _double(integral, tolerance, max_steps)
    else:
        nodes, weights = (values.tolist() for values in quadrature.uniform(rule, steps))
        everywhere = [(node, weight) for node, weight in zip(nodes, weights, strict=True)]
        integral.add([_Request(i, *pair) for i in range(len(integral.values)) for pair in everywhere])
        evaluations = [len(nodes)] * len(integral.values)
    return [integral.attribution(i, *pair) for i, pair in enumerate(zip(evaluations, errors, strict=True))]


@dataclass(frozen=True)
class _Request:
    """A gradient to take: of which photo, where on its path, and the weight that it adds."""

    photo: int
    node: float
    weight: float


def scores(
    model: keras.Model,
    inputs: NDArray[np.float32],
    classes: Sequence[int] | NDArray[np.int64],
    target: Target = "logit",
) -> NDArray[np.float32]:
    """The score of ``classes`` (n,) for ``inputs`` (n, H, W, 3), (n,): the 'logit' or the 'probability'."""
    logits, wanted = logit_model(model), np.asarray(classes, np.int32)
    score = compiled(lambda x, classes: class_scores(logits(x, training=False), classes, target))
    found = [score(inputs[part], wanted[part]) for part in chunks(len(inputs))]
    return np.concatenate([np.zeros(0, np.float32), *found])


def _adapt(integral: "_Integral", tolerance: float, max_steps: int) -> list[int]:
    """Split every photo's path until its gap is small enough; gives the number of gradients of each."""
    segments = min(math.ceil(_FIRST / math.sqrt(tolerance)), max_steps - 1)
    nodes = np.linspace(0, 1, segments + 1)
    first = list(zip(nodes.tolist(), quadrature.trapezoid_weights(nodes).tolist(), strict=True))
    paths = [_Path(max_steps) for _ in integral.values]
    wanted = {i: [_Request(i, *pair) for pair in first] for i in range(len(paths))}
    bar: tqdm[Any] = progress((), "integrating gradients", len(paths), "photo")
    with bar:
        while wanted:
            requests = [request for several in wanted.values() for request in several]
            for request, found in zip(requests, integral.add(requests), strict=True):
                paths[request.photo].learn(request.node, *found)
            # By the very numbers that are given back: sums in another order can disagree at the tolerance.
            missed = [
                i for i in wanted if not integral.attribution(i, paths[i].evaluations).within(tolerance)
            ]
            after = {i: [_Request(i, *pair) for pair in paths[i].split()] for i in missed}
            done, wanted = len(wanted), {i: more for i, more in after.items() if more}
            bar.update(done - len(wanted))
    return [path.evaluations for path in paths]


def _double(integral: "_Integral", tolerance: float, max_steps: int) -> tuple[list[int], list[float | None]]:
    """Halve the segments of every photo's path until that hardly changes its values; gradients and errors."""
    segments = min(_COARSE, max(1, (max_steps - 1) // 2))
    nodes, weights = (values.tolist() for values in quadrature.uniform("trapezoid", segments))
    pairs = list(zip(nodes, weights, strict=True))
    integral.add([_Request(i, *pair) for i in range(len(integral.values)) for pair in pairs])
    evaluations = [segments + 1] * len(integral.values)
    errors: list[float | None] = [None] * len(integral.values)
    wanted = list(range(len(integral.values)))
    bar: tqdm[Any] = progress((), "integrating gradients", len(wanted), "photo")
    with bar:
        while wanted and 2 * segments + 1 <= max_steps:
            before = integral.values[wanted]
            integral.values[wanted] = before / 2  # the trapezoid rule's weights, at half the width
            middles = quadrature.uniform("midpoint", segments)[0].tolist()
            integral.add([_Request(i, middle, 0.5 / segments) for i in wanted for middle in middles])
            for i, coarse in zip(wanted, before, strict=True):
                evaluations[i] += segments
                errors[i] = _share(integral.values[i] - coarse, integral.values[i])
            segments *= 2
            left = [i for i in wanted if (errors[i] or 0) > tolerance]
            bar.update(len(wanted) - len(left))
            wanted = left
    return evaluations, errors


def _share(change: NDArray[np.float32], values: NDArray[np.float32]) -> float:
    """The magnitudes of a change, summed, as a share of those of the values; 0 where nothing changed."""
    changed = float(np.abs(change).sum(dtype=np.float64))
    return changed / max(float(np.abs(values).sum(dtype=np.float64)), 1e-30) if changed else 0.0


class _Path:
    """What is known of the score along one photo's path, and where to look next."""

    def __init__(self, max_steps: int) -> None:
        self.known: dict[float, tuple[float, float]] = {}
        self.evaluations = 0
        self.max_steps = max_steps

    def learn(self, node: float, score: float, slope: float) -> None:
        """Keep what one gradient has told."""
        self.known[node] = score, slope
        self.evaluations += 1

    def split(self) -> list[tuple[float, float]]:
        """Nodes whose weights change when the worst segment is split, with the changes; [] at a limit.

        Gradients are not kept, since memory would then grow with them: where the weight of a node changes,
        its gradient is taken again. That is two of the three that a split needs.
        """
        nodes = np.array(sorted(self.known))
        scores, slopes = np.array([self.known[node] for node in nodes.tolist()]).T
        middle = quadrature.split_worst(nodes, scores, slopes)
        if middle is None or self.evaluations + 3 > self.max_steps:
            return []
        before = dict(zip(nodes.tolist(), quadrature.trapezoid_weights(nodes).tolist(), strict=True))
        finer = np.sort([*nodes, middle])
        after = zip(finer.tolist(), quadrature.trapezoid_weights(finer).tolist(), strict=True)
        changes = [(node, weight - before.get(node, 0)) for node, weight in after]
        return [(node, change) for node, change in changes if change]


class _Integral:
    """The weighted sum of gradients of every photo, times its difference to the baseline."""

    def __init__(
        self,
        model: keras.Model,
        inputs: NDArray[np.float32],
        baselines: NDArray[np.float32],
        classes: Sequence[int] | NDArray[np.int64],
        target: Target,
        policy: str,
    ) -> None:
        logits = late_relu(logit_model(model, policy))
        self.inputs = np.asarray(inputs, np.float32)
        self.baselines = np.broadcast_to(np.asarray(baselines, np.float32), self.inputs.shape)
        self.classes = np.asarray(classes, np.int32)
        self.values = np.zeros(self.inputs.shape, np.float32)
        ends = (
            scores(model, x, self.classes.astype(np.int64), target) for x in (self.baselines, self.inputs)
        )
        self._low, self._high = (values.tolist() for values in ends)

        def score(points: Any, classes: Any) -> tuple[Any, tuple[()]]:
            return class_scores(logits(points, training=False), classes, target), ()

        gradient = value_and_gradient(score)

        def summed(
            inputs: Any, baselines: Any, classes: Any, numbers: Any, rows: Any, nodes: Any, weights: Any
        ) -> tuple[Any, Any, Any]:
            """Scores and slopes at nodes (b,) on the paths of photos ``rows`` (b,), and the weighted sums.

            ``numbers`` is 0 to the number of photos: only the lengths of first axes may change.
            """
            difference = ops.take(inputs - baselines, rows, axis=0)
            points = ops.take(baselines, rows, axis=0) + ops.reshape(nodes, (-1, 1, 1, 1)) * difference
            found, _, gradients = gradient(points, ops.take(classes, rows, axis=0))
            along = gradients * difference
            shares = ops.where(rows[:, None] == numbers, weights[:, None], 0.0)
            return found, ops.sum(along, axis=(1, 2, 3)), ops.einsum("bn,bhwc->nhwc", shares, along)

        self._summed = compiled(summed)

    def add(self, requests: Sequence[_Request]) -> list[tuple[float, float]]:
        """Take gradients and add them to the values; gives score and slope along the path of each."""
        found: list[tuple[float, float]] = []
        for part in chunks(len(requests)):
            photos, rows = np.unique([request.photo for request in requests[part]], return_inverse=True)
            nodes, weights = (
                np.array([getattr(request, name) for request in requests[part]], np.float32)
                for name in ("node", "weight")
            )
            of = (self.inputs[photos], self.baselines[photos], self.classes[photos])
            numbers = np.arange(len(photos), dtype=np.int32)
            scores, slopes, sums = self._summed(*of, numbers, rows.astype(np.int32), nodes, weights)
            self.values[photos] += sums
            found += zip(scores.tolist(), slopes.tolist(), strict=True)
        return found

    def attribution(self, photo: int, evaluations: int, error: float | None = None) -> Attribution:
        """What the gradients of a photo come to so far, with the gap that they leave."""
        values, low, high = self.values[photo], self._low[photo], self._high[photo]
        gap = abs(float(values.sum(dtype=np.float64)) - (high - low))
        return Attribution(values, low, high, gap, evaluations, error)
