"""A model file and its card: what the classes are, how photos are prepared, where the model comes from."""

import importlib
import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from itertools import product
from pathlib import Path
from typing import Any

import keras
import numpy as np

import kangaroo
from kangaroo.errors import ModelError
from kangaroo.files import atomic, sha256, write_json
from kangaroo.geo import decoders
from kangaroo.models import calibrated
from kangaroo.models.graph import takes_pixels
from kangaroo.models.precision import with_policy


def preprocessing(*, antialias: bool = True, standardized: bool = True) -> dict[str, str]:
    """What is done to a photo before a network of this package sees it, as the card states it.

    Networks that take pixels (:func:`kangaroo.models.graph.takes_pixels`) get photos not ``standardized``.
    """
    return {
        "colour": "RGB, EXIF orientation applied",
        "crop": "centre square",
        "resize": "bilinear, antialiased" if antialias else "bilinear, not antialiased",
        "standardize": "per photo: mean 0, standard deviation 1, divisor at least 1/sqrt(number of values)"
        if standardized
        else "none: values 0 to 255",
    }


@dataclass(frozen=True, kw_only=True)
class Card:
    """What X.json says about X.keras; parameters, sha256 and versions are filled in by :func:`save`.

    ``places`` is the JSON of :mod:`kangaroo.geo.decoders` by which outputs become latitudes and longitudes,
    {} where they don't. A network that gives coordinates has it, and no ``classes``. ``calibration`` is the
    JSON of :mod:`kangaroo.models.calibrated`, and what it was found on; {} where the model isn't calibrated.
    """

    classes: tuple[str, ...]
    image_size: int
    preprocessing: Mapping[str, str] = field(default_factory=preprocessing)
    task: str
    training: Mapping[str, Any]
    data: Mapping[str, Any]
    metrics: Mapping[str, Any]
    parameters: int = 0
    sha256: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    intended_use: str
    limits: str
    places: Mapping[str, Any] = field(default_factory=dict)
    calibration: Mapping[str, Any] = field(default_factory=dict)

    @property
    def standardized(self) -> bool:
        """Whether photos are standardized one by one, and not pixels from 0 to 255."""
        return self.preprocessing["standardize"] == preprocessing()["standardize"]

    @property
    def antialias(self) -> bool:
        """Whether photos are antialiased when they are made smaller."""
        return self.preprocessing["resize"] == preprocessing()["resize"]


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


def write_card(path: Path, card: Card) -> None:
    """Write the card of a model file that is there; the file stays as it is."""
    write_json(card_path(path), asdict(card))


def load(path: Path) -> tuple[keras.Model, Card]:
    """Read a model file and its card; no code from the file is run.

    Raises ModelError, in one line, if either is missing, damaged, or doesn't fit the other.
    """
    _check_suffix(path)
    if not path.is_file():
        raise ModelError(f"no model file {path}")
    card = _read_card(card_path(path))
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


def _read_card(path: Path) -> Card:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"no card {path}: a model file needs its card beside it") from None
    except ValueError as error:
        raise ModelError(f"{path} is not a model card: {error}") from None
    names = {field.name for field in fields(Card)}
    keys = set(values) if isinstance(values, dict) else set()
    # Cards written before networks gave places, or were calibrated, lack those fields.
    for problem, wrong in (
        ("lacks", names - keys - {"places", "calibration"}),
        ("has unknown", keys - names),
    ):
        if wrong:
            raise ModelError(f"the model card {path} {problem} {', '.join(sorted(wrong))}")
    either = (True, False)
    known = [preprocessing(antialias=a, standardized=b) for a, b in product(either, either)]
    if values["preprocessing"] not in known:
        raise ModelError(f"the card {path} asks for preprocessing that this version lacks: update kangaroo")
    classes = values["classes"]
    if not (isinstance(classes, list) and all(isinstance(name, str) for name in classes)):
        raise ModelError(f"the classes of the card {path} are not a list of names: get model and card anew")
    return Card(**values | {"classes": tuple(classes)})


def _read_model(path: Path) -> keras.Model:
    try:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises whatever the file led it into; all of it means the same here
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise ModelError(f"{path} is damaged or needs code that is not Keras's own: {reason}") from error


def _check_fit(model: keras.Model, card: Card, path: Path) -> None:
    """Raise ModelError unless the card's classes, places, image size and preprocessing are the model's."""
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
    if takes_pixels(model) == card.standardized:
        kinds = ["standardized photos", "pixels"]
        own, others = kinds[:: -1 if takes_pixels(model) else 1]
        raise ModelError(f"{path} takes {own}, but its card says {others}")


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
