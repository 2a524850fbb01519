"""The weights that the report's author published in 2023, from SavedModels into today's files."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kangaroo.errors import ModelError
from kangaroo.files import sha256
from kangaroo.models import report_cnn
from kangaroo.models.card import Card
from kangaroo.models.store import save


def convert(saved_model: Path, out: Path, classes: Sequence[str], *, overwrite: bool = False) -> Card:
    """Turn the SavedModel of a Keras 2 network of the report's shape into ``out`` (.keras) and its card.

    Only variables are read, the stored graph is never run. The numbers of blocks, filters, units and
    classes and the image size follow from the variables' shapes; activations, which variables don't tell,
    are the report's. ``classes`` stand in the order of the outputs; a single output is the probability of
    the second. Returns the card.

    Raises ModelError, in one line, for a folder that is no SavedModel, variables of another shape, a wrong
    number of classes, and where ``out`` exists and ``overwrite`` is not set.
    """
    if out.exists() and not overwrite:
        raise ModelError(f"{out} exists: choose another name or overwrite it")
    weights = _read_weights(saved_model)
    model = _network(weights, saved_model)
    model.set_weights(weights)
    n_classes = max(2, model.output_shape[-1])
    if len(classes) != n_classes:
        raise ModelError(
            f"{saved_model} tells {n_classes} classes apart, but {len(classes)} are named: "
            f"{', '.join(classes)}"
        )
    published, origin = _origins().get(sha256(_data_file(saved_model)), (None, _unknown_origin()))
    if published and tuple(classes) != published:
        raise ModelError(
            f"{saved_model} was published with the classes in this order: {', '.join(published)}"
        )
    facts = {"classes": tuple(classes), "image_size": model.input_shape[1], "metrics": {}}
    # Not antialiased, as Keras's image_dataset_from_directory did it for the report.
    return save(model, out, Card(**facts, antialias=False, **origin))


def _data_file(folder: Path) -> Path:
    return folder / "variables" / "variables.data-00000-of-00001"


def _read_weights(folder: Path) -> list[np.ndarray]:
    """Kernel and bias of each layer, in order; the optimizer's slots and the metrics are left alone."""
    if not _data_file(folder).is_file():
        raise ModelError(f"{folder} is not a TensorFlow SavedModel: give the folder of saved_model.pb")
    import tensorflow as tf

    try:
        reader = tf.train.load_checkpoint(str(folder / "variables" / "variables"))
        names = [name for name in reader.get_variable_to_shape_map() if _is_weight(name)]
        stored = {name: reader.get_tensor(name) for name in names}
    except (tf.errors.OpError, ValueError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise ModelError(f"the variables of {folder} can't be read: {reason}") from error
    wanted = [
        f"layer_with_weights-{i}/{part}/.ATTRIBUTES/VARIABLE_VALUE"
        for i in range(len(stored) // 2)
        for part in ("kernel", "bias")
    ]
    if unexpected := stored.keys() - set(wanted):
        raise ModelError(f"{folder} is not a network of the report's shape: it has {min(unexpected)}")
    return [stored[name] for name in wanted]


def _is_weight(name: str) -> bool:
    return name.startswith("layer_with_weights-") and "/.OPTIMIZER_SLOT/" not in name


def _network(weights: Sequence[np.ndarray], folder: Path) -> keras.Model:
    """The untrained network that ``weights`` fit into."""
    kernels, shapes = weights[::2], [array.shape for array in weights]
    blocks = len(kernels) - 2
    if blocks < 1 or [kernel.ndim for kernel in kernels] != [4] * blocks + [2, 2]:
        raise _unexpected(folder, shapes)
    filters = [kernel.shape[3] for kernel in kernels[:blocks]]
    (flat, units), (_, outputs) = kernels[-2].shape, kernels[-1].shape
    image_size = math.isqrt(flat // filters[-1]) * 2**blocks  # each block halves the side
    model = report_cnn.build(image_size, 2 if outputs == 1 else outputs, seed=0, filters=filters, units=units)
    if [tuple(weight.shape) for weight in model.weights] != shapes:
        raise _unexpected(folder, shapes)
    return model


def _unexpected(folder: Path, shapes: Sequence[tuple[int, ...]]) -> ModelError:
    listed = ", ".join(" x ".join(map(str, shape)) for shape in shapes[::2])
    return ModelError(
        f"{folder} is not a network of the report's shape (3 x 3 convolutions, then two dense "
        f"layers, one output for two classes): its kernels are {listed or 'none'}"
    )


def _origins() -> Mapping[str, tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Classes and origin of the two published networks, by the SHA-256 of their variables."""
    two = "685061048d9e67413231d2187ebb0cec707888b24815cdd2ae897efa8289968e"
    five = "5e3923bb6f0c2a2c1a0141358dbac75a50794584a3cb75e3289b42bc5ec7b9e0"
    pair = ("Austria", "Australia")
    quintet = ("Australia", "Austria", "Czechia", "New Zealand", "Slovakia")
    return {
        two: (pair, _published(pair, 20_050, 5_012, epochs=20)),
        five: (quintet, _published(quintet, 44_041, 11_010, epochs=10)),
    }


def _published(countries: Sequence[str], training: int, validation: int, *, epochs: int) -> dict[str, Any]:
    report = "the report 'No Kangaroos in Austria'"
    return {
        "task": "country of a street-level photo",
        "training": {
            "epochs": epochs,
            "batch_size": 32,
            "optimizer": "Adam",
            "learning_rate": 0.001,
            "standardize": "over each batch of 32 photos together, not per photo",
            "split": "by photo: photos of one place can stand on both sides",
        },
        "data": {
            "name": f"Google Street View photos of {report} ({', '.join(countries)})",
            "drawn": False,
            "photos": {"training": training, "validation": validation},
            "manifest_sha256": None,
            "licence": "the photos are Google's and were not published",
        },
        "intended_use": f"Comparison with {report}, whose author published these weights.",
        "limits": "Trained on photos standardized by batches, used here on photos standardized one by one. "
        "Photos of other cameras and collections are told apart much less well than the report's own.",
    }


def _unknown_origin() -> dict[str, Any]:
    return {
        "task": "country of a street-level photo",
        "training": {},
        "data": {"name": "unknown", "drawn": None, "manifest_sha256": None, "licence": "unknown"},
        "intended_use": "Unknown: converted from a TensorFlow SavedModel, which doesn't say.",
        "limits": "Unknown. Activations are taken to be those of the report 'No Kangaroos in Austria'.",
    }
