"""People and model on the same photos: who is better, by how much, and whether that may be chance.

The photo is the unit: all answers to it go together, whoever gave them, and each photo counts once. So what
is said holds for other photos of this kind and for these people, not for all people.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from kangaroo.errors import DataError
from kangaroo.game.answers import TOP
from kangaroo.game.results import MODEL, PERSON
from kangaroo.game.tables import counted
from kangaroo.geo.countries import find

Array: TypeAlias = NDArray[np.float64]

SIDES = (PERSON, MODEL)
_EXACT = 20  # photos that differ, up to which all 2 ** n ways are counted
_FEW = 20  # photos
_CERTAIN = 0.05


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Measure:
    """One figure of both sides, and people's minus the model's.

    ``p`` is the chance of a difference of this size, in either direction, if the two sides were equally good;
    None for medians. ``chance`` is what naming classes blindly gives, None where that is not known.
    """

    people: Estimate
    model: Estimate
    difference: Estimate
    p: float | None = None
    chance: float | None = None


@dataclass(frozen=True)
class Comparison:
    """Both sides on the same photos, under the same terms.

    ``measures``: 'top1', 'top3', 'top5' (shares of photos, as far as there are more classes), 'median_km',
    'mean_points'; those of distances where the photos have any.
    """

    photos: int
    answers: int
    players: int
    model: str
    classes: tuple[str, ...]
    resolution: int
    measures: Mapping[str, Measure]

    @property
    def sentence(self) -> str:
        """Who names more, by how much, and whether that is certain."""
        top1 = self.measures["top1"]
        people, model, ahead = (100 * x.value for x in (top1.people, top1.model, top1.difference))
        what = "country" if all(map(find, self.classes)) else "class"
        photos = f"On these {self.photos} photos" if self.photos > 1 else "On this one photo"
        said = f"{photos} people named the {what} of {people:.0f} % and the model of {model:.0f} %"
        assert top1.p is not None
        if ahead == 0:
            return f"{said}: neither is better."
        if top1.p >= _CERTAIN:
            chance = "on so few photos that" if self.photos < _FEW else "so small a difference"
            return f"{said}; {chance} can well be chance ({in_words(top1.p)})."
        who = "people are" if ahead > 0 else "the model is"
        low, high = sorted(np.sign(ahead) * 100 * end for end in (top1.difference.low, top1.difference.high))
        by = f"{abs(ahead):.0f} points (95 % interval {low:.0f} to {high:.0f})"
        return f"{said}: {who} better by {by}, hardly by chance ({in_words(top1.p)})."


def compare(frame: pd.DataFrame, *, seed: int = 0) -> Comparison:
    """Compare people and model on the rows of :meth:`kangaroo.game.results.Results.frame`, of the same terms.

    Rounds on a photo that its player had seen before don't count. A round whose time was over is one where
    the person named nothing, for 0 points; its distance is unknown. ``seed`` draws the resamples. DataError:
    no row counts.
    """
    rows = counted(frame)
    if rows.empty:
        raise DataError("nobody has played a round that counts: there is nothing to compare yet")
    classes = tuple(rows["classes"].iloc[0])
    measures = {}
    for n in (n for n in TOP if n < len(classes)):
        hits = {who: rows[f"{who}_rank"] <= n for who in SIDES}
        measures[f"top{n}"] = measure(*_by_photo(rows, hits), seed=seed, chance=n / len(classes))
    for name, column, median in (("median_km", "km", True), ("mean_points", "points", False)):
        values = {who: rows[f"{who}_{column}"] for who in SIDES}
        people, model = _by_photo(rows, values, median=median)
        if len(people):
            measures[name] = measure(people, model, seed=seed, median=median)
    return Comparison(
        photos=rows["photo"].nunique(),
        answers=len(rows),
        players=rows["player"].nunique(),
        model=rows["model"].iloc[0],
        classes=classes,
        resolution=int(rows["resolution"].iloc[0]),
        measures=measures,
    )


def measure(
    people: ArrayLike,
    model: ArrayLike,
    *,
    seed: int,
    median: bool = False,
    chance: float | None = None,
    resamples: int = 2000,
) -> Measure:
    """The mean (or ``median``) of both sides over n photos, of values (n,) each, and their difference.

    Intervals are percentiles of ``resamples`` in which photos are drawn anew, both sides' values of a photo
    together: Davison & Hinkley, Bootstrap Methods and their Application (1997), section 5.3.
    """
    both = np.stack([np.asarray(people, np.float64), np.asarray(model, np.float64)])
    rng, n = np.random.default_rng(seed), both.shape[1]

    def figures(drawn: Array) -> Array:
        people, model = np.median(drawn, axis=1) if median else drawn.mean(axis=1)
        return np.array([people, model, people - model])

    resampled = [figures(both[:, rng.integers(n, size=n)]) for _ in range(resamples)]
    of_sides = zip(figures(both), *np.percentile(resampled, [2.5, 97.5], axis=0), strict=True)
    first, second, difference = (Estimate(*map(float, values)) for values in of_sides)
    p = None if median else sign_flip_p(both[0] - both[1], seed=seed)
    return Measure(first, second, difference, p, chance)


def sign_flip_p(differences: ArrayLike, *, seed: int, resamples: int = 20_000) -> float:
    """The p value, two-sided, of paired ``differences`` (n,) whose signs might as well be the others.

    The permutation test of matched pairs: Fisher, The Design of Experiments (1935), section 21. Up to 20
    differences other than 0, all ways to set the signs are counted; where they are all of the same size, as
    with one answer a photo, that is McNemar's exact test. For more, ``resamples`` are drawn, and the p value
    is never 0: Phipson & Smyth, doi 10.2202/1544-6115.1585.
    """
    values = np.asarray(differences, np.float64)
    values = values[values != 0]
    least = abs(values.sum()) - 1e-9 * np.abs(values).sum()  # what rounding makes smaller is as large
    if len(values) <= _EXACT:
        sums = np.zeros(1)
        for value in values:
            sums = np.concatenate([sums + value, sums - value])
        return float((np.abs(sums) >= least).mean())
    rng = np.random.default_rng(seed)
    drawn = [values @ rng.choice([-1.0, 1.0], (len(values), 1000)) for _ in range(resamples // 1000)]
    return float((1 + np.count_nonzero(np.abs(drawn) >= least)) / (1 + np.size(drawn)))


def in_words(p: float) -> str:
    """A p value as people write it."""
    return "p < 0.0001" if p < 1e-4 else f"p = {p:.2g}"


def _by_photo(
    rows: pd.DataFrame, values: Mapping[str, "pd.Series[Any]"], *, median: bool = False
) -> tuple[Array, Array]:
    """People's and the model's value of each photo: the mean or median of its answers, if both are known."""
    answers = pd.DataFrame(values).astype(float).groupby(rows["photo"])
    table = (answers.median() if median else answers.mean()).dropna()
    return table[PERSON].to_numpy(), table[MODEL].to_numpy()
