"""Training and validation without leaks: no place stands on both sides."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from kangaroo.errors import DataError


@dataclass(frozen=True)
class SmallClass:
    """A class with too few photos or places to trust its figures."""

    name: str
    photos: int
    places: int


def split_by_place(photos: pd.DataFrame, *, validation: float, seed: int) -> "pd.Series[str]":
    """Mark each photo 'training' or 'validation', keeping every place whole.

    ``photos`` has the columns class and place; ``validation`` is the share of each class's photos to hold
    back, met as nearly as whole places allow, with a place at least on each side. The places of a class are
    taken in the order of SHA-256(seed, place), so neither the order of the rows nor the other classes matter.
    A place with photos of several classes is shared out among the places of these very classes. DataError: a
    class with too few places.
    """
    if not 0 < validation < 1:
        raise DataError(f"the validation share {validation} is not between 0 and 1")
    sizes = Counter(photos["place"])
    held: set[str] = set()
    for places in _strata(photos):
        ranked = sorted(places, key=lambda place: _rank(seed, place))
        held |= _hold_back({place: sizes[place] for place in ranked}, validation)
    split = photos["place"].isin(held).map({True: "validation", False: "training"})
    _require_both(photos, split)
    return split.rename("split")


def small_classes(photos: pd.DataFrame, *, min_photos: int = 50, min_places: int = 10) -> list[SmallClass]:
    """Classes of ``photos`` (columns class, place) with fewer photos or places than that, sorted by name."""
    found = photos.groupby("class")["place"].agg(["size", "nunique"])
    few = found[(found["size"] < min_photos) | (found["nunique"] < min_places)]
    return [SmallClass(str(name), int(row["size"]), int(row["nunique"])) for name, row in few.iterrows()]


def _strata(photos: pd.DataFrame) -> Iterable[list[str]]:
    """Places grouped by the classes of their photos, which are nearly always one."""
    classes = defaultdict(set)
    for place, name in zip(photos["place"], photos["class"], strict=True):
        classes[place].add(name)
    strata = defaultdict(list)
    for place, names in classes.items():
        strata[frozenset(names)].append(place)
    return strata.values()


def _rank(seed: int, place: str) -> bytes:
    return hashlib.sha256(f"{seed} {place}".encode()).digest()


def _hold_back(sizes: dict[str, int], share: float) -> set[str]:
    """Take each place, in order, that brings the held photos nearer to the share; one at least, never all."""
    missing = share * sum(sizes.values())
    held = []
    for place, size in sizes.items():
        if size <= 2 * missing:
            held.append(place)
            missing -= size
    held = held or [min(sizes, key=lambda place: sizes[place])]
    return set(held if len(held) < len(sizes) else held[:-1])


def _require_both(photos: pd.DataFrame, split: "pd.Series[str]") -> None:
    sides = split.groupby(photos["class"]).nunique()
    for name in sides.index[sides < 2]:
        places = photos.loc[photos["class"] == name, "place"].nunique()
        raise DataError(
            f"class {name!r} has photos of {places} place(s) only, too few to hold one back for validation: "
            "add photos of other places or leave the class out"
        )
