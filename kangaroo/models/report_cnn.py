"""The network of 'No Kangaroos in Austria': a small convolutional classifier of street-level photos."""

from collections.abc import Sequence

import keras
from keras import layers

from kangaroo.models.seeds import derived_seeds


def build(
    image_size: int,
    n_classes: int,
    *,
    seed: int,
    dtype_policy: str = "float32",
    filters: Sequence[int] = (32,) * 6,
    units: int = 100,
) -> keras.Sequential:
    """Build the report's network, untrained and not compiled.

    One block of 3 x 3 convolution (same padding, ReLU) and 2 x 2 max-pooling for each entry of ``filters``,
    then a linear dense layer of ``units``, dropout of 0.1, and the probabilities in float32.

    Input: standardized photos, float32, (n, image_size, image_size, 3).
    Output: (n, 1), the probability of the second class, for two classes; else (n, n_classes).

    Every initializer and the dropout get a seed of their own derived from ``seed``, so that the weights
    depend on nothing else, Keras's global seed included.
    """
    seeds = derived_seeds(seed)

    def initializer() -> keras.Initializer:
        return keras.initializers.GlorotUniform(next(seeds))

    model = keras.Sequential([keras.Input((image_size, image_size, 3))])
    for n in filters:
        model.add(
            layers.Conv2D(
                n, 3, padding="same", activation="relu", kernel_initializer=initializer(), dtype=dtype_policy
            )
        )
        model.add(layers.MaxPooling2D(2, padding="same", dtype=dtype_policy))
    model.add(layers.Flatten(dtype=dtype_policy))
    model.add(layers.Dense(units, kernel_initializer=initializer(), dtype=dtype_policy))
    model.add(layers.Dropout(0.1, seed=next(seeds), dtype=dtype_policy))
    outputs, activation = (1, "sigmoid") if n_classes == 2 else (n_classes, "softmax")
    # Always float32: probabilities in bfloat16 have three digits and saturate at 1.
    model.add(layers.Dense(outputs, activation, kernel_initializer=initializer(), dtype="float32"))
    return model
