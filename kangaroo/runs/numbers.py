"""Numbers on the command line: each function is the ``type`` of a flag, and says what the flag takes."""

import argparse
import math
from collections.abc import Callable


def positive(text: str) -> int:
    """A whole number of 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def natural(text: str) -> int:
    """A whole number of 0 or more."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 0 or more")
    return int(text)


def share(text: str) -> float:
    """A number between 0 and 1."""
    return _number(text, lambda value: 0 < value < 1, "a number between 0 and 1")


def above_zero(text: str) -> float:
    """A number above 0."""
    return _number(text, lambda value: value > 0, "a number above 0")


def zero_or_more(text: str) -> float:
    """A number of 0 or more."""
    return _number(text, lambda value: value >= 0, "a number of 0 or more")


def share_or_zero(text: str) -> float:
    """A number from 0 to below 1."""
    return _number(text, lambda value: 0 <= value < 1, "a number from 0 to below 1")


def _number(text: str, fits: Callable[[float], bool], what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and fits(value)):
        raise argparse.ArgumentTypeError(f"{text!r} is not {what}")
    return value
