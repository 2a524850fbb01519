"""Decoded photos on disk: each is decoded once for a size, and read at the speed of memory from then on."""

import hashlib
import json
import mmap
import os
import shutil
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from kangaroo.data.images import Pixels, decode_many, hash_many
from kangaroo.data.manifest import Manifest, Rejected
from kangaroo.data.threads import in_threads
from kangaroo.errors import DataError, PhotoError
from kangaroo.files import cache_folder, write_json
from kangaroo.progress import progress

_VERSION = 1  # of how photos are decoded: another one makes every array anew
_UNUSED_DAYS = 30


def decode_photos(manifest: Manifest, size: int, *, antialias: bool = True) -> tuple[Manifest, Pixels]:
    """The manifest of the photos that can be read, and their pixels row by row, decoded at most once.

    The pixels are uint8 (n, size, size, 3), read-only, mapped to a file in ``decoded`` of the cache folder.
    Its name follows from the bytes of the photos, their order and the size; a file that is damaged is made
    anew, one that was not used for 30 days goes. The manifest gains ``sha256``; bad photos, and second
    copies within a class, move to ``rejected``. DataError: the same picture under two classes, or no room
    for n * size * size * 3 bytes.
    """
    manifest = _hashed(manifest)
    photos = manifest.photos
    array = _Array(photos["sha256"].tolist(), photos["file"].tolist(), size, antialias)
    pixels, bad = array.open() or array.build()
    rejected = [Rejected(photos["file"].iloc[int(row)], reason) for row, reason in bad.items()]
    kept = photos.drop(index=[int(row) for row in bad]).reset_index(drop=True)
    return _without(manifest, kept, rejected), pixels


def rows_of(pixels: Pixels, rows: npt.ArrayLike | slice) -> Pixels:
    """A copy of some rows. What was read of a mapped file no longer counts as this process's memory."""
    chosen = pixels[rows].copy() if isinstance(rows, slice) else pixels[np.asarray(rows, np.int64)]
    mapped = getattr(pixels, "_mmap", None)
    if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)  # the pages stay in the system's cache
    return chosen


def _hashed(manifest: Manifest) -> Manifest:
    """The manifest with sha256, without files that can't be read and second copies within a class."""
    files, names = (manifest.photos[column].tolist() for column in ("file", "class"))
    kept: dict[str, int] = {}  # sha256 -> row
    rejected: list[Rejected] = []
    hashes = progress(hash_many(files), "reading photos", len(files), "photo")
    for row, sha256 in enumerate(hashes):
        if isinstance(sha256, PhotoError):
            rejected.append(Rejected(files[row], str(sha256)))
            continue
        first = kept.setdefault(sha256, row)
        if first != row and names[first] != names[row]:
            raise DataError(f"the same picture under two classes: remove {files[first]} or {files[row]}")
        if first != row:
            rejected.append(Rejected(files[row], f"same picture as {files[first]}"))
    photos = manifest.photos.iloc[list(kept.values())].reset_index(drop=True).assign(sha256=list(kept))
    return _without(manifest, photos, rejected)


def _without(manifest: Manifest, photos: pd.DataFrame, rejected: Sequence[Rejected]) -> Manifest:
    """The manifest with these photos left."""
    spots = pd.MultiIndex.from_frame(photos[["class", "lat", "lon"]])
    there = pd.MultiIndex.from_frame(manifest.locations[["class", "lat", "lon"]]).isin(spots)
    locations = manifest.locations.assign(has_photo=manifest.locations["has_photo"] & there)
    return replace(manifest, photos=photos, locations=locations, rejected=(*manifest.rejected, *rejected))


@dataclass(frozen=True)
class _Array:
    """One file of decoded photos, and beside it what tells whether it is whole: it is written last."""

    sha256: Sequence[str]
    files: Sequence[str]
    size: int
    antialias: bool

    @property
    def path(self) -> Path:
        kinds = [Path(file).suffix.lower() for file in self.files]  # a PNG named .jpg is rejected
        key = json.dumps([_VERSION, self.size, self.antialias, [*zip(self.sha256, kinds, strict=True)]])
        return cache_folder() / "decoded" / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.u8"

    def open(self) -> tuple[Pixels, dict[str, str]] | None:
        """The pixels, and the reasons of bad photos by row number; None where there is no whole file."""
        path = self.path
        try:
            told = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
            pixels = self._map(path, len(told["crc32"]))
            if self._crc32(path, len(pixels)) != told["crc32"]:
                return None
            os.utime(path)  # used today
            return pixels, told["rejected"]
        except (OSError, ValueError, KeyError):
            return None

    def _crc32(self, path: Path, n: int) -> list[int]:
        """The checksum of each photo, read and not mapped: what is mapped counts as memory of the process."""
        length = self.size**2 * 3

        def checksum(row: int) -> int:
            with path.open("rb") as file:
                file.seek(row * length)
                return zlib.crc32(file.read(length))

        return list(progress(in_threads(checksum, range(n)), "checking decoded photos", n, "photo"))

    def build(self) -> tuple[Pixels, dict[str, str]]:
        """Decode every photo; gives what :meth:`open` does."""
        path = self.path
        path.parent.mkdir(parents=True, exist_ok=True)
        _tidy(path.parent)
        _require_room(path.parent, len(self.files) * self.size**2 * 3)
        temporary = path.with_suffix(f".{os.getpid()}.part")
        crc32: list[int] = []
        rejected: dict[str, str] = {}
        decoded = decode_many(self.files, self.size, antialias=self.antialias)
        try:
            with temporary.open("wb") as file:
                for row, photo in enumerate(progress(decoded, "decoding photos", len(self.files), "photo")):
                    if isinstance(photo, PhotoError):
                        rejected[str(row)] = str(photo)
                    else:
                        file.write(photo.data)
                        crc32.append(zlib.crc32(photo.data))
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        write_json(path.with_suffix(".json"), {"crc32": crc32, "rejected": rejected})
        return self._map(path, len(crc32)), rejected

    def _map(self, path: Path, n: int) -> Pixels:
        shape = (n, self.size, self.size, 3)
        if path.stat().st_size != np.prod(shape):
            raise ValueError(f"{path} is cut off")
        return np.memmap(path, np.uint8, "r", shape=shape) if n else np.empty(shape, np.uint8)


def _tidy(folder: Path) -> None:
    """Remove what was not used for a month, and what killed processes left more than a day ago."""
    for path in folder.iterdir():
        days = (time.time() - path.stat().st_mtime) / 86400
        if days > (_UNUSED_DAYS if path.suffix == ".u8" else 1 if path.suffix == ".part" else np.inf):
            path.unlink(missing_ok=True)
            path.with_suffix(".json").unlink(missing_ok=True)


def _require_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DataError(
            f"{folder} has {free / 1e9:.1f} GB free, the decoded photos need {needed / 1e9:.1f}: name "
            "another folder in KANGAROO_CACHE, or use a smaller image size"
        )
