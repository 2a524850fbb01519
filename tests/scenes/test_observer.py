import numpy as np
import pytest

from kangaroo.scenes import observer
from kangaroo.scenes.observer import expected_accuracy, posterior
from kangaroo.scenes.profiles import PROFILES
from kangaroo.scenes.render import cues_of

PAIR = ("Austria", "Australia")


def test_two_countries_leave_the_ideal_observer_a_little_in_doubt():
    assert 0.95 <= expected_accuracy(PAIR) <= 0.99


def test_no_cue_gives_equal_probabilities_and_a_lawful_one_decides():
    assert posterior({}, PAIR) == pytest.approx([0.5, 0.5])
    assert posterior({"driving side": "left"}, PAIR) == pytest.approx([0, 1])


def test_posterior_is_bayes_rule():
    # Trees: Austria has broadleaf at 0.30, Australia at 0.15.
    assert posterior({"trees": "broadleaf"}, PAIR) == pytest.approx([2 / 3, 1 / 3])


def test_expected_accuracy_of_a_hand_worked_case(monkeypatch):
    # One cue, seen half of the time; A shows x at 0.8, B at 0.4: 0.5 * 0.5 + 0.5 * (0.8 + 0.6) / 2.
    table = {"A": {"x": 0.8, "y": 0.2}, "B": {"x": 0.4, "y": 0.6}}
    monkeypatch.setattr(observer, "SHOWN", {"cue": 0.5})
    monkeypatch.setattr(observer, "styles", lambda cue: ("x", "y"))
    monkeypatch.setattr(observer, "chances", lambda country, cue: table[country])
    assert expected_accuracy(("A", "B")) == pytest.approx(0.6)


@pytest.mark.parametrize("countries", [PAIR, tuple(PROFILES)])
def test_expected_accuracy_is_what_sampling_gives(countries):
    certainty, right = [], []
    for seed in range(4000):
        truth = seed % len(countries)
        belief = posterior(cues_of(countries[truth], seed), countries)
        certainty.append(belief.max())
        right.append(belief.argmax() == truth)
    assert np.mean(certainty) == pytest.approx(expected_accuracy(countries), abs=0.01)
    assert np.mean(right) == pytest.approx(expected_accuracy(countries), abs=0.015)
