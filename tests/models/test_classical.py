import warnings
from functools import partial

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, RidgeClassifier, RidgeClassifierCV
from sklearn.metrics import pairwise
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from kangaroo.data.images import standardize
from kangaroo.data.pipeline import batches
from kangaroo.errors import DataError
from kangaroo.models.classical import Baseline, Sample, baselines, draw, fit, rbf_kernel, summarize

PIXELS = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 3)).astype(np.uint8)
NUMBERS = np.arange(60, dtype=np.int32)  # every photo's label is its own number

# The same models as scikit-learn has them, without a thought for speed.
PLAIN = {
    "ridge, alpha 0.5": RidgeClassifier(alpha=0.5, solver="svd"),
    "ridge, best alpha": RidgeClassifierCV(alphas=[0.1, 1, 10]),
    "ridge, alpha 1": RidgeClassifier(alpha=1, solver="svd"),
    "logistic, C 1": LogisticRegression(max_iter=500),
    "linear SVC, C 1": SVC(kernel="linear"),
    **{f"RBF SVC, C {c}": SVC(kernel="rbf", C=c) for c in (0.01, 0.1, 1, 10)},
}


def passes(number, seed=3):
    return batches(PIXELS, NUMBERS, NUMBERS, batch_size=7, shuffle_seed=(seed, number))


def noisy(n, features=400, seed=0):
    """Two classes, a little apart in every feature, of different scales."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    values = rng.normal(size=(n, features)) + 0.1 * labels[:, None]
    return Sample((values * np.geomspace(0.1, 10, features)).astype(np.float32), labels)


def test_sizes_are_those_of_the_report():
    found = {(model.name, model.size): model.photos for model in baselines()}
    assert found == {
        ("ridge, alpha 0.5", 256): 500,
        ("ridge, best alpha", 256): 500,
        ("ridge, alpha 1", 32): 5000,
        ("logistic, C 1", 256): 500,
        ("logistic, C 1", 32): 500,
        ("linear SVC, C 1", 256): 250,
        **{(f"RBF SVC, C {c}", 256): 500 for c in ("0.01", "0.1", "1", "10")},
    }


def test_in_one_pass_every_photo_has_its_own_label():
    sample = draw(passes, 25)
    assert sample.features.shape == (25, 192)
    assert len(set(sample.labels)) == 25
    np.testing.assert_allclose(sample.features, standardize(PIXELS)[sample.labels].reshape(25, -1), atol=1e-5)


def test_in_two_passes_the_labels_are_those_of_the_second():
    one, two = draw(passes, 25), draw(passes, 25, two_passes=True)
    np.testing.assert_array_equal(one.features, two.features)
    np.testing.assert_array_equal(two.labels, draw(lambda number: passes(number + 1), 25).labels)
    share = np.mean(
        [
            draw(partial(passes, seed=seed), 60, two_passes=True).labels
            == draw(partial(passes, seed=seed), 60).labels
            for seed in range(8)
        ]
    )
    assert share < 0.06  # one in sixty is to be expected


def test_a_pass_that_is_too_short_gives_what_it_has():
    assert sorted(draw(passes, 5000).labels) == list(range(60))
    assert len(draw(passes, 20).first(7).labels) == 7


@pytest.mark.parametrize("model", baselines(), ids=lambda model: f"{model.name}, {model.size}")
def test_accuracies_are_those_of_scikit_learn_by_hand(model):
    training, validation = noisy(80), noisy(200, seed=1)
    score = fit(model, training, validation)
    by_hand = make_pipeline(StandardScaler(), PLAIN[model.name])
    by_hand.fit(training.features.astype(np.float64), training.labels)
    assert score.training == by_hand.score(training.features, training.labels)
    assert score.validation == pytest.approx(by_hand.score(validation.features, validation.labels), abs=0.006)
    assert score.converged


def test_five_classes():
    training = noisy(100)
    labels = np.arange(100) % 5
    features = training.features + 3 * np.eye(5, 400, dtype=np.float32)[labels] * training.features.std(
        axis=0
    )
    sample = Sample(features, labels)
    for model in baselines():
        assert fit(model, sample, sample).training > 0.2


def test_kernel_is_that_of_scikit_learn():
    x, y = noisy(20).features, noisy(30, seed=1).features
    np.testing.assert_allclose(rbf_kernel(x, y), pairwise.rbf_kernel(x, y), rtol=1e-4)


def test_scaling_belongs_to_the_training_photos_alone():
    training, validation = noisy(80), noisy(200, seed=1)
    moved = Sample(1000 * validation.features + 7, validation.labels)
    model = Baseline("ridge", 80, 256, RidgeClassifier)
    assert fit(model, training, moved).training == fit(model, training, validation).training
    scaled = (
        Sample(8 * training.features, training.labels),
        Sample(8 * validation.features, validation.labels),
    )
    assert fit(model, *scaled).validation == fit(model, training, validation).validation


def test_a_solver_that_does_not_converge_is_told_of_and_not_warned_about():
    model = Baseline("hurried", 80, 256, partial(LogisticRegression, max_iter=1))
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        assert not fit(model, noisy(80), noisy(20)).converged


def test_other_warnings_pass():
    class Loud(RidgeClassifier):
        def fit(self, x, y):
            warnings.warn("mind the gap", UserWarning, stacklevel=1)
            return super().fit(x, y)

    with pytest.warns(UserWarning, match="mind the gap"):
        assert fit(Baseline("loud", 80, 256, Loud), noisy(80), noisy(20)).converged


def test_one_class_is_refused():
    sample = noisy(10)
    with pytest.raises(DataError, match="the 10 photos drawn for training are all of one class"):
        fit(baselines()[0], Sample(sample.features, np.zeros(10, int)), sample)


def test_summary_of_a_hand_worked_case():
    same = {
        "sampling": "one pass",
        "model": "m",
        "size": 32,
        "n_training": 9,
        "n_validation": 4,
        "seconds": 1.0,
    }
    rows = [(0.5, 1.0, True), (0.7, 1.0, False), (0.9, 0.4, True)]
    scores = pd.DataFrame(
        same | {"draw": i, "training": t, "validation": v, "converged": c} for i, (t, v, c) in enumerate(rows)
    )
    (row,) = summarize(scores).to_dict("records")
    assert row["training_mean"] == pytest.approx(0.7)
    assert row["training_std"] == pytest.approx(0.2)
    assert (row["validation_min"], row["validation_max"]) == (0.4, 1.0)
    assert (row["draws"], row["not_converged"]) == (3, 1)
