import hashlib
import json
import runpy
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from kangaroo.cli import main
from kangaroo.collect import downloads
from kangaroo.collect.list_files import nest

HUB = Path(__file__).parents[2] / "collect" / "hub.py"
running = runpy.run_path(str(HUB))["running"]
NAMES = [
    "Austria/abcdef.jpg",
    "Austria/Tirol ä/x#1?.jpg",
    "Norway/abxyz.jpg",
    "Norway/n.jpg",
    "Norway/n.json",
]


@pytest.fixture
def there(tmp_path):
    """A folder with photos, and their list in another."""
    lines = []
    for name in NAMES:
        path = tmp_path / "there" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode() * 1000)
        lines.append(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {name}\n")
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "photos.list").write_text("".join(lines), encoding="utf-8")
    return tmp_path / "there"


@pytest.fixture
def serve(there, monkeypatch):
    monkeypatch.setattr(downloads, "_FIRST_PAUSE", 0.01)
    with ExitStack() as stack:
        yield lambda **faults: stack.enter_context(running(folder=str(there), **faults))


@pytest.fixture
def fetch(capsys, tmp_path):
    def run(base, *flags):
        code = main(["data", "fetch", str(tmp_path / "here" / "photos.list"), "--from", str(base), *flags])
        return code, *capsys.readouterr()

    return run


def check(there, here):
    for name in NAMES:
        assert (here / name).read_bytes() == (there / name).read_bytes()
    assert not [path for path in here.rglob("*") if "part" in path.name]


@pytest.mark.parametrize("fault", ["", "broken", "busy", "truncated"])
def test_everything_comes_and_nothing_twice(serve, fetch, there, tmp_path, fault):
    remote = serve(**({fault: 0.7} if fault else {}))
    code, out, err = fetch(f"{remote.address}/files/")
    assert (code, out) == (0, "5 files fetched, 0 of 5 were there\n"), err
    check(there, tmp_path / "here")
    asked = remote.seen()["requests"]
    code, out, _ = fetch(f"{remote.address}/files", "--json")
    assert (code, json.loads(out)) == (0, {"files": 5, "there": 5, "fetched": 0, "failed": {}})
    assert remote.seen()["requests"] == asked


def test_what_differs_is_replaced(serve, fetch, there, tmp_path):
    remote = serve()
    fetch(f"{remote.address}/files")
    (tmp_path / "here" / NAMES[0]).write_bytes(b"bent")
    code, out, _ = fetch(f"{remote.address}/files")
    assert (code, out) == (0, "1 files fetched, 4 of 5 were there\n")
    check(there, tmp_path / "here")


def test_files_that_cannot_be_had_are_named_and_the_rest_comes(serve, fetch, there, tmp_path):
    (there / NAMES[0]).unlink()
    (there / NAMES[2]).write_bytes(b"another photo")
    code, out, err = fetch(f"{serve().address}/files")
    assert (code, out) == (1, "3 files fetched, 0 of 5 were there\n")
    lines = err.splitlines()
    assert lines[0] == f"failed: {NAMES[0]}: HTTP 404"
    assert lines[1].startswith(f"failed: {NAMES[2]}: another file is there")
    assert lines[2].startswith("error: 2 of 5 files could not be had from http://127")
    assert not (tmp_path / "here" / NAMES[2]).exists()


@pytest.mark.parametrize("form", [str, Path.as_uri])
def test_from_a_folder(fetch, there, tmp_path, form):
    (there / NAMES[3]).write_bytes(b"another photo")
    code, _, err = fetch(form(there))
    assert (code, f"failed: {NAMES[3]}: another file" in err) == (1, True)
    (there / NAMES[3]).write_bytes(NAMES[3].encode() * 1000)
    code, out, _ = fetch(form(there))
    assert (code, out) == (0, "1 files fetched, 4 of 5 were there\n")
    check(there, tmp_path / "here")


def test_by_the_first_letters_of_the_names(serve, fetch, there, tmp_path):
    assert nest("Austria/abcdef.jpg", 4) == "Austria/ab/cd/abcdef.jpg"
    assert nest("abcdef.jpg", 3) == "ab/c/abcdef.jpg"
    assert nest("a/b.jpg", 4) == "a/b/b.jpg"
    assert nest("a/b.jpg", 0) == "a/b.jpg"
    flat = {name: (there / name).read_bytes() for name in NAMES}
    for name in NAMES:
        target = there / nest(name, 4)
        target.parent.mkdir(parents=True, exist_ok=True)
        (there / name).rename(target)
    code, _, err = fetch(f"{serve().address}/files", "--nested", "4")
    assert code == 0, err
    assert {name: (tmp_path / "here" / name).read_bytes() for name in NAMES} == flat


@pytest.mark.parametrize(
    ("base", "flags", "message"),
    [
        ("nowhere", [], "no folder nowhere"),
        ("s3://bucket/x", [], "'s3://bucket/x' is no address"),
        (".", ["--workers", "0"], "--workers 0"),
        (".", ["--nested", "-1"], "--nested -1"),
    ],
)
def test_what_makes_no_sense(fetch, there, base, flags, message):
    code, _, err = fetch(base, *flags)
    assert (code, message in err, len(err.splitlines())) == (2, True, 1)


def test_without_a_connection_it_ends(fetch, there, monkeypatch):
    monkeypatch.setattr(downloads.time, "sleep", lambda seconds: None)
    code, _, err = fetch("http://127.0.0.1:9")
    assert (code, "no connection" in err, len(err.splitlines())) == (1, True, 1)


def test_a_full_disk_ends_it(fetch, there, monkeypatch):
    def full(source, target):
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr("shutil.copyfile", full)
    code, _, err = fetch(there)
    assert (code, "the disk takes no more" in err) == (1, True)


def test_a_killed_fetch_goes_on(serve, fetch, there, tmp_path):
    with (tmp_path / "here" / "photos.list").open("a") as file:
        for i in range(200):
            body = str(i).encode() * 1000
            (there / f"{i}.jpg").write_bytes(body)
            file.write(f"{hashlib.sha256(body).hexdigest()}  {i}.jpg\n")
    remote = serve(delay=0.02)
    argv = ["data", "fetch", tmp_path / "here" / "photos.list", "--from", f"{remote.address}/files"]
    process = subprocess.Popen([sys.executable, "-m", "kangaroo", *map(str, argv)])
    while process.poll() is None and not (tmp_path / "here" / "5.jpg").exists():
        time.sleep(0.002)
    process.kill()
    process.wait()
    came = len(list((tmp_path / "here").rglob("[!.]*.jpg")))
    assert 0 < came < 204
    code, _, err = fetch(f"{remote.address}/files")
    assert code == 0, err
    check(there, tmp_path / "here")
    assert remote.seen()["requests"] <= 205 + 8  # those under way at the kill come twice
