"""A sweep of the signed gradient over four epsilons, in the report's way and in kangaroo's."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from benchmarks import report_way
from kangaroo.attack.robustness import sweep
from kangaroo.attack.settings import AttackConfig
from kangaroo.data.cache import decode_photos
from kangaroo.data.manifest import read_folders
from kangaroo.models import cnn
from kangaroo.models.precision import dtype_policy
from kangaroo.training import compiled

EPSILONS = (0.001, 0.01, 0.1, 1.0)  # the report's, in standardized units


def sides(root: Path, classes: Sequence[str], scratch: Path) -> dict[str, Callable[[], object]]:
    """The same sweep, epsilon 0 included, from JPEG files to accuracies: what to call, by name."""
    model = compiled(cnn.build(256, 2, seed=0), 0.001)
    theirs = report_way.dataset(root, classes, 256, 32)

    def ours(precision: str) -> None:
        manifest, pixels = decode_photos(read_folders([root], classes), 256, scratch)
        labels = manifest.photos["class"].map(list(classes).index).to_numpy(np.int32)
        config = AttackConfig(space="standardized")
        sweep(model, pixels, labels, (0, *EPSILONS), config, policy=dtype_policy(precision))

    return {
        "the report's way": lambda: _report_sweep(model, theirs),
        "kangaroo, float32": lambda: ours("float32"),
        "kangaroo, precision auto": lambda: ours("auto"),
    }


def _report_sweep(model: keras.Model, photos: tf.data.Dataset) -> None:
    """For each epsilon the attacked photos are made anew inside the evaluation."""
    model.evaluate(photos, verbose=0)
    for epsilon in EPSILONS:
        model.evaluate(photos.map(_attack(model, epsilon)), verbose=0)


def _attack(model: keras.Model, epsilon: float) -> Callable[[Any, Any], tuple[Any, Any]]:
    def change(photos: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(photos)
            loss = keras.losses.BinaryCrossentropy()(labels, model(photos))
        return photos + epsilon * tf.sign(tape.gradient(loss, photos)), labels

    return change
