from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from PIL import Image

import kangaroo
from kangaroo.data.images import decode, standardize
from kangaroo.errors import DataError, ModelError
from kangaroo.geo.decoders import Box, ClassPoints, Sphere
from kangaroo.models import classifier as classifiers
from kangaroo.models import report_cnn, store
from kangaroo.models.card import Card
from kangaroo.models.classifier import Classifier

CLASSES = {2: ("Austria", "New Zealand"), 3: ("a", "b", "c")}


def make(folder: Path, n_classes: int) -> Classifier:
    """A network of 16 px whose probabilities differ from photo to photo, saved and loaded."""
    model = report_cnn.build(16, n_classes, seed=1)
    rng = np.random.default_rng(0)
    model.set_weights([w + rng.normal(0, 0.1, w.shape) for w in model.get_weights()])
    store.save(
        model,
        folder / "m.keras",
        Card(
            classes=CLASSES[n_classes],
            image_size=16,
            task="test",
            training={},
            data={},
            metrics={},
            intended_use="tests",
            limits="none",
        ),
    )
    return kangaroo.load(folder / "m.keras")


@pytest.fixture(scope="module", params=[2, 3])
def classifier(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    return make(tmp_path_factory.mktemp("model"), request.param)


@pytest.fixture(scope="module")
def arrays() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (20 + i % 7, 30, 3), dtype=np.uint8) for i in range(150)]


def test_probabilities_are_the_networks(classifier: Classifier) -> None:
    photos = np.random.default_rng(1).integers(0, 256, (7, 16, 16, 3), dtype=np.uint8)
    p = classifier.probabilities(photos)
    outputs = np.asarray(classifier.model(standardize(photos)), np.float64)
    expected = np.hstack([1 - outputs, outputs]) if outputs.shape[1] == 1 else outputs
    assert p.shape == (7, len(classifier.classes))
    np.testing.assert_allclose(p, expected, atol=1e-6)
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-6)
    assert p.std(axis=0).min() > 1e-3
    assert classifier.probabilities(photos[:0]).shape == (0, len(classifier.classes))


def test_rows_choose_photos_in_their_order(classifier: Classifier) -> None:
    photos = np.random.default_rng(1).integers(0, 256, (40, 16, 16, 3), dtype=np.uint8)
    rows = np.array([5, 39, 0, *range(20, 38)])
    found = classifiers.probabilities(classifier.model, photos, rows)
    np.testing.assert_allclose(found, classifier.probabilities(photos)[rows], atol=1e-6)


def test_probabilities_want_the_networks_size(classifier: Classifier) -> None:
    with pytest.raises(DataError, match=r"uint8 \(n, 16, 16, 3\), these are uint8 \(1, 8, 8, 3\)"):
        classifier.probabilities(np.zeros((1, 8, 8, 3), np.uint8))
    with pytest.raises(DataError, match="float32"):
        classifier.probabilities(np.zeros((1, 16, 16, 3), np.float32))


def test_frame_agrees_with_probabilities(classifier: Classifier, arrays: list[np.ndarray]) -> None:
    frame = classifier.predict(arrays)
    p = classifier.probabilities(np.stack([decode(photo, 16) for photo in arrays]))
    assert list(frame.columns) == [
        "file",
        "prediction",
        "confidence",
        *(f"p_{name}" for name in classifier.classes),
    ]
    np.testing.assert_allclose(frame.filter(like="p_"), p, atol=1e-6)
    np.testing.assert_allclose(frame["confidence"], p.max(axis=1), atol=1e-6)
    assert list(frame["prediction"]) == [classifier.classes[i] for i in p.argmax(axis=1)]
    assert list(frame["file"]) == list(range(150))


def test_predictions_do_not_depend_on_neighbours(classifier: Classifier, arrays: list[np.ndarray]) -> None:
    together = classifier.predict(arrays).filter(like="p_").to_numpy()
    for i in (0, 70, 149):
        alone = classifier.predict(arrays[i]).filter(like="p_").to_numpy()
        np.testing.assert_allclose(alone[0], together[i], atol=1e-6)
    backwards = classifier.predict(arrays[::-1]).filter(like="p_").to_numpy()
    np.testing.assert_allclose(backwards[::-1], together, atol=1e-6)


def test_paths_pictures_and_arrays_give_the_same(
    classifier: Classifier, arrays: list[np.ndarray], tmp_path: Path
) -> None:
    path = tmp_path / "Manawatū 1.png"
    Image.fromarray(arrays[0]).save(path)
    frame = classifier.predict([path, str(path), Image.fromarray(arrays[0]), arrays[0]])
    assert list(frame["file"]) == [str(path), str(path), 2, 3]
    assert np.ptp(frame["confidence"]) == 0
    for one in (path, str(path), Image.fromarray(arrays[0])):
        pd.testing.assert_series_equal(
            classifier.predict(one)["confidence"], frame["confidence"][:1], rtol=0, atol=1e-6
        )


def test_bad_photos(classifier: Classifier, arrays: list[np.ndarray], tmp_path: Path) -> None:
    empty = tmp_path / "empty.jpg"
    empty.touch()
    photos = [arrays[0], empty, np.zeros((4, 4), np.uint8), arrays[1]]
    with pytest.raises(DataError, match=f"^{empty}: empty file") as caught:
        classifier.predict(photos)
    assert "skip_bad" in str(caught.value)
    with pytest.raises(DataError, match=r"^photo 1: "):
        classifier.predict([arrays[0], photos[2]])
    frame = classifier.predict(photos, skip_bad=True)
    assert list(frame["file"]) == [0, 3]
    assert [item["file"] for item in frame.attrs["rejected"]] == [str(empty), 2]
    assert frame.attrs["rejected"][0]["reason"] == "empty file"


def test_no_photos(classifier: Classifier, arrays: list[np.ndarray]) -> None:
    frame = classifier.predict([])
    assert len(frame) == 0
    assert list(frame.columns) == list(classifier.predict(arrays[:1]).columns)
    assert frame.attrs["rejected"] == []


def test_nothing_is_printed(
    classifier: Classifier, arrays: list[np.ndarray], capfd: pytest.CaptureFixture[str]
) -> None:
    classifier.predict(arrays)
    assert capfd.readouterr().out == ""


def test_real_photos(classifier: Classifier, photos: Path) -> None:
    paths = sorted((photos / "oceania" / "Australia").rglob("*.jpg"))[:20]
    frame = classifier.predict(paths)
    assert len(frame) == 20
    assert frame["confidence"].between(1 / len(classifier.classes), 1).all()


def test_bfloat16_is_near_and_still_sums_to_one(tmp_path, arrays):
    exact = make(tmp_path, 3).predict(arrays)
    network = kangaroo.load(tmp_path / "m.keras", precision="bfloat16")
    assert network.model.layers[0].compute_dtype == "bfloat16"
    rough = network.predict(arrays)
    columns = [f"p_{name}" for name in CLASSES[3]]
    np.testing.assert_allclose(rough[columns], exact[columns], atol=0.02)
    assert not np.allclose(rough[columns], exact[columns], atol=1e-6)
    np.testing.assert_allclose(rough[columns].sum(axis=1), 1, atol=1e-6)


def in_pixels(outputs: int, activation: str) -> keras.Model:
    """A network that takes pixels: the mean of each colour, as a share of white, weighted."""
    taken = keras.Input((16, 16, 3), name="pixels")
    means = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(taken))
    model = keras.Model(taken, keras.layers.Dense(outputs, activation)(means))
    kernel = np.random.default_rng(2).normal(size=(3, outputs))
    model.set_weights([kernel, -kernel.sum(axis=0) / 2])
    return model


@pytest.fixture(scope="module")
def plain() -> list[np.ndarray]:
    """Pictures of one colour each."""
    return [
        np.full((20, 20, 3), colour, np.uint8)
        for colour in np.random.default_rng(3).integers(0, 256, (70, 3))
    ]


def with_places(folder: Path, model: keras.Model, classes: tuple[str, ...], places: dict) -> Classifier:
    facts = {"task": "test", "training": {}, "data": {}, "metrics": {}, "intended_use": "", "limits": ""}
    card = Card(classes=classes, image_size=16, input="pixels", places=places, **facts)
    store.save(model, folder / "m.keras", card)
    return kangaroo.load(folder / "m.keras")


def weighted(classifier: Classifier, plain: list[np.ndarray]) -> np.ndarray:
    """What the last layer of ``in_pixels`` gets, worked by hand."""
    means = np.stack([decode(photo, 16).mean(axis=(0, 1), dtype=np.float64) / 255 for photo in plain])
    kernel, bias = classifier.model.layers[-1].get_weights()
    return means @ kernel + bias


def test_pixels_go_in_as_they_are(tmp_path: Path, plain: list[np.ndarray]) -> None:
    classifier = with_places(tmp_path, in_pixels(3, "softmax"), CLASSES[3], {})
    expected = np.exp(weighted(classifier, plain))
    expected /= expected.sum(axis=1, keepdims=True)
    found = classifier.predict(plain)
    assert list(found.columns) == ["file", "prediction", "confidence", "p_a", "p_b", "p_c"]
    np.testing.assert_allclose(found.filter(like="p_"), expected, atol=1e-5)
    pixels = np.stack([decode(photo, 16) for photo in plain])
    np.testing.assert_allclose(classifiers.probabilities(classifier.model, pixels), expected, atol=1e-5)
    with pytest.raises(ModelError, match="no places"):
        classifier.locations(pixels)


@pytest.mark.parametrize("outputs", [1, 3])
def test_classes_with_points_say_where_too(tmp_path: Path, plain: list[np.ndarray], outputs: int) -> None:
    classes = CLASSES[max(2, outputs)]
    points = ClassPoints(
        np.array([1.0, 2.0, 3.0][: len(classes)]), np.array([10.0, 20.0, 30.0][: len(classes)])
    )
    model = in_pixels(outputs, "sigmoid" if outputs == 1 else "softmax")
    classifier = with_places(tmp_path, model, classes, points.to_json())
    found = classifier.predict(plain)
    assert list(found.columns[-2:]) == ["lat", "lon"]
    best = found.filter(like="p_").to_numpy().argmax(axis=1)
    assert len(set(best)) > 1
    np.testing.assert_array_equal(found["lat"], best + 1)
    np.testing.assert_array_equal(found["lon"], 10 * (best + 1))
    assert list(found["prediction"]) == [classes[i] for i in best]


@pytest.mark.parametrize("places", [Box(45.0, 46.0, 15.0, 17.0), Sphere()], ids=["box", "sphere"])
def test_a_network_of_coordinates(tmp_path: Path, plain: list[np.ndarray], places: Box | Sphere) -> None:
    outputs = 2 if isinstance(places, Box) else 3
    classifier = with_places(tmp_path, in_pixels(outputs, "linear"), (), places.to_json())
    said = weighted(classifier, plain)
    found = classifier.predict(plain)
    assert list(found.columns) == ["file", "lat", "lon"]
    np.testing.assert_allclose(found[["lat", "lon"]], np.transpose(places.decode(said)), atol=1e-3)
    pixels = np.stack([decode(photo, 16) for photo in plain])
    np.testing.assert_allclose(np.transpose(classifier.locations(pixels)), found[["lat", "lon"]], atol=1e-4)
    np.testing.assert_allclose(classifiers.outputs(classifier.model, pixels), said, atol=1e-5)
    assert list(classifier.predict([]).columns) == ["file", "lat", "lon"]
    with pytest.raises(
        ModelError, match=r"^this model gives coordinates: take one that tells classes apart$"
    ):
        classifier.probabilities(pixels)


def test_without_places_the_numbers_of_coordinates_are_no_probabilities(tmp_path: Path) -> None:
    classifier = with_places(tmp_path, in_pixels(2, "linear"), (), Box(0.0, 1.0, 0.0, 1.0).to_json())
    named = replace(classifier, card=replace(classifier.card, classes=("a", "b"), places={}))
    with pytest.raises(ModelError, match="not probabilities"):
        named.probabilities(np.full((1, 16, 16, 3), 255, np.uint8))
