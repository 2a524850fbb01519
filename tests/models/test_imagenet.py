import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import keras
import numpy as np
import pytest
from keras.applications import MobileNetV2

from kangaroo.errors import ModelError
from kangaroo.models import imagenet

RNG = np.random.default_rng(0)
PHOTOS = RNG.integers(0, 256, (7, 1, 1, 3)) + RNG.integers(-60, 60, (7, 224, 224, 1))
PHOTOS = np.clip(PHOTOS, 0, 255).astype(np.uint8)


def network(**changes):
    keras.utils.set_random_seed(0)
    return MobileNetV2(weights=None, **changes)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A file of weights as Keras offers it, whose network tells the photos apart."""
    model = network()
    features = keras.Model(model.inputs, model.layers[-2].output).predict(PHOTOS / 127.5 - 1, verbose=0)
    kernel, _ = model.layers[-1].get_weights()
    spread = features.std(axis=0)
    kernel = 6 * kernel / (spread + 0.1 * spread.max())[:, None]  # fresh layers let hardly anything through
    model.layers[-1].set_weights([kernel, -features.mean(axis=0) @ kernel])
    path = tmp_path_factory.mktemp("weights") / "mobilenet_v2.h5"
    model.save(path)
    return path


def test_names_are_those_of_the_outputs():
    names = imagenet.label_names()
    assert len(names) == len(set(names)) == 1000
    # From the index that keras.applications downloads.
    known = {0: "tench", 517: "crane (machine)", 839: "suspension bridge", 970: "alp", 978: "seashore"}
    known |= {703: "park bench", 867: "trailer truck", 979: "valley", 999: "toilet tissue"}
    assert {i: names[i].partition(",")[0] for i in known} == known


@pytest.mark.parametrize("name", ["a.keras", "a.weights.h5", "a.h5"])
def test_weights_are_read_from_every_kind_of_file(weights, tmp_path, name):
    model = imagenet.load(weights)
    (model.save_weights if "weights" in name else model.save)(tmp_path / name)
    again = imagenet.load(tmp_path / name)
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_top1_is_the_networks_own_answer(weights, monkeypatch):
    monkeypatch.setattr(imagenet, "_BATCH", 2)
    model = imagenet.load(weights)
    numbers, confidences = imagenet.top1(model, PHOTOS)
    expected = model.predict(PHOTOS / 127.5 - 1, verbose=0)
    assert len(set(numbers)) > 3
    np.testing.assert_array_equal(numbers, expected.argmax(axis=1))
    np.testing.assert_allclose(confidences, expected.max(axis=1), rtol=1e-3)


def test_no_photos_no_labels(weights):
    numbers, confidences = imagenet.top1(imagenet.load(weights), PHOTOS[:0])
    assert len(numbers) == len(confidences) == 0


@pytest.mark.filterwarnings("error:Skipping nested container")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere.h5", "no weights file .*nowhere.h5: fetch https://"),
        ("text.h5", "text.h5 does not hold the weights of MobileNetV2"),
        ("text.keras", "text.keras does not hold"),
        ("text.npz", "its name must end in .h5 or .keras"),
        ("headless.h5", "headless.h5 does not hold"),
        ("narrow.keras", "narrow.keras does not hold"),
    ],
)
def test_unusable_weights_are_named(tmp_path, name, message):
    for kind in ("h5", "keras", "npz"):
        (tmp_path / f"text.{kind}").write_text("weights")
    if name == "headless.h5":
        network(include_top=False).save_weights(tmp_path / "x.weights.h5")
        (tmp_path / "x.weights.h5").rename(tmp_path / name)
    if name == "narrow.keras":
        network(alpha=0.35).save(tmp_path / name)
    with pytest.raises(ModelError, match=message) as caught:
        imagenet.load(tmp_path / name)
    assert "\n" not in str(caught.value)


DOWNLOAD = """
from kangaroo.models import imagenet
imagenet.URL = "{url}"
print(imagenet.load().count_params())
"""


def download(url, home):
    call = [sys.executable, "-c", DOWNLOAD.format(url=url)]
    done = subprocess.run(call, capture_output=True, text=True, check=False, env={"KERAS_HOME": str(home)})
    return done.stdout.split(), done.stderr


def test_keras_downloads_once_and_a_network_that_fails_is_said(weights, tmp_path):
    handler = partial(SimpleHTTPRequestHandler, directory=weights.parent)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        assert download(f"{address}/mobilenet_v2.h5", tmp_path)[0] == ["3538984"]
        stdout, stderr = download(f"{address}/missing.h5", tmp_path)
        server.shutdown()
    assert not stdout
    assert f"can't be downloaded here: fetch {address}/missing.h5" in stderr
    assert download(f"{address}/mobilenet_v2.h5", tmp_path)[0] == ["3538984"]
