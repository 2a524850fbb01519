"""Tell from a street-level photo which country it shows, and show why.

::

    import kangaroo

    model = kangaroo.load("binary_austria_australia")     # a model file, a run folder or a short name
    model.predict("photo.jpg")                            # a table; folders, pictures and arrays are fine too
    model.explain("photo.jpg")                            # what in the photo speaks for the answer
    model.attack("photo.jpg", epsilon=1)                  # a change nobody sees, and the answer after it
    model.evaluate("photos")                              # photos in a folder for each class: every figure
    run = kangaroo.train("photos", out="runs/mine")       # a model of one's own: run.metrics, run.page

``kangaroo.draw_scenes(n=8)`` draws street scenes, for those who have no photos yet, and
``kangaroo.evaluate(model, photos)`` is the last line as a function. What these give are plain values with
names; in a notebook they show themselves as pictures, elsewhere ``.plot()`` draws them. What can't be used
raises a ``kangaroo.KangarooError``, in one line that says what to do instead.

Importing the package costs no TensorFlow: every name is looked up on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kangaroo.classifier import Classifier, evaluate, load
    from kangaroo.commands.train import train
    from kangaroo.drawn import DrawnScenes, draw_scenes
    from kangaroo.errors import KangarooError
    from kangaroo.results import Answer, AttackedPhoto, Explanation, Metrics
    from kangaroo.runs.train import TrainedRun

__version__ = "0.1.0"
__all__ = [
    "Answer",
    "AttackedPhoto",
    "Classifier",
    "DrawnScenes",
    "Explanation",
    "KangarooError",
    "Metrics",
    "TrainedRun",
    "__version__",
    "draw_scenes",
    "evaluate",
    "load",
    "train",
]

_HOMES = {
    "classifier": ("Classifier", "evaluate", "load"),
    "commands.train": ("train",),
    "drawn": ("DrawnScenes", "draw_scenes"),
    "errors": ("KangarooError",),
    "results": ("Answer", "AttackedPhoto", "Explanation", "Metrics"),
    "runs.train": ("TrainedRun",),
}


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"kangaroo.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}: it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return list(__all__)
