import json
import re

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from experiments.baselines.__main__ import main
from kangaroo.data.folders import read_folders
from kangaroo.data.images import decode, standardize
from kangaroo.data.splits import split_by_place
from kangaroo.scenes.folder import SceneSettings, write_folder

CLASSES = ("Austria", "Australia")


def run(*argv: object) -> int:
    return main([str(arg) for arg in argv])


@pytest.fixture(scope="module")
def coloured(tmp_path_factory):
    """A finished run on tinted scenes, with the report's sampling beside."""
    out = tmp_path_factory.mktemp("drawn") / "run"
    argv = ["--scenes", 300, "--image-size", 64, "--draws", 2, "--colour-cue", "--report-sampling"]
    assert run("--out", out, *argv) == 0
    return out


@pytest.fixture(scope="module")
def metrics(coloured):
    return json.loads((coloured / "metrics.json").read_text())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A photo folder; drawn, but it doesn't say so."""
    made = write_folder(tmp_path_factory.mktemp("photos") / "p", SceneSettings(n=100, size=32), workers=1)
    (made / "scenes.json").unlink()
    return made


def test_one_pass_beats_chance_clearly_and_two_passes_do_not(metrics):
    accuracy = {
        sampling: [row["validation_mean"] for row in metrics["models"] if row["sampling"] == sampling]
        for sampling in ("one pass", "two passes")
    }
    assert metrics["chance"] == 0.5
    assert np.mean(accuracy["one pass"]) > 0.85
    assert min(accuracy["one pass"]) > 0.7
    assert 0.35 < np.mean(accuracy["two passes"]) < 0.65
    assert max(accuracy["two passes"]) < 0.7
    assert "came from shuffled labels" in metrics["result"][1]


@pytest.mark.parametrize(
    ("name", "size", "alpha"), [("ridge, alpha 0.5", 64, 0.5), ("ridge, alpha 1", 32, 1.0)]
)
def test_the_accuracies_are_those_of_scikit_learn_on_the_stacked_photos(coloured, metrics, name, size, alpha):
    # With 240 training photos every draw has them all, so the order does not count.
    photos = read_folders([coloured / "scenes"], CLASSES).photos
    training = (split_by_place(photos, validation=0.2, seed=0) == "training").to_numpy()
    pixels = np.stack([decode(file, size) for file in photos["file"]])
    features, labels = standardize(pixels).reshape(len(photos), -1), photos["class"].to_numpy()
    model = make_pipeline(StandardScaler(), RidgeClassifier(alpha, solver="lsqr", tol=1e-6))
    model.fit(features[training], labels[training])
    (row,) = (row for row in metrics["models"] if (row["sampling"], row["model"]) == ("one pass", name))
    assert row["training_mean"] == pytest.approx(model.score(features[training], labels[training]))
    assert row["validation_mean"] == pytest.approx(model.score(features[~training], labels[~training]))
    assert row["validation_std"] == pytest.approx(0)


def test_the_table_holds_every_fit(coloured, metrics):
    table = pd.read_csv(coloured / "baselines.csv")
    assert len(table) == 2 * 2 * 10
    assert table["converged"].all()
    for row in metrics["models"]:
        own = table[(table["model"] == row["model"]) & (table["sampling"] == row["sampling"])]
        own = own[own["size"] == row["size"]]
        assert row["draws"] == len(own) == 2
        assert row["validation_mean"] == pytest.approx(own["validation"].mean())
        assert row["n_training"] == 240


def test_the_page_stands_alone(coloured):
    page = (coloured / "report.html").read_text()
    assert page.count("<img") == 1
    assert "came from shuffled labels" in page
    assert "drawn scenes with a colour cue, not photos" in page
    assert "experiments.baselines --out" in page
    assert not re.search(r"https?://", page)
    assert sorted(path.name for path in coloured.iterdir()) == [
        "baselines.csv",
        "figures",
        "metrics.json",
        "report.html",
        "scenes",
    ]


def test_photos_of_five_classes_and_json(folder, tmp_path, capsys):
    classes = ["Australia", "Austria", "Czechia", "New Zealand", "Slovakia"]
    argv = ["--images", folder, "--image-size", 32, "--draws", 1, "--classes", *classes]
    assert run(*argv, "--out", tmp_path / "run", "--json") == 0
    out, err = capsys.readouterr()
    metrics = json.loads(out)
    assert metrics["classes"] == classes
    assert metrics["chance"] == pytest.approx(0.2)
    assert (metrics["n_training"], metrics["n_validation"]) == (80, 20)
    assert {row["sampling"] for row in metrics["models"]} == {"one pass"}
    assert {row["draws"] for row in metrics["models"]} == {1}
    assert metrics["models"][0]["validation_std"] is None
    assert len(metrics["result"]) == 1
    assert "New Zealand is small" in err
    assert any("80 photos for training and 20 for validation" in note for note in metrics["warnings"])
    assert "not photos" not in (tmp_path / "run" / "report.html").read_text()


def test_the_same_seed_gives_the_same_figures_and_a_run_is_not_replaced_unasked(folder, tmp_path, capsys):
    argv = ["--images", folder, "--image-size", 32, "--draws", 1, "--classes", *CLASSES, "--out"]
    assert run(*argv, tmp_path / "a") == 0
    assert "ridge, alpha 0.5, 32 px" in capsys.readouterr().out
    before = pd.read_csv(tmp_path / "a" / "baselines.csv").drop(columns="seconds")
    assert run(*argv, tmp_path / "a") == 2
    assert "give --overwrite to replace it, or another --out" in capsys.readouterr().err
    assert run(*argv, tmp_path / "a", "--overwrite") == 0
    pd.testing.assert_frame_equal(
        pd.read_csv(tmp_path / "a" / "baselines.csv").drop(columns="seconds"), before
    )
    assert run(*argv, tmp_path / "b", "--seed", 1) == 0
    assert not before.equals(pd.read_csv(tmp_path / "b" / "baselines.csv").drop(columns="seconds"))


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--images", "PHOTOS", "--colour-cue"], "--colour-cue is for drawn scenes"),
        (["--images", "nowhere"], "no folder nowhere"),
        (["--images", "PHOTOS", "--classes", "Austria"], "one class, 'Austria'"),
        (["--images", "PHOTOS", "--out", "PHOTOS"], "which no run leaves"),
    ],
)
def test_unusable_input_is_one_line_and_exit_2(folder, tmp_path, capsys, argv, message):
    given = {"PHOTOS": folder}
    assert run("--out", tmp_path / "run", *(given.get(arg, arg) for arg in argv)) == 2
    out, err = capsys.readouterr()
    assert not out
    assert len(err.splitlines()) == 1
    assert message in err
