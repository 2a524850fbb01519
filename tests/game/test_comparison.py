from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from kangaroo.errors import DataError
from kangaroo.game.comparison import compare, in_words, measure, sign_flip_p

SIX = ("Austria", "Czechia", "Italy", "Norway", "Greece", "Hungary")


def rows(entries, classes=SIX):
    """Rows of photo, rank and km of the person and of the model; None: not named, not known."""
    columns = ["photo", "person_rank", "person_km", "model_rank", "model_km"]
    table = pd.DataFrame(entries, columns=columns).astype(dict.fromkeys(columns[1:], float))
    points = {f"{who}_points": 5000 * np.exp(-table[f"{who}_km"] / 1491.6862) for who in ("person", "model")}
    return table.assign(
        player=[f"p{i % 3}" for i in range(len(table))], turn=0, model="m", resolution=224,
        classes=[list(classes)] * len(table), **points,
    )  # fmt: skip


def many(both, people_only, model_only, neither):
    """Photos with one answer each, so many that both, one or neither side names rightly."""
    kinds = [(1, 1)] * both + [(1, 2)] * people_only + [(2, 1)] * model_only + [(2, 2)] * neither
    return rows([(str(i), a, 100.0 * a, b, 100.0 * b) for i, (a, b) in enumerate(kinds)])


def test_figures_by_hand():
    """Photo a: two people, one right; the model is. Photo b: nobody, not even in the first three but once."""
    found = compare(
        rows([("a", 1, 0, 1, 30), ("a", 2, 100, 1, 30), ("b", 4, 700, 2, 600), ("b", 3, 500, 2, 600)])
    )
    assert (found.photos, found.answers, found.players) == (2, 4, 3)
    value = {name: (m.people.value, m.model.value, m.difference.value) for name, m in found.measures.items()}
    assert value["top1"] == (0.25, 0.5, -0.25)
    assert value["top3"] == (0.75, 1, -0.25)
    assert value["top5"] == (1, 1, 0)
    assert value["median_km"] == (325, 315, 10)  # photos: people 50 and 600, the model 30 and 600
    score = [5000 * np.exp(-km / 1491.6862) for km in (0, 100, 700, 500, 30, 600)]
    assert value["mean_points"][0] == pytest.approx(np.mean([np.mean(score[:2]), np.mean(score[2:4])]))
    assert value["mean_points"][1] == pytest.approx(np.mean(score[4:]))
    assert [found.measures[f"top{n}"].chance for n in (1, 3, 5)] == [1 / 6, 0.5, 5 / 6]
    assert found.measures["top1"].p == 1
    assert found.measures["median_km"].p is None


def test_each_photo_counts_once_however_often_it_was_played():
    often = [("a", 1, 0, 2, 1)] * 9 + [("b", 2, 1, 1, 0)]
    assert compare(rows(often)).measures["top1"].people.value == 0.5


def test_what_does_not_count():
    table = rows([("a", 1, 0, 1, 0), ("b", None, None, 1, 10)])
    found = compare(table)  # the time was over on b: wrong, but no distance
    assert found.measures["top5"].people.value == 0.5
    assert found.measures["median_km"].people.value == 0
    again = pd.concat([table, table.assign(turn=1, person_rank=1.0)], ignore_index=True)
    assert compare(again) == found
    with pytest.raises(DataError, match="nobody has played a round that counts"):
        compare(table.assign(turn=1))
    unplaced = table.assign(person_km=np.nan, model_km=np.nan, person_points=np.nan, model_points=np.nan)
    assert list(compare(unplaced).measures) == ["top1", "top3", "top5"]
    assert list(compare(rows([("a", 1, 0, 1, 0)], SIX[:3])).measures) == ["top1", "median_km", "mean_points"]


@pytest.mark.parametrize(
    ("people_only", "model_only"), [(0, 0), (1, 0), (5, 0), (6, 0), (3, 9), (10, 10), (0, 15)]
)
def test_with_one_answer_a_photo_it_is_mcnemars_exact_test(people_only, model_only):
    p = compare(many(5, people_only, model_only, 5)).measures["top1"].p
    n = people_only + model_only
    assert p == pytest.approx(stats.binomtest(people_only, n).pvalue if n else 1, abs=1e-12)


def test_six_photos_by_hand():
    """Six differences of one sign: 2 of 64 ways to set the signs are as extreme."""
    assert sign_flip_p([1, 0.5, 0.25, 0.5, 1, 1], seed=0) == 2 / 64
    assert sign_flip_p([0.3, -0.1], seed=0) == 1
    assert sign_flip_p([], seed=0) == 1


def test_the_exact_test_counts_all_ways():
    rng = np.random.default_rng(0)
    for n in (3, 8, 11):
        d = rng.integers(-4, 5, n) / 4
        sums = np.array([np.dot(signs, d) for signs in product((-1, 1), repeat=n)])
        assert sign_flip_p(d, seed=0) == pytest.approx((abs(sums) >= abs(d.sum()) - 1e-12).mean())
        other = stats.permutation_test((d,), np.mean, permutation_type="samples", n_resamples=np.inf)
        assert sign_flip_p(d, seed=0) == pytest.approx(other.pvalue)


def test_thirds_are_as_large_as_thirds():
    """Sums that only rounding tells apart count as equal: 1/3 + 1/3 + 1/3 and -1 + 2."""
    d = np.array([1 / 3, 1 / 3, 1 / 3, -1.0, 2 / 3, 1 / 3])
    whole = np.rint(3 * d).astype(int)
    sums = np.array([np.dot(signs, whole) for signs in product((-1, 1), repeat=len(d))])
    assert sign_flip_p(d, seed=0) == (abs(sums) >= abs(whole.sum())).mean()


def test_many_photos_are_drawn_and_come_near():
    d = np.repeat([1.0, -1.0, 0.0], [40, 24, 100])
    exact = stats.binomtest(40, 64).pvalue
    p = sign_flip_p(d, seed=0)
    assert p == pytest.approx(exact, abs=4 * np.sqrt(exact / 20_000))
    assert p == sign_flip_p(d, seed=0)
    assert sign_flip_p(np.ones(200), seed=0) == pytest.approx(1 / 20_001)  # never 0


def test_the_test_is_wrong_as_often_as_it_says():
    """Where both sides are equally good, p is below 0.05 in at most 5 of 100 comparisons."""
    rng = np.random.default_rng(0)
    drawn = [sign_flip_p(rng.normal(size=12), seed=0) for _ in range(300)]
    assert np.mean(np.array(drawn) < 0.05) == pytest.approx(0.05, abs=0.03)


def test_intervals_hold_what_they_promise():
    """Against scipy's bootstrap, and the share of intervals of the difference that hold the truth."""
    rng = np.random.default_rng(1)
    people, model = rng.random(60), rng.random(60)
    found = measure(people, model, seed=0)
    for estimate, values in (
        (found.people, people),
        (found.model, model),
        (found.difference, people - model),
    ):
        other = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=4000, rng=rng)
        assert estimate.value == pytest.approx(values.mean())
        assert estimate.low == pytest.approx(other.confidence_interval.low, abs=0.01)
        assert estimate.high == pytest.approx(other.confidence_interval.high, abs=0.01)
    inside = 0
    for _ in range(60):
        shift = rng.normal(0.3, 1, 50)
        estimate = measure(shift, np.zeros(50), seed=0, resamples=400).difference
        inside += estimate.low <= 0.3 <= estimate.high
    assert inside / 60 == pytest.approx(0.94, abs=0.08)


def test_both_sides_of_a_photo_are_drawn_together():
    """Two sides that differ by the same on each photo: the difference has no spread."""
    people = np.random.default_rng(0).random(30)
    found = measure(people, people - 0.25, seed=0)
    assert (found.difference.low, found.difference.high) == pytest.approx((0.25, 0.25))
    assert found.people.low < found.people.high


def test_the_sentence():
    assert compare(many(10, 5, 2, 13)).sentence == (
        "On these 30 photos people named the country of 50 % and the model of 40 %; so small a difference "
        "can well be chance (p = 0.45)."
    )
    assert compare(many(1, 3, 0, 0)).sentence == (
        "On these 4 photos people named the country of 100 % and the model of 25 %; on so few photos that "
        "can well be chance (p = 0.25)."
    )
    better = compare(many(20, 15, 1, 4)).sentence
    assert better.startswith(
        "On these 40 photos people named the country of 88 % and the model of 52 %: people are better by 35 "
        "points (95 % interval "
    )
    assert better.endswith("), hardly by chance (p = 0.00052).")
    worse = compare(many(20, 1, 15, 4))
    low, high = worse.measures["top1"].difference.low, worse.measures["top1"].difference.high
    assert (
        f"the model is better by 35 points (95 % interval {-100 * high:.0f} to {-100 * low:.0f})"
        in worse.sentence
    )
    assert 0 < -high < -low
    assert compare(many(3, 2, 2, 0)).sentence.endswith("of 71 % and the model of 71 %: neither is better.")
    assert (
        "On this one photo people named the class of 100 %"
        in compare(rows([("a", 1, 0, 2, 0)], ("Tyrol", "Styria"))).sentence
    )


def test_p_values_in_words():
    assert in_words(0.31234) == "p = 0.31"
    assert in_words(0.00052) == "p = 0.00052"
    assert in_words(1e-6) == "p < 0.0001"
    assert in_words(1) == "p = 1"
