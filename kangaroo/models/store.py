"""A model file and its card beside it: saved and loaded together, and held against each other."""

import importlib
import platform
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

import kangaroo
from kangaroo.errors import ModelError
from kangaroo.files import atomic, sha256, write_json
from kangaroo.geo import decoders
from kangaroo.models import calibrated
from kangaroo.models.card import Card, Input, read_card
from kangaroo.models.graph import takes_pixels
from kangaroo.models.precision import with_policy


def card_path(path: Path) -> Path:
    """Where the card of a model file lies: X.json beside X.keras."""
    return path.with_suffix(".json")


def save(model: keras.Model, path: Path, card: Card) -> Card:
    """Write ``model`` in float32 to ``path`` (.keras), then its card; return the card as it was written.

    Parameters, SHA-256 and versions are taken from the model, the file and this process. Between the two
    writes an older card doesn't fit the file any more, which :func:`load` notices.
    Raises ModelError if card and model don't fit together, or if ``path`` doesn't end in .keras.
    """
    _check_suffix(path)
    _check_fit(model, card, path)
    with atomic(path) as temporary:
        with_policy(model, "float32").save(temporary)
    card = replace(card, parameters=model.count_params(), sha256=sha256(path), versions=_versions())
    write_card(path, card)
    return card


def input_of(model: keras.Model) -> Input:
    """What a network of this package takes, as its card says it."""
    return "pixels" if takes_pixels(model) else "standardized"


def write_card(path: Path, card: Card) -> None:
    """Write the card of a model file that is there; the file stays as it is."""
    write_json(card_path(path), card.to_json())


def load(path: Path) -> tuple[keras.Model, Card]:
    """Read a model file and its card; no code from the file is run.

    Raises ModelError, in one line, if either is missing, damaged, or doesn't fit the other.
    """
    _check_suffix(path)
    if not path.is_file():
        raise ModelError(f"no model file {path}")
    card = read_card(card_path(path))
    if sha256(path) != card.sha256:
        raise ModelError(f"{path} was changed after its card was written: get model and card anew")
    model = _read_model(path)
    _check_fit(model, card, path)
    return model, card


def _check_suffix(path: Path) -> None:
    if (path / "saved_model.pb").exists():
        raise ModelError(f"{path} is a TensorFlow SavedModel: convert it first (kangaroo convert)")
    if path.suffix != ".keras":
        raise ModelError(f"{path} is not named as a model file: give a path that ends in .keras")


def _read_model(path: Path) -> keras.Model:
    try:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises whatever the file led it into; all of it means the same here
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise ModelError(f"{path} is damaged or needs code that is not Keras's own: {reason}") from error


def _check_fit(model: keras.Model, card: Card, path: Path) -> None:
    """Raise ModelError unless the card's classes, places, image size and input are the model's."""
    outputs = model.output_shape[-1]
    if card.classes or not card.places:
        _check_classes(2 if outputs == 1 else outputs, card, path)
    if card.places:
        _check_places(len(card.classes) or outputs, card, path)
    if card.calibration:
        _check_calibration(card, path)
    wanted = (None, card.image_size, card.image_size, 3)
    if tuple(model.input_shape) != wanted:
        raise ModelError(f"{path} takes photos of shape {model.input_shape}, but its card says {wanted}")
    if (taken := input_of(model)) != card.input:
        words = {"pixels": "pixels", "standardized": "standardized photos"}
        raise ModelError(f"{path} takes {words[taken]}, but its card says {words[card.input]}")


def _check_classes(n_classes: int, card: Card, path: Path) -> None:
    if len(card.classes) != n_classes:
        raise ModelError(f"{path} tells {n_classes} classes apart, but its card names {len(card.classes)}")
    if len(set(card.classes) - {""}) != n_classes:
        raise ModelError(f"the classes of {path} need a name each, all different: {', '.join(card.classes)}")


def _check_places(n: int, card: Card, path: Path) -> None:
    """Raise ModelError unless the card's places can be told from ``n`` numbers a photo."""
    try:
        decoders.from_json(card.places).decode(np.full((1, n), 1 / n))
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error


def _check_calibration(card: Card, path: Path) -> None:
    """Raise ModelError unless the card's calibration is one of its classes."""
    try:
        calibrated.from_json(card.calibration, len(card.classes))
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error


def _versions() -> dict[str, str]:
    backend = keras.backend.backend()
    return {
        "kangaroo": kangaroo.__version__,
        "python": platform.python_version(),
        "keras": keras.__version__,
        backend: importlib.import_module(backend).__version__,
        "numpy": np.__version__,
    }
