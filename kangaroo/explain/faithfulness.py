"""Do attributions show what the model looks at? Four measures, and the table that compares methods by them.

Attributions are float32 (n, H, W, 3), or maps (n, H, W).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from kangaroo.errors import KangarooError
from kangaroo.explain.evidence import Evidence, by_place
from kangaroo.explain.gradients import Classes, Floats, batched_pairs, drawn
from kangaroo.models.gradients import chunks, compiled
from kangaroo.models.graph import Target, class_scores, leaf_layers, logit_model
from kangaroo.models.precision import with_policy
from kangaroo.progress import progress

Perturbation = Literal["square", "gaussian"]
Method = Callable[[keras.Model, Floats, Classes], Floats]
"""Any attribution method, its settings already given."""


@dataclass(frozen=True, eq=False)
class Curves:
    """Probability of each photo's class, (n, steps + 1), as ever more of it is deleted, or inserted.

    ``shares`` (steps + 1,) of the pixels, from 0 to 1, in the order of attribution. An area lies between 0
    and 1: small for deletion and large for insertion if the order is that of the model.
    """

    shares: NDArray[np.float64]
    deletion: Floats
    insertion: Floats

    @property
    def deletion_area(self) -> NDArray[np.float64]:
        """Area under each photo's deletion curve, (n,)."""
        return np.asarray(np.trapezoid(self.deletion, self.shares, axis=1))

    @property
    def insertion_area(self) -> NDArray[np.float64]:
        """Area under each photo's insertion curve, (n,)."""
        return np.asarray(np.trapezoid(self.insertion, self.shares, axis=1))


@dataclass(frozen=True, eq=False)
class Infidelity:
    """Mean squared error of the score changes that attributions predict, photo by photo, (n,) each.

    ``plain`` in squared units of the score; ``scaled``, after the best factor for each photo's attribution,
    as a share of the mean squared change: from 0 (all of it predicted) to 1, whatever the unit.
    """

    plain: NDArray[np.float64]
    scaled: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Randomization:
    """Rank correlation (layers, n) with the trained model's attributions, NaN where one of both is constant.

    In row i the weights of ``layers`` up to i, from the output down, are random.
    """

    layers: tuple[str, ...]
    correlation: NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Faithfulness:
    """What was measured of one method, None where it was not; ``seconds`` that a photo takes."""

    curves: Curves | None = None
    infidelity: Infidelity | None = None
    randomization: Randomization | None = None
    evidence: Evidence | None = None
    seconds: float | None = None


def deletion_insertion(
    model: keras.Model,
    inputs: Floats,
    baselines: Floats,
    classes: Classes,
    attributions: Floats,
    *,
    steps: int = 32,
    seed: int,
) -> Curves:
    """Delete and insert pixels, those of the largest attribution first (Petsiuk, Das and Saenko, 2018).

    A deleted pixel is that of ``baselines`` (like ``inputs``, or one for all), into which pixels are
    inserted. Equal attributions go in an order drawn with ``seed``: a map of zeros gives the curves of
    chance. Raises KangarooError for no steps.
    """
    if steps < 1:
        raise KangarooError(f"{steps} steps of deletion: give 1 or more")
    inputs = np.asarray(inputs, np.float32)
    baselines = np.broadcast_to(np.asarray(baselines, np.float32), inputs.shape)
    rank, shares = _ranks(by_place(attributions), seed), np.linspace(0, 1, steps + 1)
    counts = np.rint(shares * rank[0].size)
    probability = _scores(model, classes, "probability")
    deletion, insertion = np.zeros((2, len(inputs), steps + 1), np.float32)
    for step, photo in batched_pairs(steps + 1, len(inputs), "deleting and inserting"):
        first = (rank[photo] < counts[step, None, None])[..., None]
        deletion[photo, step] = probability(np.where(first, baselines[photo], inputs[photo]), photo)
        insertion[photo, step] = probability(np.where(first, inputs[photo], baselines[photo]), photo)
    return Curves(shares, deletion, insertion)


def infidelity(
    model: keras.Model,
    inputs: Floats,
    baselines: Floats,
    classes: Classes,
    attributions: Floats,
    *,
    local: bool,
    target: Target = "logit",
    perturbation: Perturbation = "square",
    samples: int = 200,
    noise: float = 0.15,
    seed: int,
) -> Infidelity:
    """How badly attributions predict what perturbations do to the score (Yeh et al., 2019).

    The mean over perturbations I of (I . attribution - (f(x) - f(x - I)))^2. ``local`` attributions are per
    unit of the input, as gradients are. Others say what a value adds to the score as against ``baselines``;
    then I counts as its share of that difference, as in Captum. A 'square' of the baseline, with sides of
    1/16 to 1/4 of the photo's, stands at a random place; 'gaussian' is normal noise, its deviation a share
    ``noise`` of a photo's largest value less its smallest, and needs local attributions. The best factor of
    the scaled figure is not below 0: a map of the wrong sign gets no credit. Raises KangarooError for
    settings that make no sense.
    """
    if samples < 1 or perturbation not in _PATTERNS:
        raise KangarooError(f"{samples} perturbations {perturbation!r}: give 1 or more, square or gaussian")
    if perturbation == "gaussian" and not local:
        raise KangarooError(
            "gaussian noise is no share of a contribution: give square, or local attributions"
        )
    inputs, values = np.asarray(inputs, np.float32), np.asarray(attributions, np.float32)
    values = values if values.ndim == 4 else values[..., None]
    if perturbation == "square":
        differences = inputs - np.asarray(baselines, np.float32)
    else:
        differences = noise * np.ptp(inputs, axis=(1, 2, 3), keepdims=True)
    score = _scores(model, classes, target)
    before = np.concatenate([score(inputs[part], part) for part in chunks(len(inputs))])
    predicted, changed = np.zeros((2, len(inputs), samples))
    for sample, photo in batched_pairs(samples, len(inputs), "perturbing"):
        pattern = drawn(sample, partial(_PATTERNS[perturbation], inputs.shape[1:]), seed)
        removed = pattern * differences[photo]
        expected = (removed if local else pattern) * values[photo]
        predicted[photo, sample] = expected.sum(axis=(1, 2, 3), dtype=np.float64)
        changed[photo, sample] = before[photo] - score(inputs[photo] - removed, photo)
    return Infidelity(np.mean((predicted - changed) ** 2, axis=1), _unexplained(predicted, changed))


def randomization(
    model: keras.Model, inputs: Floats, classes: Classes, method: Method, *, seed: int
) -> Randomization:
    """Whether attributions follow from what was learned (Adebayo et al., 2018).

    From the output down the layers lose what they learned, one after the other and for good: the numbers of
    each weight array are shuffled, which keeps their distribution. After each, ``method`` explains the same
    ``classes`` again, and the absolute attributions of both models are compared by Spearman's correlation.
    """
    trained = np.abs(method(model, inputs, classes))
    copy = with_policy(model, "float32")
    layers = [layer for layer in reversed(leaf_layers(copy)) if layer.weights]
    rows = []
    for i, layer in enumerate(progress(layers, "randomizing weights", unit="layer")):
        rng = np.random.default_rng([seed, i])
        layer.set_weights([rng.permutation(w.ravel()).reshape(w.shape) for w in layer.get_weights()])
        changed = np.abs(method(copy, inputs, classes))
        rows.append([_spearman(*pair) for pair in zip(trained, changed, strict=True)])
    return Randomization(tuple(layer.name for layer in layers), np.array(rows))


def table(methods: Mapping[str, Faithfulness]) -> pd.DataFrame:
    """One row a method, means over photos; what was not measured is NaN.

    Columns: deletion_area, insertion_area, infidelity (scaled), randomization (mean rank correlation when
    all weights are random), evidence_share, picture_share, evidence_ratio, hits, chance, seconds (a photo).
    """
    return pd.DataFrame({name: _row(found) for name, found in methods.items()}).T.rename_axis("method")


def _row(found: Faithfulness) -> dict[str, float]:
    row = dict.fromkeys(_COLUMNS, np.nan)
    if curves := found.curves:
        row["deletion_area"] = curves.deletion_area.mean()
        row["insertion_area"] = curves.insertion_area.mean()
    if found.infidelity:
        row["infidelity"] = found.infidelity.scaled.mean()
    if found.randomization:
        row["randomization"] = pd.Series(found.randomization.correlation[-1]).mean()  # without NaN
    if shown := found.evidence:
        row["evidence_share"], row["picture_share"] = shown.share.mean(), shown.picture_share.mean()
        row["evidence_ratio"] = shown.ratio
        row["hits"], row["chance"] = shown.hit.mean(), shown.chance.mean()
    return row if found.seconds is None else row | {"seconds": found.seconds}


def _scores(model: keras.Model, classes: Classes, target: Target) -> Callable[[Floats, Any], Floats]:
    """(pictures (k, H, W, 3), the rows of the photos they were) -> the scores of their classes, (k,)."""
    logits, wanted = logit_model(model), np.asarray(classes, np.int32)
    run = compiled(lambda x, classes: class_scores(logits(x, training=False), classes, target))
    return lambda pictures, photos: run(pictures, wanted[photos])


def _ranks(places: Floats, seed: int) -> NDArray[np.int32]:
    """The position of each pixel (n, H, W) in the order of falling attribution, ties as ``seed`` draws."""
    flat = places.reshape(len(places), -1)
    chance = np.random.default_rng(seed).permutation(flat.shape[1])
    ranks = np.empty(flat.shape, np.int32)
    for own, values in zip(ranks, flat, strict=True):
        own[np.lexsort((chance, -values))] = np.arange(len(values))
    return ranks.reshape(places.shape)


def _square(shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    height, width, _ = shape
    side = rng.integers(max(min(height, width) // 16, 1), max(min(height, width) // 4, 1), endpoint=True)
    top, left = rng.integers(height - side, endpoint=True), rng.integers(width - side, endpoint=True)
    pattern = np.zeros((height, width, 1), np.float32)
    pattern[top : top + side, left : left + side] = 1
    return pattern


def _noise(shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    return rng.standard_normal(shape, np.float32)


_PATTERNS = {"square": _square, "gaussian": _noise}
_COLUMNS = (
    *("deletion_area", "insertion_area", "infidelity", "randomization", "evidence_share"),
    *("picture_share", "evidence_ratio", "hits", "chance", "seconds"),
)


def _unexplained(predicted: NDArray[np.float64], changed: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 - (sum of products)^2 / (product of the sums of squares), row by row; 1 where one of both is zero."""
    together = np.maximum((predicted * changed).sum(axis=1), 0)
    alone = (predicted**2).sum(axis=1) * (changed**2).sum(axis=1)
    return 1 - np.divide(together**2, alone, out=np.zeros_like(alone), where=alone > 0)


def _spearman(a: Floats, b: Floats) -> float:
    if not (np.ptp(a) and np.ptp(b)):
        return np.nan
    return float(np.corrcoef(stats.rankdata(a), stats.rankdata(b))[0, 1])
