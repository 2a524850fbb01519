import hashlib
import json
import shutil

import numpy as np
import pandas as pd
import pytest

from experiments import binary_austria_australia
from kangaroo.cli import experiment as main
from kangaroo.cli import main as kangaroo
from kangaroo.data.dataset import read_records
from kangaroo.data.manifest import write_manifest
from kangaroo.scenes.folder import SceneSettings, write_folder

SMALL = ["--image-size", "64", "--epochs", "2", "--batch-size", "16", "--precision", "float32"]


def binary(*argv):
    return main(binary_austria_australia.PRESET, [str(arg) for arg in (*argv, *SMALL)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A hundred photos of two countries; drawn, but it doesn't say so."""
    settings = SceneSettings(("Austria", "Australia"), n=100, size=64)
    made = write_folder(tmp_path_factory.mktemp("photos") / "p", settings, workers=1)
    (made / "scenes.json").unlink()
    return made


@pytest.fixture(scope="module")
def split(folder):
    """Sixty photos for training, twenty each for validation and test, by turns."""
    records, _ = read_records([folder])
    sides = np.resize(["training", "training", "training", "validation", "test"], len(records))
    table = records.rename(columns={"path": "file"})[["file", "class", "place"]].assign(split=sides)
    path = folder.parent / "split.csv"
    table.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def run(folder, split, tmp_path_factory):
    """A run on that split, with the comparison."""
    out = tmp_path_factory.mktemp("run") / "run"
    assert binary("--images", folder, "--split", split, "--compare-random-split", "--out", out) == 0
    return out


def metrics(out):
    return json.loads((out / "metrics.json").read_text())


def test_the_split_of_the_run_is_that_of_the_file(run, split):
    left, given = (pd.read_csv(path).sort_values("file") for path in (run / "split.csv", split))
    assert left["split"].tolist() == given["split"].tolist()
    validation = set(given.loc[given["split"] == "validation", "file"])
    assert set(pd.read_csv(run / "predictions.csv")["file"]) == validation
    card = json.loads((run / "model.json").read_text())
    assert card["training"]["validation_share"] is None
    assert card["data"]["photos"]["Austria"] == {"training": 30, "validation": 10, "test": 10}


def test_the_test_photos_are_judged_at_the_end(run, folder, split, capsys):
    figures = ["n", "accuracy", "accuracy_ci95", "balanced_accuracy", "loss", "geo"]
    assert list(metrics(run)["test"]) == figures
    test = pd.read_csv(split).query("split == 'test'").assign(split="validation")
    test.to_csv(folder.parent / "test.csv", index=False)
    argv = [
        "evaluate",
        run / "model.keras",
        "--images",
        folder,
        "--split",
        folder.parent / "test.csv",
        "--json",
    ]
    assert kangaroo([str(arg) for arg in argv]) == 0
    again = json.loads(capsys.readouterr().out)
    assert metrics(run)["test"]["n"] == again["n"] == 20
    assert metrics(run)["test"]["accuracy"] == pytest.approx(again["accuracy"])
    assert "of 20 test photos, by which nothing was chosen" in (run / "report.html").read_text()


def test_the_leak_is_what_a_split_by_photo_adds(run):
    found = metrics(run)
    other = found["random_split"]
    assert other["leak"] == pytest.approx(other["accuracy"] - found["accuracy"])
    spread = [np.diff(side["accuracy_ci95"]).item() for side in (found, other)]
    assert np.diff(other["leak_ci95"]).item() == pytest.approx(np.linalg.norm(spread))
    assert np.mean(other["leak_ci95"]) == pytest.approx(other["leak"])
    assert (found["n"], other["n"]) == (20, 20)  # in the same shares, and without the test photos
    assert "a leak of" in (run / "report.html").read_text()
    assert {"model.keras", "model.json", "history.csv"} <= {
        path.name for path in (run / "random-split").iterdir()
    }


@pytest.mark.slow
def test_a_run_killed_in_its_second_training_is_resumed_to_the_same_result(run, folder, split, tmp_path):
    out = shutil.copytree(run, tmp_path / "run")
    for name in ("metrics.json", "report.html", "random-split/model.json"):
        (out / name).unlink()
    again = ["--images", folder, "--split", split, "--compare-random-split", "--out", out, "--resume"]
    assert binary(*again) == 0
    assert metrics(out) == metrics(run)
    shutil.rmtree(out / "random-split")  # or before it had begun
    assert binary(*again) == 0
    assert metrics(out) == metrics(run)


@pytest.mark.slow
def test_another_run_in_its_place_removes_the_comparison(run, folder, tmp_path):
    out = shutil.copytree(run, tmp_path / "run")
    assert binary("--images", folder, "--out", out, "--overwrite") == 0
    assert not (out / "random-split").exists()
    assert not {"test", "random_split"} & metrics(out).keys()


@pytest.mark.slow
def test_a_split_made_elsewhere_and_a_photo_that_it_has_not(folder, split, tmp_path, capsys):
    moved = shutil.copytree(folder, tmp_path / "moved")
    table = pd.read_csv(split)
    table["file"] = table["file"].str.replace(str(folder), "/nowhere/else")
    gone, table = table.iloc[0], table.iloc[1:]
    table.to_csv(tmp_path / "split.csv", index=False)
    out = tmp_path / "run"
    assert binary("--images", moved, "--split", tmp_path / "split.csv", "--out", out) == 0
    assert f"1 photos that {tmp_path / 'split.csv'} does not have are left out" in capsys.readouterr().err
    left = pd.read_csv(out / "split.csv")
    assert len(left) == 99
    assert gone["place"] not in set(left["place"])
    assert left.set_index("place")["split"].to_dict() == table.set_index("place")["split"].to_dict()


@pytest.mark.slow
def test_a_manifest_with_sides_is_a_split(folder, split, run, tmp_path):
    records, _ = read_records([folder])
    sides = pd.read_csv(split).set_index("file")["split"]
    write_manifest(tmp_path / "m.parquet", records.assign(split=sides[records["path"]].to_numpy()))
    out = tmp_path / "run"
    assert binary("--images", tmp_path / "m.parquet", "--split", tmp_path / "m.parquet", "--out", out) == 0
    assert pd.read_csv(out / "split.csv")["split"].value_counts().to_dict() == sides.value_counts().to_dict()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"file": "x", "place": "x"}, "has none of these photos: give the photos it was made of"),
        ({"split": "training"}, "too few to hold one back for validation"),
        ({"split": "practice"}, "split 'practice' is not one of"),
    ],
)
def test_a_split_that_does_not_fit_is_refused(folder, split, tmp_path, capsys, change, message):
    pd.read_csv(split).assign(**change).to_csv(tmp_path / "split.csv", index=False)
    assert binary("--images", folder, "--split", tmp_path / "split.csv", "--out", tmp_path / "run") == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert not list(tmp_path.glob("run/*.json"))


def test_a_list_chooses_photos_and_its_hash_stands_in_the_card(folder, tmp_path, capsys):
    chosen, out = folder.parent / "photos.list", tmp_path / "run"
    assert kangaroo(["data", "lock", str(folder), "--per-class", "30", "--out", str(chosen)]) == 0
    assert binary("--images", folder, "--list", chosen, "--out", out) == 0
    card = json.loads((out / "model.json").read_text())
    assert card["data"]["list_sha256"] == hashlib.sha256(chosen.read_bytes()).hexdigest()
    assert sorted(pd.read_csv(out / "split.csv")["file"]) == sorted(
        str(folder.parent / line.split("  ")[1]) for line in chosen.read_text().splitlines()
    )
    broken = chosen.with_name("broken.list")
    broken.write_text(chosen.read_text().replace(chosen.read_text()[:8], "0" * 8))
    assert binary("--images", folder, "--list", broken, "--out", tmp_path / "other") == 2
    assert "differs" in capsys.readouterr().err
    assert not (tmp_path / "other" / "metrics.json").exists()
