import json

import keras
import pandas as pd
import pytest

from experiments.attribution.__main__ import main
from kangaroo.models import report_cnn, store
from kangaroo.models.card import Card

CLASSES = ("Austria", "Australia")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "tiny.keras"
    network = report_cnn.build(48, 2, seed=0, filters=(4, 4), units=8)
    facts = {"training": {}, "data": {}, "metrics": {}, "intended_use": "tests", "limits": "all"}
    store.save(network, path, Card(classes=CLASSES, image_size=48, task="test", **facts))
    return path


@pytest.fixture(scope="module")
def out(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "attribution"
    argv = ["--model", model, "--scenes", 8, "--photos", 3, "--shown", 2, "--out", folder]
    assert main([*map(str, argv), "--methods", "integrated-gradients", "grad-cam"]) == 0
    return folder


def test_the_run_folder_is_whole(out):
    figures = {path.stem for path in (out / "figures").iterdir()}
    assert figures == {"rules", "evidence", "deletion", "insertion", "randomization", "methods", "path",
                       "explained_1", "explained_2"}  # fmt: skip
    html = (out / "report.html").read_text()
    assert "drawn scenes, not photos" in html
    assert "http" not in html.replace("http://www.w3.org", "")


def test_the_numbers_are_those_of_the_tables(out):
    metrics, rules = json.loads((out / "metrics.json").read_text()), pd.read_csv(out / "rules.csv")
    methods = pd.read_csv(out / "methods.csv", index_col="method")
    adaptive = rules[(rules["rule"] == "adaptive") & (rules["setting"] == 0.01)]
    assert adaptive["gap"].max() <= 0.01
    row = next(r for r in metrics["rules"] if (r["rule"], r["setting"]) == ("trapezoid", 50))
    assert row["evaluations"] == 51
    assert set(metrics["methods"]) == {"integrated-gradients", "grad-cam"} == set(methods.index)
    assert 0 <= methods["evidence_share"].min() <= methods["evidence_share"].max() <= 1
    assert "The report's 50 steps of the trapezoid rule" in metrics["result"][0]


def test_a_finished_run_is_not_overwritten_unasked(out, model, capsys):
    assert main(["--model", str(model), "--out", str(out)]) == 2
    assert "--overwrite" in capsys.readouterr().err


def test_a_network_that_takes_pixels_is_explained_too(tmp_path):
    photos = keras.Input((32, 32, 3), name="pixels")
    inner = keras.layers.Rescaling(1 / 255)(photos)
    for layer in report_cnn.build(32, 2, seed=0, filters=(4,), units=8).layers:
        inner = layer(inner)
    network = keras.Model(photos, inner)
    facts = {"training": {}, "data": {}, "metrics": {}, "intended_use": "tests", "limits": "all"}
    card = Card(classes=CLASSES, image_size=32, task="test", input="pixels", **facts)
    store.save(network, tmp_path / "pixels.keras", card)
    argv = ["--model", tmp_path / "pixels.keras", "--scenes", 6, "--photos", 2, "--shown", 1]
    argv += ["--methods", "gradient-x-input", "--out", tmp_path / "run"]
    assert main([*map(str, argv)]) == 0
    rules = pd.read_csv(tmp_path / "run" / "rules.csv")
    adaptive = rules[(rules["rule"] == "adaptive") & (rules["setting"] == 0.01)]
    assert adaptive["gap"].max() <= 0.01
    assert (tmp_path / "run" / "figures" / "explained_1.png").is_file()
