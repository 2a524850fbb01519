"""``kangaroo calibrate``, and what it changes in ``predict`` and ``evaluate``."""

import argparse
import json
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from kangaroo.commands import calibrate, evaluate, predict
from kangaroo.console import guarded
from kangaroo.files import sha256
from kangaroo.models import store
from kangaroo.models.card import Card
from kangaroo.models.classifier import load
from kangaroo.pages.calibration import IN_DIVISIONS

CLASSES = ("Austria", "Norway", "Italy")
SIDE = 16
N = 120


def save_model(path: Path, classes: tuple[str, ...] = CLASSES, **more) -> Path:
    """A network of pixels: red speaks for the first class, green for the second, blue for the third."""
    taken = keras.Input((SIDE, SIDE, 3), name="pixels")
    means = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(taken))
    network = keras.Model(taken, keras.layers.Dense(3, "softmax" if classes else "linear")(means))
    network.set_weights([12 * np.eye(3), np.zeros(3)])
    card = Card(
        classes=classes,
        image_size=SIDE,
        input="pixels",
        task="test",
        training={},
        data={},
        metrics={},
        intended_use="",
        limits="",
        **more,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    store.save(network, path, card)
    return path


def write_photos(root: Path, classes, *, n=N, places=None, seed=0) -> Path:
    """Pictures of one colour each, whose class is drawn with half the certainty that the network has."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        colour = rng.integers(60, 190, 3)
        p = np.exp(colour / 255 * 6)
        name = classes[rng.choice(3, p=p / p.sum()) % len(classes)]
        (root / name).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (SIDE, SIDE), tuple(map(int, colour))).save(root / name / f"{i:03}.png")
        rows.append(
            {"file": f"{name}/{i:03}.png", "country": name, "place": i if places is None else i % places}
        )
    pd.DataFrame(rows).assign(lat="", lon="").to_csv(root / "labels.csv", index=False)
    return root


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    return write_photos(tmp_path_factory.mktemp("photos"), CLASSES)


@pytest.fixture
def model(tmp_path) -> Path:
    return save_model(tmp_path / "run" / "model.keras")


def run(capsys, command, *argv):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    args = parser.parse_args([str(arg) for arg in argv])
    code = guarded(lambda: command.run(args), debug=False)
    return code, *capsys.readouterr()


def test_the_card_keeps_what_was_found_and_the_model_stays_as_it_was(capsys, model, photos, tmp_path):
    before, card = sha256(model), json.loads(store.card_path(model).read_text())
    out = tmp_path / "out"
    code, text, err = run(capsys, calibrate, model, "--images", photos, "--out", out, "--splits", 3)
    assert code == 0, err
    assert text.startswith("fitted on 60 photos of 60 places, judged on 60 of 60")
    assert "note: fitted on 60 places only" in err
    after = json.loads(store.card_path(model).read_text())
    assert sha256(model) == before
    assert {**after, "calibration": {}} == card
    left = json.loads((out / "calibration.json").read_text())
    del left["found"]["shifted"]
    assert after["calibration"] == left
    assert after["calibration"]["temperature"] > 1.2  # the network is twice as sure as it may be
    splits = after["calibration"]["found"]["splits"]
    assert splits["ece"]["splits"] == 3
    page = (out / "calibration.html").read_text(encoding="utf-8")
    assert all(f'<th scope="row">{IN_DIVISIONS[name]}</th>' in page for name in splits)
    assert sorted(path.name for path in out.iterdir()) == [
        "calibration.html",
        "calibration.json",
        "reliability.png",
        "risk_coverage.png",
        "sets.png",
    ]


def test_calibrating_again_begins_with_what_the_network_says(capsys, model, photos):
    cards = []
    for seed in (0, 1, 0):
        assert run(capsys, calibrate, model, "--images", photos, "--seed", seed, "--splits", 0)[0] == 0
        cards.append(store.card_path(model).read_text())
    assert cards[0] == cards[2]
    assert cards[0] != cards[1]


def test_predict_and_evaluate_are_calibrated_from_then_on(capsys, model, photos, tmp_path):
    plain = json.loads(run(capsys, evaluate, model, "--images", photos, "--json")[1])
    assert plain["calibrated"] is False
    assert run(capsys, calibrate, model, "--images", photos, "--risk", 0.6, "--splits", 0)[0] == 0
    calibrated = json.loads(run(capsys, evaluate, model, "--images", photos, "--json")[1])
    again = json.loads(run(capsys, evaluate, model, "--images", photos, "--uncalibrated", "--json")[1])
    assert calibrated["calibrated"] is True
    assert calibrated["accuracy"] == plain["accuracy"]
    assert calibrated["loss"] < plain["loss"]
    assert calibrated["brier"] < plain["brier"]
    assert again == plain
    assert "all calibrated" in run(capsys, evaluate, model, "--images", photos)[1]
    assert "calibrated" not in run(capsys, evaluate, model, "--images", photos, "--uncalibrated")[1]

    code, out, _ = run(capsys, predict, model, photos / "Italy", "--json", "--csv", tmp_path / "p.csv")
    rows, table = json.loads(out)["predictions"], pd.read_csv(tmp_path / "p.csv")
    assert code == 0
    assert list(table.columns)[:5] == ["file", "prediction", "confidence", "set", "abstain"]
    for row, abstain in zip(rows, table["abstain"], strict=True):
        names = row["set"].split("; ")
        assert names[0] == row["prediction"]
        assert row["abstain"] == abstain
        said = [row["probabilities"][name] for name in names]
        assert said == sorted(said, reverse=True)
        assert row["confidence"] == pytest.approx(said[0])
    calibration = load(model).calibration
    assert calibration is not None
    assert calibration.least is not None
    assert (table["abstain"] == (table["confidence"] <= calibration.least)).all()
    line = run(capsys, predict, model, rows[0]["file"])[1]
    assert f"{{{rows[0]['set']}}}" in line
    assert line.endswith(f"{rows[0]['file']}\n")


def test_photos_from_elsewhere_are_judged_as_far_as_they_can_be(capsys, model, photos, tmp_path):
    elsewhere = write_photos(tmp_path / "elsewhere", ("Narnia", "Italy"), n=40, seed=1)
    code, out, err = run(
        capsys, calibrate, model, "--images", photos, "--splits", 0, "--json", "--out", tmp_path / "out",
        "--shifted", elsewhere,
    )  # fmt: skip
    assert code == 0, err
    shifted = json.loads(out)["found"]["shifted"]
    unknown, known = shifted["classes it does not know"], shifted["its classes, another source"]
    assert unknown["photos"] + known["photos"] == 40
    assert "ece" in known
    assert "ece" not in unknown
    assert (tmp_path / "out" / "shifted.png").exists()
    assert "shifted" not in json.loads(store.card_path(model).read_text())["calibration"]["found"]


def test_each_class_by_itself(capsys, model, photos):
    arguments = ("--images", photos, "--coverage", 0.8, "--class-conditional", "--splits", 0, "--json")
    code, out, err = run(capsys, calibrate, model, *arguments)
    assert code == 0, err
    sets = json.loads(out)["sets"]
    assert (sets["by_class"], sets["coverage"]) == (True, 0.8)
    assert len(set(sets["thresholds"])) > 1


def refusal(capsys, model, *argv) -> str:
    """What a refused calibration says, in one line; the card is as it was."""
    card = store.card_path(model).read_text() if store.card_path(model).exists() else ""
    code, out, err = run(capsys, calibrate, model, *argv)
    lines = [line for line in err.splitlines() if not line.startswith(("left out", "note"))]
    assert (code, out, len(lines)) == (2, "", 1), err
    if card:
        assert store.card_path(model).read_text() == card
    return lines[0]


def test_too_few_places(capsys, model, tmp_path):
    few = write_photos(tmp_path / "few", CLASSES, n=60, places=12)
    message = refusal(capsys, model, "--images", few)
    assert "photos of 12 place(s) are too few for a coverage of 0.9" in message
    assert "20 are the least" in message


def test_photos_of_the_training(capsys, model, photos):
    files = sorted(photos.rglob("*.png"))
    table = pd.DataFrame({"file": [path.as_posix() for path in files]})
    table["class"] = [path.parent.name for path in files]
    table["place"] = [path.stem for path in files]
    table["split"] = ["training" if i % 3 == 0 else "validation" for i in range(len(files))]
    split = model.parent / "split.csv"
    table.to_csv(split, index=False)
    message = refusal(capsys, model, "--images", photos)
    assert f"trained on 40 of these photos: give --split {split}" in message
    arguments = ("--images", photos, "--split", split, "--splits", 0)
    code, out, _ = run(capsys, calibrate, model, *arguments)
    assert code == 0
    assert out.startswith("fitted on 40 photos of 40 places, judged on 40 of 40")


def test_a_class_without_photos(capsys, model, tmp_path):
    two = write_photos(tmp_path / "two", CLASSES[:2], n=60)
    assert "class 'Italy' has no photo" in refusal(capsys, model, "--images", two, "--class-conditional")
    assert run(capsys, calibrate, model, "--images", two, "--splits", 0)[0] == 0


def test_values_out_of_range(capsys, model, photos):
    for flag, value in (("--coverage", 1), ("--coverage", 0), ("--risk", 1.5), ("--share", 0)):
        message = refusal(capsys, model, "--images", photos, flag, value)
        assert f"a {flag[2:]} of {value:g} is none" in message


def test_models_that_cannot_be_calibrated(capsys, photos, tmp_path):
    places = save_model(tmp_path / "c" / "m.keras", (), places={"kind": "sphere"})
    assert "gives coordinates" in refusal(capsys, places, "--images", photos)
    bare = save_model(tmp_path / "d" / "m.keras")
    store.card_path(bare).unlink()
    assert "no card" in refusal(capsys, bare, "--images", photos)
    changed = save_model(tmp_path / "e" / "m.keras")
    card = store.card_path(changed)
    card.write_text(json.dumps(json.loads(card.read_text()) | {"calibration": {"temperature": -1}}))
    assert "calibrate anew" in refusal(capsys, changed, "--images", photos)
    strange = save_model(tmp_path / "f" / "m.keras", ("X", "Y", "Z"))
    assert "X, Y, Z" in refusal(capsys, strange, "--images", photos)


def test_photos_from_elsewhere_that_are_none(capsys, model, photos, tmp_path):
    (tmp_path / "empty" / "Narnia").mkdir(parents=True)
    (tmp_path / "empty" / "Narnia" / "a.png").write_text("no picture")
    arguments = ("--images", photos, "--splits", 0, "--shifted", tmp_path / "empty")
    code, _, err = run(capsys, calibrate, model, *arguments)
    assert code == 2
    assert "no usable photo in" in err.splitlines()[-1]
