"""What is measured of a photo, in one decoding; kept by file, so that every later step has it at once."""

import hashlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path

import imagehash
import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image
from scipy import ndimage

from kangaroo.data import images
from kangaroo.data.parallel import map_photos
from kangaroo.errors import DataError, PhotoError
from kangaroo.files import cache_folder

VERSION = 1
"""Of what the figures mean: a change makes every photo be measured anew."""

CROP_SHARE = 0.95
CROPS = 4
"""Hashed besides the whole photo: crops of so much of both sides, at 4 x 4 places from corner to corner."""

THUMBNAIL = 32
"""Width and height of the grey thumbnail in pixels."""

_SHARPNESS_SIDE = 224
_HASHED_SIDE = 160
_HASH_PIXELS = 32  # what pHash itself shrinks to
_DETAIL_SIDE = 512
_INFORMATION_SIDE = 256
_LEVELS = 4
_BATCH = 256  # photos a transaction


@dataclass(frozen=True)
class Tone:
    """What the histogram of a picture says.

    ``brightness``: the 99th percentile of the brightest channel, 0 to 255. ``plainness``: the share of pixels
    within four levels of the median, of the channel with the smallest. ``light_grey``: whether the median
    colour is that of a placeholder. ``variance``: of the channel with the largest, in squared levels.
    """

    brightness: int
    plainness: float
    light_grey: bool
    variance: float


@dataclass(frozen=True)
class Measures:
    """What was measured of one photo; of one that can't be read, ``problem`` says why, the rest is unknown.

    ``width`` and ``height`` in pixels, as it is seen upright. ``brightness``, ``plainness``, ``light_grey``,
    ``variance``: see Tone. ``sharpness``: variance of the Laplacian of the grey photo, shrunk until its
    shorter side has at most 224 pixels, so that resolution does not decide. ``detail``: energy at
    frequencies above 0.55 of Nyquist's, by that between 0.125 and 0.5; next to nothing where a picture was
    scaled up from half. ``information``: Shannon entropy of the grey levels in bits, at 256 x 256 pixels.
    ``phash``: perceptual hash of 64 bits, in hexadecimal; ``crops``: those of 16 crops, 8 bytes each.
    ``thumbnail``: 32 x 32 grey levels.
    """

    problem: str = ""
    sha256: str = ""
    width: int = 0
    height: int = 0
    brightness: int = 0
    plainness: float = 0
    light_grey: bool = False
    variance: float = 0
    sharpness: float = 0
    detail: float = 0
    information: float = 0
    phash: str = ""
    crops: bytes = b""
    thumbnail: bytes = b""


def measure(
    files: Sequence[str | Path],
    *,
    workers: int | None = None,
    ray: str | None = None,
    thumbnails: bool = False,
) -> pd.DataFrame:
    """The Measures of each file, a row each in the order of ``files``; column file is as given.

    Photos that were measured before are not opened, as long as their path, size and time of change are the
    same. Without ``thumbnails`` that column is left out. ``workers``, ``ray``: see
    :func:`kangaroo.data.parallel.map_photos`. DataError: the cache can't be used.
    """
    columns = [name for name in _COLUMNS if thumbnails or name != "thumbnail"]
    paths = {str(file): os.path.abspath(file) for file in files}
    with _store() as store:
        _measure_missing(store, list(dict.fromkeys(paths.values())), workers, ray)
        query = f"SELECT {', '.join(columns)} FROM photos WHERE path = ?"
        rows = [store.execute(query, (paths[str(file)],)).fetchone() for file in files]
    table = pd.DataFrame(rows, columns=columns)
    table.insert(0, "file", [str(file) for file in files])
    return table.astype({"light_grey": bool})


def measure_photo(file: str) -> Measures:
    """Read a photo and measure it."""
    sha256 = ""
    try:
        data = images.read_bytes(Path(file))
        sha256 = hashlib.sha256(data).hexdigest()
        photo = images.whole(data, Path(file))
    except PhotoError as error:
        return Measures(str(error), sha256)
    grey = photo.convert("L")
    small = grey.resize((_HASHED_SIDE, _HASHED_SIDE), Image.Resampling.BILINEAR)
    entropy_of = grey.resize((_INFORMATION_SIDE, _INFORMATION_SIDE), Image.Resampling.BILINEAR)
    return Measures(
        sha256=sha256,
        width=photo.width,
        height=photo.height,
        **asdict(tone(photo.histogram())),
        sharpness=sharpness(grey),
        detail=detail(np.asarray(grey)),
        information=entropy_of.entropy(),
        phash=_hash(small, (0, 0, _HASHED_SIDE, _HASHED_SIDE)).hex(),
        crops=b"".join(_hash(small, box) for box in _crop_boxes()),
        thumbnail=small.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BILINEAR).tobytes(),
    )


def tone(histogram: Sequence[int]) -> Tone:
    """What the 3 x 256 counts of a picture's channels say."""
    counts = np.reshape(np.asarray(histogram, np.int64), (3, 256))
    below, levels = counts.cumsum(axis=1), np.arange(256)
    total = int(below[0, -1])
    brightest = int((below >= 0.99 * total).argmax(axis=1).max())
    medians = (below >= 0.5 * total).argmax(axis=1)
    near = np.abs(levels - medians[:, None]) <= _LEVELS
    light_grey = np.ptp(medians) <= 8 and 180 <= medians.min() <= 245
    mean = counts @ levels / total
    variance = (counts @ levels**2 / total - mean**2).max()
    return Tone(
        brightest, float((counts * near).sum(axis=1).min() / total), bool(light_grey), float(variance)
    )


def sharpness(grey: Image.Image) -> float:
    """Variance of the Laplacian of a grey picture, shrunk to 224 pixels on its shorter side; see Measures."""
    shrink = min(1, _SHARPNESS_SIDE / min(grey.size))
    size = (max(1, round(grey.width * shrink)), max(1, round(grey.height * shrink)))
    pixels = np.asarray(grey.resize(size, Image.Resampling.BILINEAR), np.float32)
    return float(ndimage.laplace(pixels).var())


def detail(grey: npt.NDArray[np.uint8]) -> float:
    """Energy of high frequencies by that of middle ones, in the middle of a grey picture; see Measures."""
    height, width = (min(side, _DETAIL_SIDE) for side in grey.shape)
    top, left = (grey.shape[0] - height) // 2, (grey.shape[1] - width) // 2
    pixels = grey[top : top + height, left : left + width].astype(np.float32)
    window = np.hanning(height)[:, None] * np.hanning(width)
    energy = np.abs(np.fft.rfft2((pixels - pixels.mean()) * window)) ** 2
    vertical, horizontal = np.abs(np.fft.fftfreq(height)), np.fft.rfftfreq(width)
    frequency = 2 * np.maximum(vertical[:, None], horizontal)  # of Nyquist's
    middle = energy[(frequency >= 0.125) & (frequency < 0.5)].sum()
    return float(energy[frequency >= 0.55].sum() / middle) if middle else 0.0


def _hash(picture: Image.Image, box: tuple[float, float, float, float]) -> bytes:
    """Perceptual hash (pHash) of what lies in a box of a grey picture, 8 bytes."""
    part = picture.resize((_HASH_PIXELS, _HASH_PIXELS), Image.Resampling.LANCZOS, box)
    return np.packbits(imagehash.phash(part).hash).tobytes()


def _crop_boxes() -> list[tuple[float, float, float, float]]:
    side = CROP_SHARE * _HASHED_SIDE
    starts = np.linspace(0, _HASHED_SIDE - side, CROPS).tolist()
    return [(left, top, left + side, top + side) for top in starts for left in starts]


_COLUMNS = tuple(field.name for field in fields(Measures))


@contextmanager
def _store() -> Iterator[sqlite3.Connection]:
    """The table of what was measured. Its rows are whole after any crash, and several processes may write."""
    path = cache_folder() / f"measures-{VERSION}.sqlite"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=60)) as store:
            columns = ", ".join(("path PRIMARY KEY", "size", "mtime_ns", *_COLUMNS))
            store.execute(f"CREATE TABLE IF NOT EXISTS photos ({columns})")
            yield store
    except (OSError, sqlite3.Error) as error:
        raise DataError(
            f"{path} can't be used ({error}): remove it, or name another folder in KANGAROO_CACHE"
        ) from error


def _measure_missing(
    store: sqlite3.Connection, paths: Sequence[str], workers: int | None, ray: str | None
) -> None:
    stamps = {path: _stamp(path) for path in paths}
    # A file that could not be opened may be opened today: its permissions leave no mark on it.
    query = "SELECT size, mtime_ns FROM photos WHERE path = ? AND problem NOT LIKE 'unreadable%'"
    missing = [path for path in paths if store.execute(query, (path,)).fetchone() != stamps[path]]
    marks = ", ".join("?" * (3 + len(_COLUMNS)))
    insert = f"INSERT OR REPLACE INTO photos VALUES ({marks})"
    batch = []
    measured = map_photos(measure_photo, missing, workers=workers, ray=ray, description="measuring photos")
    try:
        with closing(measured):
            for path, found in zip(missing, measured, strict=True):
                batch.append((path, *stamps[path], *astuple(found)))
                if len(batch) == _BATCH:
                    _write(store, insert, batch)
    finally:
        _write(store, insert, batch)


def _write(store: sqlite3.Connection, insert: str, batch: list[tuple[object, ...]]) -> None:
    with store:
        store.executemany(insert, batch)
    batch.clear()


def _stamp(path: str) -> tuple[int, int]:
    """Size and time of change; of a file that can't be asked, what no row has."""
    try:
        found = os.stat(path)
    except OSError:
        return (-1, -1)
    return found.st_size, found.st_mtime_ns
