"""What one run of experiments.attribution was asked to do."""

from dataclasses import dataclass

from kangaroo.explain.settings import Method
from kangaroo.runs.settings import RunSettings


@dataclass(frozen=True, kw_only=True)
class AttributionSettings:
    """One run: ``photos`` to measure on, ``shown`` of them in figures, ``methods`` to compare."""

    run: RunSettings
    photos: int
    shown: int
    methods: tuple[Method, ...]
    epsilon: float
