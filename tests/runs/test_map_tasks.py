"""Countries, cells and coordinates, from the command line to the run folder."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import kangaroo
from experiments import cells, coordinates, countries
from kangaroo import cli
from kangaroo.geo.distance import haversine_km
from kangaroo.scenes.folder import SceneSettings, write_folder

SMALL = ["--image-size", "32", "--epochs", "2", "--batch-size", "16", "--precision", "float32"]
LEFT = {
    "events",
    "figures",
    "history.csv",
    "metrics.json",
    "model.json",
    "model.keras",
    "predictions.csv",
    "report.html",
    "scenes",
    "settings.json",
    "split.csv",
}


def start(experiment, *argv: object) -> int:
    return cli.experiment(experiment.PRESET, [str(arg) for arg in argv])


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(module, id=module.__name__[12:], marks=pytest.mark.slow)
        for module in (countries, cells, coordinates)
    ],
)
def case(request, tmp_path_factory):
    """One of the experiments, and a finished run of it on drawn scenes."""
    out = tmp_path_factory.mktemp("run") / "run"
    assert start(request.param, "--scenes", 90, "--out", out, *SMALL) == 0
    return request.param, out


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A photo folder of three countries; drawn, but it doesn't say so."""
    scenes = SceneSettings(("Austria", "Czechia", "Slovakia"), n=60, size=32)
    made = write_folder(tmp_path_factory.mktemp("photos") / "p", scenes, workers=1)
    (made / "scenes.json").unlink()
    return made


def metrics_of(out: Path) -> dict:
    return json.loads((out / "metrics.json").read_text())


def test_a_run_leaves_what_the_contract_says(case):
    experiment, out = case
    extra = {"cells.geojson", "neighbourhood.html"} if experiment is cells else set()
    assert {path.name for path in out.iterdir()} == LEFT | extra
    stems = {path.stem for path in (out / "figures").iterdir()}
    assert {"history", "augmentation", "errors", "error_map", "locations"} <= stems
    assert ({"cells", "belief"} <= stems) == (experiment is cells)
    page = (out / "report.html").read_text()
    assert "drawn scenes, not photos" in page
    assert page.count("<figure") == len(stems)


def test_distances_follow_from_the_predictions(case):
    _, out = case
    table, geo = pd.read_csv(out / "predictions.csv"), metrics_of(out)["geo"]
    km = haversine_km(table["lat"], table["lon"], table["guess_lat"], table["guess_lon"])
    assert geo["n"] == len(table)
    assert geo["median_km"] == pytest.approx(np.median(km))
    assert geo["geoscore"] == pytest.approx((5000 * np.exp(-km / 1491.6862)).mean())
    assert set(geo["trivial"]) >= {"mean_point"}


def test_the_model_file_says_what_the_table_says(case):
    experiment, out = case
    table = pd.read_csv(out / "predictions.csv").head(8)
    found = kangaroo.load(out / "model.keras").predict(table["file"])
    np.testing.assert_allclose(found["lat"], table["guess_lat"], atol=1e-4)
    np.testing.assert_allclose(found["lon"], table["guess_lon"], atol=1e-4)
    assert ("prediction" in found) == (experiment is not coordinates)


def test_history_and_kept_epoch_go_by_what_the_task_is_about(case):
    experiment, out = case
    history = pd.read_csv(out / "history.csv")
    by = {countries: "val_accuracy", cells: "val_loss", coordinates: "val_km"}[experiment]
    best = history[by].idxmax() if experiment is countries else history[by].idxmin()
    assert json.loads((out / "model.json").read_text())["training"]["kept_epoch"] == best + 1


def test_resuming_a_finished_run_gives_the_same_and_other_settings_are_refused(case, capsys):
    experiment, out = case
    before = metrics_of(out)
    assert start(experiment, "--scenes", 90, "--out", out, *SMALL, "--resume") == 0
    assert metrics_of(out) == before
    capsys.readouterr()
    argv = ["--scenes", 90, "--out", out, *SMALL, "--resume", "--no-augmentation"]
    assert start(experiment, *argv) == 2
    assert "augmentation" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["distance", "soft"])
def test_countries_learn_with_every_loss(folder, tmp_path, loss):
    out = tmp_path / "run"
    argv = ["--images", folder, "--out", out, *SMALL, "--loss", loss, "--mixup", 0.2, "--no-augmentation"]
    assert start(countries, *argv) == 2  # nothing to mix into
    argv = ["--images", folder, "--out", out, *SMALL, "--loss", loss, "--mixup", 0.2, "--cutmix", 1]
    assert start(countries, *argv) == 0
    assert json.loads((out / "model.json").read_text())["training"]["loss"]["kind"] == loss


@pytest.mark.slow
def test_a_backbone_learns_its_head_first(folder, tmp_path):
    out = tmp_path / "run"
    argv = ["--images", folder, "--out", out, *SMALL, "--backbone", "mobilenetv2", "--head", 8]
    argv += ["--head-epochs", 1, "--lock", 0.7, "--warmup-epochs", 0, "--optimizer", "sgd", "--momentum", 0.9]
    assert start(countries, *argv) == 0
    card = json.loads((out / "model.json").read_text())
    assert card["preprocessing"]["standardize"] == "none: values 0 to 255"
    assert card["training"]["network"]["trainable"] == 0.7


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["square", "drawn"])
def test_cells_of_every_kind_hold_every_photo(folder, tmp_path, kind):
    out = tmp_path / "run"
    argv = ["--images", folder, "--out", out, *SMALL, "--cells", kind, "--n-cells", 6, "--cell-km", 150]
    assert start(cells, *argv, "--rule", "best") == 0
    metrics = metrics_of(out)
    assert sum(scores["n"] for scores in metrics["per_class"].values()) == metrics["n"]
    counted = json.loads((out / "cells.geojson").read_text())["features"]
    split = pd.read_csv(out / "split.csv")["split"]
    assert sum(cell["properties"]["photos"] for cell in counted) == (split == "training").sum()


def test_coordinates_in_a_box_by_squared_error(folder, tmp_path):
    out = tmp_path / "run"
    argv = ["--images", folder, "--out", out, *SMALL, "--target", "box", "--loss", "mean-squared-error"]
    assert start(coordinates, *argv) == 0
    assert json.loads((out / "model.json").read_text())["places"]["kind"] == "box"


@pytest.mark.slow
def test_photos_without_coordinates_are_left_out_or_refused(folder, tmp_path, capsys):
    some, none = tmp_path / "some", tmp_path / "none"
    for root in (some, none):
        root.mkdir()
        for country in folder.iterdir():
            if country.is_dir():
                (root / country.name).symlink_to(country)
    pd.read_csv(folder / "labels.csv").iloc[:40].to_csv(some / "labels.csv", index=False)
    assert start(coordinates, "--images", none, "--out", tmp_path / "a", *SMALL) == 2
    assert "has coordinates" in capsys.readouterr().err.splitlines()[-1]
    assert start(coordinates, "--images", some, "--out", tmp_path / "b", *SMALL) == 0
    assert any("without coordinates are left out" in note for note in metrics_of(tmp_path / "b")["warnings"])


@pytest.mark.parametrize(
    ("experiment", "argv", "message"),
    [
        (cells, ["--cells", "square", "--cell-km", 5000], "boundary"),
        (cells, ["--boundary", "far.geojson"], "boundary"),
        (countries, ["--weights", "imagenet"], "choose one with --backbone"),
        (countries, ["--backbone", "resnet50", "--weights", "no.h5"], "no.h5"),
        (coordinates, ["--mixup", 0.2], "mixup"),
    ],
    ids=["wide", "elsewhere", "no backbone", "no weights", "mixed coordinates"],
)
def test_unusable_input_is_one_line_and_exit_2(
    folder, tmp_path, capsys, monkeypatch, experiment, argv, message
):
    monkeypatch.chdir(tmp_path)
    ring = [[100, 10], [101, 10], [101, 11], [100, 11], [100, 10]]
    far = {"type": "Polygon", "coordinates": [ring]}
    Path("far.geojson").write_text(
        json.dumps({"type": "Feature", "properties": {"name": "x"}, "geometry": far})
    )
    assert start(experiment, "--images", folder, "--out", tmp_path / "run", *SMALL, *argv) == 2
    *_, last = capsys.readouterr().err.splitlines()
    assert message in last
    assert not (tmp_path / "run" / "report.html").exists()


@pytest.mark.slow
def test_a_class_without_a_point_needs_cross_entropy(tmp_path, capsys):
    root = write_folder(tmp_path / "p", SceneSettings(("Austria", "Slovakia"), n=24, size=32), workers=1)
    (root / "scenes.json").unlink()
    (root / "labels.csv").unlink()
    (root / "Slovakia").rename(root / "Somewhere")
    argv = ["--images", root, "--out", tmp_path / "run", *SMALL]
    assert start(countries, *argv, "--loss", "distance") == 2
    assert "Somewhere" in capsys.readouterr().err
    assert start(countries, *argv) == 0
    assert "geo" not in metrics_of(tmp_path / "run")


@pytest.mark.slow
def test_real_photos_of_croatia(photos, tmp_path):
    argv = ["--images", photos / "croatia", "--out", tmp_path / "run", *SMALL, "--n-cells", 8]
    assert start(cells, *argv) == 0
    assert metrics_of(tmp_path / "run")["geo"]["n"] > 100
