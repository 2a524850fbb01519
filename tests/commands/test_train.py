"""``kangaroo train`` and ``kangaroo.train``: the same run, from the shell and from a notebook."""

import json
from pathlib import Path

import pytest

import kangaroo
from experiments import countries
from kangaroo import cli
from kangaroo.errors import KangarooError
from kangaroo.scenes.folder import SceneSettings, write_folder

SMALL = ["--image-size", "32", "--epochs", "1", "--batch-size", "16", "--precision", "float32"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A photo folder of three countries."""
    scenes = SceneSettings(("Austria", "Czechia", "Slovakia"), n=45, size=32)
    return write_folder(tmp_path_factory.mktemp("photos") / "p", scenes, workers=1)


@pytest.fixture(scope="module")
def run(folder, tmp_path_factory) -> Path:
    """The run folder that ``kangaroo train`` leaves."""
    out = tmp_path_factory.mktemp("runs") / "mine"
    assert cli.main(["train", str(folder), "--out", str(out), *SMALL]) == 0
    return out


def metrics_of(out: Path) -> dict:
    metrics = json.loads((out / "metrics.json").read_text())
    return {key: value for key, value in metrics.items() if key != "rejected"}


def test_the_command_leaves_what_the_experiment_leaves(folder, run, tmp_path):
    argv = ["--images", str(folder), "--out", str(tmp_path / "preset"), *SMALL]
    assert cli.experiment(countries.PRESET, argv) == 0
    assert metrics_of(run) == metrics_of(tmp_path / "preset")
    left = [{path.name for path in out.iterdir()} for out in (run, tmp_path / "preset")]
    assert left[0] == left[1] >= {"model.keras", "report.html"}


def test_the_function_trains_as_the_command_does(folder, run, tmp_path):
    options = {"image_size": 32, "epochs": 1, "batch_size": 16, "precision": "float32"}
    trained = kangaroo.train(folder, out=tmp_path / "run", **options)
    assert trained.metrics["loss"] == metrics_of(run)["loss"]
    assert trained.page.exists()
    assert kangaroo.load(trained.out / "model.keras").classes == ("Austria", "Czechia", "Slovakia")


@pytest.mark.parametrize("task", ["cells", "coordinates"])
def test_each_task_leaves_its_run(task, folder, tmp_path):
    out = tmp_path / "run"
    assert cli.main(["train", str(folder), "--task", task, "--out", str(out), *SMALL]) == 0
    assert "geo" in metrics_of(out)
    assert ("accuracy" in metrics_of(out)) == (out / "cells.geojson").exists() == (task == "cells")


def test_a_loss_of_another_task_is_refused_by_name(folder, tmp_path, capsys):
    argv = ["train", str(folder), "--loss", "haversine", "--out", str(tmp_path / "run")]
    assert cli.main(argv) == 2
    assert capsys.readouterr().err.count("--loss haversine is not one of --task countries") == 1


@pytest.mark.parametrize(
    ("options", "named"), [({"epochs": 0}, "--epochs"), ({"loss": "none"}, "--loss"), ({"pace": 3}, "--pace")]
)
def test_an_option_that_cannot_be_is_an_error_that_names_it(options, named, tmp_path):
    with pytest.raises(KangarooError, match=named):
        kangaroo.train(out=tmp_path / "run", **options)
