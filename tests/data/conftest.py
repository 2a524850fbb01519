"""Photo folders in small."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def write_photo(path: Path, seed: int = 0, side: int = 8) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def make_folder(tmp_path: Path) -> Callable[..., Path]:
    """Write files (photos, each another one, or text) into a root: make_folder(name, "A/1.jpg", csv=...)."""
    count = 0

    def make(name: str, *files: str, **texts: str) -> Path:
        nonlocal count
        for file in files:
            count += 1
            write_photo(tmp_path / name / file, count)
        for file, text in texts.items():
            (tmp_path / name / f"{file}.csv").write_text(text, encoding="utf-8")
        return tmp_path / name

    return make
