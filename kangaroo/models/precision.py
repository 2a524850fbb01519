"""Which floating-point numbers a network computes with, and how its file stays float32."""

from pathlib import Path

import keras

from kangaroo.errors import KangarooError

EXACT = (keras.layers.Rescaling, keras.layers.Normalization, keras.layers.UnitNormalization)
"""Layers that take pixels, or give positions: bfloat16 has three digits, too few for either."""


def resolve(precision: str) -> str:
    """Turn 'auto' into 'bfloat16' or 'float32', and check the word.

    'auto' is 'bfloat16' where it is faster: on a CPU with AMX with TensorFlow (JAX gains nothing from AMX,
    as measured), on an NVIDIA GPU of compute capability 8 or more, and on a TPU; else 'float32'. Raises
    KangarooError for any other word.
    """
    if precision == "auto":
        faster = {"tensorflow": _faster_on_tensorflow, "jax": _faster_on_jax}.get(keras.backend.backend())
        return "bfloat16" if faster and faster() else "float32"
    if precision not in ("float32", "bfloat16"):
        raise KangarooError(f"no precision {precision!r}: choose auto, float32 or bfloat16")
    return precision


def dtype_policy(precision: str) -> str:
    """Keras dtype policy for ``precision`` (see :func:`resolve`); with bfloat16, variables stay float32."""
    return "mixed_bfloat16" if resolve(precision) == "bfloat16" else "float32"


def with_policy(model: keras.Model, policy: str, *, kept: keras.Layer | None = None) -> keras.Model:
    """Return a copy of ``model`` that computes with dtype ``policy``, with the same weights, not compiled.

    Sequential, Functional or nested; a layer that is used twice stays one. The layer ``kept``, wherever it
    is in ``model``, computes in float32, and so do layers of EXACT.
    """
    copies: dict[keras.Operation, keras.Operation] = {}

    def once(layer: keras.Operation) -> keras.Operation:  # clone_model would clone a shared layer twice
        if layer not in copies:
            copies[layer] = clone(layer)
        return copies[layer]

    def clone(layer: keras.Operation) -> keras.Operation:
        if isinstance(layer, keras.Model):
            return keras.models.clone_model(layer, clone_function=once)
        exact = layer is kept or isinstance(layer, EXACT)
        own = {"dtype": "float32" if exact else policy} if isinstance(layer, keras.Layer) else {}
        return type(layer).from_config(layer.get_config() | own)

    copy = clone(model)
    copy.set_weights(model.get_weights())
    return copy


def _faster_on_tensorflow() -> bool:
    return _cpu_has_amx() or _gpu_has_bfloat16()


def _faster_on_jax() -> bool:
    import jax

    if jax.default_backend() == "tpu":
        return True
    # Of an NVIDIA GPU it is a string such as 9.0; other devices have none, or a name.
    major = str(getattr(jax.devices()[0], "compute_capability", "")).partition(".")[0]
    return major.isdecimal() and int(major) >= 8


def _cpu_has_amx() -> bool:
    cpuinfo = Path("/proc/cpuinfo")  # exists on Linux only; elsewhere oneDNN has no AMX to use
    return cpuinfo.exists() and "amx_bf16" in cpuinfo.read_text(encoding="utf-8").split()


def _gpu_has_bfloat16() -> bool:
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    return any(detail.get("compute_capability", (0, 0)) >= (8, 0) for detail in details)
