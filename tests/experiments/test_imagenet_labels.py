import json
import re

import keras
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from experiments.imagenet_labels import main
from kangaroo.data.images import decode
from kangaroo.models import imagenet
from kangaroo.scenes.folder import SceneSettings, write_folder
from kangaroo.scenes.render import draw


def run(*argv: object) -> int:
    return main([str(arg) for arg in argv])


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Weights made on the spot, of a network that tells scenes apart."""
    keras.utils.set_random_seed(0)
    model = keras.applications.MobileNetV2(weights=None)
    scenes = np.stack([draw(name, seed, 224).photo for seed in range(8) for name in ("Austria", "Australia")])
    features = keras.Model(model.inputs, model.layers[-2].output).predict(scenes / 127.5 - 1, verbose=0)
    kernel, _ = model.layers[-1].get_weights()
    spread = features.std(axis=0)
    kernel = 6 * kernel / (spread + 0.1 * spread.max())[:, None]  # fresh layers let hardly anything through
    model.layers[-1].set_weights([kernel, -features.mean(axis=0) @ kernel])
    path = tmp_path_factory.mktemp("weights") / "mobilenet_v2.weights.h5"
    model.save_weights(path)
    return path


@pytest.fixture(scope="module")
def done(weights, tmp_path_factory):
    """A finished run on drawn scenes."""
    out = tmp_path_factory.mktemp("drawn") / "run"
    assert run("--scenes", 40, "--weights", weights, "--out", out) == 0
    return out


def test_labels_are_the_networks_own(done, weights):
    table = pd.read_csv(done / "labels.csv")
    pixels = np.stack([decode(file, 224) for file in table["file"]])
    p = imagenet.load(weights).predict(pixels / 127.5 - 1, verbose=0)
    names = np.array(imagenet.label_names(), object)
    assert table["label"].nunique() > 5
    assert list(table["label"]) == list(names[p.argmax(axis=1)])
    np.testing.assert_allclose(table["confidence"], p.max(axis=1), rtol=1e-3)


def test_counts_follow_from_the_table(done):
    metrics, table = json.loads((done / "metrics.json").read_text()), pd.read_csv(done / "labels.csv")
    assert metrics["n"] == len(table) == 40
    assert metrics["photos"] == {"Austria": 20, "Australia": 20}
    assert [row["n"] for row in metrics["labels"]] == list(table["label"].value_counts()[:20])
    for row in metrics["labels"]:
        own = table[table["label"] == row["label"]]
        assert row["by_class"] == {name: int((own["class"] == name).sum()) for name in metrics["classes"]}
        assert row["confidence"] == pytest.approx(own["confidence"].mean())


def test_the_page_stands_alone(done):
    page = (done / "report.html").read_text()
    assert page.count("<img") == 2
    assert "drawn scenes, not photos" in page
    assert not re.search(r"https?://", page)
    assert {path.stem for path in (done / "figures").iterdir()} == {"labels", "confident"}


def test_bad_photos_are_named_one_class_is_enough_and_json(weights, tmp_path, capsys):
    folder = write_folder(tmp_path / "p", SceneSettings(("Austria",), n=4, size=64), workers=1)
    (folder / "scenes.json").unlink()
    Image.new("RGB", (50, 50), "red").save(folder / "Austria" / "png.jpg", "PNG")
    argv = ["--images", folder, "--classes", "Austria", "--weights", weights, "--out", tmp_path / "run"]
    assert run(*argv, "--json") == 0
    out, err = capsys.readouterr()
    metrics = json.loads(out)
    assert metrics["photos"] == {"Austria": 4}
    assert sum(row["n"] for row in metrics["labels"]) == 4
    assert [item["reason"] for item in metrics["rejected"]] == ["is a PNG picture named .jpg"]
    assert "png.jpg" in err


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--weights", "nowhere.h5"], "no weights file nowhere.h5: fetch https://"),
        (["--weights", "TEXT"], "does not hold the weights of MobileNetV2"),
        (["--weights", "WEIGHTS", "--images", "nowhere"], "no folder nowhere"),
        (["--weights", "WEIGHTS", "--out", "HERE"], "which no run leaves"),
    ],
)
def test_unusable_input_is_one_line_and_exit_2(weights, tmp_path, capsys, argv, message):
    text = tmp_path / "text.h5"
    text.write_text("weights")
    given = {"TEXT": text, "WEIGHTS": weights, "HERE": tmp_path}
    assert run("--out", tmp_path / "run", *(given.get(arg, arg) for arg in argv)) == 2
    out, err = capsys.readouterr()
    assert not out
    assert len(err.splitlines()) == 1
    assert message in err
    assert not (tmp_path / "run").exists()


def test_without_weights_and_network_it_says_how_to_get_them(tmp_path, capsys, monkeypatch):
    def fails(**_):
        raise Exception("URL fetch failure")

    monkeypatch.setattr(keras.utils, "get_file", fails)
    assert run("--out", tmp_path / "run") == 2
    assert f"fetch {imagenet.URL} elsewhere and give the file with --weights" in capsys.readouterr().err
