import json
import os
import subprocess
import sys
import threading
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from keras import applications, layers

from kangaroo.errors import KangarooError, ModelError
from kangaroo.models import graph, report_cnn
from kangaroo.models.backbones import BACKBONES
from kangaroo.models.precision import with_policy
from kangaroo.models.transfer import Trains, build, layers_with_weights, set_trainable

SIZE = 32
PREPARE = {
    "resnet50": applications.resnet,
    "mobilenetv2": applications.mobilenet_v2,
    "efficientnetv2b0": applications.efficientnet_v2,
    "convnexttiny": applications.convnext,
}
NAMES = tuple(PREPARE)
DEEPER = ("resnet101", "resnet152")


def marked(*names):
    return [pytest.param(name, marks=pytest.mark.slow) for name in names]


SOME = ("resnet50", "mobilenetv2", *marked("efficientnetv2b0", "convnexttiny"))
ALL = (*SOME, *marked(*DEEPER))
STAGES = {
    "resnet": "conv5_",
    "mobile": "block_13_",
    "efficient": "block6a_",
    "convnext": "convnext_tiny_downsampling_layernorm_2",
}


@cache
def network(name, **changes):
    """One for all tests that leave it as it is."""
    return build(name, SIZE, 3, **{"head": (8,), "seed": 1} | changes)


def fresh(name):
    """One that may be changed."""
    return with_policy(network(name), "float32")


def photos(n=2, side=SIZE):
    return np.random.default_rng(0).integers(0, 256, (n, side, side, 3)).astype(np.float32)


def application(name, classes=None):
    """The network of keras.applications with weights of its own, each of another size."""
    make = getattr(applications, BACKBONES[name].application)
    end = {"include_top": False, "pooling": "avg"} if classes is None else {"classes": classes}
    model = make(weights=None, input_shape=(SIZE, SIZE, 3), **end)
    rng = np.random.default_rng(0)
    model.set_weights(
        [w + (abs(w).mean() + 0.01) * rng.normal(0, 0.05, w.shape) for w in model.get_weights()]
    )
    return model


def save(model, path):
    (model.save_weights if path.name.endswith(".weights.h5") else model.save)(path)
    return path


def as_keras_has_them(model, path):
    """A legacy file of weights alone, the kind that keras.applications downloads."""
    with h5py.File(save(model, path.with_name("whole.h5"))) as whole, h5py.File(path, "w") as file:
        for name in whole["model_weights"]:
            whole.copy(f"model_weights/{name}", file)
        file.attrs.update(whole["model_weights"].attrs)
    return path


def features(model):
    """The pooled features that the head of a network sees."""
    return keras.Model(model.inputs[0], model.get_layer("head_output").input)


@pytest.mark.parametrize("name", ["mobilenetv2", *marked("resnet50", "efficientnetv2b0", "convnexttiny")])
def test_features_are_those_of_keras_applications(name, tmp_path):
    original = application(name)
    expected = np.asarray(original(PREPARE[name].preprocess_input(photos())))
    path = as_keras_has_them(original, tmp_path / "notop.h5")
    found = np.asarray(features(build(name, SIZE, 3, head=(), weights=path, seed=0))(photos()))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6 * abs(expected).max())
    assert expected.std() > 0


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("mobilenetv2", "a.h5"),
        ("mobilenetv2", "a.keras"),
        *(pytest.param(name, "a.h5", marks=pytest.mark.slow) for name in NAMES if name != "mobilenetv2"),
        pytest.param("convnexttiny", "a.weights.h5", marks=pytest.mark.slow),
    ],
)
def test_of_a_file_with_classes_the_backbone_is_taken(name, file, tmp_path):
    original = application(name, classes=365)  # as Places365 has
    path = save(original, tmp_path / file)
    model = build(name, 2 * SIZE, 3, head=(), weights=path, seed=0)
    arrays = [array for layer in layers_with_weights(model)[:-1] for array in layer.get_weights()]
    flat = [layer for layer in original._flatten_layers() if layer.weights and layer is not original]
    expected = [
        array for layer in flat if not isinstance(layer, keras.Model) for array in layer.get_weights()
    ]
    assert sorted(map(checksum, arrays)) == sorted(map(checksum, expected[:-2]))


def checksum(array):
    return array.size, float(array.sum(dtype=np.float64))


def test_the_resnets_see_what_caffe_saw():
    model = network("resnet50")
    view = keras.Model(model.inputs[0], model.get_layer("conv1_pad").input)
    seen = np.asarray(view(np.full((1, SIZE, SIZE, 3), [250.0, 100.0, 10.0], np.float32)))
    blue, green, red = seen[0, 0, 0]
    assert (blue, green, red) == pytest.approx((10 - 103.939, 100 - 116.779, 250 - 123.68), abs=1e-4)


@pytest.mark.parametrize(
    "name", ["mobilenetv2", *marked("resnet50", "efficientnetv2b0", "convnexttiny", *DEEPER)]
)
def test_weights_follow_from_the_seed_alone(name):
    keras.utils.set_random_seed(5)
    one = network(name)
    keras.utils.set_random_seed(6)
    same, other = build(name, 2 * SIZE, 3, head=(8,), seed=1), build(name, SIZE, 3, head=(8,), seed=2)
    drawn = set()
    for a, b, c in zip(one.weights, same.weights, other.weights, strict=True):
        np.testing.assert_array_equal(a, b)
        if "kernel" in a.path:
            assert not np.array_equal(a, c)
            drawn.add(float(np.sum(a)))
    assert len(drawn) == sum("kernel" in variable.path for variable in one.weights)


@pytest.mark.slow
def test_dropout_follows_from_the_seed_alone():
    pair = [build("efficientnetv2b0", SIZE, 3, head=(8,), dropout=0.5, seed=3) for _ in range(2)]
    first, second = (np.asarray(model(photos(), training=True)) for model in pair)
    np.testing.assert_array_equal(first, second)
    seeds = [layer.seed for layer in pair[0].layers if isinstance(layer, layers.Dropout)]
    assert len(set(seeds)) == len(seeds) > 10


@pytest.mark.parametrize("name", ALL)
def test_it_is_one_flat_model_of_pixels(name):
    model = network(name)
    assert graph.takes_pixels(model)
    assert graph.leaf_layers(model) == model.layers
    operations = {type(operation).__name__ for operation in model.operations}
    assert operations - {type(layer).__name__ for layer in model.layers} <= {"Flip"}
    assert (model.input_shape, model.output_shape) == ((None, SIZE, SIZE, 3), (None, 3))
    momenta = {layer.momentum for layer in model.layers if isinstance(layer, layers.BatchNormalization)}
    assert momenta <= {0.9}


@pytest.mark.parametrize("name", ALL)
def test_activation_maps_are_those_that_are_pooled(name):
    model = network(name)
    pooling = [layer for layer in model.layers if isinstance(layer, layers.GlobalAveragePooling2D)][-1]
    assert graph.find_layer(model, None).output is pooling.input


LOAD = """
import sys, json, keras, numpy
photos = numpy.load("photos.npy")
for name in sys.argv[1:]:
    model = keras.models.load_model(f"{name}.keras", safe_mode=True)
    print(json.dumps(keras.ops.convert_to_numpy(model(photos)).tolist()))
assert not any(name.startswith("kangaroo") for name in sys.modules)
"""


@pytest.mark.parametrize(
    ("backend", "names"),
    [
        ("tensorflow", ("mobilenetv2",)),
        *(pytest.param(backend, NAMES, marks=pytest.mark.slow) for backend in ("tensorflow", "jax")),
    ],
)
def test_files_load_without_kangaroo(tmp_path, backend, names):
    np.save(tmp_path / "photos.npy", photos())
    for name in names:
        network(name).save(tmp_path / f"{name}.keras")
    call = [sys.executable, "-c", LOAD, *names]
    env = {**os.environ, "KERAS_BACKEND": backend}
    done = subprocess.run(call, check=True, capture_output=True, text=True, cwd=tmp_path, env=env)
    for name, found in zip(names, done.stdout.splitlines(), strict=True):
        np.testing.assert_allclose(json.loads(found), network(name)(photos()), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("activation", "outputs"), [("softmax", 5), ("sigmoid", 1), ("linear", 2), ("unit", 3)]
)
def test_outputs(activation, outputs):
    model = build("mobilenetv2", SIZE, outputs, activation=activation, seed=0, dtype_policy="mixed_bfloat16")
    model.get_layer("head_output").bias.assign(np.arange(outputs) + 0.5)  # what comes before is tiny
    found = np.asarray(model(photos()))
    assert found.shape == (2, outputs)
    assert found.dtype == np.float32
    if activation in ("softmax", "unit"):
        sums = found.sum(axis=1) if activation == "softmax" else np.linalg.norm(found, axis=1)
        np.testing.assert_allclose(sums, 1, rtol=1e-6)
    ends = [layer.name for layer in model.layers if layer.name.startswith("head_")]
    assert ends == ["head_dense_1", "head_dense_2", "head_output"] + ["head_unit"] * (activation == "unit")
    assert [model.get_layer(f"head_dense_{i}").units for i in (1, 2)] == [1000, 300]
    exact = {layer.name for layer in model.layers if layer.compute_dtype == "float32"}
    assert exact - set(ends[2:]) == {model.layers[0].name, model.layers[1].name}  # input, scaling


@pytest.mark.parametrize("name", ALL)
def test_the_last_stage_is_found_by_name_in_a_model_read_from_a_file(name, tmp_path):
    network(name).save(tmp_path / "m.keras")
    model = keras.models.load_model(tmp_path / "m.keras")
    beginning = next(begins for kind, begins in STAGES.items() if name.startswith(kind))
    trains = set_trainable(model, "last-stage")
    names = [layer.name for layer in model.layers]
    start = next(i for i, layer in enumerate(names) if layer.startswith(beginning))
    assert [layer.trainable for layer in model.layers[1:]] == [i >= start for i in range(1, len(names))]
    # What comes before it gives maps of a 16th of the photo's side, or a 32nd after a stride at its start.
    sides = {layer.output.shape[1] for layer in model.layers[start:] if len(layer.output.shape) == 4}
    assert sides <= {SIZE // 16, SIZE // 16 + 1, SIZE // 32}
    assert trains.parameters == sum(int(np.prod(v.shape)) for v in model.trainable_variables)


def test_how_much_trains():
    model = fresh("resnet50")
    # Pooled features have 2048 numbers; 53 convolutions and normalizations, and a head of two layers.
    head = Trains(2, (2048 + 1) * 8 + (8 + 1) * 3)
    assert set_trainable(model, "head") == set_trainable(model, 1.0) == head
    assert len(layers_with_weights(model)) == 2 * 53 + 2
    statistics = 2 * 26560  # channels that are normalized, as their moving means and variances
    everything = Trains(108, model.count_params() - statistics)
    assert set_trainable(model, "all") == set_trainable(model, 0) == everything
    assert set_trainable(model, 0.7).layers == 108 - 76
    assert [layer.trainable for layer in layers_with_weights(model)] == [False] * 76 + [True] * 32
    assert set_trainable(model, "last-stage").layers == 2 * 10 + 2


def test_another_network_is_trained_as_a_whole():
    model = report_cnn.build(SIZE, 2, seed=0)
    assert set_trainable(model, "all") == Trains(8, model.count_params())
    for spec in ("head", "last-stage", 0.5):
        with pytest.raises(
            KangarooError, match=r"has no backbone.*: train all of it, or take one of resnet50"
        ):
            set_trainable(model, spec)


@pytest.mark.parametrize("spec", ["tail", 1.5, -0.1, float("nan")])
def test_what_is_no_part_is_refused(spec):
    with pytest.raises(
        KangarooError, match=r"nothing to train is called .*: give head, last-stage, all, or a"
    ):
        set_trainable(network("mobilenetv2"), spec)


@pytest.mark.parametrize("name", ["mobilenetv2", *marked("resnet50")])
def test_what_is_locked_stays_and_normalizes_as_in_inference(name):
    model = fresh(name)
    set_trainable(model, "last-stage")
    locked = [layer for layer in layers_with_weights(model) if not layer.trainable]
    normalized = [layer for layer in locked if isinstance(layer, layers.BatchNormalization)]
    before = {layer.name: layer.get_weights() for layer in layers_with_weights(model)}
    model.compile("sgd", "sparse_categorical_crossentropy", jit_compile=False)
    model.fit(photos(4), np.array([0, 1, 2, 0]), batch_size=4, verbose=0)
    changed = {
        layer.name
        for layer in layers_with_weights(model)
        if any(map(np.any, (a - b for a, b in zip(before[layer.name], layer.get_weights(), strict=True))))
    }
    assert not changed & {layer.name for layer in locked}
    open_ones = [layer for layer in layers_with_weights(model) if layer.trainable]
    assert changed >= {layer.name for layer in open_ones if isinstance(layer, layers.BatchNormalization)}
    front = keras.Model(model.inputs[0], normalized[-1].output)
    np.testing.assert_array_equal(front(photos(), training=True), front(photos(), training=False))


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("resnet50", "a.h5"),
        pytest.param("efficientnetv2b0", "a.weights.h5", marks=pytest.mark.slow),
        pytest.param("convnexttiny", "a.keras", marks=pytest.mark.slow),
    ],
)
def test_weights_of_another_network_are_named(name, file, tmp_path):
    path = save(application("mobilenetv2"), tmp_path / file)
    message = rf"{file} does not hold the weights of {name} \(.*\): put https"
    with pytest.raises(ModelError, match=message) as caught:
        build(name, SIZE, 3, weights=path, seed=0)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.slow
@pytest.mark.parametrize("file", ["a.h5", "a.weights.h5"])
def test_weights_of_a_deeper_resnet_are_refused(file, tmp_path):
    path = save(application("resnet101", classes=7), tmp_path / file)
    for name in ("resnet50", "resnet152"):
        with pytest.raises(ModelError, match="does not hold"):
            build(name, SIZE, 3, weights=path, seed=0)
    build("resnet101", SIZE, 3, weights=path, seed=0)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere.h5", "no weights file .*nowhere.h5: fetch https://.*_no_top.h5 and give it with --weights"),
        ("text.h5", "text.h5 does not hold the weights of mobilenetv2"),
        ("text.weights.h5", "does not hold"),
        ("text.keras", "does not hold"),
        ("text.npz", "does not hold"),
        ("empty.h5", "does not hold"),
        ("narrow.h5", "does not hold"),
        ("cut.h5", "does not hold"),
    ],
)
def test_unusable_weights_are_named(tmp_path, name, message):
    path = tmp_path / name
    if name.startswith("text"):
        path.write_text("weights")
    elif name == "empty.h5":
        h5py.File(path, "w").close()
    elif name == "narrow.h5":
        applications.MobileNetV2((SIZE, SIZE, 3), alpha=0.35, include_top=False, weights=None).save(path)
    elif name == "cut.h5":
        path.write_bytes(save(application("mobilenetv2"), tmp_path / "whole.h5").read_bytes()[:200_000])
    with pytest.raises(ModelError, match=message) as caught:
        build("mobilenetv2", SIZE, 3, weights=path, seed=0)
    assert len(str(caught.value).splitlines()) == 1


def test_what_cannot_be_built_is_refused():
    with pytest.raises(KangarooError, match=r"^no backbone 'vgg16': choose from resnet50, .*, convnexttiny$"):
        build("vgg16", SIZE, 3, seed=0)
    with pytest.raises(KangarooError, match=r"^photos of 31 px are too small: give resnet50 32 or more$"):
        build("resnet50", 31, 3, seed=0)


DOWNLOAD = """
import sys
from dataclasses import replace
from kangaroo.models import backbones, transfer
transfer.ADDRESS = sys.argv[1]
for weights, file_hash in zip(sys.argv[2::2], sys.argv[3::2]):
    own = replace(backbones.BACKBONES["mobilenetv2"], weights=weights, file_hash=file_hash)
    transfer.BACKBONES = {"mobilenetv2": own}
    try:
        model = transfer.build("mobilenetv2", 32, 3, weights="imagenet", seed=0)
        print(float(abs(model.get_layer("Conv_1").get_weights()[0]).sum()))
    except ValueError as error:
        print(error)
"""


@pytest.mark.slow
def test_keras_downloads_once_and_checks_what_it_got(tmp_path):
    from kangaroo.files import sha256

    original = application("mobilenetv2")
    path = as_keras_has_them(original, tmp_path / "notop.h5")
    (tmp_path / "other.h5").write_bytes(path.read_bytes())
    handler = partial(SimpleHTTPRequestHandler, directory=tmp_path)
    good, bad = sha256(path), "0" * 64
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        first = download(tmp_path / "home", address, "notop.h5", good, "other.h5", bad, "missing.h5", good)
        server.shutdown()
    total = float(abs(original.get_layer("Conv_1").get_weights()[0]).sum())
    assert float(first[0]) == pytest.approx(total)
    for line, name in zip(first[1:], ("other.h5", "missing.h5"), strict=True):
        assert f"weights of mobilenetv2 can't be downloaded here: fetch {address}/{name} elsewhere" in line
    again = download(tmp_path / "home", address, "notop.h5", good)
    assert again == first[:1]


def download(home: Path, *argv: str) -> list[str]:
    call = [sys.executable, "-c", DOWNLOAD, *argv]
    done = subprocess.run(call, capture_output=True, text=True, check=True, env={"KERAS_HOME": str(home)})
    return done.stdout.splitlines()
