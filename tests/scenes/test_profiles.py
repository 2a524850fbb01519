import pytest

from kangaroo.geo.countries import STATES
from kangaroo.scenes.profiles import PROFILES, SHOWN, chances, styles


@pytest.mark.parametrize("country", PROFILES)
def test_every_cue_has_styles_whose_chances_sum_to_one_and_a_fact(country):
    assert set(PROFILES[country]) == set(SHOWN)
    for cue, traits in PROFILES[country].items():
        assert sum(chances(country, cue).values()) == pytest.approx(1)
        assert all(trait.fact and trait.style in styles(cue) for trait in traits)


def test_the_five_countries_of_the_report_can_be_drawn_and_placed():
    assert sorted(PROFILES) == ["Australia", "Austria", "Czechia", "New Zealand", "Slovakia"]
    assert set(PROFILES) <= set(STATES)


def test_driving_side_and_warning_signs_follow_the_law():
    for country in ("Australia", "New Zealand"):
        assert (chances(country, "driving side"), chances(country, "warning sign")) == (
            {"left": 1},
            {"yellow diamond": 1},
        )
    for country in ("Austria", "Czechia", "Slovakia"):
        assert (chances(country, "driving side"), chances(country, "warning sign")) == (
            {"right": 1},
            {"red triangle": 1},
        )
