"""The report's way, written anew: JPEGs decoded on every pass, map_fn, eager gradients, float32."""

from collections.abc import Callable
from statistics import median
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from benchmarks.side import BATCH, SIZE, Case, Work
from kangaroo.models import report_cnn

EPSILONS = (0.001, 0.01, 0.1, 1.0)
STEPS = 50


def epoch_cold(case: Case) -> Work:
    """An epoch; decoding is part of each."""
    model, photos = _network(), _photos(case)
    model.fit(photos.take(2), verbose=0)
    return lambda: _nothing(model.fit(photos, verbose=0))


epoch_warm = epoch_cold


def evaluation(case: Case) -> Work:
    """Loss and accuracy."""
    model, photos = _network(), _photos(case)
    model.evaluate(photos.take(1), verbose=0)
    return lambda: _nothing(model.evaluate(photos, verbose=0))


def prediction(case: Case) -> Work:
    """A probability of each photo."""
    model, photos = _network(), _photos(case)
    model.predict(photos.take(1), verbose=0)
    return lambda: _nothing(model.predict(photos, verbose=0))


def sweep(case: Case) -> Work:
    """For each epsilon the attacked photos are made anew inside the evaluation."""
    model, photos = _network(), _photos(case)
    model.evaluate(photos.take(1), verbose=0)

    def work() -> None:
        model.evaluate(photos, verbose=0)
        for epsilon in EPSILONS:
            model.evaluate(photos.map(_attack(model, epsilon)), verbose=0)

    return work


def integrated_gradients(case: Case) -> Work:
    """Gradients of all photos at 51 points of the path, one batch each, kept in one array."""
    from benchmarks.kangaroo_way import attributed, relative_gaps
    from kangaroo.models.graph import logit_model

    classifier, inputs = attributed(case)
    logits, photos = logit_model(classifier.model), tf.constant(inputs)

    def work() -> float:
        gradients = np.zeros((STEPS + 1, *inputs.shape))
        for i in range(STEPS + 1):
            point = photos * (i / STEPS)
            with tf.GradientTape() as tape:
                tape.watch(point)
                score = logits(point)
            gradients[i] = tape.gradient(score, point)
        values = ((gradients[:-1] + gradients[1:]) / 2).mean(axis=0) * inputs
        return median(relative_gaps(classifier.model, inputs, values.sum(axis=(1, 2, 3))))

    return work


integrated_gradients_rough = integrated_gradients


def _network() -> keras.Model:
    model = report_cnn.build(SIZE, 2, seed=0)
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model


def _photos(case: Case) -> tf.data.Dataset:
    """Batches of photos as the report made them, mean and deviation taken over the whole batch."""
    files, labels = case.files()

    def read(file: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        photo = tf.image.decode_image(tf.io.read_file(file), channels=3, expand_animations=False)
        side = tf.reduce_min(tf.shape(photo)[:2])
        square = tf.image.resize_with_crop_or_pad(photo, side, side)
        return tf.ensure_shape(tf.image.resize(square, (SIZE, SIZE)), (SIZE, SIZE, 3)), label

    slices = tf.data.Dataset.from_tensor_slices((files, np.array(labels, np.float32)[:, None]))
    photos = slices.shuffle(len(files), seed=0).map(read, num_parallel_calls=tf.data.AUTOTUNE)
    return photos.batch(BATCH).map(_standardize).prefetch(tf.data.AUTOTUNE)


def _standardize(photos: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    mean, deviation = tf.reduce_mean(photos), tf.math.reduce_std(photos)
    return tf.map_fn(lambda photo: (photo - mean) / deviation, photos), labels


def _attack(model: keras.Model, epsilon: float) -> Callable[[Any, Any], tuple[Any, Any]]:
    def change(photos: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(photos)
            loss = keras.losses.BinaryCrossentropy()(labels, model(photos))
        return photos + epsilon * tf.sign(tape.gradient(loss, photos)), labels

    return change


def _nothing(_: object) -> None:
    return None
