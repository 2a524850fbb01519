"""The end of a network that says where on the globe: three numbers to a point."""

from typing import NamedTuple

import keras
from keras import layers


class Centre(NamedTuple):
    """Where training photos are: the unit vector of their middle, and the root mean square distance from it.

    The distance is that in space, in Earth radii: 0.05 is some 320 km.
    """

    x: float
    y: float
    z: float
    spread: float


def unit_layers(centre: Centre | None = None, prefix: str = "") -> list[keras.Layer]:
    """Layers that make of three numbers a vector of length 1; their names begin with ``prefix``.

    With a ``centre``, numbers around 0 become points around it, 1 being its spread. Else the steps of a
    training, which are sized for such numbers, would jump across continents where photos are of one country.
    """
    found: list[keras.Layer] = []
    if centre:
        found.append(
            layers.Rescaling(centre.spread, list(centre[:3]), dtype="float32", name=f"{prefix}centre")
        )
    return [*found, layers.UnitNormalization(dtype="float32", name=f"{prefix}unit")]
