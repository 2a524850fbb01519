"""Attributions that need the gradient at the photo alone, or near it."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from kangaroo.errors import KangarooError
from kangaroo.models.gradients import BATCH, chunks, compiled, value_and_gradient
from kangaroo.models.graph import Target, class_scores, logit_model
from kangaroo.models.relu_after_pooling import late_relu
from kangaroo.progress import progress

Floats = NDArray[np.float32]
Classes = Sequence[int] | NDArray[np.integer]


def gradient(model: keras.Model, inputs: Floats, classes: Classes, *, target: Target = "logit") -> Floats:
    """d(score)/d(value) of every value of ``inputs``, float32 (n, H, W, 3), as they go into ``model``.

    ``classes`` (n,) is the class whose score is meant in each photo; ``target`` the 'logit' or the
    'probability' of it. Simonyan, Vedaldi and Zisserman (2014) show its absolute value.
    """
    inputs, of_photos = np.asarray(inputs, np.float32), _gradients(model, classes, target)
    result = np.zeros_like(inputs)
    for part in chunks(len(inputs)):
        result[part] = of_photos(inputs[part], np.arange(part.start, part.stop))
    return result


def gradient_times_input(
    model: keras.Model, inputs: Floats, classes: Classes, *, target: Target = "logit"
) -> Floats:
    """:func:`gradient` times the value itself (Shrikumar et al., 2016), float32 (n, H, W, 3).

    It is integrated gradients with one step, from a photo of zeros: the grey of its mean where the model
    takes standardized photos, black where it takes pixels.
    """
    return gradient(model, inputs, classes, target=target) * np.asarray(inputs, np.float32)


def smooth_grad(
    model: keras.Model,
    inputs: Floats,
    classes: Classes,
    *,
    target: Target = "logit",
    samples: int = 50,
    noise: float = 0.15,
    seed: int,
) -> Floats:
    """The mean :func:`gradient` over noisy copies of each photo (Smilkov et al., 2017).

    ``noise`` is the standard deviation of the normal noise, as a share of a photo's largest value less its
    smallest. All photos get the same ``samples`` noises, those of ``seed``: a photo's attribution does not
    depend on the others. Raises KangarooError for no samples, or noise below 0.
    """
    if samples < 1 or not noise >= 0:
        raise KangarooError(f"{samples} noisy copies, noise {noise:g}: give 1 or more, and 0 or more")
    inputs, of_photos = np.asarray(inputs, np.float32), _gradients(model, classes, target)
    deviation = noise * np.ptp(inputs, axis=(1, 2, 3), keepdims=True)
    total = np.zeros_like(inputs)
    for sample, photo in batched_pairs(samples, len(inputs), "smoothing gradients"):
        noises = drawn(sample, lambda rng: rng.standard_normal(inputs.shape[1:], np.float32), seed)
        noisy = inputs[photo] + deviation[photo] * noises
        for i, found in zip(photo, of_photos(noisy, photo), strict=True):
            total[i] += found
    return total / np.float32(samples)


def batched_pairs(
    samples: int, n: int, description: str
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """All pairs of one of ``samples`` and one of ``n`` photos, up to BATCH at once, under a progress bar.

    Gives the numbers of the samples and those of the photos; one sample's photos stand together.
    """
    parts = progress(chunks(samples * n), description, -(-samples * n // BATCH), unit="batch")
    for part in parts:
        yield np.divmod(np.arange(part.start, part.stop), n)


def drawn(
    samples: NDArray[np.int64], draw: Callable[[np.random.Generator], NDArray[Any]], seed: int
) -> NDArray[Any]:
    """``draw`` with a generator of its own for each of ``samples``, and so the same for equal numbers."""
    each = {i: draw(np.random.default_rng([seed, i])) for i in np.unique(samples).tolist()}
    return np.stack([each[i] for i in samples.tolist()])


def _gradients(
    model: keras.Model, classes: Classes, target: Target
) -> Callable[[Floats, NDArray[np.int64]], Floats]:
    """(pictures (k, H, W, 3), which photos they belong to (k,)) -> gradients like the pictures."""
    logits, wanted = late_relu(logit_model(model)), np.asarray(classes, np.int32)

    def score(x: Any, classes: Any) -> tuple[Any, tuple[()]]:
        return class_scores(logits(x, training=False), classes, target), ()

    take = compiled(value_and_gradient(score))

    def of_photos(pictures: Floats, photos: NDArray[np.int64]) -> Floats:
        return take(pictures, wanted[photos])[2]

    return of_photos
