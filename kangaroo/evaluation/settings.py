"""What a calibration is asked for; light to import, so that a command's help does not wait."""

from dataclasses import dataclass

from kangaroo.errors import DataError


@dataclass(frozen=True, kw_only=True)
class CalibrationConfig:
    """What ``kangaroo calibrate`` shall promise, and how it is found out. DataError: a value out of range.

    ``coverage`` is the share of photos whose set shall hold the truth, or, ``by_class``, of the photos of
    each class; ``risk`` the share of answers that may be wrong. ``share`` of the places are fitted on, the
    others judge; the whole is done again with ``splits`` other divisions, which ``seed`` draws.
    """

    coverage: float = 0.9
    by_class: bool = False
    risk: float = 0.2
    share: float = 0.5
    splits: int = 20
    seed: int = 0

    def __post_init__(self) -> None:
        """Check; raise DataError."""
        for name in ("coverage", "risk", "share"):
            value = getattr(self, name)
            if not 0 < value < 1:
                raise DataError(f"a {name} of {value:g} is none: give a share between 0 and 1")
        for name in ("splits", "seed"):
            if getattr(self, name) < 0:
                raise DataError(f"{name} {getattr(self, name)} is below 0: give 0 or more")
