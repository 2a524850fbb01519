"""Training, validation and test a minimum distance apart, each class in the wanted shares."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kangaroo.data.manifest import SIDES
from kangaroo.data.spatial_blocks import Links, components, cut, near, same
from kangaroo.data.splits import rank
from kangaroo.errors import DataError
from kangaroo.geo.distance import EARTH_RADIUS_KM
from kangaroo.geo.sphere import chord, unit_vectors

TRAINING = SIDES[0]
_TOLERANCE = 0.1
"""The part of what a side should have of a class that may be missing before a block is cut for it."""


@dataclass(frozen=True)
class SplitSettings:
    """Shares of each class's photos to hold back, the distance of the sides in km, and a seed."""

    validation: float = 0.2
    test: float = 0.0
    min_gap_km: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not (self.validation > 0 and self.test >= 0 and self.validation + self.test < 1):
            raise DataError(
                f"the shares {self.validation:g} for validation and {self.test:g} for test leave none for "
                "training, or are not between 0 and 1: give such as 0.2 and 0.1"
            )
        if not 0 <= self.min_gap_km < np.inf:
            raise DataError(f"a gap of {self.min_gap_km:g} km is no distance: give 0 or more")

    @property
    def held(self) -> dict[str, float]:
        """The share of each side that is held back."""
        return {"validation": self.validation} | ({"test": self.test} if self.test else {})


def split_apart(
    records: pd.DataFrame, settings: SplitSettings, *, alike: "pd.Series[str] | None" = None
) -> "pd.Series[str]":
    """Mark each photo 'training', 'validation' or 'test', or '' where it is left out to keep the sides apart.

    ``records`` has the columns class, place, lat and lon (degrees, NaN where unknown), and may have pano_id
    and sequence; ``alike`` names groups of near-duplicates, '' where a photo has none. Photos of one place,
    panorama, sequence or group of near-duplicates are on one side, and photos of different sides are at
    least ``min_gap_km`` apart where their coordinates are known.

    Groups whose photos are nearer than that to each other chain into blocks. Blocks are taken in the order of
    SHA-256(seed, first place), each for the first side whose missing photos it brings nearer to none; so far
    nothing is left out, and with one place a block this is :func:`kangaroo.data.splits.split_by_place`. A
    block too large for that, such as a city, stays in training. Only where more than a tenth of what a side
    should have of a class is missing, the class's largest block in training is cut
    (:func:`kangaroo.data.spatial_blocks.cut`), and the photos along the cut are left out. So few are, but the
    sides held back show less of large cities than training does. DataError: a class with too few blocks.
    """
    records = records.reset_index(drop=True)
    points = unit_vectors(records["lat"], records["lon"])
    columns = [records[name] for name in ("place", "pano_id", "sequence") if name in records]
    links = [same(column) for column in columns] + ([] if alike is None else [same(alike)])
    groups = components(len(records), links)
    whole = _Sides(records, points, groups, links, settings)
    whole.share_out(spare=True)
    for side, name in ((side, name) for side in settings.held for name in range(len(whole.names))):
        while whole.lacks(side, name) and whole.divide(side, name):
            pass
    whole.share_out(spare=False)
    whole.fill_empty()
    return whole.sides()


def gap_km(lat: "pd.Series[float]", lon: "pd.Series[float]", sides: "pd.Series[str]") -> float | None:
    """The least great-circle distance in km of two photos on different sides; None without coordinates.

    By a ball tree of haversines, which shares nothing with the search that made the split.
    """
    from sklearn.neighbors import BallTree

    table = pd.DataFrame({"lat": np.radians(lat), "lon": np.radians(lon), "side": sides}).dropna()
    table = table[table["side"] != ""].drop_duplicates()
    points = {str(side): own[["lat", "lon"]].to_numpy() for side, own in table.groupby("side")}
    found = []
    for few, many in (sorted(pair, key=len) for pair in combinations(points.values(), 2)):
        found.append(BallTree(many, metric="haversine").query(few)[0].min())
    return float(min(found)) * EARTH_RADIUS_KM if found else None


def counts(classes: "pd.Series[str]", sides: "pd.Series[str]") -> dict[str, dict[str, int]]:
    """Photos by side and class, the sides in their order, without those left out."""
    table = pd.crosstab(classes.to_numpy(), sides.to_numpy())
    return {side: {str(name): int(n) for name, n in table[side].items()} for side in SIDES if side in table}


class _Sides:
    """Which block of photos is on which side so far, and how many photos of each class a side misses."""

    def __init__(
        self,
        records: pd.DataFrame,
        points: NDArray[np.float64],
        groups: NDArray[np.int64],
        links: Iterable[Links],
        settings: SplitSettings,
    ) -> None:
        self.settings, self.points, self.groups = settings, points, groups
        self.chord = chord(settings.min_gap_km)
        close = [near(points, self.chord)] if settings.min_gap_km else []
        self.blocks = components(len(records), [*links, *close])
        classes, names = pd.factorize(records["class"], sort=True)
        self.classes, self.names = classes.astype(np.int64), list(names)
        self.first = _first_places(records["place"], self.blocks)
        self.content = _contents(self.blocks, self.classes)
        self.side = [TRAINING] * len(self.first)
        total = np.bincount(self.classes, minlength=len(self.names))
        self.wanted = {side: share * total for side, share in settings.held.items()}
        self.missing = {side: wanted.tolist() for side, wanted in self.wanted.items()}
        held = np.unique(np.stack([self.blocks, groups]), axis=1)[0]
        self.divisible = np.bincount(held) > 1
        ranks = [rank(settings.seed, place) for place in self.first]
        self.order = sorted(range(len(ranks)), key=ranks.__getitem__)

    def share_out(self, *, spare: bool) -> None:
        """Give each whole block to the first side that it brings nearer to its shares.

        ``spare`` those that can be cut, where they would burst the share.
        """
        for block in self.order:
            if self.side[block] != TRAINING:
                continue
            tight = spare and self.divisible[block]
            fitting = (side for side in self.missing if self._fits(block, side, tight))
            self._move(block, next(fitting, TRAINING))

    def _fits(self, block: int, side: str, tight: bool) -> bool:
        missing, content = self.missing[side], self.content[block].items()
        if tight and any(n > missing[name] + _TOLERANCE * self.wanted[side][name] for name, n in content):
            return False
        return sum(abs(missing[name] - n) - abs(missing[name]) for name, n in content) <= 0

    def lacks(self, side: str, name: int) -> bool:
        """Whether the side has clearly too few photos of a class."""
        return bool(self.missing[side][name] > max(_TOLERANCE * self.wanted[side][name], 1))

    def divide(self, side: str, name: int) -> bool:
        """Cut a piece for ``side`` off the class's largest block where that helps; whether it did."""
        sizes = {block: self.content[block].get(name, 0) for block in self.order if self._can_be_cut(block)}
        blocks = [block for block, n in sizes.items() if n > self.missing[side][name]]
        blocks.sort(key=lambda block: (-sizes[block], self.first[block]))
        return any(self._cut(block, side) for block in blocks)

    def _can_be_cut(self, block: int) -> bool:
        return bool(self.divisible[block]) and self.side[block] == TRAINING

    def _cut(self, block: int, side: str) -> bool:
        rows = np.flatnonzero(self.blocks == block)
        inside, classes = np.unique(self.classes[rows], return_inverse=True)
        missing = np.array([self.missing[side][i] for i in inside])
        found = cut(self.points[rows], self.groups[rows], classes, missing, self.chord)
        if found is None:
            return False
        taken, dropped = found
        self.blocks[rows[dropped]] = -1
        self.blocks[rows[taken]] = piece = len(self.side)
        self.side.append(TRAINING)
        self.first.append(self.first[block])
        self.content.append({})
        for changed, kept in ((block, ~taken & ~dropped), (piece, taken)):
            self.content[changed] = dict(_counted(self.classes[rows[kept]]))
        self._move(piece, side)
        return True

    def fill_empty(self) -> None:
        """Where a side has no photo of a class, move the smallest block of the side that has most blocks."""
        for name, label in enumerate(self.names):
            own: dict[str, list[int]] = {side: [] for side in (TRAINING, *self.missing)}
            for block, content in enumerate(self.content):
                if name in content:
                    own[self.side[block]].append(block)
            for empty in [side for side, blocks in own.items() if not blocks]:
                giver = max(own, key=lambda side: len(own[side]))
                if len(own[giver]) < 2:
                    raise DataError(self._too_few(label, sum(map(len, own.values()))))
                smallest = min(own[giver], key=lambda block: (self.content[block][name], self.first[block]))
                own[giver].remove(smallest)
                own[empty].append(smallest)
                self._move(smallest, empty)
        self._require_all()

    def sides(self) -> "pd.Series[str]":
        """The side of each photo; '' where it is left out."""
        return pd.Series(np.array([*self.side, ""], dtype=object)[self.blocks], name="split", dtype=str)

    def _move(self, block: int, side: str) -> None:
        for where, sign in ((self.side[block], 1), (side, -1)):
            if where in self.missing:
                for name, n in self.content[block].items():
                    self.missing[where][name] += sign * n
        self.side[block] = side

    def _require_all(self) -> None:
        """Photos of two classes in one block can move away what another class needs."""
        there = {(name, self.side[block]) for block, found in enumerate(self.content) for name in found}
        for name, label in enumerate(self.names):
            if any((name, side) not in there for side in (TRAINING, *self.missing)):
                blocks = sum(name in content for content in self.content)
                raise DataError(self._too_few(label, blocks))

    def _too_few(self, name: str, blocks: int) -> str:
        gap = self.settings.min_gap_km
        apart = f" that are {gap:g} km apart" if gap else ""
        smaller = "take a smaller gap, " if gap else ""
        return (
            f"class {name!r} has photos of {blocks} place(s) only{apart}, too few for "
            f"{len(self.missing) + 1} sides: {smaller}add photos of other places or leave the class out"
        )


def _first_places(places: "pd.Series[str]", blocks: NDArray[np.int64]) -> list[str]:
    """The first place, by name, of each block."""
    codes, names = pd.factorize(places, sort=True)
    first = np.full(int(blocks.max(initial=-1)) + 1, len(names))
    np.minimum.at(first, blocks, codes)
    return [str(name) for name in np.asarray(names, dtype=object)[first]]


def _contents(blocks: NDArray[np.int64], classes: NDArray[np.int64]) -> list[dict[int, int]]:
    """Class number -> photos, of each block."""
    found: dict[int, dict[int, int]] = defaultdict(dict)
    size = int(classes.max(initial=0)) + 1
    for key, n in _counted(blocks * size + classes):
        found[key // size][key % size] = n
    return [found[block] for block in range(len(found))]


def _counted(values: NDArray[np.int64]) -> Iterable[tuple[int, int]]:
    found, n = np.unique(values, return_counts=True)
    return zip(found.tolist(), n.tolist(), strict=True)
