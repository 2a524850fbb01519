"""Progress bars: on stderr, and only for work that takes longer than two seconds."""

import sys
from collections.abc import Iterable
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")


def progress(items: Iterable[T], description: str, total: int | None = None, unit: str = "it") -> "tqdm[T]":
    """Iterate over ``items`` under a bar; where stderr is no terminal it prints a line every ten seconds."""
    terminal = sys.stderr.isatty()
    return tqdm(
        items,
        description,
        total,
        unit=unit,
        delay=2,
        file=sys.stderr,
        dynamic_ncols=terminal,
        mininterval=0.1 if terminal else 10,
    )
