"""A model's card: what its fields are, how X.json says them, and how it is read and checked."""

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from itertools import product
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from kangaroo.errors import ModelError

Input: TypeAlias = Literal["pixels", "standardized"]
"""What a network takes: values from 0 to 255, or photos standardized one by one."""

SMALLEST, LARGEST = 2, 4096
"""Image sizes that a card may name, in pixels; a block of the report's network halves them."""

_STANDARDIZE: Mapping[Input, str] = {
    "standardized": "per photo: mean 0, standard deviation 1, divisor at least 1/sqrt(number of values)",
    "pixels": "none: values 0 to 255",
}
_RESIZE = {True: "bilinear, antialiased", False: "bilinear, not antialiased"}


@dataclass(frozen=True, kw_only=True)
class Card:
    """What X.json says about X.keras; parameters, sha256 and versions are filled in when a model is saved.

    ``input`` is what the network takes, ``antialias`` whether photos are antialiased when they are made
    smaller. ``places`` is the JSON of :mod:`kangaroo.geo.decoders` by which outputs become latitudes and
    longitudes, {} where they don't. A network that gives coordinates has it, and no ``classes``.
    ``calibration`` is the JSON of :mod:`kangaroo.models.calibrated`, and what it was found on; {} where the
    model isn't calibrated.
    """

    classes: tuple[str, ...]
    image_size: int
    input: Input = "standardized"
    antialias: bool = True
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

    def to_json(self) -> dict[str, Any]:
        """What :func:`read_card` reads: the fields, and for people ``preprocessing`` in sentences."""
        told = {"preprocessing": sentences(self.input, antialias=self.antialias)}
        values = asdict(self)
        first = {name: values.pop(name) for name in ("classes", "image_size", "input", "antialias")}
        return first | told | values


def sentences(taken: Input, *, antialias: bool) -> dict[str, str]:
    """What is done to a photo before a network that takes ``taken`` sees it, as the card says it."""
    return {
        "colour": "RGB, EXIF orientation applied",
        "crop": "centre square",
        "resize": _RESIZE[antialias],
        "standardize": _STANDARDIZE[taken],
    }


def read_card(path: Path) -> Card:
    """The card that ``path`` (.json) holds, every field checked.

    Cards of earlier versions, which lack ``input`` and ``antialias``, ``places`` or ``calibration``, are
    read: the first two follow from the sentences. Raises ModelError, in one line that names the field, for
    a card that is missing, damaged, contradicts itself or has a field of another kind.
    """
    values = _parse(path)
    _check_names(values, path)
    told = _told(values["preprocessing"], path)
    for name, (holds, wanted) in _CHECKS.items():
        if name in values and not holds(values[name]):
            raise _wrong(path, name, values[name], wanted)
    for name in values:
        if not _finite(values[name]):
            raise ModelError(f"the card {path}: {name} holds a number that isn't finite: {_ANEW}")
    if not values["classes"] and not values.get("places"):
        raise _wrong(path, "classes", values["classes"], "names, which a card without places needs")
    for name, fact in told.items():
        if values.setdefault(name, fact) != fact:
            said = f"{name} is {values[name]!r}, but by its preprocessing it is {fact!r}"
            raise ModelError(f"the card {path} contradicts itself: {said}: {_ANEW}")
    del values["preprocessing"]
    return Card(**values | {"classes": tuple(values["classes"])})


_ANEW = "get model and card anew"
_DERIVED = {"input", "antialias"}
_LATER = {"places", "calibration"}
"""What cards lack that were written before networks gave places, or were calibrated."""


def _parse(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"no card {path}: a model file needs its card beside it") from None
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is not a model card: {error}") from None


def _check_names(values: Any, path: Path) -> None:
    names = {field.name for field in fields(Card)} | {"preprocessing"}
    keys = set(values) if isinstance(values, dict) else set()
    for problem, wrong in (("lacks", names - keys - _DERIVED - _LATER), ("has unknown", keys - names)):
        if wrong:
            raise ModelError(f"the model card {path} {problem} {', '.join(map(_one_line, sorted(wrong)))}")


def _one_line(name: str) -> str:
    """A field's name on one line."""
    return name if name.isprintable() else repr(name)


def _told(written: Any, path: Path) -> dict[str, Any]:
    """The fields that the sentences of ``preprocessing`` tell."""
    for taken, antialias in product(_STANDARDIZE, _RESIZE):
        if written == sentences(taken, antialias=antialias):
            return {"input": taken, "antialias": antialias}
    raise ModelError(
        f"the card {path} asks for preprocessing that this version lacks ({_shown(written)}): update kangaroo"
    )


def _wrong(path: Path, name: str, value: Any, wanted: str) -> ModelError:
    out = "write {} in its place, then calibrate anew" if name == "calibration" else _ANEW
    return ModelError(f"the card {path}: {name} is {_shown(value)}, not {wanted}: {out}")


def _shown(value: Any) -> str:
    """A value of JSON in a few words: its type, and its length or itself."""
    if value is None:
        return "null"
    if isinstance(value, dict | list):
        return f"a {type(value).__name__} of {len(value)}"
    text = repr(value)
    return f"the {type(value).__name__} {text if len(text) <= 40 else text[:37] + '...'}"


def _finite(value: Any) -> bool:
    """Whether no number in a value of JSON, however deep, is infinite or NaN."""
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, dict | list):
            left += one.values() if isinstance(one, dict) else one
        elif isinstance(one, float) and not math.isfinite(one):
            return False
    return True


def _are_names(value: Any) -> bool:
    named = isinstance(value, list) and all(isinstance(name, str) and name for name in value)
    return named and len(set(value)) == len(value)


def _is_whole(value: Any, low: int, high: float) -> bool:
    """Whether a value of JSON is a whole number in a range; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _is_mapping(value: Any) -> bool:
    return isinstance(value, dict)


_TEXT: tuple[Callable[[Any], bool], str] = (lambda value: isinstance(value, str), "text")
_MAPPING: tuple[Callable[[Any], bool], str] = (_is_mapping, "a mapping")

_CHECKS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "classes": (_are_names, "a list of names: they need a name each, all different"),
    "image_size": (
        lambda value: _is_whole(value, SMALLEST, LARGEST),
        f"a whole number from {SMALLEST} to {LARGEST}",
    ),
    "input": (lambda value: value in get_args(Input), " or ".join(map(repr, get_args(Input)))),
    "antialias": (lambda value: isinstance(value, bool), "true or false"),
    "task": _TEXT,
    "training": _MAPPING,
    "data": _MAPPING,
    "metrics": _MAPPING,
    "parameters": (lambda value: _is_whole(value, 0, math.inf), "a whole number from 0 on"),
    "sha256": (
        lambda value: isinstance(value, str) and bool(re.fullmatch("[0-9a-f]{64}", value)),
        "64 hexadecimal digits",
    ),
    "versions": (
        lambda value: _is_mapping(value) and all(isinstance(each, str) for each in value.values()),
        "a mapping to text",
    ),
    "intended_use": _TEXT,
    "limits": _TEXT,
    "places": _MAPPING,
    "calibration": _MAPPING,
}
"""What the value of each field has to be, and how to say so."""
