"""Fitting and judging, on synthetic models whose faults are known."""

import json
from dataclasses import replace

import numpy as np
import pytest

from kangaroo.errors import DataError
from kangaroo.evaluation.calibration import brier, reliability
from kangaroo.evaluation.confidence import applied, calibrate, divide, fit, repeat, take
from kangaroo.evaluation.predictions import Predictions
from kangaroo.evaluation.settings import CalibrationConfig
from kangaroo.models.calibrated import tempered


def overconfident(n, *, photos=1, seed=0, temperature=0.5):
    """``n`` places of a few photos each; the logits of a calibrated model of five classes, doubled."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet([0.5, 0.4, 0.3, 0.3, 0.2], n * photos)
    places = tuple(str(i // photos) for i in range(len(p)))
    nowhere = np.full(len(p), np.nan)
    labels = (rng.random((len(p), 1)) < p.cumsum(axis=1)).argmax(axis=1)
    files = tuple(f"{i}.jpg" for i in range(len(p)))
    return Predictions(tuple("ABCDE"), files, places, labels, tempered(p, temperature), nowhere, nowhere)


@pytest.fixture(scope="module")
def outcome():
    return calibrate(overconfident(3000), CalibrationConfig())


def test_what_was_wrong_is_put_right(outcome):
    assert outcome.calibration.temperature == pytest.approx(2, rel=0.1)
    assert outcome.before.reliability.ece > 0.15
    assert outcome.before.error > 0.15
    assert outcome.after.reliability.ece < outcome.after.chance[1]
    assert outcome.after.error < 0.03
    assert outcome.after.brier < outcome.before.brier
    assert outcome.after.loss < outcome.before.loss
    assert outcome.sets.coverage == pytest.approx(0.9, abs=0.025)
    assert (outcome.fitted, outcome.fitted_places, len(outcome.judged.files)) == (1500, 1500, 1500)


def test_the_risk_is_kept_by_leaving_out_the_unsure(outcome):
    assert outcome.calibration.risk == 0.2
    assert outcome.answered.risk < 0.2 < 1 - outcome.judged.correct.mean()
    answered = outcome.judged.confidence > outcome.calibration.least
    assert outcome.answered.share == pytest.approx(answered.mean())
    assert outcome.answered.risk == pytest.approx(1 - outcome.judged.correct[answered].mean())
    assert outcome.lowest_risk < 0.2


def test_figures_are_json_and_those_of_the_functions(outcome):
    figures = json.loads(json.dumps(outcome.figures(), allow_nan=False))
    assert figures["after"]["ece"] == reliability(outcome.judged).ece
    assert figures["after"]["brier"] == brier(outcome.judged)
    assert sum(figures["sets"]["sizes"]) == 1500
    assert figures["answered"]["share"] == outcome.answered.share


def test_a_risk_that_cannot_be_kept_is_not_stored():
    outcome = calibrate(overconfident(200), CalibrationConfig(risk=0.01))
    assert (outcome.calibration.least, outcome.calibration.risk, outcome.answered) == (None, None, None)
    assert outcome.lowest_risk > 0.01


def test_places_stay_whole_and_classes_in_proportion():
    said = overconfident(400, photos=3)
    fitted, judged = divide(said, CalibrationConfig(share=0.25), seed=4)
    assert not set(fitted.places) & set(judged.places)
    assert sorted(fitted.files + judged.files) == sorted(said.files)
    assert len(set(fitted.places)) == 100
    first = dict(zip(said.places, said.labels, strict=True))
    for place, label in zip(said.places, said.labels, strict=True):
        first[place] = min(first[place], label)
    for label in range(5):
        of_class = {place for place, one in first.items() if one == label}
        assert len(of_class & set(fitted.places)) == pytest.approx(len(of_class) / 4, abs=1)


def test_the_division_depends_on_the_seed_alone():
    said, config = overconfident(100, photos=2), CalibrationConfig()
    order = np.random.default_rng(0).permutation(200)
    mixed = replace(
        said,
        files=tuple(said.files[i] for i in order),
        places=tuple(said.places[i] for i in order),
        labels=said.labels[order],
        probabilities=said.probabilities[order],
    )
    assert set(divide(said, config, 1)[0].files) == set(divide(mixed, config, 1)[0].files)
    assert set(divide(said, config, 1)[0].files) != set(divide(said, config, 2)[0].files)


@pytest.mark.parametrize(("share", "coverage", "least"), [(0.5, 0.8, 20), (0.5, 0.9, 20), (0.5, 0.95, 38)])
def test_fewer_places_than_needed_are_refused_and_counted(share, coverage, least):
    config = CalibrationConfig(share=share, coverage=coverage)
    calibrate(overconfident(least), config)
    message = rf"photos of {least - 1} place\(s\) are too few .*: {least} are the least"
    with pytest.raises(DataError, match=message):
        calibrate(overconfident(least - 1), config)


def test_splits_begin_with_the_seed_and_repeat():
    said, config = overconfident(300), CalibrationConfig(splits=3, seed=5)
    found = repeat(said, config)
    assert {len(values) for values in found.values()} == {3}
    outcome = calibrate(said, config)
    assert found["temperature"][0] == outcome.calibration.temperature
    assert found["ece"][0] == outcome.after.reliability.ece
    assert found["coverage"][0] == outcome.sets.coverage
    assert len(set(found["temperature"])) == 3
    np.testing.assert_equal(repeat(said, config), found)
    assert repeat(said, replace(config, splits=0)) == {}


def test_twenty_splits_cover_as_asked_with_places_of_many_photos():
    found = repeat(overconfident(300, photos=3), CalibrationConfig())
    assert 0.88 <= found["coverage"].mean() <= 0.92


def test_twenty_draws_are_calibrated_on_average():
    """One split of each; the error without noise is 0 within three standard errors, about 0.0005 each."""
    config = CalibrationConfig(splits=1)
    drawn = [repeat(overconfident(300, photos=3, seed=seed), config) for seed in range(20)]
    squares = [found["squared_error"][0] for found in drawn]
    assert np.mean(squares) == pytest.approx(0, abs=3 * np.std(squares) / np.sqrt(20))
    assert np.mean([found["squared_error_before"][0] for found in drawn]) > 0.015


def test_each_class_by_itself():
    calibration, own = fit(overconfident(2000), CalibrationConfig(by_class=True))
    assert own.all()
    assert calibration.by_class
    assert len(set(calibration.thresholds)) == 5
    said = applied(calibration, overconfident(20_000, seed=1))
    inside = calibration.sets(said.probabilities)
    for label in range(5):
        mine = said.labels == label
        assert inside[mine, label].mean() == pytest.approx(0.9, abs=0.04)


def test_some_photos(outcome):
    rows = outcome.judged.correct
    some = take(outcome.judged, rows)
    assert some.correct.all()
    assert len(some.files) == rows.sum()


@pytest.mark.parametrize(
    "wrong", [{"coverage": 0}, {"coverage": 1}, {"risk": -0.1}, {"share": 1.5}, {"risk": float("nan")}]
)
def test_shares_that_are_none(wrong):
    (name,) = wrong
    with pytest.raises(DataError, match=f"a {name} of .*between 0 and 1"):
        CalibrationConfig(**wrong)


@pytest.mark.parametrize("name", ["splits", "seed"])
def test_numbers_below_zero(name):
    with pytest.raises(DataError, match=f"{name} -1 is below 0"):
        CalibrationConfig(**{name: -1})


@pytest.mark.parametrize("n", [20, 30])
def test_few_places_give_figures_that_json_can_hold(n):
    json.dumps(calibrate(overconfident(n), CalibrationConfig()).figures(), allow_nan=False)
