"""Training and validation without leaks: no place stands on both sides. And files that say who is where."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from kangaroo.data.manifest import SIDES, read_manifest
from kangaroo.errors import DataError

SPLIT_COLUMNS = ["file", "class", "place", "split"]


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
        ranked = sorted(places, key=lambda place: rank(seed, place))
        held |= _hold_back({place: sizes[place] for place in ranked}, validation)
    split = photos["place"].isin(held).map({True: "validation", False: "training"})
    require_sides(photos.assign(split=split))
    return split.rename("split")


def require_sides(photos: pd.DataFrame) -> None:
    """Raise DataError unless each class of ``photos`` (columns class, place, split) is on both sides."""
    for name, own in photos.groupby("class"):
        if not {"training", "validation"} <= set(own["split"]):
            raise DataError(
                f"class {name!r} has photos of {own['place'].nunique()} place(s) only, too few to hold one "
                "back for validation: add photos of other places or leave the class out"
            )


def rank(seed: int, name: str) -> bytes:
    """What to sort names by for an order that the seed alone decides: SHA-256(seed, name)."""
    return hashlib.sha256(f"{seed} {name}".encode()).digest()


def small_classes(photos: pd.DataFrame, *, min_photos: int = 50, min_places: int = 10) -> list[SmallClass]:
    """Classes of ``photos`` (columns class, place) with fewer photos or places than that, sorted by name."""
    found = photos.groupby("class")["place"].agg(["size", "nunique"])
    few = found[(found["size"] < min_photos) | (found["nunique"] < min_places)]
    return [SmallClass(str(name), int(row["size"]), int(row["nunique"])) for name, row in few.iterrows()]


def read_split(path: Path) -> pd.DataFrame:
    """The columns SPLIT_COLUMNS of a split.csv, or of a manifest's usable photos that are on a side."""
    if path.suffix.lower() == ".parquet":
        records = read_manifest(path, photos=False).rename(columns={"path": "file"})
        table = records.loc[(records["reject_reason"] == "") & (records["split"] != ""), SPLIT_COLUMNS]
        if table.empty:
            raise DataError(
                f"no photo of {path} is on a side: fill its column split with kangaroo data split"
            )
        return table
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)[SPLIT_COLUMNS]
    except (OSError, ValueError, KeyError) as error:
        raise DataError(
            f"{path} is not a split.csv, as a run or kangaroo data split leaves: {error}"
        ) from error
    strange = table.loc[~table["split"].isin(SIDES), "split"]
    if len(strange):
        line = f"{path} line {strange.index[0] + 2}"
        raise DataError(f"{line}: split {strange.iloc[0]!r} is not one of {', '.join(SIDES)}")
    return table


def sides_of(photos: pd.DataFrame, split: pd.DataFrame) -> "pd.Series[str]":
    """The side of each of ``photos`` (columns file, class, place) in ``split``; '' for one that is not there.

    A photo is known by its path, or, because a split may come from elsewhere, by its path from the class's
    folder on. Where files have got other names, the rows of ``split`` that are none of these photos tell the
    side of a place. What names photos of several sides tells nothing.
    """
    split = split.reset_index(drop=True)
    sides, known = pd.Series("", photos.index, dtype=str), pd.Series(False, split.index)
    for keys in (lambda table: table["file"], portable_names, _class_and_place):
        own, theirs = keys(photos), keys(split)[~known]
        table = split.loc[theirs.index, "split"].groupby(theirs.to_numpy()).agg(["first", "nunique"])
        side = table.loc[table["nunique"] == 1, "first"].to_dict()
        sides = sides.where(sides != "", own.map(lambda key, side=side: side.get(key, "")))
        known |= keys(split).isin(set(own))
    return sides.rename("split")


def portable_names(photos: pd.DataFrame) -> "pd.Series[str]":
    """What photos (columns file, class) are called wherever they lie: the path from the class's folder on.

    Of a file that lies in no folder of its class's name, it is the folder's and its own.
    """
    names = []
    for file, label in zip(photos["file"], photos["class"], strict=True):
        start = f"/{file}".rfind(f"/{label}/")
        names.append(file[start:] if start >= 0 else "/".join(file.rsplit("/", 2)[-2:]))
    return pd.Series(names, photos.index, dtype=str)


def _class_and_place(photos: pd.DataFrame) -> "pd.Series[str]":
    return photos["class"] + "/" + photos["place"]


def _strata(photos: pd.DataFrame) -> Iterable[list[str]]:
    """Places grouped by the classes of their photos, which are nearly always one."""
    classes = defaultdict(set)
    for place, name in zip(photos["place"], photos["class"], strict=True):
        classes[place].add(name)
    strata = defaultdict(list)
    for place, names in classes.items():
        strata[frozenset(names)].append(place)
    return strata.values()


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
