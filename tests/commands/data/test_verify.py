import hashlib
import json

import pytest

from kangaroo.cli import main


@pytest.fixture
def photo_list(tmp_path):
    lines = []
    for i in range(5):
        body = bytes([i]) * 100
        (tmp_path / f"{i}.jpg").write_bytes(body)
        lines.append(f"{hashlib.sha256(body).hexdigest()}  {i}.jpg\n")
    (tmp_path / "photos.list").write_text("".join(lines))
    return tmp_path / "photos.list"


def run(capsys, *argv):
    code = main(["data", "verify", *map(str, argv)])
    return code, *capsys.readouterr()


def test_all_fine(capsys, photo_list):
    assert run(capsys, photo_list) == (0, "5 of 5 files are fine\n", "")


def test_each_bad_file_is_named(capsys, photo_list):
    (photo_list.parent / "1.jpg").unlink()
    (photo_list.parent / "3.jpg").write_bytes(b"")
    code, out, err = run(capsys, photo_list, "--workers", 2)
    assert (code, out) == (1, "missing: 1.jpg\ndifferent: 3.jpg\n3 of 5 files are fine\n")
    assert err.splitlines() == [
        f"error: 1 missing and 1 different: get them with kangaroo data fetch {photo_list} --from URL"
    ]
    code, out, _ = run(capsys, photo_list, "--json")
    told = {"files": 5, "fine": 3, "missing": ["1.jpg"], "different": ["3.jpg"]}
    assert (code, json.loads(out)) == (1, told)


def test_elsewhere(capsys, photo_list, tmp_path):
    moved = photo_list.rename(tmp_path.parent / "moved.list")
    assert run(capsys, moved, "--root", tmp_path)[0] == 0
    assert run(capsys, moved)[0] == 1


def test_what_is_no_list(capsys, tmp_path):
    (tmp_path / "x.list").write_text("hello\n")
    code, _, err = run(capsys, tmp_path / "x.list")
    assert (code, "line 1" in err) == (2, True)
    code, _, err = run(capsys, tmp_path / "x.list", "--workers", 0)
    assert (code, "--workers 0" in err) == (2, True)
