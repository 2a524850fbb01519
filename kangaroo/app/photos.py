"""Photos that came from a browser, or are examples: from bytes to pixels, or to one polite line."""

import base64
import io
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from gradio.utils import get_upload_folder
from PIL import Image

from kangaroo.app.state import State
from kangaroo.data.folders import photo_files
from kangaroo.data.images import Pixels, damage, decode, open_picture
from kangaroo.errors import DataError, PhotoError
from kangaroo.scenes.profiles import PROFILES
from kangaroo.scenes.render import draw

MAX_PIXELS = 50_000_000
"""The largest photo that is taken from a browser: 20 people at once may send one."""
UPLOADS = "uploads"
"""What Gradio counts together all work on uploads as: no more pictures are decoded at once than WORKERS."""
EXAMPLES = 8
SHOWN = 480
"""Height and width, in pixels, of a photo on the page."""


@dataclass(frozen=True, eq=False)
class Shown:
    """One photo: ``pixels``, uint8 (S, S, 3), are for the network, ``url`` shows its centre square."""

    pixels: Pixels
    url: str
    name: str
    drawn: bool = False


def read(data: bytes, state: State, name: str) -> Shown:
    """The photo in ``data``, a JPEG, PNG or WebP file, upright, whatever its name. PhotoError: it is none."""
    if len(data) > state.settings.max_bytes:
        raise PhotoError(f"too large: {len(data) / 1e6:.0f} MB (limit {state.settings.max_upload_mb:g} MB)")
    if not data:
        raise PhotoError("empty file")
    size = state.classifier.image_size
    pixels = _square(data, size, antialias=state.classifier.card.antialias)
    return Shown(pixels, picture_url(_square(data, SHOWN)), name)


def name_of(payload: Any) -> str:
    """What a browser calls the photo that it sent."""
    return str(payload.get("orig_name") or "photo")[:120] if isinstance(payload, dict) else "photo"


def upload(payload: Any, state: State) -> Shown:
    """The photo that Gradio has put into its folder for uploads. PhotoError: it is none."""
    if not isinstance(payload, dict) or not payload.get("path"):
        raise PhotoError("no photo came: try again")
    path = Path(payload["path"])
    if not path.resolve().is_relative_to(Path(get_upload_folder()).resolve()):  # the guard makes sure of it
        raise PhotoError("no photo came: try again")
    try:
        if path.stat().st_size > state.settings.max_bytes:  # before a byte of it is read
            raise PhotoError(f"too large (limit {state.settings.max_upload_mb:g} MB)")
        return read(path.read_bytes(), state, name_of(payload))
    except OSError as error:
        raise PhotoError("the photo is gone already: send it again") from error


@lru_cache(maxsize=1)
def examples(state: State) -> Sequence[Shown]:
    """Photos to try: some of the examples' folder, drawn by the seed, or else scenes drawn on the spot.

    DataError: the folder has no photo that can be read.
    """
    folder, seed = state.settings.examples, state.settings.seed
    if folder is None:
        known = [name for name in state.classifier.classes if name in PROFILES] or list(PROFILES)
        return [_scene(known[i % len(known)], 1000 * seed + i, state, i) for i in range(EXAMPLES)]
    if not folder.is_dir():
        raise DataError(f"no folder {folder}: give one of photos with --examples")
    files = photo_files(folder)[0]
    found: list[Shown] = []
    for file in random.Random(seed).sample(sorted(files), len(files)):
        if len(found) == EXAMPLES:
            break
        try:
            found.append(read(file.read_bytes(), state, f"Example {len(found) + 1}"))
        except (PhotoError, OSError):
            continue
    if not found:
        raise DataError(f"no photo in {folder} can be read: give JPEG, PNG or WebP pictures")
    return found


def picture_url(pixels: Pixels, kind: str = "JPEG") -> str:
    """A picture, uint8 (H, W, 3) or (H, W, 4), as an address that holds all of it."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **({"quality": 88} if kind == "JPEG" else {}))
    return f"data:image/{kind.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"


def _scene(country: str, seed: int, state: State, number: int) -> Shown:
    scene = draw(country, seed, max(256, state.classifier.image_size))
    shown = read(scene.jpeg, state, f"Drawn scene {number + 1}")
    return Shown(shown.pixels, shown.url, shown.name, drawn=True)


def _square(data: bytes, size: int, *, antialias: bool = True) -> Pixels:
    image = open_picture(data)
    if image.width * image.height > MAX_PIXELS:
        raise PhotoError(f"too large: {image.width} x {image.height} pixels (limit {MAX_PIXELS:,} in all)")
    if antialias:
        with damage():
            image.draft(None, (size, size))  # as decode does of files
    return decode(image, size, antialias=antialias)


def thumbnails(photos: Sequence[Shown]) -> list[dict[str, str]]:
    """What examples.js shows: a small picture of each, and its name."""
    return [{"url": picture_url(_small(photo.pixels)), "name": photo.name} for photo in photos]


def _small(pixels: Pixels) -> Pixels:
    return np.asarray(Image.fromarray(pixels).resize((112, 112), Image.Resampling.BILINEAR))
