"""The networks of keras.applications to begin with; no TensorFlow, so that the command line can name them."""

from collections.abc import Mapping
from dataclasses import dataclass

ADDRESS = "https://storage.googleapis.com/tensorflow/keras-applications"
"""Where keras.applications has its ImageNet weights."""

PARTS = ("head", "last-stage", "all")
"""What :func:`kangaroo.models.transfer.set_trainable` can train, beside all but a share of the layers."""


@dataclass(frozen=True)
class Backbone:
    """One network: its name in keras.applications, and its ImageNet weights without the 1000 classes.

    ``last_stage`` is how the name of the first layer begins that leads to, or works on, maps of 1/32 of the
    photo's side: with it the last stage begins, which the head follows. ``weights`` is a file below ADDRESS,
    ``file_hash`` its MD5 or SHA-256 as Keras has it, where Keras has one.
    """

    application: str
    last_stage: str
    weights: str
    file_hash: str | None


BACKBONES: Mapping[str, Backbone] = {
    "resnet50": Backbone(
        "ResNet50",
        "conv5_",
        "resnet/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "4d473c1dd8becc155b73f8504c6f6626",
    ),
    "resnet101": Backbone(
        "ResNet101",
        "conv5_",
        "resnet/resnet101_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "88cf7a10940856eca736dc7b7e228a21",
    ),
    "resnet152": Backbone(
        "ResNet152",
        "conv5_",
        "resnet/resnet152_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "ee4c566cf9a93f14d82f913c2dc6dd0c",
    ),
    "mobilenetv2": Backbone(
        "MobileNetV2",
        "block_13_",
        "mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
        None,
    ),
    "efficientnetv2b0": Backbone(
        "EfficientNetV2B0",
        "block6a_",
        "efficientnet_v2/efficientnetv2-b0_notop.h5",
        "893217f2bb855e2983157299931e43ff",
    ),
    "convnexttiny": Backbone(
        "ConvNeXtTiny",
        "convnext_tiny_downsampling_layernorm_2",
        "convnext/convnext_tiny_notop.h5",
        "d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
    ),
}
