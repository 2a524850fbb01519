"""What a search may vary: an experiment's flags, each with choices or a range, checked by its own parser."""

import argparse
import contextlib
import io
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from kangaroo.errors import KangarooError
from kangaroo.runs import flags as shared_flags
from kangaroo.runs.settings import Preset

if TYPE_CHECKING:
    from optuna import Trial

OWN = {"out", "resume", "overwrite", "json", "debug", "distributed"}
"""Flags of an experiment that a search sets itself, or that its trials can't have."""

COUNTRIES = (
    "loss=distance",
    "batch-size=16..256",
    "learning-rate=1e-5..1e-2",
    "alpha=0..5",
    "weight-decay=1e-6..1e-2",
)
"""The loss of the report 'CNN plays GeoGuessr', and the four settings that it searched over."""

# What every experiment that trains has.
OTHERS = ("batch-size=16,32,64,128", "learning-rate=1e-4..1e-2")


@dataclass(frozen=True)
class Choice:
    """One of some values of the flag ``name``, given as words."""

    name: str
    values: tuple[str, ...]
    scale = "choice"

    def __str__(self) -> str:
        return f"{self.name}={','.join(self.values)}"

    def suggest(self, trial: "Trial") -> str:
        """The value of a trial."""
        return str(trial.suggest_categorical(self.name, self.values))

    def shown(self, value: Any) -> str:
        """A value of the study as a trial gets it."""
        return str(value)


@dataclass(frozen=True)
class Range:
    """A number from ``low`` to ``high``, both included, for the flag ``name``; ``whole``: an integer."""

    name: str
    low: float
    high: float
    whole: bool

    @property
    def scale(self) -> str:
        """'log' where the ends lie a factor of 100 or more apart, else 'linear'."""
        return "log" if self.low > 0 and self.high / self.low >= 100 else "linear"

    def __str__(self) -> str:
        return f"{self.name}={self.shown(self.low)}..{self.shown(self.high)}"

    def suggest(self, trial: "Trial") -> float:
        """The value of a trial."""
        log = self.scale == "log"
        if self.whole:
            return trial.suggest_int(self.name, int(self.low), int(self.high), log=log)
        return trial.suggest_float(self.name, self.low, self.high, log=log)

    def shown(self, value: Any) -> int | float:
        """A value of the study as a trial gets it: whole, or of four digits and still within the range."""
        return int(value) if self.whole else min(max(float(f"{value:.4g}"), self.low), self.high)


Dimension = Choice | Range


def parser_of(experiment: str) -> argparse.ArgumentParser:
    """The parser of experiments.``experiment``; KangarooError if there is none that trains a model."""
    module: Any = None
    if experiment.isidentifier() and find_spec(f"experiments.{experiment}"):
        module = import_module(f"experiments.{experiment}")
    if isinstance(preset := getattr(module, "PRESET", None), Preset):
        return shared_flags.parser(preset)
    raise KangarooError(
        f"no experiment {experiment!r} to search over: give the name of a file in experiments that trains a "
        "model, such as countries"
    )


def read_space(experiment: str, words: Sequence[str], flags: Sequence[str]) -> tuple[Dimension, ...]:
    """The dimensions that ``words`` (NAME=A,B,C or NAME=A..B) describe, in their order.

    ``flags`` are the words that every trial gets beside them. Raises KangarooError if the experiment would
    not accept them, or a value of a dimension, or if a flag is both given and searched over.
    """
    parser = parser_of(experiment)
    options = _options(parser)
    space = tuple(_dimension(word, flags, parser, options) for word in words)
    names = [dimension.name for dimension in space]
    if twice := [name for name in names if names.count(name) > 1]:
        raise KangarooError(f"--{twice[0]} is searched over twice: describe it once")
    for name in (dest.replace("_", "-") for dest in _given(parser, flags)):
        if name in (*OWN, "epochs", *names):
            raise KangarooError(f"--{name} after -- is for the search to set: leave it out there")
    return space


def _options(parser: argparse.ArgumentParser) -> list[str]:
    """The names of the flags that take one value and are not the search's own."""
    return [
        option.removeprefix("--")
        for action in parser._actions  # argparse has no other way to list them
        for option in action.option_strings
        if option.startswith("--") and action.nargs is None and action.dest not in OWN
    ]


def _dimension(
    word: str, flags: Sequence[str], parser: argparse.ArgumentParser, options: Collection[str]
) -> Dimension:
    name, _, values = word.partition("=")
    if not (name and values):
        raise KangarooError(f"nothing to search over in {word!r}: write NAME=A,B,C or NAME=LOW..HIGH")
    if name not in options:
        known = ", ".join(sorted(options))
        raise KangarooError(f"{parser.prog} has no flag --{name} to search over: choose from {known}")
    ends = values.split("..") if ".." in values else list(dict.fromkeys(values.split(",")))
    for end in ends:
        accepted(parser, [*flags, f"--{name}", end])
    if ".." not in values:
        return Choice(name, tuple(ends))
    low, high = _ends(word, ends)
    try:
        accepted(parser, [f"--{name}", repr(low + min(0.5, (high - low) / 2))])
    except KangarooError:
        return Range(name, low, high, whole=True)
    return Range(name, low, high, whole=False)


def _ends(word: str, ends: Sequence[str]) -> tuple[float, float]:
    try:
        low, high = map(float, ends)
    except ValueError:
        low = high = math.nan
    if not (math.isfinite(low) and math.isfinite(high)):
        raise KangarooError(f"{word} has no two numbers as its ends: write NAME=LOW..HIGH, or NAME=A,B,C")
    if low >= high:
        raise KangarooError(f"the range {word} is empty: write the lower end first, or one value")
    return low, high


def accepted(
    parser: argparse.ArgumentParser, words: Sequence[str], namespace: argparse.Namespace | None = None
) -> argparse.Namespace:
    """What ``parser`` makes of ``words``; what it would say before it exits becomes a KangarooError."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            return parser.parse_args(words, namespace)
    except SystemExit as error:
        if not error.code:  # --help
            raise
        reason = said.getvalue().rstrip().rpartition("error: ")[2]
        raise KangarooError(f"{parser.prog}: {reason}") from None


def _given(parser: argparse.ArgumentParser, flags: Sequence[str]) -> list[str]:
    """The names, with underscores, of the flags that stand in ``flags``, in full or shortened."""
    nothing = argparse.Namespace(**{action.dest: None for action in parser._actions})
    return [name for name, value in vars(accepted(parser, flags, nothing)).items() if value is not None]
