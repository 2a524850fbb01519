"""The report's classical models, as scikit-learn pipelines on standardized pixels."""

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.linalg import LinAlgWarning
from sklearn.decomposition import KernelPCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, RidgeClassifier, RidgeClassifierCV
from sklearn.metrics.pairwise import linear_kernel
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from kangaroo.data.pipeline import Batches
from kangaroo.errors import DataError

Features = npt.NDArray[np.float32]
Labels = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Baseline:
    """One model as the report used it: on ``photos`` photos of ``size`` pixels, for training as for judging.

    ``estimator`` gives a new scikit-learn classifier.
    """

    name: str
    photos: int
    size: int
    estimator: Callable[[], Any]


@dataclass(frozen=True, eq=False)
class Sample:
    """Photos as features, float32 (n, H * W * 3), and the labels that were drawn for them, (n,)."""

    features: Features
    labels: Labels

    def first(self, n: int) -> "Sample":
        """The first ``n`` of them, or all where there are fewer."""
        return Sample(self.features[:n], self.labels[:n])


@dataclass(frozen=True)
class Score:
    """Share of rightly named training and validation photos of one fit, and whether its solver converged."""

    training: float
    validation: float
    converged: bool
    seconds: float


def baselines(large: int = 256, small: int = 32) -> tuple[Baseline, ...]:
    """The models of 'No Kangaroos in Austria' with its sample sizes; ``large`` and ``small`` are pixels.

    The report does not say at which size it tried the support vector machines.
    """
    logistic = partial(LogisticRegression, C=1.0, max_iter=500)
    machines = [(c, partial(SVC, C=c, kernel=rbf_kernel)) for c in (0.01, 0.1, 1.0, 10.0)]
    return (
        Baseline("ridge, alpha 0.5", 500, large, partial(RidgeClassifier, alpha=0.5)),
        Baseline("ridge, best alpha", 500, large, _cross_validated),
        Baseline("logistic, C 1", 500, large, logistic),
        Baseline("linear SVC, C 1", 250, large, partial(SVC, C=1.0, kernel=linear_kernel)),
        *(Baseline(f"RBF SVC, C {c:g}", 500, large, machine) for c, machine in machines),
        Baseline("ridge, alpha 1", 5000, small, partial(RidgeClassifier, alpha=1.0)),
        Baseline("logistic, C 1", 500, small, logistic),
    )


def draw(passes: Callable[[int], Batches], n: int, *, two_passes: bool = False) -> Sample:
    """The first ``n`` photos of pass 0, with their labels; fewer where the pass is shorter.

    ``passes`` gives the batches (photos (b, H, W, 3), labels (b,)) of pass number i over a data set. With
    ``two_passes`` the labels come from pass 1, as in the report's helper, which iterated its training set
    once for photos and again for labels: if passes differ in order, as its did, the labels belong to others.
    """
    photos, labels = _first(passes(0), n)
    if two_passes:
        _, labels = _first(passes(1), n)
    return Sample(photos.reshape(len(photos), -1), labels)


def fit(baseline: Baseline, training: Sample, validation: Sample) -> Score:
    """Scale every feature by the training photos, fit, and judge on both sides. DataError: one class only."""
    if len(np.unique(training.labels)) < 2:
        raise DataError(
            f"the {len(training.labels)} photos drawn for training are all of one class: add photos of others"
        )
    start = time.perf_counter()
    model = make_pipeline(StandardScaler(), baseline.estimator())
    converged = _fit(model, training)
    right = [float(model.score(side.features, side.labels)) for side in (training, validation)]
    return Score(right[0], right[1], converged, time.perf_counter() - start)


def rbf_kernel(x: Features, y: Features) -> Features:
    """exp(-||x - y||^2 / features), (n, m), of x (n, features) and y (m, features).

    scikit-learn's with its default gamma, in float32 throughout and five times as fast: on scaled features
    the error of a squared distance is 1e-7 of the number by which it is divided.
    """
    squares = np.einsum("ij,ij->i", x, x)[:, None] + np.einsum("ij,ij->i", y, y)
    return np.exp((2 * (x @ y.T) - squares) / x.shape[1])


def summarize(scores: pd.DataFrame) -> pd.DataFrame:
    """Mean, standard deviation (n - 1), least and greatest accuracy of each model over its draws, in order.

    ``scores`` has a row for each fit: model, size, sampling, draw, n_training, n_validation and what Score
    holds. The columns are named training_mean and so on; ``not_converged`` counts fits.
    """
    keys = ["sampling", "model", "size", "n_training", "n_validation"]
    groups = scores.groupby(keys, sort=False)
    accuracy = groups[["training", "validation"]].agg(["mean", "std", "min", "max"])
    accuracy.columns = ["_".join(pair) for pair in accuracy.columns]
    counts = groups.agg(draws=("draw", "size"), converged=("converged", "sum"), seconds=("seconds", "mean"))
    counts["not_converged"] = counts["draws"] - counts.pop("converged")
    return accuracy.join(counts).reset_index()


def _cross_validated() -> Pipeline:
    """RidgeClassifierCV in the space that the photos span: the same model at a fraction of the memory.

    The principal components of a linear kernel only turn the photos, into as many numbers as there are
    photos; on pixels RidgeClassifierCV makes several copies of them in float64.
    """
    return make_pipeline(KernelPCA(copy_X=False), RidgeClassifierCV(alphas=(0.1, 1.0, 10.0)))


def _first(batches: Batches, n: int) -> tuple[Features, Labels]:
    photos: list[Features] = []
    labels: list[Labels] = []
    for some, own in batches:
        photos.append(np.asarray(some))
        labels.append(np.asarray(own))
        if sum(map(len, labels)) >= n:
            break
    return np.concatenate(photos)[:n], np.concatenate(labels)[:n]


def _fit(model: Pipeline, sample: Sample) -> bool:
    """Fit; whether the solver converged. Other warnings pass, but for one that says nothing here.

    The scaled features are centred, so without alpha the matrix of ridge regression, in which there is a row
    for each photo, is singular; in this one direction the labels, centred too, have no part.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", LinAlgWarning)
        model.fit(sample.features, sample.labels)
    slow = [warning for warning in caught if issubclass(warning.category, ConvergenceWarning)]
    for warning in caught:
        if warning not in slow:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    return not slow
