"""Distances of guesses from hand-placed photos, the interval against brute force and against its purpose."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kangaroo.errors import DataError
from kangaroo.evaluation.geolocation import Guesses, geolocation, median_ci95, trivial_answers, weighted_km
from kangaroo.geo.decoders import ClassPoints
from kangaroo.geo.distance import haversine_km

DEGREE_KM = 2 * np.pi * 6371.0088 / 360


def points(*latitudes_and_longitudes: tuple[float, float]) -> ClassPoints:
    return ClassPoints(*np.array(latitudes_and_longitudes, dtype=float).T)


@pytest.fixture
def equator() -> Guesses:
    """Guesses 0, 1, 10 and 30 degrees from the truth, and one of a photo without coordinates."""
    nan = np.nan
    return Guesses(
        tuple("abcde"), tuple("12345"), *np.array([[0, 0, 0, 0, nan], [0, 1, 10, 30, nan], [0] * 5, [0] * 5])
    )


def test_by_hand_on_the_equator(equator: Guesses) -> None:
    result = geolocation(equator, seed=0)
    assert result is not None
    assert result.n == 4
    assert result.mean_km == pytest.approx(41 / 4 * DEGREE_KM)
    assert result.median_km == pytest.approx(5.5 * DEGREE_KM)
    assert result.accuracy_at_km == {1: 0.25, 25: 0.25, 200: 0.5, 750: 0.5, 2500: 0.75}
    km = np.array([0, 1, 10, 30]) * DEGREE_KM
    assert result.geoscore == pytest.approx((5000 * np.exp(-10 * km / 14916.862)).mean())
    assert result.geoscore_scale_km == 1491.6862
    assert result.median_km_ci95 == pytest.approx((0, 30 * DEGREE_KM))
    assert result.trivial == {}


def test_a_small_map_has_small_distances(equator: Guesses) -> None:
    result = geolocation(equator, seed=0, map_km=DEGREE_KM * 10)
    assert result is not None
    assert result.geoscore == pytest.approx(1250 * np.exp([0, -1, -10, -30]).sum())
    assert result.geoscore_scale_km == pytest.approx(DEGREE_KM, abs=1e-6)


def test_trivial_answers_are_judged_alike(equator: Guesses) -> None:
    """Saying 10 degrees east of all is 10, 9, 0 and 20 degrees off; as guesses it has the same figures."""
    result = geolocation(equator, seed=0, trivial={"mean_point": (0.0, 10.0)})
    assert result is not None
    answer = result.trivial["mean_point"]
    assert answer.median_km == pytest.approx(9.5 * DEGREE_KM)
    same = geolocation(replace(equator, guess_lon=np.full(5, 10.0)), seed=0)
    assert same is not None
    for name, value in vars(answer).items():
        assert getattr(same, name) == value


def test_nothing_to_say_without_coordinates(equator: Guesses) -> None:
    assert geolocation(replace(equator, lat=np.full(5, np.nan)), seed=0) is None


def test_probabilities_become_guesses(make) -> None:
    """A class without a point is not guessed, however probable."""
    predictions = make([0, 1], [[0.2, 0.3, 0.5], [0.1, 0.8, 0.1]], lat=[1, 2], lon=[3, np.nan])
    guesses = Guesses.of_classes(predictions, points((10, 20), (30, 40), (np.nan, np.nan)))
    assert guesses.guess_lat.tolist() == [30, 30]
    assert guesses.guess_lon.tolist() == [40, 40]
    assert guesses.km[0] == haversine_km(1, 3, 30, 40)
    assert np.isnan(guesses.km[1])


def test_photos_with_coordinates_become_a_table() -> None:
    photos = pd.DataFrame({"file": ["a.jpg"], "place": ["p"], "lat": [0.0], "lon": [0.0], "class": ["x"]})
    frame = Guesses.of(photos, [0], [2]).frame()
    assert list(frame) == ["file", "place", "lat", "lon", "guess_lat", "guess_lon", "km"]
    assert frame.iloc[0].tolist() == ["a.jpg", "p", 0, 0, 0, 2, pytest.approx(2 * DEGREE_KM)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"guess_lat": np.zeros(4)}, "guess_lat has 4 entries for 5"),
        ({"guess_lon": np.array([0, 0, np.nan, 0, 0])}, "^c: the model gives no coordinates"),
    ],
)
def test_parts_that_do_not_fit(equator: Guesses, change: dict, message: str) -> None:
    with pytest.raises(DataError, match=message):
        replace(equator, **change)


def test_mean_point_is_on_the_globe_and_not_on_the_map() -> None:
    """Between 60 degrees north at 0 and at 180 lies the pole; and 170 and -170 meet at 180."""
    assert trivial_answers([60, 60], [0, 180])["mean_point"][0] == pytest.approx(90)
    lat, lon = trivial_answers([0, 0, np.nan], [170, -170, np.nan])["mean_point"]
    assert (lat, abs(lon)) == pytest.approx((0, 180))
    assert trivial_answers([np.nan], [np.nan]) == {}


def test_commonest_class_of_those_with_a_point() -> None:
    classes = points((1, 2), (3, 4), (np.nan, np.nan))
    found = trivial_answers([np.nan] * 6, [np.nan] * 6, [2, 2, 2, 1, 1, 0], classes)
    assert found == {"commonest_class": (3, 4)}


def test_weighted_distance_by_hand(make) -> None:
    """A is wrong by 1 and 3 degrees, B by 1, C never, and nobody knows how far D's are: (2 + 1) / 2."""
    wanted = [0, 0, 0, 1, 2, 2, 3]
    named = np.array([1, 2, 0, 0, 2, 2, 0])
    classes = points((0, 0), (0, 1), (0, 3), (np.nan, np.nan))
    assert weighted_km(make(wanted, np.eye(4)[named]), classes) == pytest.approx(1.5 * DEGREE_KM)
    assert weighted_km(make(wanted, np.eye(4)[wanted]), classes) is None


def test_weighted_distance_is_that_of_two_loops(make) -> None:
    rng = np.random.default_rng(3)
    predictions = make(rng.integers(8, size=300), rng.dirichlet(np.ones(8), 300))
    classes = ClassPoints(rng.uniform(-60, 60, 8), rng.uniform(-180, 180, 8))
    of_class: dict[int, list[float]] = {}
    for label, named in zip(predictions.labels, predictions.predicted, strict=True):
        if label != named:
            two = [(classes.lat[i], classes.lon[i]) for i in (label, named)]
            of_class.setdefault(label, []).append(float(haversine_km(*two[0], *two[1])))
    expected = np.mean([np.mean(km) for km in of_class.values()])
    assert weighted_km(predictions, classes) == pytest.approx(expected)


def test_interval_is_that_of_medians_of_resampled_photos() -> None:
    """With the photos of the drawn places put together in full."""
    rng = np.random.default_rng(1)
    km, places = rng.exponential(100, 60).round(), rng.integers(20, size=60).astype(str)
    names = np.unique(places)
    draws = np.random.default_rng(5)
    medians = []
    for _ in range(300):
        drawn = names[draws.integers(len(names), size=len(names))]
        medians.append(np.median(np.concatenate([km[places == name] for name in drawn])))
    low, high = median_ci95(km, places, seed=5, resamples=300)
    assert [low, high] == np.percentile(medians, [2.5, 97.5]).tolist()


def test_order_of_the_rows_does_not_matter() -> None:
    rng = np.random.default_rng(2)
    km, places = rng.integers(20, size=100), rng.integers(30, size=100).astype(str)
    other = rng.permutation(100)
    assert median_ci95(km, places, seed=0) == median_ci95(km[other], places[other], seed=0)
    assert median_ci95(km, places, seed=0) != median_ci95(km * 1.5, places, seed=1)


def test_interval_covers_the_truth_as_often_as_it_says() -> None:
    """The median of an exponential distribution of mean 1 is ln 2."""
    rng = np.random.default_rng(1)
    covered = 0
    for seed in range(200):
        low, high = median_ci95(rng.exponential(size=100), np.arange(100), seed=seed, resamples=400)
        covered += low <= np.log(2) <= high
    assert 0.89 <= covered / 200 <= 0.99


def test_photos_of_one_place_count_once() -> None:
    km = np.random.default_rng(0).exponential(size=100)
    by_place = median_ci95(np.repeat(km, 4), np.repeat(np.arange(100), 4), seed=0)
    assert by_place == pytest.approx(median_ci95(km, np.arange(100), seed=0), rel=0.05)
    assert np.ptp(by_place) > 1.5 * np.ptp(median_ci95(np.repeat(km, 4), np.arange(400), seed=0))
