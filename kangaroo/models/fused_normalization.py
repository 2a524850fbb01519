"""Batch normalization that trains through TensorFlow's fused operation."""

from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from kangaroo.models.graph import leaf_layers


def fused_normalization(model: keras.Model) -> keras.Model:
    """Let batch normalization in ``model`` train through one operation, not seven; gives ``model``.

    Keras takes means, variances and differences one after the other, each in float32 over all maps; measured
    on a CPU in bfloat16, that is two thirds of a training step of the network in models/small.py. Values,
    gradients and moving statistics are the same within rounding.

    Changed are layers that normalize the channels of maps (n, rows, columns, channels), while they train, in
    place, and in this process alone: the model's file, or a copy made from its configuration, knows nothing
    of it. On other backends than TensorFlow, which compile the seven into one, nothing changes.
    """
    if keras.backend.backend() == "tensorflow":
        for layer in leaf_layers(model):
            if isinstance(layer, layers.BatchNormalization) and _normalizes_maps(layer):
                layer.call = _fused(layer, type(layer).call.__get__(layer))
    return model


def _normalizes_maps(layer: layers.BatchNormalization) -> bool:
    maps = getattr(layer.input, "shape", ())
    return len(maps) == 4 and layer.axis in (-1, 3) and layer.scale and layer.center


def _fused(layer: layers.BatchNormalization, otherwise: Callable[..., Any]) -> Callable[..., Any]:
    """The call of the layer, fused where it trains."""
    import tensorflow as tf

    def call(inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        if not (training and layer.trainable) or mask is not None:
            return otherwise(inputs, training=training, mask=mask)
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=layer.gamma.value,
            offset=layer.beta.value,
            mean=[],
            variance=[],
            epsilon=layer.epsilon,
            is_training=True,
        )
        n = tf.cast(tf.size(inputs) / inputs.shape[-1], variance.dtype)
        # The operation's variance is over n - 1 values, Keras's over n.
        for moving, now in ((layer.moving_mean, mean), (layer.moving_variance, variance * (n - 1) / n)):
            moving.assign(moving * layer.momentum + now * (1 - layer.momentum))
        return outputs

    return call
