"""What ``kangaroo data check`` finds of faults put into photos, and what it rejects of untouched ones.

Measured on every other photo: those whose name has an odd SHA-256.
"""

import hashlib
import io
import os
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageFilter

from kangaroo.data.folders import photo_files
from kangaroo.data.manifest import complete
from kangaroo.data.parallel import map_photos
from kangaroo.data.quality import check_photos
from kangaroo.data.thresholds import Thresholds

Fault = Callable[[Image.Image, np.random.Generator], bytes]


def rows(root: Path, scratch: Path) -> Iterator[tuple[str, float, str]]:
    """What was measured, the figure, and a note: photos a second, then shares, fault by fault."""
    os.environ["KANGAROO_CACHE"] = str(scratch / "cache")
    files = [str(path) for path in photo_files(root)[0] if _half(path)]
    start = time.perf_counter()
    untouched = _check(files)
    yield "photos checked a second", len(files) / (time.perf_counter() - start), f"n = {len(files):,}"
    yield "untouched photos rejected, share", (untouched != "").mean(), _reasons(untouched)
    for name in (*SPOILED, *COPIED):
        written = map_photos(partial(_write, name, scratch), files, description=name)
        spoiled = list(written)
        judged = _check([*(files if name in COPIED else []), *spoiled])
        found = judged[spoiled] != ""
        if name in COPIED:  # of a photo and its copy, either may be the one that is kept
            found |= (judged[files] != "").to_numpy()
        yield f"{name}, share found", found.mean(), _reasons(judged[spoiled])
        for path in spoiled:
            os.unlink(path)


def _half(path: Path) -> bool:
    return hashlib.sha256(path.name.encode()).digest()[-1] % 2 == 1


def _check(files: list[str]) -> "pd.Series[str]":
    """The reason for each file, by its path."""
    records = complete(pd.DataFrame({"path": files, "class": "photo"}))
    return check_photos(records, Thresholds(), name="benchmark").set_index("path")["reject_reason"]


def _reasons(judged: "pd.Series[str]") -> str:
    counts = judged[judged != ""].value_counts()
    return ", ".join(f"{reason} {n:,}" for reason, n in counts.items())


def _write(name: str, scratch: Path, file: str) -> str:
    """Write the photo with a fault; gives the new file."""
    rng = np.random.default_rng(list(hashlib.sha256(file.encode()).digest()))
    path = scratch / f"{hashlib.sha256(file.encode()).hexdigest()}.jpg"
    with Image.open(file) as photo:
        path.write_bytes({**SPOILED, **COPIED}[name](photo.convert("RGB"), rng))
    return str(path)


def _jpeg(photo: Image.Image, quality: int = 90) -> bytes:
    data = io.BytesIO()
    photo.save(data, "JPEG", quality=quality)
    return data.getvalue()


def _grey(photo: Image.Image, rng: np.random.Generator) -> bytes:
    return _jpeg(Image.new("RGB", photo.size, (int(rng.integers(256)),) * 3))


def _truncated(photo: Image.Image, rng: np.random.Generator) -> bytes:
    data = _jpeg(photo)
    return data[: int(len(data) * rng.uniform(0.1, 0.9))]


def _enlarged(photo: Image.Image, rng: np.random.Generator) -> bytes:
    half = photo.resize((photo.width // 2, photo.height // 2), Image.Resampling.LANCZOS)
    return _jpeg(half.resize(photo.size, Image.Resampling.BICUBIC))


def _resized(factor: float, photo: Image.Image, rng: np.random.Generator) -> bytes:
    size = (round(photo.width * factor), round(photo.height * factor))
    return _jpeg(photo.resize(size, Image.Resampling.BICUBIC))


def _cropped(photo: Image.Image, right: float, down: float) -> bytes:
    """95 % of width and height, so far to the right and down."""
    width, height = round(0.95 * photo.width), round(0.95 * photo.height)
    left, top = round((photo.width - width) * right), round((photo.height - height) * down)
    return _jpeg(photo.crop((left, top, left + width, top + height)))


SPOILED: Mapping[str, Fault] = {
    "black": lambda photo, rng: _jpeg(Image.new("RGB", photo.size)),
    "a tenth as bright": lambda photo, rng: _jpeg(photo.point(lambda level: level // 10)),
    "one grey": _grey,
    "blurred, sigma 4 pixels": lambda photo, rng: _jpeg(photo.filter(ImageFilter.GaussianBlur(4))),
    "enlarged from half": _enlarged,
    "truncated": _truncated,
}
COPIED: Mapping[str, Fault] = {
    "copy of quality 75": lambda photo, rng: _jpeg(photo, 75),
    "copy of quality 50": lambda photo, rng: _jpeg(photo, 50),
    "copy of half the size": partial(_resized, 0.5),
    "copy of 1.5 times the size": partial(_resized, 1.5),
    "copy, middle 95 %": lambda photo, rng: _cropped(photo, 0.5, 0.5),
    "copy, any 95 %": lambda photo, rng: _cropped(photo, rng.random(), rng.random()),
}
