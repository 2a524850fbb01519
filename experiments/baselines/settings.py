"""What one run of experiments.baselines was asked to do."""

from dataclasses import dataclass

from kangaroo.runs.settings import RunSettings

SAMPLINGS = {"one pass": "drawn in one pass", "two passes": "in two, as in the report"}


@dataclass(frozen=True)
class BaselineSettings:
    """One ``run``; ``draws`` samples for each model, ``samplings`` are keys of SAMPLINGS."""

    run: RunSettings
    draws: int
    samplings: tuple[str, ...]
