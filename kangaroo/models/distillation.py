"""Knowledge distillation: what another network says of a photo becomes a part of its label.

Hinton, Vinyals & Dean, 'Distilling the Knowledge in a Neural Network' (arXiv:1503.02531). The teacher looks
at the very photo that the student sees, changed at random as it is (Beyer et al., CVPR 2022,
arXiv:2106.05237); it may be larger than the student, or a network of the same kind (Furlanello et al.,
'Born-Again Neural Networks', ICML 2018, arXiv:1805.04770).
"""

from typing import Any

import keras

from kangaroo.data.pipeline import Batches
from kangaroo.errors import KangarooError


def distilled(batches: Batches, teacher: keras.Model, share: float) -> Batches:
    """The batches with labels of which ``share`` is what ``teacher`` says, the rest what they were.

    Batches are those of :func:`kangaroo.data.pipeline.batches` as the teacher takes them, with the labels of
    :func:`kangaroo.models.losses.place_rows`: rows (n, 2k), of which the first k are the distribution over
    classes; so many are the teacher's outputs, or one, the probability of the second of two classes.
    KangarooError: a share outside 0 to 1, or another backend of Keras than TensorFlow.
    """
    if not 0 <= share <= 1:
        raise KangarooError(f"a teacher's share of {share} is none: give 0 to 1")
    if keras.backend.backend() != "tensorflow":
        raise KangarooError("a teacher needs TensorFlow as Keras's backend: set KERAS_BACKEND=tensorflow")
    import tensorflow as tf

    def label(photos: Any, labels: Any) -> tuple[Any, Any]:
        said = tf.cast(teacher(photos, training=False), tf.float32)
        said = said if said.shape[-1] > 1 else tf.concat([1 - said, said], axis=-1)
        own, distances = tf.split(labels, 2, axis=-1)
        return photos, tf.concat([(1 - share) * own + share * said, distances], axis=-1)

    plain = tf.autograph.experimental.do_not_convert(label)
    dataset: Any = batches
    return dataset.map(plain, num_parallel_calls=1, deterministic=True).prefetch(tf.data.AUTOTUNE)
