"""From attributions to what the eye can read: one sign, no specks, the strongest few pixels not alone.

After the pictures of Sundararajan, Taly and Yan (2017), as the report made them.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Polarity = Literal["positive", "negative"]

_SPECK = (3, 3)  # pixels


@dataclass(frozen=True, eq=False)
class Explained:
    """A photo, uint8 (H, W, 3), and what speaks for its class and against it, each (H, W) from 0 to 1.

    ``against`` is None for methods that know no against. ``heading`` names the photo.
    """

    photo: NDArray[np.uint8]
    supports: NDArray[np.float64]
    against: NDArray[np.float64] | None
    heading: str = ""

    @classmethod
    def of(cls, photo: NDArray[np.uint8], values: NDArray[np.floating], heading: str = "") -> "Explained":
        """Split signed ``values`` (H, W, 3), or take a map (H, W) that has one sign as it is."""
        if values.ndim == 2:
            highest = max(float(values.max()), 1e-30)  # a map without evidence is zero everywhere
            return cls(photo, values.astype(np.float64) / highest, None, heading)
        return cls(photo, strength(values, "positive"), strength(values, "negative"), heading)


def strength(
    values: NDArray[np.floating], polarity: Polarity, *, percentile: float = 99
) -> NDArray[np.float64]:
    """How strongly each pixel speaks for (or against) the class, from 0 to 1: (H, W).

    ``values`` (H, W, 3); channels are summed, the other sign is dropped. Gaps between neighbouring pixels are
    closed and specks smaller than 3 x 3 pixels removed; what is above ``percentile`` of the rest counts as 1.
    """
    summed = values.sum(axis=2, dtype=np.float64)
    own = np.maximum(summed if polarity == "positive" else -summed, 0)
    cleaned = ndimage.grey_opening(ndimage.grey_closing(own, size=_SPECK), size=_SPECK)
    shown = cleaned[cleaned > 0]
    return np.minimum(cleaned / np.percentile(shown, percentile), 1) if len(shown) else cleaned
