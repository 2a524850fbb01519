"""Train a network epoch by epoch, so that a run killed at any moment can be resumed to the same result.

The names below are looked up on first use: settings, flags and histories cost no Keras.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kangaroo.training.history import Epoch, History
    from kangaroo.training.loop import fit
    from kangaroo.training.objective import Objective, compiled
    from kangaroo.training.settings import TrainConfig

__all__ = ["Epoch", "History", "Objective", "TrainConfig", "compiled", "fit"]

_MODULES = {
    "Epoch": "history",
    "History": "history",
    "Objective": "objective",
    "TrainConfig": "settings",
    "compiled": "objective",
    "fit": "loop",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f"kangaroo.training.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
