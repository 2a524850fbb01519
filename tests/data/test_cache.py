import gc
import hashlib
import shutil
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

from kangaroo.data import images
from kangaroo.data.cache import decode_photos
from kangaroo.data.images import decode
from kangaroo.data.manifest import Rejected, read_folders
from kangaroo.errors import DataError


def test_pixels_and_hashes_stand_row_by_row(make_folder, tmp_path):
    root = make_folder("root", "A/1.png", "A/2.png", "B/3.png")
    (root / "A/1a.jpg").write_bytes(b"")
    manifest, pixels = decode_photos(read_folders([root]), 8, tmp_path / "new" / "scratch")
    assert [Path(file).name for file in manifest.photos["file"]] == ["1.png", "2.png", "3.png"]
    assert manifest.rejected == (Rejected(f"{root}/A/1a.jpg", "empty file"),)
    assert pixels.shape == (3, 8, 8, 3)
    assert not pixels.flags.writeable
    for row, photo in zip(pixels, manifest.photos.itertuples(), strict=True):
        np.testing.assert_array_equal(row, decode(photo.file, 8))
        assert photo.sha256 == hashlib.sha256(Path(photo.file).read_bytes()).hexdigest()


def test_each_file_is_read_once(make_folder, tmp_path, monkeypatch):
    root = make_folder("root", *[f"A/{i}.png" for i in range(20)])
    read, real = [], images._read
    monkeypatch.setattr(images, "_read", lambda path: (read.append(path), real(path))[1])
    decode_photos(read_folders([root]), 8, tmp_path)
    assert len(read) == len(set(read)) == 20


def test_the_scratch_file_has_no_name(make_folder, tmp_path):
    root = make_folder("root", "A/1.png")
    scratch = tmp_path / "scratch"
    _, pixels = decode_photos(read_folders([root]), 8, scratch)
    assert list(scratch.iterdir()) == []
    assert pixels.any()
    del pixels
    gc.collect()
    assert list(scratch.iterdir()) == []


def test_the_same_picture_twice_in_a_class_counts_once(make_folder, tmp_path):
    root = make_folder("root", "A/1.png", "A/2.png")
    shutil.copy(root / "A/1.png", root / "A/9.png")
    manifest, pixels = decode_photos(read_folders([root]), 8, tmp_path)
    assert len(manifest.photos) == len(pixels) == 2
    assert manifest.rejected == (Rejected(f"{root}/A/9.png", f"same picture as {root}/A/1.png"),)


def test_the_same_picture_under_two_classes_is_an_error(make_folder, tmp_path):
    root = make_folder("root", "A/1.png", "B/2.png")
    shutil.copy(root / "A/1.png", root / "B/copy.png")
    with pytest.raises(DataError, match=r"under two classes: remove .*/A/1\.png or .*/B/copy\.png$"):
        decode_photos(read_folders([root]), 8, tmp_path)


def test_no_photo_at_all(make_folder, tmp_path):
    root = make_folder("root", "A/1.png")
    (root / "A/1.png").write_bytes(b"text")
    manifest, pixels = decode_photos(read_folders([root]), 8, tmp_path)
    assert pixels.shape == (0, 8, 8, 3)
    assert list(manifest.photos) == ["file", "class", "state", "place", "lat", "lon", "sha256"]
    assert manifest.counts == {"A": 0}
    _, pixels = decode_photos(manifest, 8, tmp_path)
    assert pixels.shape == (0, 8, 8, 3)


def test_a_full_disk_is_told_before_the_work(make_folder, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(1, 1, 100))
    with pytest.raises(DataError, match=r"has 0\.0 GB free"):
        decode_photos(read_folders([make_folder("root", "A/1.png")]), 8, tmp_path)
