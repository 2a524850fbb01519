"""The package's exceptions: each message is one line that names the thing and the way out."""

from collections.abc import Mapping


class KangarooError(ValueError):
    """Input or usage that kangaroo can't work with; on the command line it exits with 2."""


class PhotoError(KangarooError):
    """One photo can't be read; the message is the reason alone, without the file's name."""


class DataError(KangarooError):
    """A photo folder, a manifest or a split can't be used."""


class ModelError(KangarooError):
    """A model file or its card can't be used."""


class UnfinishedError(RuntimeError):
    """Work ended early for a reason outside it, such as a full disk; on the command line it exits with 1.

    What was done is kept, and the same command goes on.
    """


def require_choices(settings: object, choices: Mapping[str, tuple[str, ...]]) -> None:
    """Raise KangarooError unless each attribute of ``settings`` named in ``choices`` is one of its words."""
    for name, words in choices.items():
        if getattr(settings, name) not in words:
            raise KangarooError(f"no {name} {getattr(settings, name)!r}: choose from {', '.join(words)}")
