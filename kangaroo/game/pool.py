"""The photos of the game: those that the model has not seen, and the picture of one that people are shown."""

import io
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from kangaroo.data.dataset import read_dataset, source_classes
from kangaroo.data.images import decode
from kangaroo.data.splits import portable_names, rank, read_split, sides_of
from kangaroo.errors import DataError

QUALITY = 92
"""Of the JPEG that is shown."""


@dataclass(frozen=True)
class Photo:
    """One photo and its answer: its class ``name``, and its place in degrees where that is known.

    ``key`` is what results call it, the path from the class's folder on: it must not leave the server before
    the guess, nor may anything else of a photo.
    """

    key: str
    path: Path
    name: str
    place: str
    lat: float | None = None
    lon: float | None = None


@dataclass(frozen=True, eq=False)
class Pool:
    """The photos that are played, by their keys.

    ``unseen``: the model was not trained on any of them. ``drawn``: they are drawn scenes.
    """

    photos: Mapping[str, Photo]
    unseen: bool
    drawn: bool = False

    @property
    def places(self) -> int:
        """The number of places, which is how many rounds a game can have."""
        return len({photo.place for photo in self.photos.values()})

    def choose(
        self,
        player: str,
        seen: Mapping[str, int],
        places: Collection[str],
        without: Collection[str],
        seed: int,
    ) -> Photo:
        """The next photo for ``player``: of those seen least often, the first in the player's own order.

        That is by SHA-256 of seed, player and key, so that nobody who has played knows what comes for others.
        ``seen`` counts how often the player was shown a photo, no photo of ``places`` comes again in this
        game, nor one of ``without``. DataError: none is left.
        """
        left = [p for key, p in self.photos.items() if key not in without and p.place not in places]
        if not left:
            raise DataError("no photo that can be read is left to play: give a folder with more of them")
        return min(left, key=lambda photo: (seen.get(photo.key, 0), rank(seed, f"{player}\n{photo.key}")))


def read_pool(sources: Sequence[Path], classes: Sequence[str] = (), split: Path | None = None) -> Pool:
    """The photos of folders and manifests to play with, of the model's ``classes`` (default: of any).

    ``split`` is the split.csv of the run that trained the model: only photos that it held back, for
    validation or test, are played. Without it all are, and the model may have seen them. DataError: nothing
    is left.
    """
    there = source_classes(sources)
    known = [name for name in there if not classes or name in classes]
    if not known:
        raise DataError(
            f"the model tells {', '.join(classes)} apart, the photos to play with are of {', '.join(there)}: "
            "give photos of the model's classes"
        )
    manifest = read_dataset(sources, known)
    photos = manifest.photos
    if split:
        photos = photos[sides_of(photos, read_split(split)).isin(["validation", "test"])]
        if photos.empty:
            raise DataError(
                f"{split} holds back none of the photos to play with: give the folders of that run"
            )
    if photos.empty:
        raise DataError(
            f"no photos to play with in {', '.join(map(str, sources))}: give a folder that has some"
        )
    return Pool(
        {photo.key: photo for photo in _photos(photos)}, unseen=split is not None, drawn=manifest.drawn
    )


def picture(path: Path, resolution: int) -> bytes:
    """What people and model see of a photo: its central square as a JPEG of ``resolution`` pixels a side.

    The JPEG is written anew from the pixels: without EXIF data, comment or name. PhotoError: the reason why
    the photo can't be read.
    """
    written = io.BytesIO()
    Image.fromarray(decode(path, resolution)).save(written, "JPEG", quality=QUALITY)
    return written.getvalue()


def _photos(table: pd.DataFrame) -> list[Photo]:
    """The photos of a manifest's rows; one whose short name is another's, too, is known by its path."""
    keys = portable_names(table)
    keys = keys.where(~keys.duplicated(keep=False), table["file"])
    return [
        Photo(key, Path(file), name, place, *((lat, lon) if np.isfinite(lat + lon) else ()))
        for key, file, name, place, lat, lon in zip(
            keys, *(table[column] for column in ("file", "class", "place", "lat", "lon")), strict=True
        )
    ]
