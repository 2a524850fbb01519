"""Sets of classes that hold the truth as often as it was asked for."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kangaroo.errors import DataError
from kangaroo.evaluation.classification import bootstrap_ci95
from kangaroo.evaluation.predictions import Predictions
from kangaroo.models.calibrated import Array, mass_above


@dataclass(frozen=True, eq=False)
class Sets:
    """How sets of classes did on n photos.

    ``coverage`` is the share that hold the label, with its bootstrap interval over places. ``sizes`` (k,)
    counts the sets of 1 to k classes, and ``of_size`` (k,) is their coverage; ``photos`` (k,) counts those of
    each label, and ``of_class`` (k,) is their coverage. NaN where there are none.
    """

    coverage: float
    coverage_ci95: tuple[float, float]
    mean_size: float
    sizes: NDArray[np.int64]
    of_size: Array
    photos: NDArray[np.int64]
    of_class: Array


def places_needed(coverage: float) -> int:
    """With fewer places than that no finite threshold promises the coverage: 9 for 0.9, 19 for 0.95."""
    return int(np.ceil(coverage / (1 - coverage) - 1e-9))


def thresholds(
    predictions: Predictions, coverage: float, *, by_class: bool = False
) -> tuple[Array, NDArray[np.bool_]]:
    """The most mass above a class that is in a set, and whether it is from the class's own photos, (k,) each.

    With calibrated ``predictions`` of photos that the model does not know, the sets of a photo of a new place
    hold its label with a probability of at least ``coverage``. One threshold serves all classes; ``by_class``
    each has its own, from its own photos (Mondrian: Vovk et al., Algorithmic Learning in a Random World,
    2005), unless they are of too few places (:func:`places_needed`). DataError: too few places altogether.
    """
    k, labels, needed = len(predictions.classes), predictions.labels, places_needed(coverage)
    names, places = np.unique(predictions.places, return_inverse=True)
    if len(names) < needed:
        raise DataError(
            f"a coverage of {coverage:g} needs photos of {needed} places to be fitted on, these are of "
            f"{len(names)}: give more, or ask for less"
        )
    above = mass_above(predictions.probabilities)[np.arange(len(labels)), labels]
    found, own = np.full(k, quantile_by_place(above, places, coverage)), np.zeros(k, bool)
    for i in range(k) if by_class else ():
        mine = labels == i
        if len(np.unique(places[mine])) >= needed:
            found[i], own[i] = quantile_by_place(above[mine], places[mine], coverage), True
    return found, own


def quantile_by_place(values: ArrayLike, places: ArrayLike, share: float) -> float:
    """What at least ``share`` of all values of a new place are expected not to exceed; inf: too few places.

    ``values`` (n,) of one of the ``places`` (n,) depend on one another; only places are exchangeable. So
    each of K places weighs 1/(K + 1), whatever its number of values, and the new one lies at infinity: the
    hierarchical conformal quantile of Lee, Barber & Willett (arXiv:2306.06342, section 3), what subsampling
    one photo a place (Dunn, Wasserman & Ramdas, arXiv:1809.07441) comes to when it is done ever more often.
    With one value a place it is the ceil((K + 1) share)-th smallest.
    """
    values = np.asarray(values, np.float64)
    _, place, counts = np.unique(np.asarray(places), return_inverse=True, return_counts=True)
    order = np.argsort(values)
    mass = np.cumsum(1 / counts[place[order]]) / (len(counts) + 1)
    first = np.searchsorted(mass, share - 1e-9)
    return float(values[order[first]]) if first < len(values) else np.inf


def judge_sets(predictions: Predictions, inside: NDArray[np.bool_], *, seed: int) -> Sets:
    """How the sets ``inside`` (n, k) of the predictions' photos did; ``seed`` draws the bootstrap."""
    n, k = inside.shape
    holds, size = inside[np.arange(n), predictions.labels], inside.sum(axis=1)
    return Sets(
        coverage=float(holds.mean()),
        coverage_ci95=bootstrap_ci95(holds, predictions.places, seed=seed),
        mean_size=float(size.mean()),
        sizes=np.bincount(size, minlength=k + 1)[1:],
        of_size=_shares(holds, size - 1, k),
        photos=np.bincount(predictions.labels, minlength=k),
        of_class=_shares(holds, predictions.labels, k),
    )


def _shares(true: NDArray[np.bool_], index: NDArray[np.int64], k: int) -> Array:
    """The share that is true of each of k groups, NaN for an empty one."""
    counts = np.bincount(index, minlength=k)
    return np.divide(np.bincount(index, true, k), counts, out=np.full(k, np.nan), where=counts > 0)
