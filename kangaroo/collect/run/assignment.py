"""Which of the points that found the same picture, or pictures near each other, gets it."""

import math
from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping

from kangaroo.collect.sources.base import Found
from kangaroo.geo.distance import EARTH_RADIUS_KM, haversine_km

_METRES_A_DEGREE = math.radians(1) * EARTH_RADIUS_KM * 1000


class Chooser:
    """Gives each picture to the first point that has it.

    Asked in the order of the points, it depends on nothing else: not on which answer came first.
    ``min_distance``: how near to each other two pictures may be, in metres.
    """

    def __init__(self, min_distance: float):
        self._min_distance = min_distance
        self._taken: set[str] = set()
        self._places: list[tuple[float, float]] = []  # latitude and longitude, sorted

    def takes(self, found: Found) -> bool:
        """Whether the next point gets its picture: no point before it has the same or one too near."""
        if found.id in self._taken or self._crowded(found):
            return False
        self.claim(found)
        return True

    def claim(self, found: Found) -> None:
        """Give a picture away without asking."""
        self._taken.add(found.id)
        if self._min_distance:
            insort(self._places, (found.lat, found.lon))

    def _crowded(self, found: Found) -> bool:
        margin = self._min_distance / _METRES_A_DEGREE
        start = bisect_left(self._places, (found.lat - margin, -181.0))
        end = bisect_left(self._places, (found.lat + margin, 181.0))
        if start == end:
            return False
        lat, lon = zip(*self._places[start:end], strict=True)
        return bool((haversine_km(found.lat, found.lon, lat, lon) * 1000 < self._min_distance).any())


def choose(found: Mapping[int, Found | None], owners: Iterable[int], min_distance: float) -> set[int]:
    """The points (by id) that get a picture, ``owners`` being those that have one already."""
    chooser, chosen = Chooser(min_distance), set(owners)
    for point in sorted(chosen):
        if picture := found.get(point):
            chooser.claim(picture)
    for point in sorted(found.keys() - chosen):
        if (picture := found[point]) and chooser.takes(picture):
            chosen.add(point)
    return chosen
