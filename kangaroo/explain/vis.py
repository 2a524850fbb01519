"""Grad-CAM++ and Score-CAM, as tf-keras-vis computes them.

The library builds a new model that ends in a layer's ``output``, which fails for nested models and for a
Sequential read from a file. So it is given a model made for it: one layer that gives logits and maps of one
pass, and a second that passes the maps on, in whose ``output`` the library finds them.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from kangaroo.errors import KangarooError
from kangaroo.explain.cam import enlarged, tapped
from kangaroo.explain.gradients import Classes, Floats
from kangaroo.models.gradients import BATCH, chunks, compiled
from kangaroo.models.graph import Target, class_scores
from kangaroo.progress import progress

_PLAIN = {"seek_penultimate_conv_layer": False, "expand_cam": False, "normalize_cam": False}
"""Maps of the layer that is named, as they come; they are enlarged as Grad-CAM's are."""


def grad_cam_plus_plus(
    model: keras.Model,
    inputs: Floats,
    classes: Classes,
    *,
    layer: str | None = None,
    target: Target = "logit",
) -> Floats:
    """Grad-CAM++ (Chattopadhyay et al., 2018) by tf-keras-vis: float32 (n, H, W), not negative.

    Arguments and errors as in :func:`kangaroo.explain.cam.grad_cam`; KangarooError without TensorFlow. The
    paper's factor exp(score), one number a photo, is left out, because it overflows where a model is sure.
    """
    _require_tensorflow()
    from tf_keras_vis.gradcam_plus_plus import GradcamPlusPlus

    inputs, wanted = np.asarray(inputs, np.float32), np.asarray(classes, np.int32)
    views, maps = _views(model, inputs, layer)
    method = GradcamPlusPlus(views)
    result = np.zeros(inputs.shape[:3], np.float32)
    for part in progress(list(chunks(len(inputs))), "Grad-CAM++", unit="batch"):

        def score(logits: Any, classes: Any = wanted[part]) -> Any:
            own = class_scores(logits, classes, target)
            return own - ops.stop_gradient(own)  # the library takes exp of this

        cam = method(score, inputs[part], penultimate_layer=maps, **_PLAIN)
        result[part] = enlarged(cam, inputs.shape[1:3])
    return result


def score_cam(
    model: keras.Model,
    inputs: Floats,
    classes: Classes,
    *,
    layer: str | None = None,
    max_channels: int | None = 64,
) -> Floats:
    """Score-CAM (Wang et al., 2020) by tf-keras-vis: float32 (n, H, W), not negative.

    Every map of ``layer`` is weighted with the probability of the photo's class that is left when the photo
    is seen through that map alone (what it hides is zero: grey for a model that takes standardized photos,
    black for one that takes pixels). That is a prediction a map: only the ``max_channels`` maps that vary
    most are used, None for all. Otherwise as :func:`grad_cam_plus_plus`; its target is always the
    probability.
    """
    _require_tensorflow()
    from tf_keras_vis.scorecam import Scorecam

    if max_channels is not None and max_channels < 1:
        raise KangarooError(f"{max_channels} maps for Score-CAM: give 1 or more")
    inputs = np.asarray(inputs, np.float32)
    views, maps = _views(model, inputs, layer, as_columns=_two_columns)
    views.predict = _quiet_predict(views)
    channels = maps.output.shape[-1]
    most = min(max_channels or channels, channels)
    method = Scorecam(views)
    result = np.zeros(inputs.shape[:3], np.float32)
    # One by one, because the library uses the maps that vary most in any photo of a batch for all of them.
    for i, wanted in enumerate(progress(classes, "Score-CAM", len(inputs), unit="photo")):
        cam = method(
            partial(_column, wanted), inputs[i : i + 1], maps, max_N=most, batch_size=BATCH, **_PLAIN
        )
        result[i] = enlarged(cam, inputs.shape[1:3])[0]
    return result


def _views(
    model: keras.Model,
    inputs: Floats,
    layer: str | None,
    as_columns: Callable[[Any], Any] = lambda logits: logits,
) -> tuple[keras.Model, keras.Layer]:
    """A model of logits, and the layer whose ``output`` are the maps that the logits follow from."""
    taken = keras.Input(inputs.shape[1:])
    logits, maps = _Tapped(model, layer, as_columns)(taken)
    passed = layers.Identity(dtype="float32")
    passed(maps)
    return keras.Model(taken, logits), passed


class _Tapped(layers.Layer):
    """A whole model as one layer, which gives its logits and the maps of a layer inside."""

    def __init__(self, model: keras.Model, layer: str | None, as_columns: Callable[[Any], Any]) -> None:
        super().__init__(dtype="float32")
        self._run, self._as_columns = tapped(model, layer), as_columns

    def call(self, inputs: Any) -> tuple[Any, Any]:
        logits, maps = self._run(inputs, 0.0)
        return self._as_columns(logits), maps


def _column(number: int, probabilities: Any) -> Any:
    return probabilities[:, number]


def _quiet_predict(views: keras.Model) -> Callable[[list[Floats], int], Floats]:
    """``views.predict`` as the library calls it, without a bar and a warning for each photo."""
    run = compiled(lambda x: views(x, training=False))
    return lambda pictures, batch_size: np.concatenate(
        [run(pictures[0][part]) for part in chunks(len(pictures[0]), batch_size)]
    )


def _two_columns(logits: Any) -> Any:
    """Logits with one column a class: the library takes the softmax, which of one column is always 1."""
    if logits.shape[-1] > 1:
        return logits
    return ops.concatenate([ops.zeros_like(logits), logits], axis=1)


def _require_tensorflow() -> None:
    if keras.backend.backend() != "tensorflow":
        raise KangarooError(
            f"Grad-CAM++ and Score-CAM need TensorFlow, Keras runs on {keras.backend.backend()}: set "
            "KERAS_BACKEND to tensorflow, or take Grad-CAM"
        )
