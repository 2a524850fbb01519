"""Runs: photos in, a run folder out. The names below are looked up on first use, so that none costs Keras."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kangaroo.runs.presets import CELLS, COORDINATES, COUNTRIES
    from kangaroo.runs.settings import Preset
    from kangaroo.training.settings import TrainConfig

__all__ = ["CELLS", "COORDINATES", "COUNTRIES", "Preset", "TrainConfig"]

_MODULES = {
    "CELLS": "runs.presets",
    "COORDINATES": "runs.presets",
    "COUNTRIES": "runs.presets",
    "Preset": "runs.settings",
    "TrainConfig": "training.settings",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f"kangaroo.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
