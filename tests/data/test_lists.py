import hashlib
import random
import shutil
import subprocess
import unicodedata

import pandas as pd
import pytest

from kangaroo.data.lists import (
    Verified,
    list_sha256,
    locate,
    lock,
    only_listed,
    read_list,
    select,
    verify,
    write_list,
)
from kangaroo.errors import DataError

EMPTY = hashlib.sha256(b"").hexdigest()


@pytest.fixture
def folder(tmp_path):
    """A photo folder whose names are no plain ones; a JSON file beside some photos."""
    for name in ("Ab/1.jpg", "Ab/ä ö  ü.jpg", "Ab/Ω/1.png", "b/*2.jpg", "b/#3.jpg", "b/-4.jpg", "b/ 5 .jpg"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    for name in ("Ab/1.json", "b/#3.json", "b/other.json"):
        (tmp_path / "photos" / name).write_text("{}")
    return tmp_path / "photos"


def photos_of(folder):
    return sorted(path for path in folder.rglob("*") if path.suffix in (".jpg", ".png"))


def test_lines_are_those_of_sha256sum(folder):
    entries = lock(photos_of(folder), folder)
    write_list(folder / "photos.list", entries)
    files = [str(path.relative_to(folder)) for path in photos_of(folder)] + ["Ab/1.json", "b/#3.json"]
    ours = (folder / "photos.list").read_bytes()
    told = subprocess.run(["sha256sum", "--", *sorted(files)], cwd=folder, capture_output=True, check=True)
    assert ours == told.stdout
    check = ["sha256sum", "--check", "--strict", "--quiet", "photos.list"]
    assert subprocess.run(check, cwd=folder, check=False).returncode == 0


def test_a_list_survives_its_file(folder):
    entries = lock(photos_of(folder), folder)
    write_list(folder / "photos.list", reversed(entries))
    assert read_list(folder / "photos.list") == entries == sorted(entries, key=lambda entry: entry[1])
    text = (folder / "photos.list").read_bytes()
    shuffled = text.splitlines(keepends=True)
    random.Random(0).shuffle(shuffled)
    for other in (b"".join(shuffled), text.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + text, text[:-1]):
        (folder / "other.list").write_bytes(other)
        assert list_sha256(folder / "other.list") == list_sha256(folder / "photos.list")
    assert list_sha256(folder / "photos.list") == hashlib.sha256(text).hexdigest()


def test_missing_and_different_files_are_told_apart(folder):
    entries = lock(photos_of(folder), folder)
    assert verify(entries, folder) == Verified(tuple(file for _, file in entries), (), ())
    (folder / "Ab" / "1.json").unlink()
    (folder / "b" / "#3.jpg").write_bytes(b"")
    found = verify(entries, folder, workers=1)
    assert (found.missing, found.different) == (("Ab/1.json",), ("b/#3.jpg",))
    assert len(found.fine) == len(entries) - 2
    assert verify(entries, folder / "nowhere").missing == tuple(file for _, file in entries)


def test_names_are_the_same_in_either_unicode_form(folder):
    composed = "Ab/ä ö  ü.jpg"
    decomposed = folder / unicodedata.normalize("NFD", composed)
    entries = lock(photos_of(folder), folder)
    (folder / composed).rename(decomposed)
    assert lock(photos_of(folder), folder) == entries
    assert locate(folder, composed) == decomposed
    assert not verify(entries, folder).missing
    shutil.copy(decomposed, folder / composed)
    with pytest.raises(DataError, match="but for Unicode's form"):
        lock(photos_of(folder), folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: not a SHA-256"),
        ("abc  a.jpg\n", "line 1: not a SHA-256"),
        (f"{EMPTY}  a.jpg\n{EMPTY.upper()}  b.jpg\n", "line 2: not a SHA-256"),
        (f"{EMPTY} a.jpg\n", "line 1: not a SHA-256"),
        (f"{EMPTY}  a.jpg\n{EMPTY} *a.jpg\n", "line 2: 'a.jpg' stands there twice"),
        (f"{EMPTY}  ../a.jpg\n", "leads out of"),
        (f"{EMPTY}  a/../../a.jpg\n", "leads out of"),
        (f"{EMPTY}  /a.jpg\n", "leads out of"),
        (f"{EMPTY}  C:/a.jpg\n", "leads out of"),
        (f"{EMPTY}  a\\..\\..\\b.jpg\n", "leads out of"),
    ],
)
def test_lines_that_cannot_be_used_are_named(tmp_path, text, message):
    (tmp_path / "x.list").write_text(text)
    with pytest.raises(DataError, match=message):
        read_list(tmp_path / "x.list")


def test_what_is_no_text_is_refused(tmp_path):
    (tmp_path / "x.list").write_bytes(b"\xff\xfe")
    for name in ("x.list", "nowhere.list"):
        with pytest.raises(DataError, match="can't be read as text"):
            read_list(tmp_path / name)


def test_a_file_that_cannot_stand_in_a_list_is_refused(tmp_path):
    for name in ("a\\b.jpg", "a\nb.jpg"):
        (tmp_path / name).touch()
        with pytest.raises(DataError, match="can't stand in a list"):
            lock([tmp_path / name], tmp_path)
    with pytest.raises(DataError, match="lies outside"):
        lock([tmp_path / "a.jpg"], tmp_path / "b")
    with pytest.raises(DataError, match="can't be read"):
        lock([tmp_path / "nowhere.jpg"], tmp_path)


def test_the_selection_follows_the_hash_of_seed_and_name():
    names = [f"{'ABC'[i % 3]}/{i}.jpg" for i in range(90)]
    classes = [name[0] for name in names]
    taken = select(names, classes, seed=3, limit=10)
    ranked = sorted(names, key=lambda name: hashlib.sha256(f"3 {name}".encode()).digest())
    assert {names[i] for i in taken} == set(ranked[:10])
    assert taken == sorted(taken)
    order = random.Random(1).sample(range(90), 90)
    again = select([names[i] for i in order], [classes[i] for i in order], seed=3, limit=10)
    assert {names[order[i]] for i in again} == {names[i] for i in taken}
    assert select(names, classes, seed=4, limit=10) != taken
    assert select(names, classes, seed=3) == list(range(90))


def test_each_class_has_its_share():
    names = [f"{name}/{i}.jpg" for name, n in (("A", 50), ("B", 20), ("C", 3)) for i in range(n)]
    classes = [name[0] for name in names]
    taken = select(names, classes, seed=0, per_class=5)
    assert pd.Series([classes[i] for i in taken]).value_counts().to_dict() == {"A": 5, "B": 5, "C": 3}
    for name in "ABC":
        ranked = sorted(
            (n for n in names if n[0] == name), key=lambda n: hashlib.sha256(f"0 {n}".encode()).digest()
        )
        assert {names[i] for i in taken if classes[i] == name} == set(ranked[:5])
    assert len(select(names, classes, seed=0, per_class=5, limit=7)) == 7


def test_photos_are_restricted_to_a_list_that_must_hold(folder):
    photos = pd.DataFrame({"file": [str(path) for path in photos_of(folder)]})
    write_list(folder / "photos.list", lock(photos_of(folder)[1:4], folder))
    found = only_listed(photos, folder / "photos.list")
    assert list(found.index) == [1, 2, 3]
    assert list(only_listed(photos[:2], folder / "photos.list").index) == [1]  # the others were not chosen
    with pytest.raises(DataError, match="none of its photos is here"):
        only_listed(photos[:1], folder / "photos.list")
    photos_of(folder)[2].write_bytes(b"bent")
    with pytest.raises(DataError, match="differs: see kangaroo data verify"):
        only_listed(photos, folder / "photos.list")
    photos_of(folder)[2].unlink()
    with pytest.raises(DataError, match="is missing"):
        only_listed(photos, folder / "photos.list")
