"""Class activation maps: which places of a layer's maps speak for a class."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from kangaroo.explain.gradients import Classes, Floats
from kangaroo.models.gradients import chunks, compiled, value_and_gradient
from kangaroo.models.graph import Target, class_scores, find_layer, logit_model


def grad_cam(
    model: keras.Model,
    inputs: Floats,
    classes: Classes,
    *,
    layer: str | None = None,
    target: Target = "logit",
) -> Floats:
    """Grad-CAM (Selvaraju et al., 2017): float32 (n, H, W), not negative, enlarged to the photo.

    The maps of ``layer`` (default: the last ones, see :func:`kangaroo.models.graph.find_layer`), each
    weighted with the mean gradient of the score over it, are summed, and what is negative is dropped.
    ``inputs`` (n, H, W, 3), ``classes`` (n,) and ``target`` as in
    :func:`kangaroo.explain.gradients.gradient`. Raises ModelError for a layer that is not there, with the
    names of those that are.
    """
    return GradCam(model, layer=layer, target=target)(inputs, classes)


class GradCam:
    """:func:`grad_cam`, compiled once for any number of calls."""

    def __init__(self, model: keras.Model, *, layer: str | None = None, target: Target = "logit") -> None:
        self._run = tapped(model, layer)
        self._target = target
        self._differentiate = value_and_gradient(self._score)
        self._compiled = compiled(self._cam)

    def __call__(self, inputs: Floats, classes: Classes) -> Floats:
        """See :func:`grad_cam`."""
        inputs, wanted = np.asarray(inputs, np.float32), np.asarray(classes, np.int32)
        result = np.zeros(inputs.shape[:3], np.float32)
        shape = self._run(inputs[:1], 0.0)[1].shape[1:]  # the layer may not know the size of the photos
        for part in chunks(len(inputs)):
            delta = np.zeros((part.stop - part.start, *shape), np.float32)
            result[part] = self._compiled(delta, inputs[part], wanted[part])
        return result

    def _score(self, delta: Any, x: Any, classes: Any) -> tuple[Any, Any]:
        logits, maps = self._run(x, delta)
        return class_scores(logits, classes, self._target), maps

    def _cam(self, delta: Any, x: Any, classes: Any) -> Any:
        _, maps, gradient = self._differentiate(delta, x, classes)
        weights = ops.mean(gradient, axis=(1, 2), keepdims=True)
        return enlarged(ops.relu(ops.sum(weights * maps, axis=3)), x.shape[1:3])


def tapped(model: keras.Model, layer: str | None) -> Callable[[Any, Any], tuple[Any, Any]]:
    """(inputs, delta) -> (logits, maps): a layer's maps with ``delta`` added, and the logits that follow.

    The derivative with respect to a ``delta`` of zeros is the one with respect to the maps. Nothing is
    rebuilt: in a private copy of ``model`` the layer's own call is wrapped. So it works where a new graph up
    to the layer would not: in nested models, and in a Sequential read from a file.
    """
    copy = logit_model(model)
    tap = find_layer(copy, layer)
    call = tap.call
    passing: dict[str, Any] = {}

    def tapped_call(*args: Any, **kwargs: Any) -> Any:
        passing["maps"] = call(*args, **kwargs) + passing["delta"]
        return passing["maps"]

    tap.call = tapped_call

    def run(inputs: Any, delta: Any) -> tuple[Any, Any]:
        passing["delta"] = delta
        logits = copy(inputs, training=False)
        del passing["delta"]
        return logits, passing.pop("maps")

    return run


def enlarged(maps: Any, size: tuple[int, int]) -> Any:
    """Maps (n, rows, columns) at the ``size`` (H, W) of the photos, bilinear."""
    resized = ops.image.resize(maps[..., None], size, interpolation="bilinear", data_format="channels_last")
    return resized[..., 0]
