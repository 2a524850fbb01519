"""A calibration fitted on photos of some places, and judged on those of others."""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kangaroo.data.splits import rank
from kangaroo.errors import DataError
from kangaroo.evaluation.calibration import (
    Reliability,
    accuracy_ci95,
    brier,
    ece_by_chance,
    reliability,
    squared_error,
    temperature,
)
from kangaroo.evaluation.classification import bootstrap_ci95
from kangaroo.evaluation.conformal import Sets, judge_sets, places_needed, thresholds
from kangaroo.evaluation.predictions import Predictions
from kangaroo.evaluation.selective import RiskCoverage, least_confidence, lowest_risk, risk_coverage
from kangaroo.evaluation.settings import CalibrationConfig
from kangaroo.models.calibrated import Array, Calibration
from kangaroo.progress import progress

FEWEST = 10
"""Places that are needed on each side at least; figures to trust need hundreds."""


@dataclass(frozen=True, eq=False)
class Quality:
    """How far probabilities can be trusted.

    ``accuracy_ci95`` are the intervals of the reliability's bins, low and high (b,), ``loss`` is the mean
    cross entropy in nats. ``chance`` has the mean and the 95th percentile of the
    expected calibration errors that a perfectly calibrated model would show on as many photos, ``squared``
    the squared error without that noise (see :mod:`kangaroo.evaluation.calibration`).
    """

    reliability: Reliability
    accuracy_ci95: tuple[Array, Array]
    chance: tuple[float, float]
    squared: float
    brier: float
    loss: float
    curve: RiskCoverage

    @property
    def error(self) -> float:
        """The root of ``squared``, 0 where that is below, NaN where it is."""
        return float(np.sqrt(np.maximum(self.squared, 0)))

    def figures(self) -> dict[str, float | None]:
        """What ``--json`` says of it."""
        return {
            "ece": self.reliability.ece,
            "ece_by_chance": self.chance[0],
            "ece_by_chance_p95": self.chance[1],
            "debiased_error": None if np.isnan(self.error) else self.error,
            "brier": self.brier,
            "loss": self.loss,
            "aurc": self.curve.aurc,
            "excess_aurc": self.curve.excess,
        }


@dataclass(frozen=True)
class Answered:
    """The share of photos that get an answer, and that of the wrong ones among these; None where none is."""

    share: float
    risk: float | None
    risk_ci95: tuple[float, float] | None


@dataclass(frozen=True, eq=False)
class Outcome:
    """A calibration, and what it did to photos of places that it was not fitted on.

    ``own`` (k,) tells which classes have a threshold of their own, ``fitted`` and ``fitted_places`` of how
    many photos and places it is. ``judged`` are the others, calibrated; ``before`` and ``after`` say how far
    they can be trusted uncalibrated, and so. ``answered`` is None where no confidence keeps the risk, of
    which ``lowest_risk`` is the least that can be kept.
    """

    calibration: Calibration
    own: NDArray[np.bool_]
    fitted: int
    fitted_places: int
    judged: Predictions
    before: Quality
    after: Quality
    sets: Sets
    answered: Answered | None
    lowest_risk: float

    def figures(self) -> dict[str, Any]:
        """What the card, ``--json`` and calibration.json say of it; None stands for undefined."""
        judged, sets = self.judged, self.sets
        return {
            "fitted": {"photos": self.fitted, "places": self.fitted_places},
            "judged": {"photos": len(judged.files), "places": len(set(judged.places))},
            "accuracy": float(judged.correct.mean()),
            "before": self.before.figures(),
            "after": self.after.figures(),
            "sets": {
                "coverage": sets.coverage,
                "coverage_ci95": list(sets.coverage_ci95),
                "mean_size": sets.mean_size,
                "sizes": sets.sizes.tolist(),
                "coverage_of_size": _defined(sets.of_size),
                "coverage_of_class": dict(zip(judged.classes, _defined(sets.of_class), strict=True)),
                "own_threshold": self.own.tolist(),
            },
            "answered": self.answered and asdict(self.answered),
            "lowest_risk": self.lowest_risk,
        }


def calibrate(predictions: Predictions, config: CalibrationConfig) -> Outcome:
    """Fit on some places of uncalibrated ``predictions``, judge on the others.

    The model must not know the photos. DataError: too few places.
    """
    fitted, judged = divide(predictions, config, config.seed)
    calibration, own = fit(fitted, config)
    after = applied(calibration, judged)
    return Outcome(
        calibration,
        own,
        len(fitted.files),
        len(set(fitted.places)),
        after,
        quality(judged, seed=config.seed),
        quality(after, seed=config.seed),
        judge_sets(after, calibration.sets(after.probabilities), seed=config.seed),
        _answered(after, calibration, config.seed),
        lowest_risk(applied(calibration, fitted), seed=config.seed),
    )


def divide(predictions: Predictions, config: CalibrationConfig, seed: int) -> tuple[Predictions, Predictions]:
    """The photos of a share of the places, to fit on, and those of the others.

    In each class's places, in the order of SHA-256(seed, place), evenly: so both sides have all classes in
    proportion, and the places of a class stay exchangeable. DataError: too few places.
    """
    names, place = np.unique(predictions.places, return_inverse=True)
    label = np.full(len(names), len(predictions.classes))
    np.minimum.at(label, place, predictions.labels)  # of a place of several classes, the first
    order = sorted(range(len(names)), key=lambda i: (label[i], rank(seed, str(names[i]))))
    upto = np.floor(config.share * np.arange(len(names) + 1) + 1e-9)
    taken = np.zeros(len(names), bool)
    taken[order] = np.diff(upto) > 0
    least = max(FEWEST, places_needed(config.coverage))
    if taken.sum() < least or (~taken).sum() < FEWEST:
        needed = int(np.ceil(max(least / config.share, FEWEST / (1 - config.share))))
        raise DataError(
            f"photos of {len(names)} place(s) are too few for a coverage of {config.coverage:g}, with "
            f"{config.share:g} of them to fit on: {needed} are the least, and hundreds give figures to trust"
        )
    return take(predictions, taken[place]), take(predictions, ~taken[place])


def fit(predictions: Predictions, config: CalibrationConfig) -> tuple[Calibration, NDArray[np.bool_]]:
    """A calibration fitted on all of these photos, and which classes have a threshold of their own, (k,).

    The temperature is one number of hundreds of photos, so the sets are fitted on the same ones.
    """
    scale = temperature(predictions)
    plain = Calibration(scale, config.coverage, np.ones(len(predictions.classes)), config.by_class)
    after = applied(plain, predictions)
    found, own = thresholds(after, config.coverage, by_class=config.by_class)
    least = least_confidence(after, config.risk, seed=config.seed)
    risk = None if least is None else config.risk
    return replace(plain, thresholds=found, risk=risk, least=least), own


def applied(calibration: Calibration, predictions: Predictions) -> Predictions:
    """Uncalibrated predictions, calibrated."""
    return replace(predictions, probabilities=calibration.calibrated(predictions.probabilities))


def quality(predictions: Predictions, *, seed: int) -> Quality:
    """How far the probabilities of ``predictions`` can be trusted; ``seed`` draws the simulation."""
    chance = ece_by_chance(predictions, seed=seed)
    of_label = predictions.probabilities[np.arange(len(predictions.labels)), predictions.labels]
    bins = reliability(predictions)
    return Quality(
        bins,
        accuracy_ci95(predictions, bins),
        (float(chance.mean()), float(np.quantile(chance, 0.95))),
        squared_error(predictions),
        brier(predictions),
        float(-np.log(np.clip(of_label, 1e-7, 1), dtype=np.float64).mean()),
        risk_coverage(predictions),
    )


def repeat(predictions: Predictions, config: CalibrationConfig) -> dict[str, Array]:
    """The figures of the judged photos, (splits,) each, in as many divisions, the first by the seed."""
    seeds = range(config.seed, config.seed + config.splits)
    rows = [_figures(predictions, config, seed) for seed in progress(seeds, "splits", unit="split")]
    return {name: np.array([row[name] for row in rows]) for name in (rows[0] if rows else ())}


def take(predictions: Predictions, rows: NDArray[np.bool_]) -> Predictions:
    """Some of the photos, (n,) true for those."""
    some = np.flatnonzero(rows)
    return Predictions(
        predictions.classes,
        tuple(predictions.files[i] for i in some),
        tuple(predictions.places[i] for i in some),
        *(getattr(predictions, name)[some] for name in ("labels", "probabilities", "lat", "lon")),
    )


def _answered(predictions: Predictions, calibration: Calibration, seed: int) -> Answered | None:
    if calibration.least is None:
        return None
    answered = ~calibration.abstains(predictions.probabilities)
    if not answered.any():
        return Answered(0.0, None, None)
    wrong, places = ~predictions.correct[answered], np.asarray(predictions.places)[answered]
    return Answered(float(answered.mean()), float(wrong.mean()), bootstrap_ci95(wrong, places, seed=seed))


def _defined(values: Array) -> list[float | None]:
    """Numbers that JSON can hold."""
    return [None if np.isnan(value) else float(value) for value in values]


def _figures(predictions: Predictions, config: CalibrationConfig, seed: int) -> dict[str, float]:
    fitted, judged = divide(predictions, config, seed)
    calibration, _ = fit(fitted, replace(config, seed=seed))
    after = applied(calibration, judged)
    inside = calibration.sets(after.probabilities)
    answered = ~calibration.abstains(after.probabilities)
    wrong, kept = ~after.correct[answered], calibration.least is not None
    return {
        "temperature": calibration.temperature,
        "ece_before": reliability(judged).ece,
        "ece": reliability(after).ece,
        "ece_by_chance": float(ece_by_chance(after, seed=seed, draws=200).mean()),
        "squared_error_before": squared_error(judged),
        "squared_error": squared_error(after),
        "brier_before": brier(judged),
        "brier": brier(after),
        "coverage": float(inside[np.arange(len(inside)), after.labels].mean()),
        "set_size": float(inside.sum(axis=1).mean()),
        "aurc": risk_coverage(after).aurc,
        "answered": float(answered.mean()) if kept else np.nan,
        "risk": float(wrong.mean()) if kept and len(wrong) else np.nan,
    }
