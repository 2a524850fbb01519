"""Networks that begin where others have ended: a backbone of keras.applications, and a head of one's own."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import Any, Literal, NamedTuple

import h5py
import keras
import numpy as np
from keras import layers, ops

from kangaroo.errors import KangarooError, ModelError
from kangaroo.models.backbones import ADDRESS, BACKBONES, PARTS
from kangaroo.models.download import weights_file
from kangaroo.models.precision import EXACT
from kangaroo.models.seeds import derived_seeds
from kangaroo.models.unit_vectors import Centre, unit_layers

Activation = Literal["softmax", "sigmoid", "linear", "unit"]
Weights = Literal["imagenet"] | Path | None

SMALLEST = 32
"""Side of the smallest photos that keras.applications has networks for, in pixels."""

_HEAD = "head_"
"""How the names of a head's layers begin; no layer of keras.applications is named so."""

_MOMENTUM = 0.9
"""Of moving statistics: they follow within tens of steps, where MobileNetV2's own 0.999 takes thousands."""


class Trains(NamedTuple):
    """How much of a network training changes: layers with weights, and their numbers."""

    layers: int
    parameters: int


def build(
    backbone: str,
    image_size: int,
    outputs: int,
    *,
    head: Sequence[int] = (1000, 300),
    activation: Activation = "softmax",
    centre: Centre | None = None,
    weights: Weights = None,
    dropout: float = 0.0,
    seed: int,
    dtype_policy: str = "float32",
) -> keras.Model:
    """Build a network of one of BACKBONES, not compiled: one flat Functional model, all of it trainable.

    The backbone, global average pooling, a dense layer with ReLU for each entry of ``head``, dropout (a
    share, before the last layer), and ``outputs`` numbers in float32. ``activation`` 'unit' makes them a
    vector of length 1, a point on the globe around ``centre`` (see :mod:`kangaroo.models.unit_vectors`).

    Input: pixels, float32 from 0 to 255, (n, image_size, image_size, 3); its own preprocessing is the
    backbone's first layers. ``weights``: 'imagenet', which Keras downloads once to ~/.keras; a file of them
    (.h5 as keras.applications has them, with or without its classes, .weights.h5 or .keras), of which only
    the backbone's arrays are read; or None. All other weights, and the dropout, follow from ``seed`` alone.

    Raises KangarooError for a backbone that is none of them and photos below 32 px, ModelError for weights
    that can't be had or are those of another network.
    """
    if backbone not in BACKBONES:
        raise KangarooError(f"no backbone {backbone!r}: choose from {', '.join(BACKBONES)}")
    if image_size < SMALLEST:
        raise KangarooError(f"photos of {image_size} px are too small: give {backbone} {SMALLEST} or more")
    seeds = derived_seeds(seed)
    source = _application(backbone, image_size)
    body, copies = _flat(source, seeds, dtype_policy)
    if weights is not None:
        file = _imagenet(backbone) if weights == "imagenet" else weights
        _read(file, backbone, source)
        _hand_on(copies)

    def dense(units: int, kind: str, policy: str, name: str) -> keras.Layer:
        kernel = keras.initializers.GlorotUniform(next(seeds))
        return layers.Dense(units, kind, kernel_initializer=kernel, dtype=policy, name=_HEAD + name)

    x = body.output
    for i, units in enumerate(head):
        x = dense(units, "relu", dtype_policy, f"dense_{i + 1}")(x)
    if dropout:
        x = layers.Dropout(dropout, seed=next(seeds), dtype=dtype_policy, name=f"{_HEAD}dropout")(x)
    # Always float32: probabilities in bfloat16 have three digits and saturate at 1.
    x = dense(outputs, "linear" if activation == "unit" else activation, "float32", "output")(x)
    for layer in unit_layers(centre, _HEAD) if activation == "unit" else ():
        x = layer(x)
    return keras.Model(body.inputs[0], x, name=backbone)  # not body.input, which can be a list of one


def layers_with_weights(model: keras.Model) -> list[keras.Layer]:
    """The layers of a flat model that have weights, from the input on."""
    return [layer for layer in model.layers if layer.weights]


def set_trainable(model: keras.Model, spec: str | float) -> Trains:
    """Choose what training changes of ``model``, fresh or read from a file; compile it anew afterwards.

    'head': the layers after the backbone. 'last-stage': also those that work on maps of 1/32 of the photo's
    side (ResNet's conv5, MobileNetV2's blocks 13 to 16, EfficientNetV2's block 6, ConvNeXt's stage 3 with
    the downsampling before it). 'all': everything, also of other networks than those of :func:`build`. A
    number from 0 to 1 is the share of layers with weights, from the input on, to lock; the head is trained
    in any case. Batch normalization that is locked works as in inference and keeps its statistics; dropout,
    which EfficientNetV2 has in its blocks too, is not locked.

    Raises KangarooError for another ``spec``, and for one that the network has no such layers for.
    """
    trained = set(model.layers if spec == "all" else _unlocked(model, spec))
    for layer in model.layers:
        layer.trainable = layer in trained
    changed = [layer for layer in layers_with_weights(model) if layer.trainable_weights]
    return Trains(len(changed), sum(int(np.prod(v.shape)) for v in model.trainable_weights))


def _unlocked(model: keras.Model, spec: str | float) -> list[keras.Layer]:
    """The layers that stay trainable."""
    if spec not in PARTS and not (isinstance(spec, int | float) and 0 <= spec <= 1):
        raise KangarooError(f"nothing to train is called {spec!r}: give {', '.join(PARTS)}, or a share")
    head = _first(model, (_HEAD,))
    if spec == "head":
        return model.layers[head:]
    if spec == "last-stage":
        return model.layers[_first(model, tuple(each.last_stage for each in BACKBONES.values())) :]
    parts = layers_with_weights(model)
    return [*parts[round(float(spec) * len(parts)) :], *model.layers[head:]]


def _first(model: keras.Model, beginnings: tuple[str, ...]) -> int:
    """The position of the first layer whose name begins so."""
    found = [i for i, layer in enumerate(model.layers) if layer.name.startswith(beginnings)]
    if not found:
        raise KangarooError(
            f"{model.name} has no backbone, of which parts could be locked: train all of it, or take one of "
            f"{', '.join(BACKBONES)}"
        )
    return found[0]


def _application(name: str, image_size: int) -> keras.Model:
    """The backbone as keras.applications builds it, from pixels to pooled features."""
    taken = keras.Input((image_size, image_size, 3), name="pixels")
    make = getattr(keras.applications, BACKBONES[name].application)
    return make(include_top=False, weights=None, input_tensor=_prepared(name, taken), pooling="avg")


def _prepared(name: str, pixels: Any) -> Any:
    """What keras.applications' preprocess_input makes of pixels for this backbone."""
    if name.startswith("resnet"):  # as in Caffe: blue, green, red, each less its mean over ImageNet
        return layers.Rescaling(1.0, [-103.939, -116.779, -123.68])(ops.flip(pixels, axis=-1))
    if name == "mobilenetv2":
        return layers.Rescaling(1 / 127.5, -1.0)(pixels)
    return pixels  # the others have such layers themselves


def _flat(
    source: keras.Model, seeds: Iterator[int], policy: str
) -> tuple[keras.Model, dict[keras.Layer, keras.Layer]]:
    """A copy of ``source`` without models inside, its weights drawn anew; and which layer became which.

    keras.applications takes no seeds and no dtype policy, and its ConvNeXt has Sequential models, sums that
    are no layers, at which explanations can't look, and depthwise convolutions as groups, which TensorFlow
    leaves to XLA on a CPU: twenty times slower, there and back.
    """
    copies: dict[keras.Layer, keras.Layer] = {}

    def copy(layer: keras.Operation) -> Callable[..., Any]:
        if isinstance(layer, keras.Sequential):
            return _chain([copy(part) for part in layer.layers])
        if not isinstance(layer, keras.Layer):
            if type(layer).__name__ == "Add":
                return lambda a, b: layers.Add(dtype=policy)([a, b])
            return type(layer).from_config(layer.get_config())
        config, kind = _seeded(layer.get_config(), seeds), type(layer)
        if isinstance(layer, layers.Conv2D) and layer.groups > 1:
            config, kind = _depthwise(config), layers.DepthwiseConv2D
        if isinstance(layer, layers.BatchNormalization):
            config["momentum"] = _MOMENTUM
        copies[layer] = kind.from_config(
            config | {"dtype": "float32" if isinstance(layer, EXACT) else policy}
        )
        return copies[layer]

    model = keras.models.clone_model(source, clone_function=copy)
    return model, copies


def _hand_on(copies: Mapping[keras.Layer, keras.Layer]) -> None:
    """Give the copies the weights of their layers, in their own shape: see _depthwise."""
    for layer, copy in copies.items():
        pairs = zip(layer.get_weights(), copy.weights, strict=True)
        copy.set_weights([array.reshape(variable.shape) for array, variable in pairs])


def _chain(parts: Sequence[Callable[..., Any]]) -> Callable[..., Any]:
    return lambda x, **_: reduce(lambda x, part: part(x), parts, x)


def _seeded(config: dict[str, Any], seeds: Iterator[int]) -> dict[str, Any]:
    """A layer's configuration with seeds for its initializers and its dropout."""
    for name, value in config.items():
        if name.endswith("_initializer") and value and "seed" in value["config"]:
            value["config"]["seed"] = next(seeds)
    return config | ({"seed": next(seeds)} if "seed" in config else {})


def _depthwise(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration of the DepthwiseConv2D that is a Conv2D with as many groups as filters."""
    same = ("name", "kernel_size", "strides", "padding", "activation", "use_bias", "bias_initializer")
    return {name: config[name] for name in same} | {"depthwise_initializer": config["kernel_initializer"]}


def _read(path: Path, name: str, source: keras.Model) -> None:
    """Set the weights of ``source`` to those in a file; arrays only are read."""
    address = f"{ADDRESS}/{BACKBONES[name].weights}"
    if not path.is_file():
        raise ModelError(f"no weights file {path}: fetch {address} and give it with --weights")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a line for each part looked for in vain, before it raises
            classes = _classes(path, len(layers_with_weights(source)))
            if classes is None:
                source.load_weights(path)
                return
            make, shape = getattr(keras.applications, BACKBONES[name].application), source.input_shape[1:]
            whole = make(include_top=True, weights=None, input_shape=shape, classes=classes)
            whole.load_weights(path)
            source.set_weights(whole.get_weights()[: len(source.weights)])
    except Exception as error:  # h5py and Keras raise a dozen types for a file that is something else
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise ModelError(
            f"{path} does not hold the weights of {name} ({reason}): put {address} in its place"
        ) from error


def _classes(path: Path, n_layers: int) -> int | None:
    """How many classes a legacy .h5 file ends in; None if it holds no more than ``n_layers`` with weights.

    The other formats have each array by its own name, so that a last layer more is none too many.
    """
    if path.suffix != ".h5" or path.name.endswith(".weights.h5"):
        return None
    with h5py.File(path) as file:
        group = file if "layer_names" in file.attrs else file["model_weights"]
        found = [group[name] for name in group.attrs["layer_names"] if len(group[name].attrs["weight_names"])]
        if len(found) != n_layers + 1:
            return None
        bias = found[-1].attrs["weight_names"][-1]
        return int(found[-1][bias].shape[0])


def _imagenet(name: str) -> Path:
    return weights_file(f"{ADDRESS}/{BACKBONES[name].weights}", name, BACKBONES[name].file_hash)
