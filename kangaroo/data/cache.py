"""Decoded photos in one memory-mapped file: each photo is read once in a run, however large the set is."""

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from kangaroo.data.images import Pixels, decode_and_hash_many
from kangaroo.data.manifest import Manifest, Rejected
from kangaroo.errors import DataError, PhotoError
from kangaroo.progress import progress


def decode_photos(
    manifest: Manifest, size: int, folder: Path, *, antialias: bool = True
) -> tuple[Manifest, Pixels]:
    """Read every photo once: the manifest of those that can be read, and their pixels row by row.

    The pixels are uint8 (n, size, size, 3), read-only, mapped to a nameless temporary file in ``folder``,
    which goes with the array or the process, however that ends. The manifest gains ``sha256``; bad photos,
    and second copies within a class, move to ``rejected``. DataError: the same picture under two classes, or
    no room for n * size * size * 3 bytes.
    """
    files = manifest.photos["file"].tolist()
    names = manifest.photos["class"].tolist()
    pixels = _scratch((len(files), size, size, 3), folder)
    kept: dict[str, int] = {}  # sha256 -> row
    rejected: list[Rejected] = []
    decoded = progress(
        decode_and_hash_many(files, size, antialias=antialias), "reading photos", len(files), "photo"
    )
    for row, result in enumerate(decoded):
        if isinstance(result, PhotoError):
            rejected.append(Rejected(files[row], str(result)))
            continue
        photo, sha256 = result
        first = kept.get(sha256)
        if first is None:
            pixels[len(kept)] = photo
            kept[sha256] = row
        elif names[first] == names[row]:
            rejected.append(Rejected(files[row], f"same picture as {files[first]}"))
        else:
            raise DataError(f"the same picture under two classes: remove {files[first]} or {files[row]}")
    photos = manifest.photos.iloc[list(kept.values())].reset_index(drop=True).assign(sha256=list(kept))
    pixels.flags.writeable = False
    spots = pd.MultiIndex.from_frame(photos[["class", "lat", "lon"]])
    there = pd.MultiIndex.from_frame(manifest.locations[["class", "lat", "lon"]]).isin(spots)
    locations = manifest.locations.assign(has_photo=manifest.locations["has_photo"] & there)
    left = replace(manifest, photos=photos, locations=locations, rejected=(*manifest.rejected, *rejected))
    return left, pixels[: len(kept)]


def _scratch(shape: tuple[int, ...], folder: Path) -> Pixels:
    """An array on a temporary file without a name; an empty one needs no file."""
    if 0 in shape:
        return np.empty(shape, np.uint8)
    folder.mkdir(parents=True, exist_ok=True)
    needed, free = int(np.prod(shape)), shutil.disk_usage(folder).free
    if needed > free:  # checked first: writing to a mapping of a full disk kills the process
        raise DataError(
            f"{folder} has {free / 1e9:.1f} GB free, the decoded photos need {needed / 1e9:.1f}: "
            "use another folder or a smaller image size"
        )
    with tempfile.TemporaryFile(dir=folder) as file:
        return np.memmap(file, np.uint8, "w+", shape=shape)
