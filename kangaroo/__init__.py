"""Tell from a street-level photo which country it shows, and show why.

``kangaroo.load(path)`` gives a :class:`kangaroo.Classifier`. Importing the package costs no TensorFlow:
both names are looked up on first use.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kangaroo.models.classifier import Classifier, load

__version__ = "0.1.0"
__all__ = ["Classifier", "__version__", "load"]


def __getattr__(name: str) -> Any:
    if name in ("Classifier", "load"):
        from kangaroo.models import classifier

        return getattr(classifier, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
