"""Distances of predicted countries from hand-placed photos."""

import numpy as np
import pytest

from kangaroo.evaluation.geolocation import geolocation

DEGREE_KM = 2 * np.pi * 6371.0088 / 360


def test_by_hand_on_the_equator(make) -> None:
    """Photos 0, 1, 10 and 30 degrees from the predicted class's point; the fifth has no coordinates."""
    predictions = make(
        [0, 0, 1, 1, 0], [[0.9, 0.1]] * 4 + [[0.1, 0.9]], lat=[0, 0, 0, 0, np.nan], lon=[0, 1, 10, 30, np.nan]
    )
    result = geolocation(predictions, {"A": (0, 0), "B": (0, 90)})
    assert result is not None
    assert result.n == 4
    assert result.mean_km == pytest.approx(41 / 4 * DEGREE_KM)
    assert result.median_km == pytest.approx(5.5 * DEGREE_KM)
    assert result.accuracy_at_km == {1: 0.25, 25: 0.25, 200: 0.5, 750: 0.5, 2500: 0.75}
    km = np.array([0, 1, 10, 30]) * DEGREE_KM
    assert result.geoscore == pytest.approx((5000 * np.exp(-10 * km / 14916.862)).mean())


def test_countries_are_known(make) -> None:
    """A photo of Vienna called Austria is about 190 km from its middle, called Australia about 14,000 km."""
    austria, australia = (
        geolocation(make([1], [row], classes=("Australia", "Austria"), lat=[48.21], lon=[16.37]))
        for row in ([0.1, 0.9], [0.9, 0.1])
    )
    assert austria is not None
    assert australia is not None
    assert austria.median_km == pytest.approx(185, abs=10)
    assert australia.median_km == pytest.approx(14000, rel=0.05)


def test_nothing_to_say_without_coordinates_or_for_unknown_classes(make) -> None:
    assert geolocation(make([0], [[0.9, 0.1]], classes=("Austria", "Italy"))) is None
    assert geolocation(make([0], [[0.9, 0.1]], classes=("Austria", "Moon"), lat=[48.2], lon=[16.4])) is None
