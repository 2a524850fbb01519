import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from PIL import Image

import kangaroo
from experiments import binary_austria_australia, multinomial
from kangaroo.cli import experiment as main
from kangaroo.scenes.folder import SceneSettings, write_folder

SMALL = ["--image-size", "64", "--epochs", "2", "--batch-size", "16", "--precision", "float32"]
LEFT = [
    "events",
    "figures",
    "history.csv",
    "metrics.json",
    "model.json",
    "model.keras",
    "predictions.csv",
    "report.html",
]


def binary(*argv: object) -> int:
    return main(binary_austria_australia.PRESET, [str(arg) for arg in argv])


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A finished run on drawn scenes."""
    out = tmp_path_factory.mktemp("drawn") / "run"
    assert binary("--scenes", 80, "--out", out, *SMALL) == 0
    return out


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A photo folder of the five countries; drawn, but it doesn't say so."""
    made = write_folder(tmp_path_factory.mktemp("photos") / "p", SceneSettings(n=100, size=64), workers=1)
    (made / "scenes.json").unlink()
    return made


def figures(out: Path) -> set[str]:
    return {path.stem for path in (out / "figures").iterdir()}


def comparable(out: Path) -> tuple[object, ...]:
    """What two runs of the same seed must share, to the last digit."""
    metrics = json.loads((out / "metrics.json").read_text())
    history = pd.read_csv(out / "history.csv").drop(columns="seconds")
    predictions = pd.read_csv(out / "predictions.csv").drop(columns="file")
    return metrics, history.to_csv(), predictions.to_csv()


def test_a_run_folder_holds_what_the_contract_says(drawn):
    assert sorted(path.name for path in drawn.iterdir() if path.name not in ("scenes", "settings.json")) == [
        *LEFT,
        "split.csv",
    ]
    predictions, split = pd.read_csv(drawn / "predictions.csv"), pd.read_csv(drawn / "split.csv")
    columns = ["file", "place", "label", "prediction", "confidence", "correct", "p_Austria", "p_Australia"]
    assert list(predictions) == columns
    assert list(split) == ["file", "class", "place", "split"]
    assert set(split["split"]) == {"training", "validation"}
    assert set(predictions["file"]) == set(split.loc[split["split"] == "validation", "file"])
    assert split.groupby("place")["split"].nunique().max() == 1
    assert (predictions["correct"] == (predictions["label"] == predictions["prediction"])).all()


def test_metrics_follow_from_the_predictions(drawn):
    metrics, predictions = (
        json.loads((drawn / "metrics.json").read_text()),
        pd.read_csv(drawn / "predictions.csv"),
    )
    assert metrics["n"] == len(predictions) == 16
    assert metrics["accuracy"] == pytest.approx(predictions["correct"].mean())
    assert metrics["confidence"]["mean"] == pytest.approx(predictions["confidence"].mean())
    assert 0.5 <= metrics["ideal_observer"]["accuracy"] <= 1
    assert 0.95 <= metrics["ideal_observer"]["expected_accuracy"] <= 0.99


def test_the_model_file_gives_the_predictions_of_the_table(drawn):
    predictions = pd.read_csv(drawn / "predictions.csv")
    again = kangaroo.load(drawn / "model.keras").predict(list(predictions["file"]))
    np.testing.assert_allclose(again["p_Austria"], predictions["p_Austria"], atol=1e-6)
    assert keras.models.load_model(drawn / "model.keras").count_params() > 0


def test_the_card_says_that_the_scenes_are_drawn_and_how_to_make_it_again(drawn):
    card = json.loads((drawn / "model.json").read_text())
    assert card["data"]["drawn"] is True
    assert card["classes"] == ["Austria", "Australia"]
    assert card["training"]["command"].startswith(
        "python -m experiments.binary_austria_australia --scenes 80"
    )
    assert sum(card["data"]["photos"]["Austria"].values()) == 40


def test_every_figure_is_there_and_on_the_page(drawn):
    expected = {"photos_by_state", "locations", "history", "confusion_matrix", "reliability"}
    assert expected | {"examples_Austria", "examples_Australia", "unsure"} <= figures(drawn)
    page = (drawn / "report.html").read_text()
    assert page.count("<img") == len(figures(drawn))
    assert "drawn scenes" in page
    assert not re.search(r"https?://", page)


@pytest.mark.slow
def test_two_runs_of_one_seed_are_equal_and_another_seed_is_not(drawn, tmp_path):
    binary("--scenes", 80, "--out", tmp_path / "same", *SMALL)
    binary("--scenes", 80, "--out", tmp_path / "other", "--seed", 1, *SMALL)
    assert comparable(tmp_path / "same") == comparable(drawn)
    assert comparable(tmp_path / "other") != comparable(drawn)


@pytest.mark.slow
def test_a_killed_run_is_resumed_to_the_same_result(drawn, tmp_path):
    out = tmp_path / "run"
    argv = ["--scenes", "80", "--out", str(out), *SMALL]
    command = [sys.executable, "-m", "experiments.binary_austria_australia", *argv]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (out / "checkpoint-0001.keras").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (out / "report.html").exists()
    assert binary(*argv) == 2  # it says that there is a run
    assert binary(*argv, "--resume") == 0
    assert comparable(out) == comparable(drawn)
    assert not list(out.glob("checkpoint-*"))


@pytest.mark.slow
def test_photos_give_a_run_without_the_drawn_badge(folder, tmp_path, capsys):
    out = tmp_path / "run"
    assert main(multinomial.PRESET, ["--images", str(folder), "--out", str(out), *SMALL, "--json"]) == 0
    stdout, stderr = capsys.readouterr()
    metrics = json.loads(stdout)
    assert metrics["classes"] == ["Australia", "Austria", "Czechia", "New Zealand", "Slovakia"]
    assert "ideal_observer" not in metrics
    assert "New Zealand is small, 20 photos of 20 places" in " ".join(metrics["warnings"])
    assert "New Zealand is small" in stderr
    assert json.loads((out / "model.json").read_text())["data"]["drawn"] is False
    assert "drawn scenes" not in (out / "report.html").read_text()


@pytest.mark.slow
def test_bad_photos_are_skipped_counted_and_named(folder, tmp_path):
    photos = tmp_path / "photos"
    shutil.copytree(folder, photos)
    good = sorted((photos / "Austria").rglob("*.jpg"))
    (photos / "Austria" / "empty.jpg").touch()
    (photos / "Austria" / "text.jpg").write_text("not a picture")
    (photos / "Austria" / "cut.jpg").write_bytes(good[0].read_bytes()[:700])
    (photos / "Australia" / "other.gif").write_bytes(b"GIF89a")
    Image.new("RGB", (50, 50), "red").save(photos / "Australia" / "png.jpg", "PNG")
    out = tmp_path / "run"
    assert binary("--images", photos, "--out", out, *SMALL) == 0
    metrics = json.loads((out / "metrics.json").read_text())
    rejected = {Path(item["file"]).name for item in metrics["rejected"]}
    assert rejected == {"empty.jpg", "text.jpg", "cut.jpg", "other.gif", "png.jpg"}
    assert all(name in (out / "report.html").read_text() for name in rejected)


@pytest.mark.slow
def test_classes_from_different_collections_are_warned_of(folder, tmp_path, capsys):
    for name in ("Austria", "Australia"):
        shutil.copytree(folder / name, tmp_path / f"only {name}" / name)
    roots = [tmp_path / "only Austria", tmp_path / "only Australia"]
    assert binary("--images", *roots, "--out", tmp_path / "run", *SMALL) == 0
    assert "the collection, not the country" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--images", "nowhere"], "no folder nowhere"),
        (["--images", "PHOTOS", "--classes", "Austria"], "one class, 'Austria'"),
        (["--images", "PHOTOS", "--classes", "Austria", "Narnia"], "no class 'Narnia'"),
        (["--images", "EMPTY", "--classes", "Austria", "Australia"], "'Australia' has no usable photo"),
        (["--images", "TWICE"], "the same picture under two classes"),
        (["--classes", "Austria", "Atlantis"], "no profile for 'Atlantis'"),
        (["--out", "PHOTOS"], "which no run leaves"),
    ],
)
def test_unusable_input_is_one_line_and_exit_2(folder, tmp_path, capsys, argv, message):
    shutil.copytree(folder / "Austria", tmp_path / "EMPTY" / "Austria")
    (tmp_path / "EMPTY" / "Australia").mkdir()
    shutil.copytree(folder / "Austria", tmp_path / "TWICE" / "Austria")
    shutil.copytree(folder / "Austria", tmp_path / "TWICE" / "Australia")
    given = {"PHOTOS": folder, "EMPTY": tmp_path / "EMPTY", "TWICE": tmp_path / "TWICE"}
    code = binary("--out", tmp_path / "run", *SMALL, *(given.get(arg, arg) for arg in argv))
    out, err = capsys.readouterr()
    assert code == 2
    assert not out
    assert message in err.splitlines()[-1]
    assert "Traceback" not in err


@pytest.mark.slow
def test_overwrite_replaces_a_run_and_resume_refuses_other_settings(drawn, folder, tmp_path, capsys):
    out = shutil.copytree(drawn, tmp_path / "run")
    assert binary("--scenes", 80, "--out", out, *SMALL, "--batch-size", 8, "--resume") == 2
    assert "batch_size" in capsys.readouterr().err
    assert comparable(out) == comparable(drawn)
    assert binary("--images", folder, "--out", out, *SMALL, "--overwrite") == 0
    assert not (out / "scenes").exists()
    assert json.loads((out / "model.json").read_text())["data"]["drawn"] is False


def test_a_failed_overwrite_loses_nothing(drawn, tmp_path):
    out = shutil.copytree(drawn, tmp_path / "run")
    assert binary("--images", tmp_path / "nowhere", "--out", out, *SMALL, "--overwrite") == 2
    assert comparable(out) == comparable(drawn)


@pytest.mark.slow
def test_without_images_the_folder_images_is_used_where_it_exists(folder, tmp_path, monkeypatch, capsys):
    shutil.copytree(folder, tmp_path / "images")
    monkeypatch.chdir(tmp_path)
    assert binary(*SMALL) == 0
    assert "validation photos" in capsys.readouterr().out
    assert (tmp_path / "runs" / "binary_austria_australia" / "report.html").exists()


@pytest.mark.slow
def test_real_photos(photos, tmp_path):
    argv = [
        "--images",
        photos / "europe",
        photos / "oceania",
        "--out",
        tmp_path / "run",
        *SMALL,
        "--epochs",
        "1",
    ]
    assert binary(*argv) == 0
    split = pd.read_csv(tmp_path / "run" / "split.csv")
    assert split["class"].value_counts().to_dict() == {"Austria": 489, "Australia": 484}
    assert split.groupby("place")["split"].nunique().max() == 1
