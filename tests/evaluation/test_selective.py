"""Risk and coverage by hand and by the formula; the promise of a risk, in many draws."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from kangaroo.evaluation.selective import least_confidence, lowest_risk, risk_coverage


def of(make, confidence, correct):
    """Two classes, the first predicted."""
    p = [[c, 1 - c] for c in confidence]
    return make([0 if right else 1 for right in correct], p)


def test_risk_coverage_by_hand(make):
    """Surest first: right, wrong, right, wrong."""
    curve = risk_coverage(of(make, [0.6, 0.9, 0.8, 0.7], [False, True, False, True]))
    assert curve.risk == pytest.approx([0, 1 / 2, 1 / 3, 1 / 2])
    assert curve.aurc == pytest.approx((1 / 2 + 1 / 3 + 1 / 2) / 4)
    assert curve.ideal == pytest.approx([0, 0, 1 / 3, 1 / 2])
    assert curve.excess == pytest.approx((1 / 2) / 4)


def test_equal_confidences_say_nothing(make):
    """Whatever the order of the photos, the expected risk is the error rate: so is the area."""
    for correct in ([True] * 30 + [False] * 20, [False] * 20 + [True] * 30):
        curve = risk_coverage(of(make, [0.7] * 50, correct))
        assert curve.risk == pytest.approx(0.4)
        assert curve.aurc == pytest.approx(0.4)


def test_the_ideal_area_is_that_of_the_formula(make):
    """r + (1 - r) ln(1 - r) for an error rate r: Geifman, Uziel & El-Yaniv, equation 5."""
    curve = risk_coverage(of(make, np.linspace(0.5, 1, 5000), np.arange(5000) % 10 < 7))
    assert curve.ideal_aurc == pytest.approx(0.3 + 0.7 * np.log(0.7), abs=1e-3)
    sure = risk_coverage(of(make, np.linspace(0.5, 1, 5000), np.arange(5000) >= 1500))
    assert sure.aurc == pytest.approx(sure.ideal_aurc)


def test_area_of_perfectly_calibrated_confidences(make):
    """Uniform on 0.5 to 1: beyond c the risk is (1 - c) / 2, at a share of 2 (1 - c): the area is 1/8."""
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.5, 1, 40_000)
    curve = risk_coverage(of(make, confidence, rng.random(40_000) < confidence))
    assert curve.aurc == pytest.approx(1 / 8, abs=0.005)


def test_bound_by_hand(make):
    """100 photos, all right: answering all is right at 1 - 0.1 / 20 as long as 0.005 <= (1 - r)^100."""
    right = of(make, np.linspace(0.5, 0.99, 100), [True] * 100)
    least = 1 - 0.005**0.01
    assert lowest_risk(right, seed=0) == pytest.approx(least)
    assert least_confidence(right, least + 1e-6, seed=0) == 0
    assert least_confidence(right, least - 1e-6, seed=0) is None


def test_bound_is_the_binomial_tail(make):
    """40 of 200 wrong, in an order that says nothing: the bound of answering all has a tail of 0.005."""
    said = of(make, [0.7] * 200, np.arange(200) % 5 > 0)
    bound = lowest_risk(said, seed=0)
    assert binom.cdf(40, 200, bound) == pytest.approx(0.005)
    assert least_confidence(said, bound + 1e-9, seed=0) == 0


def test_the_unsure_are_left_out(make):
    """Beyond 0.8 all 300 are right, up to it none."""
    confidence = np.concatenate([np.linspace(0.51, 0.8, 100), np.linspace(0.81, 0.99, 300)])
    least = least_confidence(of(make, confidence, confidence > 0.8), 0.05, seed=0)
    assert least == pytest.approx(0.8, abs=0.04)
    assert least_confidence(of(make, confidence, confidence > 0.8), 0.001, seed=0) is None


def test_photos_of_one_place_count_once(make):
    """A hundred photos of two places are two: nothing can be promised."""
    said = of(make, np.linspace(0.5, 0.99, 100), [True] * 100)
    tied = make(said.labels, said.probabilities, places=["a", "b"] * 50)
    assert least_confidence(tied, 0.2, seed=0) is None
    assert lowest_risk(tied, seed=0) == pytest.approx(1 - 0.005**0.5)


def test_the_order_of_the_photos_does_not_matter(make):
    rng = np.random.default_rng(1)
    confidence, order = rng.uniform(0.5, 1, 300), rng.permutation(300)
    said = of(make, confidence, rng.random(300) < confidence)
    tied = replace(said, places=tuple(str(i // 2) for i in range(300)))
    mixed = replace(
        tied,
        files=tuple(tied.files[i] for i in order),
        places=tuple(tied.places[i] for i in order),
        labels=tied.labels[order],
        probabilities=tied.probabilities[order],
    )
    found = [least_confidence(one, 0.3, seed=3) for one in (tied, mixed)]
    assert found[0] is not None
    assert found[0] == found[1]


def test_the_risk_is_kept_nine_times_out_of_ten(make):
    """Uniform confidences on 0.5 to 1, calibrated: beyond c the true risk is (1 - c) / 2."""
    rng = np.random.default_rng(4)
    broken, found = 0, 0
    for seed in range(300):
        confidence = rng.uniform(0.5, 1, 250)
        least = least_confidence(of(make, confidence, rng.random(250) < confidence), 0.2, seed=seed)
        found += least is not None
        broken += least is not None and (1 - max(least, 0.5)) / 2 > 0.2
    assert found > 250
    assert broken / 300 <= 0.1
