import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

from kangaroo.data import cache as cache_module
from kangaroo.data.cache import decode_photos, rows_of
from kangaroo.data.folders import read_folders
from kangaroo.data.images import decode
from kangaroo.data.manifest import Rejected
from kangaroo.errors import DataError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty cache: the folder of decoded photos in it."""
    monkeypatch.setenv("KANGAROO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "decoded"


@pytest.fixture
def decoded_files(monkeypatch):
    """The files that were decoded."""
    files, real = [], cache_module.decode_many
    monkeypatch.setattr(
        cache_module, "decode_many", lambda photos, *a, **k: (files.extend(photos), real(photos, *a, **k))[1]
    )
    return files


def test_pixels_and_hashes_stand_row_by_row(make_folder, folder):
    root = make_folder("root", "A/1.png", "A/2.png", "B/3.png")
    (root / "A/1a.jpg").write_bytes(b"")
    (root / "A/1b.jpg").write_bytes(b"text")
    for _ in range(2):  # decoded, then read back
        manifest, pixels = decode_photos(read_folders([root]), 8)
        assert [Path(file).name for file in manifest.photos["file"]] == ["1.png", "2.png", "3.png"]
        assert {(Path(bad.file).name, bad.reason[:12]) for bad in manifest.rejected} == {
            ("1a.jpg", "empty file"),
            ("1b.jpg", "not a pictur"),
        }
        assert pixels.shape == (3, 8, 8, 3)
        assert not pixels.flags.writeable
        for row, photo in zip(pixels, manifest.photos.itertuples(), strict=True):
            np.testing.assert_array_equal(row, decode(photo.file, 8))
            assert photo.sha256 == hashlib.sha256(Path(photo.file).read_bytes()).hexdigest()


def test_a_photo_is_decoded_once_for_a_size(make_folder, folder, decoded_files):
    root = make_folder("root", *[f"A/{i}.png" for i in range(5)])
    for size in (8, 8, 4, 8):
        decode_photos(read_folders([root]), size)
    assert len(decoded_files) == 10
    shutil.move(root, root.with_name("moved"))
    decode_photos(read_folders([root.with_name("moved")]), 8)
    assert len(decoded_files) == 10
    decode_photos(read_folders([root.with_name("moved")]), 8, antialias=False)
    assert len(decoded_files) == 15


def test_another_picture_under_the_same_name_is_decoded(make_folder, folder):
    root = make_folder("root", "A/1.png", "A/2.png")
    decode_photos(read_folders([root]), 8)
    shutil.copy(make_folder("other", "A/1.png", "A/2.png", "A/3.png") / "A/3.png", root / "A/1.png")
    _, pixels = decode_photos(read_folders([root]), 8)
    np.testing.assert_array_equal(pixels[0], decode(root / "A/1.png", 8))


@pytest.mark.parametrize("damage", ["flipped", "cut", "no table", "half a table"])
def test_damage_is_seen_and_repaired(make_folder, folder, damage, decoded_files):
    root = make_folder("root", *[f"A/{i}.png" for i in range(3)])
    _, pixels = decode_photos(read_folders([root]), 8)
    expected = pixels.copy()
    del pixels
    array, table = sorted(folder.glob("*.u8"))[0], sorted(folder.glob("*.json"))[0]
    data = bytearray(array.read_bytes())
    data[300] ^= 1
    if damage == "flipped":
        array.write_bytes(data)
    elif damage == "cut":
        os.truncate(array, len(data) - 1)
    elif damage == "no table":
        table.unlink()
    else:
        table.write_text(table.read_text()[:20])
    _, pixels = decode_photos(read_folders([root]), 8)
    np.testing.assert_array_equal(pixels, expected)
    assert len(decoded_files) == 6


def test_two_processes_at_once(make_folder, folder):
    root = make_folder("root", *[f"A/{i}.png" for i in range(30)])
    code = (
        "from pathlib import Path; from kangaroo.data.cache import decode_photos; "
        "from kangaroo.data.folders import read_folders; "
        f"print(len(decode_photos(read_folders([Path({str(root)!r})]), 64)[1]))"
    )
    both = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) for _ in range(2)]
    assert [process.communicate()[0].strip() for process in both] == [b"30", b"30"]
    assert sorted(path.suffix for path in folder.iterdir()) == [".json", ".u8"]


def test_what_is_old_goes(make_folder, folder):
    decode_photos(read_folders([make_folder("old", "A/1.png")]), 8)
    (folder / "killed.1.part").write_bytes(b"half")
    for path in folder.iterdir():
        os.utime(path, (time.time() - 40 * 86400,) * 2)
    decode_photos(read_folders([make_folder("new", "A/1.png", "A/2.png")]), 8)
    assert sorted(path.suffix for path in folder.iterdir()) == [".json", ".u8"]


def test_rows_are_copies(make_folder, folder):
    root = make_folder("root", *[f"A/{i}.png" for i in range(5)])
    _, pixels = decode_photos(read_folders([root]), 8)
    chosen = rows_of(pixels, [3, 1, 3])
    np.testing.assert_array_equal(chosen, np.stack([pixels[3], pixels[1], pixels[3]]))
    chosen[:] = 0
    assert pixels[3].any()
    np.testing.assert_array_equal(rows_of(np.asarray(pixels), [0]), pixels[:1])


def test_the_same_picture_twice_in_a_class_counts_once(make_folder, folder):
    root = make_folder("root", "A/1.png", "A/2.png")
    shutil.copy(root / "A/1.png", root / "A/9.png")
    manifest, pixels = decode_photos(read_folders([root]), 8)
    assert len(manifest.photos) == len(pixels) == 2
    assert manifest.rejected == (Rejected(f"{root}/A/9.png", f"same picture as {root}/A/1.png"),)


def test_the_same_picture_under_two_classes_is_an_error(make_folder, folder):
    root = make_folder("root", "A/1.png", "B/2.png")
    shutil.copy(root / "A/1.png", root / "B/copy.png")
    with pytest.raises(DataError, match=r"under two classes: remove .*/A/1\.png or .*/B/copy\.png$"):
        decode_photos(read_folders([root]), 8)


def test_no_photo_at_all(make_folder, folder):
    root = make_folder("root", "A/1.png")
    (root / "A/1.png").write_bytes(b"text")
    manifest, pixels = decode_photos(read_folders([root]), 8)
    assert pixels.shape == (0, 8, 8, 3)
    assert list(manifest.photos) == ["file", "class", "state", "place", "lat", "lon", "sha256"]
    assert manifest.counts == {"A": 0}
    _, pixels = decode_photos(manifest, 8)
    assert pixels.shape == (0, 8, 8, 3)


def test_a_full_disk_is_told_before_the_work(make_folder, folder, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(1, 1, 100))
    with pytest.raises(DataError, match=r"has 0\.0 GB free.*KANGAROO_CACHE"):
        decode_photos(read_folders([make_folder("root", "A/1.png")]), 8)
