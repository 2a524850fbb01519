import hashlib
import os
import sqlite3
import subprocess
import sys

import imagehash
import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageFilter

from kangaroo.data import measures
from kangaroo.data.measures import CROP_SHARE, detail, measure, measure_photo, sharpness, tone
from kangaroo.errors import DataError


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KANGAROO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "measures-1.sqlite"


def scene(seed=0, size=(320, 240)):
    """A picture with energy at all frequencies, falling as in photos."""
    rng = np.random.default_rng(seed)
    height, width = size[1], size[0]
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)) + 1 / width
    layers = [
        np.fft.irfft2(np.fft.rfft2(rng.normal(size=(height, width))) / frequency, (height, width))
        for _ in "rgb"
    ]
    pixels = np.stack(layers, axis=-1)
    return Image.fromarray(np.clip(128 + 50 * pixels / pixels.std(), 0, 255).astype(np.uint8))


def test_tone_of_a_hand_made_picture():
    pixels = np.zeros((10, 10, 3), np.uint8)
    pixels[..., 1] = 200  # one level throughout
    pixels[:2, :, 2] = 100  # a fifth
    found = tone(Image.fromarray(pixels).histogram())
    assert found.brightness == 200
    assert found.plainness == 0.8
    assert found.variance == pytest.approx(np.var(pixels[..., 2].astype(float)))
    assert not found.light_grey
    assert tone(Image.new("RGB", (5, 5), (228, 227, 223)).histogram()).light_grey


def test_variance_is_that_of_numpy():
    picture = scene()
    channels = np.asarray(picture, float).reshape(-1, 3)
    assert tone(picture.histogram()).variance == pytest.approx(channels.var(axis=0).max())


def test_sharpness_is_the_variance_of_the_laplacian():
    grey = scene().convert("L").crop((0, 0, 60, 50))
    padded = np.pad(np.asarray(grey, float), 1, "symmetric")
    sides = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
    assert sharpness(grey) == pytest.approx((sides - 4 * padded[1:-1, 1:-1]).var(), rel=1e-5)


def test_sharpness_does_not_depend_on_resolution():
    small = scene(size=(400, 300)).convert("L")
    large = small.resize((1200, 900), Image.Resampling.BICUBIC)
    assert sharpness(large) == pytest.approx(sharpness(small), rel=0.25)
    assert sharpness(large.filter(ImageFilter.GaussianBlur(12))) < sharpness(large) / 10


def test_detail_is_the_quotient_of_the_energies_of_two_waves():
    x = np.arange(256)
    wave = lambda amplitude, frequency: amplitude * np.cos(np.pi * frequency * x)  # noqa: E731, of Nyquist's
    pixels = np.tile(128 + wave(40, 0.25) + wave(10, 0.75), (256, 1))
    assert detail(pixels.round().astype(np.uint8)) == pytest.approx((10 / 40) ** 2, rel=0.05)
    assert detail(pixels.T.round().astype(np.uint8)) == pytest.approx((10 / 40) ** 2, rel=0.05)
    assert detail(np.full((30, 30), 7, np.uint8)) == 0


def test_an_enlarged_picture_has_no_detail():
    picture = scene().convert("L")
    half = picture.resize((160, 120), Image.Resampling.LANCZOS).resize((320, 240), Image.Resampling.BICUBIC)
    assert detail(np.asarray(half)) < 0.03 < 0.1 < detail(np.asarray(picture))


def test_a_photo_measured(tmp_path):
    scene().save(tmp_path / "a.png")
    found = measure_photo(str(tmp_path / "a.png"))
    assert found.problem == ""
    assert found.sha256 == hashlib.sha256((tmp_path / "a.png").read_bytes()).hexdigest()
    assert (found.width, found.height) == (320, 240)
    small = scene().convert("L").resize((160, 160), Image.Resampling.BILINEAR)
    assert found.phash == str(imagehash.phash(small))
    corner = small.resize((32, 32), Image.Resampling.LANCZOS, (0, 0, CROP_SHARE * 160, CROP_SHARE * 160))
    assert found.crops[:8].hex() == str(imagehash.phash(corner))
    assert len(found.crops) == 16 * 8
    assert len(found.thumbnail) == 32 * 32
    levels = np.asarray(scene().convert("L").resize((256, 256), Image.Resampling.BILINEAR))
    share = np.bincount(levels.ravel(), minlength=256) / levels.size
    assert found.information == pytest.approx(-(share[share > 0] * np.log2(share[share > 0])).sum())


def test_a_photo_is_measured_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    scene().save(tmp_path / "a.jpg", exif=exif)
    found = measure_photo(str(tmp_path / "a.jpg"))
    assert (found.width, found.height) == (240, 320)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (1, 500), (20, 8)])
def test_tiny_pictures_are_measured_too(tmp_path, size):
    Image.new("RGB", size, (9, 99, 200)).save(tmp_path / "a.png")
    found = measure_photo(str(tmp_path / "a.png"))
    assert (found.problem, found.width, found.height) == ("", *size)


def test_what_can_not_be_read_has_a_problem(tmp_path):
    scene().save(tmp_path / "cut.jpg")
    data = (tmp_path / "cut.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(data[: len(data) // 2])
    (tmp_path / "wrong.png").write_bytes(data)
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "empty.jpg").touch()
    names = ("cut.jpg", "wrong.png", "text.jpg", "empty.jpg", "gone.jpg")
    table = measure([tmp_path / name for name in names])
    expected = ["truncated or damaged", "is a JPEG picture", "not a picture", "empty file", "unreadable"]
    assert all(text in problem for text, problem in zip(expected, table["problem"], strict=True))
    assert table["sha256"].ne("").tolist() == [True, True, True, False, False]


def test_the_table_is_in_the_order_of_the_files_and_as_the_photos_are(tmp_path):
    for i in range(70):
        scene(i, (40, 30 + i)).save(tmp_path / f"{i}.png")
    files = [str(tmp_path / f"{i}.png") for i in np.random.default_rng(0).permutation(70)]
    table = measure([*files, files[0]], workers=2, thumbnails=True)
    assert table["file"].tolist() == [*files, files[0]]
    alone = pd.DataFrame([measure_photo(file) for file in [*files, files[0]]])
    pd.testing.assert_frame_equal(table.drop(columns="file"), alone, check_dtype=False)
    assert "thumbnail" not in measure(files[:2])
    assert measure([]).empty


def test_a_photo_is_opened_again_only_if_it_changed(tmp_path, monkeypatch):
    opened = []

    def watched(file):
        opened.append(os.path.basename(file))
        return measure_photo(file)

    monkeypatch.setattr(measures, "measure_photo", watched)
    for name in ("a.png", "b.png"):
        scene().save(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    measure(["a.png", "b.png"])
    first = measure([tmp_path / "b.png", "a.png"])
    assert opened == ["a.png", "b.png"]
    scene(1).save(tmp_path / "b.png")
    os.utime(tmp_path / "b.png", ns=(1, 1))
    second = measure(["b.png", "a.png"])
    assert opened == ["a.png", "b.png", "b.png"]
    assert first["phash"][0] != second["phash"][0]
    measure(["c.png"])
    measure(["c.png"])  # it may be there by now
    assert opened[3:] == ["c.png", "c.png"]


KILLED = """
import os, sys
from kangaroo.data import measures
def until(file, seen=[]):
    seen.append(file)
    if len(seen) == 40:
        os.kill(os.getpid(), 9)
    return measures.Measures(problem="measured before")
measures._BATCH = 10
measures.measure_photo = until
measures.measure(sys.argv[1:], workers=1)
"""


def test_a_killed_run_goes_on(tmp_path):
    files = [str(tmp_path / f"{i}.png") for i in range(60)]
    for file in files:
        scene(0, (12, 12)).save(file)
    done = subprocess.run([sys.executable, "-c", KILLED, *files], check=False)
    assert done.returncode == -9
    problems = measure(files)["problem"].tolist()
    assert problems == ["measured before"] * 30 + [""] * 30


def test_two_processes_may_measure_at_once(tmp_path):
    files = [str(tmp_path / f"{i}.png") for i in range(40)]
    for i, file in enumerate(files):
        scene(i, (30, 30)).save(file)
    code = "import sys; from kangaroo.data import measures as m; m._BATCH = 2; m.measure(sys.argv[1:])"
    running = [subprocess.Popen([sys.executable, "-c", code, *files]) for _ in range(2)]
    assert [process.wait(60) for process in running] == [0, 0]
    assert measure(files)["phash"].tolist() == [measure_photo(file).phash for file in files]


def test_a_damaged_cache_is_named(cache, tmp_path):
    cache.parent.mkdir()
    cache.write_text("no database " * 100)
    with pytest.raises(DataError, match=r"measures-1.sqlite can't be used .*: remove it"):
        measure([tmp_path / "a.png"])


def test_the_cache_holds_what_the_version_says(cache, tmp_path):
    scene().save(tmp_path / "a.png")
    measure([tmp_path / "a.png"])
    with sqlite3.connect(cache) as store:
        rows = store.execute("SELECT path, size FROM photos").fetchall()
    assert rows == [(str(tmp_path / "a.png"), (tmp_path / "a.png").stat().st_size)]
