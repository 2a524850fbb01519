"""How well a calibration holds: fitted on photos of half the places, judged on the others', 20 times over.

Of one run's predictions.csv, or of several runs' of other seeds: each holds back other places, so together
they judge more photos, all by models that had not seen their places.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from kangaroo.data.cache import decode_photos
from kangaroo.data.dataset import read_dataset
from kangaroo.errors import DataError
from kangaroo.evaluation.calibration import ece_by_chance, reliability
from kangaroo.evaluation.confidence import applied, divide, fit, repeat
from kangaroo.evaluation.predictions import Predictions
from kangaroo.evaluation.settings import CalibrationConfig
from kangaroo.models.classifier import load

NAMES = {
    "temperature": "temperature",
    "ece_before": "expected calibration error before",
    "ece": "expected calibration error after",
    "ece_by_chance": "expected calibration error of a perfectly calibrated model",
    "brier_before": "Brier score before",
    "brier": "Brier score after",
    "coverage": "coverage of 90 % sets",
    "set_size": "classes in a 90 % set",
    "aurc": "area under the risk-coverage curve",
    "answered": "share answered where the risk of 0.2 can be kept",
    "risk": "wrong answers among these",
}


def rows(predictions: Predictions, config: CalibrationConfig) -> Iterator[tuple[str, float, str]]:
    """What was measured, its mean over the splits, and a note: standard deviation and number of splits."""
    n, places = len(predictions.files), len(set(predictions.places))
    yield "photos", n, f"of {places:,} places, accuracy {predictions.correct.mean():.4f}"
    found = repeat(predictions, config)
    for name, what in NAMES.items():
        values = found[name][np.isfinite(found[name])]
        if len(values):
            yield what, float(values.mean()), f"sd {values.std():.4f}, {len(values)} splits"
    crossed = [
        _crossed(predictions, config, seed) for seed in range(config.seed, config.seed + config.splits)
    ]
    mean, chance = np.mean(crossed, axis=0)
    yield "both halves, each by the fit of the other: that error after", mean, f"n = {n:,}"
    yield "both halves: that error of a perfectly calibrated model", chance, ""
    for name, when in (("squared_error_before", "before"), ("squared_error", "after")):
        mean = found[name].mean()
        yield f"calibration error without noise, {when}", max(mean, 0) ** 0.5, f"mean square {mean:.5f}"


def _crossed(predictions: Predictions, config: CalibrationConfig, seed: int) -> tuple[float, float]:
    """The expected calibration error of all photos, none fitted on, and that by chance."""
    halves = divide(predictions, config, seed)
    after = [applied(fit(a, config)[0], b) for a, b in (halves, halves[::-1])]
    whole = together(after)
    return reliability(whole).ece, float(ece_by_chance(whole, seed=seed, draws=200).mean())


def joined(files: Sequence[Path]) -> Predictions:
    """The predictions of several files of one set of classes as one. DataError: other classes."""
    parts = [Predictions.read(file) for file in files]
    for file, part in zip(files, parts, strict=True):
        if part.classes != parts[0].classes:
            raise DataError(f"{file} has other classes than {files[0]}: give runs of the same task")
    return together(parts)


def together(parts: Sequence[Predictions]) -> Predictions:
    """Predictions of the same classes as one."""
    names = ("labels", "probabilities", "lat", "lon")
    return Predictions(
        parts[0].classes,
        tuple(file for part in parts for file in part.files),
        tuple(place for part in parts for place in part.places),
        *(np.concatenate([getattr(part, name) for part in parts]) for name in names),
    )


def predicted(model: Path, root: Path) -> Predictions:
    """What a model says of a photo folder, uncalibrated."""
    classifier = load(model).uncalibrated
    manifest, pixels = decode_photos(
        read_dataset([root], classifier.classes), classifier.image_size, antialias=classifier.card.antialias
    )
    return Predictions.of(classifier.classes, manifest.photos, classifier.probabilities(pixels))
