"""MobileNetV2 as it comes from ImageNet: which of 1000 things does a photo show?"""

import warnings
from importlib.resources import files
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
from keras.applications.mobilenet_v2 import MobileNetV2, preprocess_input

from kangaroo.data.images import Pixels
from kangaroo.errors import ModelError
from kangaroo.models.download import weights_file
from kangaroo.progress import progress

SIZE = 224
"""Side of the photos that the network was trained on, in pixels."""

URL = (
    "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v2/"
    "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5"
)
"""The weights that keras.applications downloads, 14 MB."""

_BATCH = 32


def label_names() -> tuple[str, ...]:
    """What the 1000 outputs mean, in order, with synonyms: 'seashore, coast, seacoast, sea-coast'.

    They stand in a file of the package, because keras.applications downloads its own list.
    """
    text = (files("kangaroo.models") / "imagenet_labels.txt").read_text(encoding="utf-8")
    return tuple(line for line in text.splitlines() if not line.startswith("#"))


def load(weights: Path | None = None) -> keras.Model:
    """MobileNetV2 (Sandler et al., 2018) with its 1000 classes.

    ``weights`` is a file of them, .h5 or .keras; without it Keras downloads its own, once, to ~/.keras.
    Only arrays are read from the file. ModelError: no network, or a file with other weights.
    """
    if weights is None:
        weights = weights_file(URL, "MobileNetV2")
    if not weights.is_file():
        raise ModelError(f"no weights file {weights}: fetch {URL} and give it with --weights")
    if weights.suffix not in (".h5", ".keras"):
        raise ModelError(f"{weights} is not a weights file: its name must end in .h5 or .keras")
    model = MobileNetV2(weights=None)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a line for each part looked for in vain, before it raises
            model.load_weights(weights)
    except Exception as error:  # h5py and Keras raise a dozen types for a file that is something else
        raise ModelError(
            f"{weights} does not hold the weights of MobileNetV2 with 1000 classes "
            f"({str(error).splitlines()[0]}): put {URL} in its place"
        ) from error
    return model


def top1(model: keras.Model, photos: Pixels) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """The likeliest class of each photo, uint8 (n, 224, 224, 3): its number and its probability, each (n,).

    Pixels are scaled to [-1, 1], as in the network's training.
    """
    numbers, confidences = np.zeros(len(photos), np.int64), np.zeros(len(photos), np.float32)
    bar = progress(range(0, len(photos), _BATCH), "naming what is seen", unit=f" x {_BATCH} photos")
    for start in bar:
        rows = slice(start, start + _BATCH)
        p = model.predict_on_batch(preprocess_input(photos[rows].astype(np.float32)))
        numbers[rows], confidences[rows] = p.argmax(axis=1), p.max(axis=1)
    return numbers, confidences
