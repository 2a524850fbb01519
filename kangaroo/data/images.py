"""Decode, crop, resize and standardize photos with Pillow and NumPy; no TensorFlow."""

import hashlib
import io
import math
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from kangaroo.data.threads import in_threads
from kangaroo.errors import PhotoError

Pixels: TypeAlias = npt.NDArray[np.uint8]
Photo: TypeAlias = Path | str | Image.Image | Pixels
Item = TypeVar("Item")
Result = TypeVar("Result")

SUFFIXES = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WebP"}
MAX_PIXELS = 2**27
"""The largest photo that is read: a panorama of 16384 x 8192 pixels."""


def decode(photo: Photo, size: int, *, antialias: bool = True) -> Pixels:
    """Read a photo as uint8 RGB (size, size, 3): upright, its centre square, bilinear with antialiasing.

    Without ``antialias`` only the four pixels around each sample count, as in tf.image.resize: so were the
    report's networks trained.

    ``photo`` is a path, a PIL picture, or a uint8 array H x W x 3. A large JPEG given as a path is scaled
    down by libjpeg while it is decoded, so its pixels differ by a few levels from those of the same photo
    given as a picture. Raises PhotoError with the reason alone.
    """
    if isinstance(photo, str | Path):
        return _decode_bytes(read_bytes(Path(photo)), Path(photo), size, antialias)
    if isinstance(photo, Image.Image):
        return _upright_square(photo, size, antialias)
    if not (
        isinstance(photo, np.ndarray)
        and photo.dtype == np.uint8
        and photo.ndim == 3
        and photo.size
        and photo.shape[2] == 3
    ):
        kind = f"{photo.dtype} {photo.shape}" if isinstance(photo, np.ndarray) else type(photo).__name__
        raise PhotoError(f"not a uint8 array of shape (height, width, 3): {kind}")
    return _upright_square(Image.fromarray(photo), size, antialias)


def decode_many(
    photos: Iterable[Photo], size: int, *, antialias: bool = True, workers: int | None = None
) -> Generator[Pixels | PhotoError, None, None]:
    """``decode`` each photo in threads, in order; a bad photo gives its PhotoError instead of raising it.

    ``workers`` is the number of threads (default: the processors); some photos are read ahead. Close
    it if you leave it early.
    """
    return _or_errors(partial(decode, size=size, antialias=antialias), photos, workers)


def hash_many(files: Iterable[Path | str], *, workers: int | None = None) -> Iterator[str | PhotoError]:
    """The SHA-256 of each file's bytes in hexadecimal, in order; a bad file gives its PhotoError."""
    return _or_errors(_sha256, files, workers)


def standardize(photos: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Give every photo of (..., H, W, C) mean 0 and standard deviation 1, as float32.

    The denominator is max(std, 1/sqrt(N)) with N = H*W*C, as in tf.image.per_image_standardization, so that
    a photo of one colour gives zeros.
    """
    values = np.asarray(photos)
    result = np.empty(values.shape, np.float32)
    n = math.prod(values.shape[-3:])
    whole = (
        np.uint64 if values.dtype.kind in "bu" else np.float64
    )  # in float32 a white photo's mean is not 255
    # Photo by photo: one fits into the processor's cache, where a batch goes through memory at each step.
    for photo, out in zip(values.reshape(-1, n), result.reshape(-1, n), strict=True):
        np.subtract(photo, np.float32(photo.sum(dtype=whole) / n), out=out, dtype=np.float32)
        out *= np.float32(math.sqrt(n) / max(math.sqrt(out @ out), 1))
    return result


def read_bytes(path: Path) -> bytes:
    """The contents of a file named as a photo. PhotoError: the reason why not."""
    if path.suffix.lower() not in SUFFIXES:
        raise PhotoError(unsupported(path))
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PhotoError(f"unreadable: {error.strerror}") from error
    if not data:
        raise PhotoError("empty file")
    return data


def unsupported(path: Path) -> str:
    """The reason for leaving out a file whose name doesn't end like a photo's."""
    return f"unsupported file type {path.suffix or '(no ending)'} (use jpg, jpeg, png or webp)"


def _sha256(file: Path | str) -> str:
    return hashlib.sha256(read_bytes(Path(file))).hexdigest()


def whole(data: bytes, path: Path) -> Image.Image:
    """The photo in a file's ``data``, RGB, upright and uncut; PhotoError if ``path`` ends otherwise, too."""
    image = _open(data, path)
    with damage():
        photo = _rgb(image)
    photo.info = image.info
    return _upright(photo)


def _decode_bytes(data: bytes, path: Path, size: int, antialias: bool) -> Pixels:
    image = _open(data, path)
    if antialias:  # JPEG: libjpeg scales while decoding, to the smallest of 1/8, 1/4, 1/2 not below size
        image.draft(None, (size, size))
    return _upright_square(image, size, antialias)


def open_picture(data: bytes) -> ImageFile:
    """A JPEG, PNG or WebP picture, not yet decoded. PhotoError: it is none, damaged or too large."""
    # Not Image.open: it warns of large pictures by itself, and the limit is a global of Pillow.
    readers: dict[str, Callable[[io.BytesIO], ImageFile]] = {
        "JPEG": JpegImageFile,
        "PNG": PngImageFile,
        "WebP": WebPImageFile,
    }
    kind = _kind(data)
    if kind is None:
        raise PhotoError("not a picture, at least none of the kinds JPEG, PNG and WebP")
    with damage():
        image = readers[kind](io.BytesIO(data))
    if image.width * image.height > MAX_PIXELS:
        raise PhotoError(f"too large: {image.width} x {image.height} pixels (limit {MAX_PIXELS:,} in all)")
    return image


def _kind(data: bytes) -> str | None:
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    return "WebP" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None


def _open(data: bytes, path: Path) -> ImageFile:
    kind = _kind(data)
    if kind and kind != SUFFIXES[path.suffix.lower()]:
        raise PhotoError(f"is a {kind} picture named {path.suffix}")
    return open_picture(data)


@contextmanager
def damage() -> Iterator[None]:
    """Whatever Pillow says of damaged data (a dozen exception types) becomes one reason."""
    try:
        yield
    except (MemoryError, PhotoError):
        raise
    except Exception as error:
        raise PhotoError("truncated or damaged") from error


def _upright_square(image: Image.Image, size: int, antialias: bool) -> Pixels:
    side = min(image.size)
    if side == 0:
        raise PhotoError(f"no pixels: {image.width} x {image.height}")
    left, top = (image.width - side) / 2, (image.height - side) / 2
    box, target = (left, top, left + side, top + side), (size, size)
    with damage():
        picture = _rgb(image)
        if antialias:
            square = picture.resize(target, Image.Resampling.BILINEAR, box=box)
        else:
            left, top = int(left), int(top)
            inner = picture.crop((left, top, left + side, top + side))  # so that no pixel beyond it counts
            square = inner.transform(
                target, Image.Transform.EXTENT, (0, 0, side, side), Image.Resampling.BILINEAR
            )
    # The centre square turns into itself, so the small picture can be turned instead of the large one.
    square.info = image.info
    return np.array(_upright(square))


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # damaged EXIF data say nothing about the pixels
        return image


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode in ("I", "F"):
        raise PhotoError(
            f"gray values of 32 bits (mode {image.mode}), whose range is unknown: convert it first"
        )
    if image.mode.startswith("I;16"):  # Pillow's own conversion clips at 255
        image = image.point(lambda value: value * (1 / 256)).convert("L")
        image.info.pop("transparency", None)
    if not image.has_transparency_data:
        return image.convert("RGB")
    picture = image.convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, picture).convert("RGB")


def _or_errors(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int | None
) -> Generator[Result | PhotoError, None, None]:
    """Map in order, in threads; Pillow releases the interpreter lock while it decodes."""
    return in_threads(partial(_or_error, function), items, workers=workers)


def _or_error(function: Callable[[Item], Result], item: Item) -> Result | PhotoError:
    try:
        return function(item)
    except PhotoError as error:
        return error
