"""Do attributions lie where the evidence is? Numbers only, no network."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from kangaroo.errors import KangarooError

Floats = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Evidence:
    """Where the positive attribution of n photos lies; ``left_out`` others show no evidence.

    ``share`` (n,) of it inside the evidence, ``picture_share`` (n,) of the picture that the evidence covers;
    ``hit`` (n,) whether the maximum lies inside, ``chance`` (n,) that a random pixel does.
    """

    share: NDArray[np.float64]
    picture_share: NDArray[np.float64]
    hit: NDArray[np.float64]
    chance: NDArray[np.float64]
    left_out: int

    @property
    def ratio(self) -> float:
        """How many times more attribution the evidence gets than its place in the pictures would."""
        return float(self.share.mean() / self.picture_share.mean())


def evidence(attributions: Floats, masks: NDArray[np.bool_], *, tolerance: float = 0) -> Evidence:
    """Compare attributions with where the evidence is known to be: ``masks`` (n, H, W).

    Photos with an empty mask are left out. The pointing game (Zhang et al., 2018) counts as a hit what is at
    most ``tolerance`` pixels away, for chance too; of several maxima the share that hits. A map without
    positive attribution found nothing: share 0, no hit. Raises KangarooError if all masks are empty.
    """
    shown = masks.any(axis=(1, 2))
    if not shown.any():
        raise KangarooError(f"none of {len(masks)} pictures shows evidence: give masks that are not empty")
    rows = [
        _evidence(place, mask, tolerance)
        for place, mask in zip(by_place(attributions)[shown], masks[shown], strict=True)
    ]
    share, picture_share, hit, chance = np.array(rows, np.float64).T
    return Evidence(share, picture_share, hit, chance, left_out=int((~shown).sum()))


def by_place(attributions: Floats) -> Floats:
    """Attributions (n, H, W, 3) summed over their channels, (n, H, W); maps as they are."""
    return attributions if attributions.ndim == 3 else attributions.sum(axis=3)


def _evidence(places: Floats, mask: NDArray[np.bool_], tolerance: float) -> tuple[float, ...]:
    """Share, share of the picture, hit and chance of one photo, (H, W) both."""
    positive = np.maximum(places, 0)
    near = ndimage.distance_transform_edt(~mask) <= tolerance
    if not positive.any():
        return 0.0, mask.mean(), 0.0, near.mean()
    inside = positive[mask].sum(dtype=np.float64) / positive.sum(dtype=np.float64)
    return inside, mask.mean(), near[places == places.max()].mean(), near.mean()
