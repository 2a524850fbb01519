"""What can go wrong on a page in passing."""

from typing import Literal

Kind = Literal[
    "stalled photo",
    "late answer",
    "lost session",
    "crashed browser",
    "server error",
    "changed page",
    "no round",
]


class PageError(Exception):
    """A game could not go on for a reason that may be gone when it is begun anew."""

    def __init__(self, kind: Kind, reason: str):
        super().__init__(reason)
        self.kind: Kind = kind
