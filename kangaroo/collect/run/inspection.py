"""Is this a photo worth keeping? Asked of every picture on arrival."""

import io
from dataclasses import dataclass

from PIL import Image

from kangaroo.data.images import MAX_PIXELS
from kangaroo.data.measures import Tone, tone
from kangaroo.data.quality import is_dark, is_plain
from kangaroo.data.thresholds import Thresholds

DAMAGED = "truncated or damaged"
_SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp"}
_MAGIC = ((b"\xff\xd8\xff", ".jpg"), (b"\x89PNG\r\n\x1a\n", ".png"), (b"RIFF", ".webp"))


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
            levels = tone(image.convert("RGB").histogram())
    except MemoryError:
        raise
    except Exception:  # Pillow has a dozen types for damaged data
        return Inspection(suffix, reason=DAMAGED)
    reason = _wrong_size(width, height, size, longest) or _empty(levels)
    return Inspection(suffix, width, height, reason)


def _wrong_size(width: int, height: int, size: tuple[int, int] | None, longest: int) -> str:
    if size and (width, height) != size:
        return f"{width} x {height} pixels instead of {size[0]} x {size[1]}"
    if max(width, height) < longest:
        return f"{width} x {height} pixels, the longer side below {longest}"
    return ""


def _empty(levels: Tone) -> str:
    """Why a picture shows nothing, '' if it shows something; as ``kangaroo data check`` has it."""
    thresholds = Thresholds()
    if is_dark(levels, thresholds):
        return "black"
    if not is_plain(levels, thresholds):
        return ""
    return "grey placeholder: no imagery" if levels.light_grey else "nearly uniform"
