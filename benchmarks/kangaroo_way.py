"""kangaroo's way, as its experiments and commands work, with ``--precision auto``."""

from statistics import median
from typing import Any

import numpy as np

from benchmarks.side import BATCH, SIZE, Case, Work
from kangaroo.console import start_keras

EPSILONS = (0.0, 0.001, 0.01, 0.1, 1.0)


def epoch_cold(case: Case) -> Work:
    """Decode every photo into an empty cache, then train an epoch."""
    start_keras()
    model = network()
    few = np.zeros((2 * BATCH, SIZE, SIZE, 3), np.uint8)
    model.fit(_batches(few, np.zeros(len(few), int)), shuffle=False, verbose=0)  # tracing
    return lambda: _nothing(model.fit(_batches(*_decoded(case)), shuffle=False, verbose=0))


def epoch_warm(case: Case) -> Work:
    """Train an epoch of photos that are decoded."""
    start_keras()
    model, photos = network(), _batches(*_decoded(case))
    model.fit(photos.take(2), shuffle=False, verbose=0)
    return lambda: _nothing(model.fit(photos, shuffle=False, verbose=0))


def evaluation(case: Case) -> Work:
    """Probabilities of photos that are decoded."""
    start_keras()
    from kangaroo.models.classifier import load

    classifier, (pixels, _) = load(case.model, precision="auto"), _decoded(case)
    classifier.probabilities(pixels[:BATCH])
    return lambda: _nothing(classifier.probabilities(pixels))


def prediction(case: Case) -> Work:
    """The table of ``kangaroo predict``."""
    start_keras()
    from kangaroo.models.classifier import load

    classifier, (files, _) = load(case.model, precision="auto"), case.files()
    classifier.predict(files[:BATCH])
    return lambda: _nothing(classifier.predict(files))


def sweep(case: Case) -> Work:
    """The signed gradient, photos as they are included."""
    start_keras()
    from kangaroo.attack.robustness import sweep as attack
    from kangaroo.attack.settings import AttackConfig
    from kangaroo.models import report_cnn
    from kangaroo.models.precision import dtype_policy

    model, config = report_cnn.build(SIZE, 2, seed=0), AttackConfig(space="standardized")

    def work() -> None:
        pixels, labels = _decoded(case)
        attack(model, pixels, labels, EPSILONS, config, policy=dtype_policy("auto"))

    return work


def integrated_gradients(case: Case, precision: str = "float32") -> Work:
    """The adaptive rule, to ``case.tolerance``."""
    from kangaroo.explain.integrated import integrated_gradients as integrate
    from kangaroo.models.precision import dtype_policy

    classifier, inputs = attributed(case)

    def work(inputs: np.ndarray = inputs) -> float:
        found = integrate(
            classifier.model,
            inputs,
            0 * inputs,
            [1] * len(inputs),
            tolerance=case.tolerance,
            policy=dtype_policy(precision),
        )
        return median(relative_gaps(classifier.model, inputs, np.array([one.sum for one in found])))

    work(inputs[:2])
    return work


def integrated_gradients_rough(case: Case) -> Work:
    """The same with ``--precision auto``."""
    return integrated_gradients(case, "auto")


def attributed(case: Case) -> tuple[Any, np.ndarray]:
    """A classifier and photos to explain, standardized."""
    start_keras()
    from kangaroo.data.images import decode, standardize
    from kangaroo.models.classifier import load

    classifier = load(case.model)
    files, _ = case.files()
    photos = [decode(file, classifier.image_size, antialias=classifier.card.antialias) for file in files]
    return classifier, standardize(np.stack(photos))


def relative_gaps(model: Any, inputs: np.ndarray, sums: np.ndarray) -> list[float]:
    """How far attributions of the second class miss the difference of its scores, as a share of it."""
    from kangaroo.explain.integrated import scores

    low, high = (scores(model, points, [1] * len(inputs)) for points in (0 * inputs, inputs))
    return [float(gap) for gap in np.abs(sums - (high - low)) / np.maximum(np.abs(high - low), 1)]


def network() -> Any:
    """The report's network, as the experiments train it."""
    from kangaroo.models import report_cnn
    from kangaroo.models.precision import dtype_policy
    from kangaroo.models.relu_after_pooling import late_relu
    from kangaroo.training import compiled

    return late_relu(compiled(report_cnn.build(SIZE, 2, seed=0, dtype_policy=dtype_policy("auto")), 0.001))


def _decoded(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Pixels and class numbers, through the cache."""
    from kangaroo.data.cache import decode_photos
    from kangaroo.data.folders import read_folders

    manifest, pixels = decode_photos(read_folders([case.root], case.classes), SIZE)
    labels = manifest.photos["class"].map(case.classes.index).to_numpy(np.int32)
    return pixels[: case.n], labels[: case.n]


def _batches(pixels: np.ndarray, labels: np.ndarray) -> Any:
    from kangaroo.data.pipeline import batches

    rows = np.arange(len(pixels))
    return batches(pixels, rows, labels.astype(np.float32), batch_size=BATCH, shuffle_seed=0)


def _nothing(_: object) -> None:
    return None
