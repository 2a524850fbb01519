import json
import math

import numpy as np
import pytest
from PIL import Image

from kangaroo.cli import main
from kangaroo.explain.settings import CHOICES
from kangaroo.models import report_cnn, store
from kangaroo.models.card import Card
from kangaroo.models.classifier import load
from kangaroo.scenes.folder import SceneSettings, write_folder

CLASSES = ("Austria", "Australia", "Czechia")


@pytest.fixture(scope="module", params=[2, 3], ids=["binary", "multiclass"])
def model(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "tiny.keras"
    network = report_cnn.build(32, request.param, seed=0, filters=(4, 4), units=8)
    facts = {"training": {}, "data": {}, "metrics": {}, "intended_use": "tests", "limits": "all"}
    store.save(network, path, Card(classes=CLASSES[: request.param], image_size=32, task="test", **facts))
    return path


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    settings = SceneSettings(("Austria", "Australia"), n=4, size=32)
    return write_folder(tmp_path_factory.mktemp("drawn") / "scenes", settings, workers=1)


def run(capsys, *argv):
    code = main(["explain", *map(str, argv)])
    out, err = capsys.readouterr()
    return code, out, err


def test_json_holds_what_adds_up(capsys, model, scenes, tmp_path):
    code, out, _ = run(capsys, model, scenes, "--out", tmp_path / "out", "--json")
    rows, guesses = json.loads(out), load(model).predict(sorted(scenes.rglob("*.jpg")))
    assert code == 0
    assert len(rows) == 4
    wanted = {"file", "prediction", "confidence", "score", "baseline_score", "sum", "completeness_gap"}
    for row, guess in zip(rows, guesses.itertuples(), strict=True):
        assert wanted | {"evaluations", "figure"} < row.keys()
        assert (row["file"], row["prediction"]) == (str(guess.file), guess.prediction)
        assert row["confidence"] == pytest.approx(guess.confidence, abs=1e-5)
        difference = row["score"] - row["baseline_score"]
        assert abs(row["sum"] - difference) == pytest.approx(row["completeness_gap"], abs=1e-5)
        assert row["completeness_gap"] <= 0.01 * max(abs(difference), 1)
        with Image.open(row["figure"]) as figure:
            assert figure.format == "PNG"


def test_of_two_classes_the_score_is_the_log_odds_of_the_prediction(capsys, model, scenes, tmp_path):
    code, out, _ = run(capsys, model, scenes / "Austria", "--out", tmp_path, "--json", "--rule", "midpoint")
    for row in json.loads(out):
        if len(load(model).classes) == 2:
            odds = math.log(row["confidence"] / (1 - row["confidence"]))
            assert row["score"] == pytest.approx(odds, abs=1e-3)
        assert row["evaluations"] == 50
    assert code == 0


def test_the_probability_of_a_class(capsys, model, scenes, tmp_path):
    argv = ("--target", "probability", "--class", "Australia", "--json", "--baseline", "black")
    code, out, _ = run(capsys, model, scenes / "Austria", "--out", tmp_path, *argv)
    p = load(model).predict(sorted((scenes / "Austria").rglob("*.jpg")))["p_Australia"]
    assert code == 0
    np.testing.assert_allclose([row["score"] for row in json.loads(out)], p, atol=1e-5)


@pytest.mark.parametrize("method", CHOICES["method"][1:])
def test_every_method_leaves_a_figure(capsys, model, scenes, tmp_path, method):
    photo = next(scenes.rglob("*.jpg"))
    code, out, _ = run(capsys, model, photo, "--method", method, "--out", tmp_path, "--json", "--samples", 3)
    row = json.loads(out)[0]
    assert code == 0
    assert (row["baseline_score"], row["completeness_gap"], row["evaluations"]) == (None, None, None)
    assert (row["sum"] is None) == ("cam" in method)
    assert (tmp_path / f"{photo.stem}.png").exists()


def test_photos_of_one_name_get_figures_of_their_own(capsys, model, scenes, tmp_path):
    for name, shade in (("a", 50), ("b", 200)):
        (tmp_path / name).mkdir()
        Image.new("RGB", (40, 40), (shade, 9, 9)).save(tmp_path / name / "1.png")
    files = (tmp_path / "a" / "1.png", tmp_path / "b" / "1.png")
    code, out, _ = run(capsys, model, *files, "--out", tmp_path / "out", "--json")
    assert code == 0
    assert [row["figure"].rsplit("/", 1)[1] for row in json.loads(out)] == ["1.png", "1-2.png"]


def test_without_json_a_line_a_photo_and_bad_ones_are_named(capsys, model, scenes, tmp_path):
    (tmp_path / "bad.jpg").write_text("no picture")
    photos = sorted((scenes / "Austria").rglob("*.jpg"))
    code, out, err = run(capsys, model, tmp_path / "bad.jpg", *photos, "--out", tmp_path / "out")
    assert code == 0
    assert len(out.splitlines()) == 2
    assert "sum of attributions" in out
    assert "rejected: " in err
    assert "bad.jpg" in err


def test_a_gap_that_is_left_is_said(capsys, model, scenes, tmp_path):
    argv = ("--tolerance", "1e-9", "--max-steps", "20")
    code, _, err = run(capsys, model, next(scenes.rglob("*.jpg")), "--out", tmp_path, *argv)
    assert code == 0
    assert "is left after 20 gradients: give more --max-steps or a larger --tolerance" in err


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("--steps", "0"), "0 steps along the path: give 1 or more"),
        (
            ("--method", "grad-cam", "--layer", "nowhere"),
            "no layer 'nowhere' that gives maps: choose from conv2d",
        ),
        (("--class", "Norway"), "the model has no class 'Norway': choose from Austria, Australia"),
        (("--baseline", "grey"), "baseline grey: "),
        (("--tolerance", "nan"), "a tolerance of nan: give a number above 0"),
        (("--samples", "0"), "0 noisy copies"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(capsys, model, scenes, tmp_path, argv, message):
    code, out, err = run(capsys, model, next(scenes.rglob("*.jpg")), "--out", tmp_path, *argv)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {message}")
    assert len(err.splitlines()) == 1


def test_no_photo_at_all(capsys, model, tmp_path):
    (tmp_path / "bad.jpg").write_text("no picture")
    code, _, err = run(capsys, model, tmp_path / "bad.jpg", "--out", tmp_path / "out")
    assert code == 2
    assert "no photo can be read among 1 file(s)" in err.splitlines()[-1]
