"""How far from the truth a model says that photos were taken, and what saying the same of all would give."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from kangaroo.errors import DataError
from kangaroo.evaluation.predictions import Predictions
from kangaroo.geo.decoders import ClassPoints, centroids
from kangaroo.geo.distance import WORLD_KM, geoguessr_score, haversine_km

LEVELS_KM = (1, 25, 200, 750, 2500)
"""Street, city, region, country and continent: the levels of Hays & Efros, CVPR 2008."""

Points: TypeAlias = Mapping[str, tuple[float, float]]
"""Latitude and longitude, in degrees, by name."""


@dataclass(frozen=True, eq=False)
class Guesses:
    """Where n photos were taken and where a model says that they were; a DataError where parts don't fit.

    ``files`` and ``places`` have n entries, the others are degrees (n,). ``lat`` and ``lon``, the truth, are
    NaN where unknown.
    """

    files: Sequence[str]
    places: Sequence[str]
    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    guess_lat: NDArray[np.float64]
    guess_lon: NDArray[np.float64]

    def __post_init__(self) -> None:
        n = len(self.files)
        for name in ("places", "lat", "lon", "guess_lat", "guess_lon"):
            entries = len(getattr(self, name))
            if entries != n:
                raise DataError(f"{name} has {entries} entries for {n} photos; give one each")
        bad = ~(np.isfinite(self.guess_lat) & np.isfinite(self.guess_lon))
        if bad.any():
            raise DataError(f"{self.files[int(bad.argmax())]}: the model gives no coordinates; train it anew")

    @property
    def km(self) -> NDArray[np.float64]:
        """Distance in km of each guess from the truth, (n,), NaN where that is unknown."""
        return haversine_km(self.lat, self.lon, self.guess_lat, self.guess_lon)

    def frame(self) -> pd.DataFrame:
        """One row a photo: file, place, lat, lon, guess_lat, guess_lon, km."""
        columns = {
            "file": self.files,
            "place": self.places,
            "lat": self.lat,
            "lon": self.lon,
            "guess_lat": self.guess_lat,
            "guess_lon": self.guess_lon,
            "km": self.km,
        }
        return pd.DataFrame(columns)

    @classmethod
    def of(cls, photos: pd.DataFrame, guess_lat: ArrayLike, guess_lon: ArrayLike) -> "Guesses":
        """Join the rows of a manifest (file, place, lat, lon) with what a model says of them, (n,) each."""
        return cls(
            files=tuple(photos["file"]),
            places=tuple(photos["place"]),
            lat=photos["lat"].to_numpy(np.float64),
            lon=photos["lon"].to_numpy(np.float64),
            guess_lat=np.asarray(guess_lat, np.float64),
            guess_lon=np.asarray(guess_lon, np.float64),
        )

    @classmethod
    def of_classes(cls, predictions: Predictions, points: ClassPoints) -> "Guesses":
        """What probabilities of classes say, once the classes have points."""
        known = (predictions.files, predictions.places, predictions.lat, predictions.lon)
        return cls(*known, *points.decode(predictions.probabilities))


@dataclass(frozen=True)
class Distances:
    """Distances in km of some guesses, the share within each of LEVELS_KM, and the mean GeoGuessr score."""

    mean_km: float
    median_km: float
    accuracy_at_km: dict[int, float]
    geoscore: float


@dataclass(frozen=True)
class Geolocation(Distances):
    """The figures of the n guesses whose truth is known.

    ``median_km_ci95`` is a bootstrap interval. A score is 5000 exp(-km / ``geoscore_scale_km``). ``trivial``
    has the figures of answers that are the same for each photo.
    """

    n: int
    median_km_ci95: tuple[float, float]
    geoscore_scale_km: float
    trivial: dict[str, Distances]


def geolocation(
    guesses: Guesses, *, seed: int, trivial: Points | None = None, map_km: float = WORLD_KM
) -> Geolocation | None:
    """Measure the guesses, and ``trivial`` answers beside them; None if the truth of no photo is known.

    ``map_km`` is the diagonal of the map that the GeoGuessr scores are for, ``seed`` draws the bootstrap
    resamples.
    """
    known = np.isfinite(guesses.lat) & np.isfinite(guesses.lon)
    if not known.any():
        return None
    lat, lon, km = guesses.lat[known], guesses.lon[known], guesses.km[known]
    places = np.asarray(guesses.places, dtype=str)[known]
    return Geolocation(
        **vars(_figures(km, map_km)),
        n=len(km),
        median_km_ci95=median_ci95(km, places, seed=seed),
        geoscore_scale_km=round(map_km / 10, 6),
        trivial={
            name: _figures(haversine_km(lat, lon, *point), map_km) for name, point in (trivial or {}).items()
        },
    )


def trivial_answers(
    lat: ArrayLike, lon: ArrayLike, index: ArrayLike | None = None, points: ClassPoints | None = None
) -> Points:
    """Answers that need no look at a photo, from where the training photos are, (n,) in degrees.

    'commonest_class', where their classes are given (``index`` (n,) into ``points``), is the point of the
    class with most photos; 'mean_point' is the photos' mean on the sphere, if any has coordinates.
    """
    answers = {}
    if index is not None and points is not None:
        count = np.bincount(np.asarray(index), minlength=len(points.lat))
        common = np.where(np.isfinite(points.lat), count, -1).argmax()
        answers["commonest_class"] = (float(points.lat[common]), float(points.lon[common]))
    (mean_lat,), (mean_lon,) = centroids(np.zeros(np.shape(lat)), lat, lon, 1)
    if np.isfinite(mean_lat):
        answers["mean_point"] = (float(mean_lat), float(mean_lon))
    return answers


def weighted_km(predictions: Predictions, points: ClassPoints) -> float | None:
    """Mean distance in km between the points of true and predicted class, each true class counting once.

    The weighted distance of the report 'Playing GeoGuessr with machine learning': over the wrong predictions,
    averaged within each true class, then over the classes that have some. None if nothing is wrong. (The
    report's code takes predictions of other photos of the batch for the wrong ones.)
    """
    wrong = ~predictions.correct
    true, named = predictions.labels[wrong], predictions.predicted[wrong]
    km = haversine_km(points.lat[true], points.lon[true], points.lat[named], points.lon[named])
    mean = pd.Series(km).groupby(true).mean().mean()  # without classes that have no point, which are NaN
    return None if np.isnan(mean) else float(mean)


def median_ci95(km: ArrayLike, places: ArrayLike, *, seed: int, resamples: int = 2000) -> tuple[float, float]:
    """95 % percentile interval of the median of ``km`` (n,), by resampling places with all their photos.

    ``places`` (n,) ties photos of one spot, as in :func:`kangaroo.evaluation.classification.bootstrap_ci95`.
    """
    order = np.argsort(km)
    ordered = np.asarray(km, np.float64)[order]
    names, place = np.unique(np.asarray(places, dtype=str)[order], return_inverse=True)
    rng, n = np.random.default_rng(seed), len(names)
    # A resample is how often each place was drawn: its median is found without putting its photos together.
    drawn = (np.bincount(rng.integers(n, size=n), minlength=n)[place] for _ in range(resamples))
    low, high = np.percentile([_median(ordered, count) for count in drawn], [2.5, 97.5])
    return float(low), float(high)


def _median(ordered: NDArray[np.float64], count: NDArray[np.int64]) -> float:
    """Median of ascending values of which each is there ``count`` times."""
    until = np.cumsum(count)
    middle = np.array([until[-1] - 1, until[-1]]) // 2
    return float(ordered[np.searchsorted(until, middle, side="right")].mean())


def _figures(km: NDArray[np.float64], map_km: float) -> Distances:
    return Distances(
        mean_km=float(km.mean()),
        median_km=float(np.median(km)),
        accuracy_at_km={level: float((km <= level).mean()) for level in LEVELS_KM},
        geoscore=float(geoguessr_score(km, map_km).mean()),
    )
