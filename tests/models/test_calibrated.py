"""Temperature and sets by hand and against SciPy; the card's part of it; what a calibrated model says."""

import json
from dataclasses import replace

import keras
import numpy as np
import pytest
from scipy.special import softmax

from kangaroo.errors import ModelError
from kangaroo.models import calibrated, store
from kangaroo.models.calibrated import Calibration, mass_above, tempered
from kangaroo.models.card import Card
from kangaroo.models.classifier import load

CALIBRATION = Calibration(2.0, 0.9, np.array([0.5, 0.5, 0.7]), risk=0.2, least=0.45)


def test_a_temperature_of_two_takes_the_root_of_the_odds():
    """9 to 1 becomes 3 to 1; at a temperature of 1/2 it becomes 81 to 1."""
    assert tempered([[0.9, 0.1]], 2).tolist() == [pytest.approx([0.75, 0.25])]
    assert tempered([[0.9, 0.1]], 0.5).tolist() == [pytest.approx([81 / 82, 1 / 82])]


def test_tempered_is_the_softmax_of_divided_logits():
    logits = np.random.default_rng(0).normal(0, 4, (50, 7))
    for temperature in (0.3, 1, 2.5):
        found = tempered(softmax(logits, axis=1), temperature)
        np.testing.assert_allclose(found, softmax(logits / temperature, axis=1), rtol=1e-9)
        assert (found.argmax(axis=1) == logits.argmax(axis=1)).all()


def test_probabilities_of_zero_and_one_stay_numbers():
    for p in ([[1.0, 0.0]], [[0.0, 1.0, 0.0]]):
        found = tempered(p, 3)
        assert np.isfinite(found).all()
        assert found.sum() == pytest.approx(1)
        assert found.argmax() == np.argmax(p)
    # A sigmoid that rounds to 1 is 1 - 2**-25 at best: its odds have 25 bits, a fifth of them at T = 5.
    assert tempered([[0.0, 1.0]], 5)[0, 0] == pytest.approx(1 / (1 + 2**5))
    assert tempered(np.zeros((0, 3)), 2).shape == (0, 3)


def test_mass_above_by_hand():
    """0.5 stands above all, 0.3 below it, the two of 0.1 below 0.8 both."""
    found = mass_above([[0.1, 0.5, 0.1, 0.3], [0.25, 0.25, 0.25, 0.25]])
    assert found.tolist() == [pytest.approx([0.8, 0, 0.8, 0.5]), [0, 0, 0, 0]]


def test_mass_above_by_its_definition():
    p = np.random.default_rng(1).dirichlet(np.ones(6), 40).round(2)
    expected = np.array([[row[row > value].sum() for value in row] for row in p])
    np.testing.assert_allclose(mass_above(p), np.minimum(expected, 1), atol=1e-12)


def test_sets_are_never_empty_and_keep_their_thresholds():
    p = np.random.default_rng(2).dirichlet(np.full(3, 0.2), 500)
    inside = CALIBRATION.sets(p)
    assert (inside[np.arange(500), p.argmax(axis=1)]).all()
    assert CALIBRATION.sets([[0.6, 0.3, 0.1]]).tolist() == [[True, False, False]]
    assert CALIBRATION.sets([[0.45, 0.1, 0.45]]).tolist() == [[True, False, True]]
    assert CALIBRATION.sets([[0.4, 0.26, 0.34]]).tolist() == [[True, False, True]]
    assert CALIBRATION.sets([[0.26, 0.4, 0.34]]).tolist() == [[False, True, True]]


def test_abstains_up_to_the_least_confidence():
    p = [[0.45, 0.3, 0.25], [0.46, 0.3, 0.24]]
    assert CALIBRATION.abstains(p).tolist() == [True, False]
    assert replace(CALIBRATION, least=None).abstains(p).tolist() == [False, False]


def test_json_there_and_back():
    for given in (CALIBRATION, replace(CALIBRATION, risk=None, least=None, by_class=True)):
        read = calibrated.from_json(json.loads(json.dumps(given.to_json())), 3)
        assert read.thresholds.tolist() == given.thresholds.tolist()
        for name in ("temperature", "coverage", "by_class", "risk", "least"):
            assert getattr(read, name) == getattr(given, name)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("temperature",), 0),
        (("temperature",), -1),
        (("temperature",), "warm"),
        (("temperature",), float("nan")),
        (("temperature",), None),
        (("sets",), None),
        (("sets", "coverage"), 1),
        (("sets", "thresholds"), [0.5, 0.5]),
        (("sets", "thresholds"), [0.5, 0.5, 1.5]),
        (("sets", "thresholds"), "all"),
        (("abstention",), "never"),
        (("abstention", "confidence"), 2),
        (("abstention", "risk"), "low"),
    ],
)
def test_nonsense_is_refused_in_one_line(path, value):
    values = CALIBRATION.to_json()
    inner = values
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    with pytest.raises(ModelError, match="calibration of a card can't be read") as caught:
        calibrated.from_json(values, 3)
    assert len(str(caught.value).splitlines()) == 1
    with pytest.raises(ModelError):
        calibrated.from_json({}, 3)


@pytest.fixture
def model(tmp_path):
    """A network of pixels whose three classes are red, green and blue, and its card's calibration."""
    taken = keras.Input((8, 8, 3), name="pixels")
    means = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(taken))
    network = keras.Model(taken, keras.layers.Dense(3, "softmax")(means))
    network.set_weights([4 * np.eye(3), np.zeros(3)])
    card = Card(
        classes=("Red", "Green", "Blue"),
        image_size=8,
        input="pixels",
        task="test",
        training={},
        data={},
        metrics={},
        intended_use="",
        limits="",
        calibration=CALIBRATION.to_json(),
    )
    store.save(network, tmp_path / "m.keras", card)
    return tmp_path / "m.keras"


def coloured(*colours):
    return np.stack([np.broadcast_to(np.array(c, np.uint8), (8, 8, 3)) for c in colours])


def test_a_calibrated_model_says_calibrated_probabilities_sets_and_abstentions(model):
    classifier = load(model)
    photos = coloured((255, 0, 0), (0, 240, 255), (130, 128, 126))
    logits = 4 / 255 * photos[:, 0, 0].astype(float)
    np.testing.assert_allclose(classifier.probabilities(photos), softmax(logits / 2, axis=1), rtol=1e-5)
    plain = classifier.uncalibrated
    np.testing.assert_allclose(plain.probabilities(photos), softmax(logits, axis=1), rtol=1e-5)
    frame = classifier.predict(list(photos))
    columns = ["file", "prediction", "confidence", "set", "abstain", "p_Red", "p_Green", "p_Blue"]
    assert list(frame.columns) == columns
    assert frame["set"].tolist() == ["Red", "Blue; Green", "Red; Green; Blue"]
    assert frame["abstain"].tolist() == [False, False, True]
    np.testing.assert_allclose(frame["confidence"], softmax(logits / 2, axis=1).max(axis=1), rtol=1e-5)
    assert list(plain.predict(list(photos)).columns) == [*columns[:3], *columns[5:]]


def test_without_a_risk_to_keep_abstentions_are_unknown(model):
    card = store.load(model)[1]
    plain = replace(CALIBRATION, risk=None, least=None).to_json()
    store.write_card(model, replace(card, calibration=plain))
    assert load(model).predict(list(coloured((255, 0, 0))))["abstain"].tolist() == [None]
    assert "set" in load(model).predict(list(coloured((255, 0, 0))))


def test_no_photo_gives_an_empty_frame_with_all_columns(model):
    frame = load(model).predict([])
    assert len(frame) == 0
    assert {"set", "abstain"} <= set(frame.columns)


def test_a_card_whose_calibration_was_changed_by_hand(model):
    path = store.card_path(model)
    values = json.loads(path.read_text())
    for changed in ({"temperature": 0}, "warm", values["calibration"] | {"temperature": "1.5"}):
        path.write_text(json.dumps(values | {"calibration": changed}))
        with pytest.raises(ModelError, match="calibrate anew") as caught:
            load(model)
        assert str(model.with_suffix("")) in str(caught.value)
        assert len(str(caught.value).splitlines()) == 1
    path.write_text(json.dumps({name: value for name, value in values.items() if name != "calibration"}))
    assert load(model).calibration is None
