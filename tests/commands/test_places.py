"""The commands with models that say where: coordinates, and classes whose places are known."""

import json

import keras
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from kangaroo.cli import main
from kangaroo.geo.decoders import Box, ClassPoints
from kangaroo.geo.distance import haversine_km
from kangaroo.models import store
from kangaroo.models.card import Card

SIDE = 16
BOX = Box(45.0, 47.0, 14.0, 18.0)
TRUTH = {"Austria": (46.5, 15.0), "Croatia": (45.5, 17.0)}


def model(folder, outputs, activation, classes, places):
    """A network of pixels: its first output rises with red, its second with green."""
    taken = keras.Input((SIDE, SIDE, 3), name="pixels")
    means = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(taken))
    network = keras.Model(taken, keras.layers.Dense(outputs, activation)(means))
    network.set_weights([np.eye(3, outputs), np.zeros(outputs)])
    facts = {"task": "test", "training": {}, "data": {}, "metrics": {}, "intended_use": "", "limits": ""}
    card = Card(classes=classes, image_size=SIDE, input="pixels", places=places.to_json(), **facts)
    store.save(network, folder / "m.keras", card)
    return folder / "m.keras"


@pytest.fixture
def coordinates(tmp_path):
    return model(tmp_path, 2, "linear", (), BOX)


@pytest.fixture
def photos(tmp_path):
    """Two pictures a class, of one colour; the first of each says exactly where it was taken."""
    rows = []
    for name, (lat, lon) in TRUTH.items():
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(2):
            red, green = round(255 * (lat - 45) / 2), round(255 * (lon - 14) / 4 * (1 - i))
            Image.new("RGB", (20, 30), (red, green, 9)).save(tmp_path / "photos" / name / f"{i}.png")
            rows.append({"file": f"{name}/{i}.png", "country": name, "lat": lat, "lon": lon})
    pd.DataFrame(rows).assign(place=range(4)).to_csv(tmp_path / "photos" / "labels.csv", index=False)
    return tmp_path / "photos"


def run(capsys, *argv):
    code = main([str(arg) for arg in argv])
    return code, *capsys.readouterr()


def test_predict_says_where(capsys, coordinates, photos, tmp_path):
    code, out, _ = run(capsys, "predict", coordinates, photos, "--json", "--csv", tmp_path / "p.csv")
    (first, second, *_), table = json.loads(out)["predictions"], pd.read_csv(tmp_path / "p.csv")
    assert code == 0
    assert list(table.columns) == list(first) == ["file", "lat", "lon"]
    assert (first["lat"], first["lon"]) == pytest.approx(TRUTH["Austria"], abs=0.01)
    assert (second["lat"], second["lon"]) == pytest.approx((46.5, 14.0), abs=0.01)
    _, out, _ = run(capsys, "predict", coordinates, photos)
    lat, lon, file = out.splitlines()[0].split()
    assert (float(lat), float(lon), file) == (round(first["lat"], 5), round(first["lon"], 5), first["file"])


def test_evaluate_measures_how_far_off_coordinates_are(capsys, coordinates, photos):
    code, out, _ = run(capsys, "evaluate", coordinates, "--images", photos, "--json")
    metrics = json.loads(out)
    off = [float(haversine_km(lat, lon, lat, 14.0)) for lat, lon in TRUTH.values()]
    assert (code, metrics["n"], "accuracy" in metrics) == (0, 4, False)
    assert metrics["geo"]["mean_km"] == pytest.approx(sum(off) / 4, rel=0.01)
    _, out, _ = run(capsys, "evaluate", coordinates, "--images", photos)
    assert out.startswith("distance, 4 photos: median ")
    assert out.count("\n") == 1


def test_evaluate_measures_from_the_points_of_the_card(capsys, tmp_path, photos):
    points = ClassPoints(*np.transpose(list(TRUTH.values())))
    path = model(tmp_path, 2, "softmax", tuple(TRUTH), points)
    code, out, _ = run(capsys, "evaluate", path, "--images", photos, "--json")
    metrics = json.loads(out)
    apart = float(haversine_km(*TRUTH["Austria"], *TRUTH["Croatia"]))
    assert code == 0
    assert 0 < metrics["accuracy"] < 1
    assert metrics["geo"]["mean_km"] == pytest.approx((1 - metrics["accuracy"]) * apart, rel=1e-6)
    _, out, _ = run(capsys, "predict", path, photos)
    assert out.splitlines()[0].split()[:2] == ["Austria", "62.20"]  # softmax of 191 / 255 and 64 / 255
    lat, lon = map(float, out.splitlines()[0].split()[3:5])
    assert (lat, lon) in TRUTH.values()


def test_cells_are_judged_by_distances_alone(capsys, tmp_path, photos):
    path = model(tmp_path, 2, "softmax", ("1", "2"), ClassPoints(*np.transpose(list(TRUTH.values()))))
    code, out, err = run(capsys, "evaluate", path, "--images", photos, "--json")
    assert code == 0
    assert json.loads(out).keys() == {"n", "geo", "rejected"}
    assert err == "note: no folder is a class of the model: judged by distances alone\n"


@pytest.mark.parametrize("command", ["explain", "attack"])
def test_what_needs_classes_says_so(capsys, coordinates, photos, tmp_path, command):
    given = (photos, "--out", tmp_path / "out") if command == "explain" else ("--images", photos)
    code, out, err = run(capsys, command, coordinates, *given)
    assert (code, out) == (2, "")
    assert err == "error: this model gives coordinates: take one that tells classes apart\n"


def test_a_network_of_pixels_is_explained_and_attacked(capsys, tmp_path, photos):
    taken = keras.Input((SIDE, SIDE, 3), name="pixels")
    maps = keras.layers.Conv2D(3, 3, activation="tanh")(keras.layers.Rescaling(1 / 255)(taken))
    network = keras.Model(taken, keras.layers.Dense(2, "softmax")(keras.layers.Flatten()(maps)))
    facts = {"task": "test", "training": {}, "data": {}, "metrics": {}, "intended_use": "", "limits": ""}
    rng = np.random.default_rng(0)
    network.set_weights([rng.normal(0, 0.1, weight.shape) for weight in network.get_weights()])
    path = tmp_path / "c.keras"
    store.save(network, path, Card(classes=tuple(TRUTH), image_size=SIDE, input="pixels", **facts))
    for baseline in ("mean", "black"):
        argv = ("explain", path, photos, "--out", tmp_path / "out", "--baseline", baseline, "--json")
        code, out, _ = run(capsys, *argv)
        assert code == 0
        for row in json.loads(out):
            assert row["completeness_gap"] <= 0.01 * max(1, abs(row["score"] - row["baseline_score"]))
    code, out, _ = run(capsys, "attack", path, "--images", photos, "--eps", 0, 2, "--json")
    assert (code, json.loads(out)["max_abs_perturbation"]) == (0, [0, 2])
    code, _, err = run(capsys, "attack", path, "--images", photos, "--space", "standardized")
    assert code == 2
    assert "takes pixels, no standardized photos" in err
    assert err.count("\n") == 1
