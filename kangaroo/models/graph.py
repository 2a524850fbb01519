"""Other views of a network: what it takes, its logits, its layers, photos in pixels or standardized."""

from collections.abc import Sequence
from typing import Any, Literal

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from kangaroo.data.images import Pixels, standardize
from kangaroo.errors import ModelError
from kangaroo.models.precision import with_policy

Target = Literal["logit", "probability"]
_POOLING = (keras.layers.MaxPooling2D, keras.layers.AveragePooling2D)


def takes_pixels(model: keras.Model) -> bool:
    """Whether ``model`` takes pixels, 0 to 255, and prepares them itself; else it takes standardized photos.

    Its input says so by its name, "pixels", which stays with the model in its file.
    """
    return model.inputs[0].name == "pixels"


def inputs_of(model: keras.Model, photos: Pixels) -> npt.NDArray[np.float32]:
    """Photos, uint8 (n, H, W, 3), as ``model`` takes them, float32."""
    return photos.astype(np.float32) if takes_pixels(model) else standardize(photos)


def logit_model(model: keras.Model, policy: str = "float32") -> keras.Model:
    """A copy of ``model`` that ends before its sigmoid or softmax, and computes with dtype ``policy``.

    Sequential, Functional or nested, fresh or read from a file. The end stays float32. ``model`` is left as
    it is. Raises ModelError unless it ends in one sigmoid, or a softmax.
    """
    copy = with_policy(model, policy, kept=end_layer(model))
    end = end_layer(copy)
    wanted = "sigmoid" if copy.output_shape[-1] == 1 else "softmax"
    if isinstance(end, keras.layers.Softmax) and wanted == "softmax":
        end.call = lambda inputs, mask=None: inputs
    elif getattr(getattr(end, "activation", None), "__name__", "") == wanted:
        end.activation = keras.activations.linear
    else:
        raise ModelError(
            f"the model ends in {end.name}, which gives {copy.output_shape[-1]} value(s) and is no {wanted}: "
            "give a classifier that ends in one sigmoid, or in a softmax"
        )
    return copy


def end_layer(model: keras.Model) -> keras.Layer:
    """The layer that gives the model's output; inside nested models, the innermost."""
    layer = model.outputs[0]._keras_history.operation
    return end_layer(layer) if isinstance(layer, keras.Model) else layer


def leaf_layers(model: keras.Model) -> list[keras.Layer]:
    """All layers in the order in which photos pass them, nested models opened."""
    return [leaf for layer in model.layers for leaf in (leaf_layers(layer) if _nests(layer) else [layer])]


def find_layer(model: keras.Model, name: str | None) -> keras.Layer:
    """The layer called ``name``, or without a name the last one that gives maps (n, rows, columns, channels).

    A pooling of maps is not the last. Where convolutions are followed by normalization, activation or a sum,
    as in residual networks, it is the last of these: one convolution says only what it adds to a sum. Raises
    ModelError, with the names to choose from, where there is none.
    """
    maps = [layer for layer in leaf_layers(model) if _gives_maps(layer)]
    if not maps:
        raise ModelError("the model has no layer that gives maps: class activation maps need a convolution")
    found = [layer for layer in maps if layer.name == name] if name else maps
    if not found:
        names = ", ".join(layer.name for layer in maps)
        raise ModelError(f"no layer {name!r} that gives maps: choose from {names}")
    unpooled = [layer for layer in found if not isinstance(layer, _POOLING)]
    return (unpooled or found)[-1]


def class_scores(logits: Any, classes: Any, target: Target) -> Any:
    """The score (n,) of each photo's class (``classes``, integers (n,)), from the outputs of a logit model.

    'logit': the logit of that class; with one output z, which speaks for the second class, that of the first
    is -z. 'probability': the probability of that class.
    """
    if logits.shape[-1] == 1:
        signed = logits[:, 0] * ops.cast(2 * classes - 1, logits.dtype)
        return signed if target == "logit" else ops.sigmoid(signed)
    scores = logits if target == "logit" else ops.softmax(logits)
    return ops.take_along_axis(scores, classes[:, None], axis=1)[:, 0]


def log_odds(logits: Any, classes: Any) -> Any:
    """log(p / (1 - p)) of each photo's class, (n,), from the outputs of a logit model; it never saturates."""
    own = class_scores(logits, classes, "logit")
    if logits.shape[-1] == 1:
        return own
    others = ops.one_hot(classes, logits.shape[-1], dtype=logits.dtype) * -1e9 + logits
    return own - ops.logsumexp(others, axis=1)


def standardized(photos: Any) -> Any:
    """:func:`kangaroo.data.images.standardize` of tensors (n, H, W, 3), to be differentiated through."""
    centred = photos - ops.mean(photos, axis=(1, 2, 3), keepdims=True)
    n = centred.shape[1] * centred.shape[2] * centred.shape[3]
    variance = ops.mean(ops.square(centred), axis=(1, 2, 3), keepdims=True)
    return centred / ops.sqrt(ops.maximum(variance, 1 / n))


def _nests(layer: keras.Layer) -> bool:
    return isinstance(layer, keras.Model)


def _gives_maps(layer: keras.Layer) -> bool:
    if isinstance(layer, keras.layers.InputLayer):
        return False
    shape: Sequence[Any] = getattr(layer.output, "shape", ())
    return len(shape) == 4
