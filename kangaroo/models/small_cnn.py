"""A small network of today: what it knows it can learn from a few thousand photos."""

from collections.abc import Sequence

import keras
from keras import layers

from kangaroo.models.seeds import derived_seeds
from kangaroo.models.unit_vectors import Centre, unit_layers

FILTERS = (32, 64, 96, 128, 192, 256)


def build(
    image_size: int,
    outputs: int,
    *,
    activation: str = "softmax",
    centre: Centre | None = None,
    dropout: float = 0.1,
    seed: int,
    dtype_policy: str = "float32",
    filters: Sequence[int] = FILTERS,
) -> keras.Sequential:
    """Build the network, untrained and not compiled: 0.85 million parameters.

    One block of 3 x 3 convolution, batch normalization and ReLU for each entry of ``filters``; the first
    convolution goes in steps of two, and all but the last two later ones are followed by 2 x 2 max-pooling,
    before the normalization, which so has a quarter of the numbers to go through. Then the mean over all
    positions, dropout, and one dense layer in float32. ``activation`` 'unit' makes of its outputs a vector
    of length 1, a point on the globe around ``centre`` (see :mod:`kangaroo.models.unit_vectors`).

    Input: standardized photos, float32, (n, image_size, image_size, 3). Output: (n, outputs). Weights follow
    from ``seed`` alone.
    """
    seeds = derived_seeds(seed)
    model = keras.Sequential([keras.Input((image_size, image_size, 3))])
    for i, n in enumerate(filters):
        kernel = keras.initializers.HeNormal(next(seeds))
        convolution = layers.Conv2D(
            n,
            3,
            strides=1 if i else 2,
            padding="same",
            use_bias=False,  # the normalization has one
            kernel_initializer=kernel,
            dtype=dtype_policy,
        )
        model.add(convolution)
        if 0 < i < len(filters) - 2:
            model.add(layers.MaxPooling2D(2, padding="same", dtype=dtype_policy))
        model.add(layers.BatchNormalization(momentum=0.95, dtype=dtype_policy))
        model.add(layers.ReLU(dtype=dtype_policy))
    model.add(layers.GlobalAveragePooling2D(dtype=dtype_policy))
    model.add(layers.Dropout(dropout, seed=next(seeds), dtype=dtype_policy))
    kernel = keras.initializers.GlorotUniform(next(seeds))
    kind = "linear" if activation == "unit" else activation
    model.add(layers.Dense(outputs, kind, kernel_initializer=kernel, dtype="float32"))
    for layer in unit_layers(centre) if activation == "unit" else ():
        model.add(layer)
    return model
