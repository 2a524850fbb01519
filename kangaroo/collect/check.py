"""Is this a photo worth keeping? Asked of every picture on arrival."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from PIL import Image

from kangaroo.data.images import MAX_PIXELS

DAMAGED = "truncated or damaged"
_SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp"}
_MAGIC = ((b"\xff\xd8\xff", ".jpg"), (b"\x89PNG\r\n\x1a\n", ".png"), (b"RIFF", ".webp"))

# Measured on 4,931 street-level photos: the darkest tunnel has a 99th percentile of 54, the plainest photo
# 86 % of its pixels within four levels of the median colour, the plainest grey one (fog) 67 %.
_BLACK = 32
_PLAIN = 0.9
_PLAIN_GREY = 0.8
_LEVELS = 4


@dataclass(frozen=True)
class Inspection:
    """What a picture is: suffix for its file, width and height in pixels, and why not to keep it, or ''."""

    suffix: str
    width: int = 0
    height: int = 0
    reason: str = ""


def looks_like_picture(data: bytes) -> bool:
    """Whether the first bytes are those of a JPEG, PNG or WebP file."""
    return any(data.startswith(magic) for magic, _ in _MAGIC)


def inspect(data: bytes, size: tuple[int, int] | None = None, longest: int = 0) -> Inspection:
    """Decode a picture and judge it.

    ``size``: the width and height (pixels) that were asked for, where the source keeps to them; ``longest``:
    what the longer side must have at least. The reason is ``DAMAGED`` if it can't be decoded.
    """
    suffix = next((suffix for magic, suffix in _MAGIC if data.startswith(magic)), ".jpg")
    try:
        with Image.open(io.BytesIO(data), formats=tuple(_SUFFIXES)) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                return Inspection(suffix, width, height, f"too large: {width} x {height} pixels")
            image.draft("RGB", (width // 2, height // 2))  # half the side: quick, and noise stays visible
            histogram = image.convert("RGB").histogram()
    except MemoryError:
        raise
    except Exception:  # Pillow has a dozen types for damaged data
        return Inspection(suffix, reason=DAMAGED)
    reason = _wrong_size(width, height, size, longest) or _empty(histogram)
    return Inspection(suffix, width, height, reason)


def _wrong_size(width: int, height: int, size: tuple[int, int] | None, longest: int) -> str:
    if size and (width, height) != size:
        return f"{width} x {height} pixels instead of {size[0]} x {size[1]}"
    if max(width, height) < longest:
        return f"{width} x {height} pixels, the longer side below {longest}"
    return ""


def _empty(histogram: Sequence[int]) -> str:
    """Why a picture shows nothing, from the 3 x 256 counts of its channels; '' if it shows something."""
    channels = [list(histogram[start : start + 256]) for start in (0, 256, 512)]
    if all(_percentile(counts, 0.99) < _BLACK for counts in channels):
        return "black"
    medians = [_percentile(counts, 0.5) for counts in channels]
    plain = min(_share_near(counts, median) for counts, median in zip(channels, medians, strict=True))
    grey = max(medians) - min(medians) <= 8 and 180 <= min(medians) <= 245
    if grey and plain >= _PLAIN_GREY:
        return "grey placeholder: no imagery"
    return "nearly uniform" if plain >= _PLAIN else ""


def _percentile(counts: Sequence[int], share: float) -> int:
    """The first of 256 levels at or below which lies ``share`` of the pixels."""
    total = sum(counts)
    return next(level for level, below in enumerate(accumulate(counts)) if below >= share * total)


def _share_near(counts: Sequence[int], level: int) -> float:
    return sum(counts[max(0, level - _LEVELS) : level + _LEVELS + 1]) / sum(counts)
