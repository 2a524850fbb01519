"""How much training photos may change, and presets of it; the changing itself is augment.py's."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from kangaroo.errors import KangarooError

_LIMITS = {
    "flip": 1,
    "rotation": 180,
    "perspective": 0.4,  # from 0.48 on, a corner of the frame can lie beyond the horizon
    "perspective_probability": 1,
    "brightness": 1,
    "contrast": 1,
    "saturation": 1,
    "hue": 0.5,
    "mixup": math.inf,
    "cutmix": math.inf,
}


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """How much training photos may change: every change is drawn anew for every photo, and 0 is none.

    flip: the probability that left and right are exchanged, and with them the side that traffic keeps to.
    crop: the shares of the area, from and to, that a cut-out of the photo has ((1, 1): none), and aspect, its
    width to its height (Szegedy et al. 2015, arXiv:1409.4842). Areas are drawn evenly, aspects evenly in
    their logarithm, among those that fit, places evenly; the cut-out is enlarged to the photo's size.
    rotation: up to so many degrees to either side.
    perspective: each corner moves in, across and down by up to this share of half the photo's side, with
    perspective_probability, as in torchvision's RandomPerspective.
    brightness, contrast, saturation: factors from 1 - x to 1 + x, of all values, of their distance from the
    photo's mean grey, and of their distance from the pixel's own grey.
    hue: colours turn about the axis of greys, up to this share of a whole turn to either side.
    mixup, cutmix: another photo is blended in (Zhang et al. 2018, arXiv:1710.09412), or a box of it pasted
    (Yun et al. 2019, arXiv:1905.04899), and the labels with it; how much follows the beta distribution of
    these two equal parameters. Where both are above 0, chance decides photo by photo.

    KangarooError for a number that can't be.
    """

    flip: float = 0
    crop: tuple[float, float] = (1, 1)
    aspect: tuple[float, float] = (3 / 4, 4 / 3)
    rotation: float = 0
    perspective: float = 0
    perspective_probability: float = 1
    brightness: float = 0
    contrast: float = 0
    saturation: float = 0
    hue: float = 0
    mixup: float = 0
    cutmix: float = 0

    def __post_init__(self) -> None:
        """Check; raise KangarooError."""
        for name, most in _LIMITS.items():
            if not 0 <= getattr(self, name) <= most:
                raise KangarooError(f"{name} {getattr(self, name)} is not between 0 and {most}")
        if not 0 < self.crop[0] <= self.crop[1] <= 1:
            raise KangarooError(f"crop {self.crop} is no range of area: give two shares above 0, up to 1")
        if not 0 < self.aspect[0] <= self.aspect[1] < math.inf:
            raise KangarooError(f"aspect {self.aspect} is no range: give two ratios, the smaller first")

    @property
    def mixes(self) -> bool:
        """Whether photos get something of others, and their labels too."""
        return self.mixup > 0 or self.cutmix > 0


PRESETS: Mapping[str, Augmentation] = {
    "none": Augmentation(),
    "default": Augmentation(
        crop=(0.5, 1), rotation=3, perspective=0.1, brightness=0.2, contrast=0.2, saturation=0.2, hue=0.02
    ),
    "strong": Augmentation(
        flip=0.5,
        crop=(0.2, 1),
        rotation=3,
        perspective=0.1,
        brightness=0.3,
        contrast=0.3,
        saturation=0.3,
        hue=0.03,
    ),
    "cnn-plays-geoguessr": Augmentation(flip=0.5, crop=(0.08, 1), rotation=5),
    "london": Augmentation(
        perspective=0.3, perspective_probability=0.4, brightness=0.2, saturation=0.05, hue=0.1
    ),
}
