import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from kangaroo.errors import ModelError
from kangaroo.files import sha256
from kangaroo.geo.decoders import Box, ClassPoints, Sphere
from kangaroo.models import report_cnn, store
from kangaroo.models.card import Card, sentences

KEYS = [
    "classes",
    "image_size",
    "input",
    "antialias",
    "preprocessing",
    "task",
    "training",
    "data",
    "metrics",
    "parameters",
    "sha256",
    "versions",
    "intended_use",
    "limits",
    "places",
    "calibration",
]


def card(*classes: str) -> Card:
    return Card(
        classes=classes,
        image_size=8,
        task="test",
        training={"epochs": 1},
        data={"drawn": True},
        metrics={},
        intended_use="tests",
        limits="none",
    )


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "a model.keras"
    model = report_cnn.build(8, 2, seed=0, dtype_policy="mixed_bfloat16")
    store.save(model, path, card("Österreich", "New Zealand"))
    return path


def write_card(path: Path, **changes: Any) -> None:
    values = json.loads(store.card_path(path).read_text(encoding="utf-8")) | changes
    store.card_path(path).write_text(json.dumps(values), encoding="utf-8")


def refusal(path: Path) -> str:
    """The message, which must be one line, that loading ends with."""
    with pytest.raises(ModelError) as caught:
        store.load(path)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def test_round_trip(saved: Path) -> None:
    model, read = store.load(saved)
    assert read.classes == ("Österreich", "New Zealand")
    assert read.sha256 == sha256(saved)
    # Conv: (27 + 1) * 32 and five times (288 + 1) * 32; dense: 33 * 100 -> one pixel of 32 filters; 101.
    assert read.parameters == 28 * 32 + 5 * 289 * 32 + 33 * 100 + 101
    for a, b in zip(model.get_weights(), report_cnn.build(8, 2, seed=0).get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}


def test_card_has_exactly_the_keys_of_the_contract(saved: Path) -> None:
    values = json.loads(store.card_path(saved).read_text(encoding="utf-8"))
    assert list(values) == KEYS
    assert {"kangaroo", "keras", "python"} <= values["versions"].keys()


def test_file_loads_without_kangaroo(saved: Path) -> None:
    photos = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype(np.float32)
    np.save(saved.with_suffix(".npy"), photos)
    code = (
        "import sys, numpy, keras; model = keras.models.load_model(sys.argv[1]);"
        "print(model(numpy.load(sys.argv[2])).numpy().tolist());"
        "assert not any(name.startswith('kangaroo') for name in sys.modules)"
    )
    out = subprocess.run(
        [sys.executable, "-c", code, saved, saved.with_suffix(".npy")],
        check=True,
        capture_output=True,
        text=True,
        cwd=saved.parent,
    ).stdout
    expected = np.asarray(report_cnn.build(8, 2, seed=0)(photos))
    np.testing.assert_allclose(json.loads(out), expected, rtol=1e-6)


def test_paths_that_are_no_model_file(tmp_path: Path, saved: Path) -> None:
    assert refusal(tmp_path / "none.keras") == f"no model file {tmp_path / 'none.keras'}"
    assert "ends in .keras" in refusal(store.card_path(saved))
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "saved_model.pb").touch()
    assert "kangaroo convert" in refusal(tmp_path / "old")
    with pytest.raises(ModelError, match=r"ends in \.keras"):
        store.save(report_cnn.build(8, 2, seed=0), tmp_path / "model.h5", card("a", "b"))


def test_card_missing_or_not_a_card(saved: Path) -> None:
    store.card_path(saved).write_text("[1]", encoding="utf-8")
    assert "lacks classes, data" in refusal(saved)
    store.card_path(saved).write_text("{", encoding="utf-8")
    assert "not a model card" in refusal(saved)
    store.card_path(saved).unlink()
    assert "no card" in refusal(saved)


def test_card_with_other_content(saved: Path) -> None:
    write_card(saved, author="me")
    assert refusal(saved).endswith("has unknown author")
    values = card("a", "b").to_json()
    values.pop("limits")
    store.card_path(saved).write_text(json.dumps(values), encoding="utf-8")
    assert refusal(saved).endswith("lacks limits")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"preprocessing": {"crop": "none"}}, "preprocessing"),
        ({"classes": ["a", "b", "c"]}, "tells 2 classes apart, but its card names 3"),
        ({"classes": ["a", "a"]}, "a name each, all different"),
        ({"image_size": 16}, "takes photos of shape"),
        ({"sha256": "0" * 64}, "was changed after its card was written"),
        (
            {"input": "pixels", "preprocessing": sentences("pixels", antialias=True)},
            "standardized photos, but its card says pixels",
        ),
        ({"places": {"kind": "maze"}}, "a model.keras: the places of a card can't be read"),
        ({"places": ["box"]}, "a model.json: places is a list of 1, not a mapping"),
        ({"places": Sphere().to_json()}, "a model.keras: outputs of shape (1, 2) are no"),
    ],
)
def test_card_that_does_not_fit(saved: Path, changes: dict[str, Any], reason: str) -> None:
    write_card(saved, **changes)
    assert reason in refusal(saved)


def test_a_card_from_before_there_were_places_is_read(saved: Path) -> None:
    values = json.loads(store.card_path(saved).read_text(encoding="utf-8"))
    assert values.pop("places") == {}
    store.card_path(saved).write_text(json.dumps(values), encoding="utf-8")
    assert store.load(saved)[1].places == {}


def test_places_of_classes_come_back(saved: Path) -> None:
    points = ClassPoints(np.array([47.6, -41.8]), np.array([14.1, np.nan]), "mean", 100.0)
    written = store.save(store.load(saved)[0], saved, replace(card("a", "b"), places=points.to_json()))
    assert store.load(saved)[1] == written


def in_pixels(outputs: int) -> keras.Model:
    """A network that takes pixels and gives numbers."""
    layers = [keras.Input((8, 8, 3), name="pixels"), keras.layers.Flatten(), keras.layers.Dense(outputs)]
    return keras.Sequential(layers)


def test_a_network_of_coordinates_has_places_and_no_classes(tmp_path: Path) -> None:
    path, box = tmp_path / "m.keras", Box(45.0, 46.0, 15.0, 17.0)
    own = replace(card(), input="pixels", places=box.to_json())
    store.save(in_pixels(2), path, own)
    assert store.load(path)[1].input == "pixels"
    with pytest.raises(ModelError, match=r"m\.keras: outputs of shape \(1, 3\) are no"):
        store.save(in_pixels(3), path, own)
    with pytest.raises(ModelError, match="tells 2 classes apart, but its card names 0"):
        store.save(in_pixels(2), path, replace(own, places={}))
    with pytest.raises(ModelError, match="takes pixels, but its card says standardized photos"):
        store.save(in_pixels(2), path, replace(own, input="standardized"))


def test_card_must_fit_when_saving(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="5 classes apart, but its card names 2"):
        store.save(report_cnn.build(8, 5, seed=0), tmp_path / "m.keras", card("a", "b"))
    assert list(tmp_path.iterdir()) == []


def test_damaged_file_with_fitting_checksum(saved: Path) -> None:
    saved.write_bytes(saved.read_bytes()[:5000])
    write_card(saved, sha256=sha256(saved))
    assert "damaged" in refusal(saved)


def test_lambda_layer_is_refused(saved: Path) -> None:
    layers = [keras.Input((8, 8, 3)), keras.layers.Lambda(lambda x: x[:, 0, 0, :1])]
    keras.Sequential(layers).save(saved)
    write_card(saved, sha256=sha256(saved))
    assert "needs code" in refusal(saved)


def test_file_that_names_foreign_code_is_refused(saved: Path, tmp_path: Path) -> None:
    parts = {}
    with zipfile.ZipFile(saved) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(parts["config.json"])
    target = tmp_path / "written"
    config["config"]["layers"][1] = {
        "module": "pathlib",
        "class_name": "Path",
        "registered_name": None,
        "config": {"path": str(target)},
    }
    with zipfile.ZipFile(saved, "w") as archive:
        for name, data in (parts | {"config.json": json.dumps(config).encode()}).items():
            archive.writestr(name, data)
    write_card(saved, sha256=sha256(saved))
    assert "needs code" in refusal(saved)


def test_saving_again_replaces_both(saved: Path) -> None:
    new = replace(card("x", "y", "z"), limits="new")
    written = store.save(report_cnn.build(8, 3, seed=1), saved, new)
    assert store.load(saved)[1] == written
    assert [path.name for path in sorted(saved.parent.iterdir())] == ["a model.json", "a model.keras"]
