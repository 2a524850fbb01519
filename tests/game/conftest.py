"""A small world to play in: 12 photos of three countries, and a model that always says the same."""

import numpy as np
import pytest
from PIL import Image

from kangaroo.game.answers import Answer, Options, points_of
from kangaroo.game.host import Host
from kangaroo.game.pool import read_pool
from kangaroo.game.results import Results

CLASSES = ("Austria", "Czechia", "New Zealand")


@pytest.fixture
def folder(tmp_path):
    """Four photos a country; those of Austria have coordinates, two of them the same."""
    rng = np.random.default_rng(0)
    lines = ["file,country,place,lat,lon"]
    for name in CLASSES:
        for i in range(4):
            path = tmp_path / "photos" / name / f"{i}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            exif = Image.Exif()
            exif[0x010E] = f"taken in {name}"
            Image.fromarray(rng.integers(0, 256, (40, 60, 3), np.uint8)).save(path, exif=exif)
            where = f"{47 + i // 2},{15}" if name == "Austria" else ","
            lines.append(f"{name}/{i}.jpg,{name},,{where}")
    (tmp_path / "photos" / "labels.csv").write_text("\n".join(lines))
    return tmp_path / "photos"


@pytest.fixture
def options():
    return Options(CLASSES, points_of(CLASSES, {}))


@pytest.fixture
def host(folder, options, tmp_path):
    answer = Answer(CLASSES, None, (0.5, 0.3, 0.2))
    return Host(read_pool([folder]), options, Results(tmp_path / "r.sqlite"), "model", lambda shown: answer)
