"""The photos of a model's classes, out of any folders and manifests."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from kangaroo.data.dataset import read_dataset, source_classes
from kangaroo.data.manifest import Manifest
from kangaroo.data.splits import read_split, sides_of
from kangaroo.errors import DataError


def labelled(
    sources: Sequence[Path], classes: Sequence[str], split: Path | None = None
) -> tuple[Manifest, list[str]]:
    """The photos of ``classes`` that the sources hold, and the names of the other classes there, sorted.

    ``split`` is a split.csv: only the photos that it holds back for validation are taken. DataError: the
    sources hold none of the classes, or the split none of the photos.
    """
    there = source_classes(sources)
    known = [name for name in there if name in classes]
    if not known:
        raise DataError(
            f"the model tells {', '.join(classes)} apart, the folders hold {', '.join(there)}: "
            "give photos of the model's classes"
        )
    manifest = read_dataset(sources, known)
    if split:
        photos = held_back(manifest.photos, split)
        manifest = replace(manifest, photos=photos, classes=tuple(photos["class"].unique()))
    return manifest, sorted(set(there) - set(known))


def held_back(photos: pd.DataFrame, split: Path) -> pd.DataFrame:
    """The photos that a split.csv, or a manifest's column split, holds back for validation."""
    kept = sides_of(photos, read_split(split)) == "validation"
    if not kept.any():
        raise DataError(f"{split} holds back none of these photos: give the folders of that run")
    return photos[kept]
