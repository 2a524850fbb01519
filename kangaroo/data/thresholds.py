"""The reasons why a photo is not fit, and the thresholds that decide."""

from collections.abc import Mapping
from dataclasses import dataclass

from kangaroo.errors import DataError

_DISTANCES = 10  # bits: what can be searched in reasonable time


@dataclass(frozen=True)
class Thresholds:
    """What a photo must have; the measures are those of kangaroo.data.measures.

    Set between what samples of 4,931 street-level photos have, and the same photos with faults put in:
    benchmarks/quality.py measures what they find. ``min_side`` in pixels; ``max_plain_grey`` holds for
    pictures of a light grey, the colour of placeholders. ``max_distance`` (bits) finds the photos that may be
    one picture, from ``min_likeness`` they are. ``same_place``: so many photos may look the same way at one
    place, 0 for any number.
    """

    min_side: int = 100
    min_brightness: int = 32
    max_plain: float = 0.9
    max_plain_grey: float = 0.8
    min_variance: float = 100
    min_sharpness: float = 50
    min_detail: float = 0.04
    max_distance: int = 4
    min_likeness: float = 0.94
    same_place: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.max_distance <= _DISTANCES:
            raise DataError(f"max_distance {self.max_distance} is not between 0 and {_DISTANCES} bits")
        if self.same_place < 0:
            raise DataError(f"same_place {self.same_place} is not 0 or more")


MEASURED: Mapping[str, str] = {
    "corrupt": "",
    "too_small": "side",
    "dark": "brightness",
    "placeholder": "plainness",
    "low_variance": "variance",
    "blurred": "sharpness",
    "half_resolution": "detail",
    "same_bytes": "",
    "near_duplicate": "likeness",
    "same_place": "",
}
"""The reasons, in the order in which the first that holds counts, and what each one goes by."""

WORSE_HIGH = ("plainness", "likeness")
"""The measures that are worse the higher they are."""
