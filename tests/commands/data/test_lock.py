import hashlib
import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from kangaroo.cli import main


@pytest.fixture
def images(tmp_path):
    for name, n in (("Austria", 12), ("Norway", 5)):
        for i in range(n):
            path = tmp_path / "images" / name / "x" / f"{i}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (8, 8), (i, n, 0)).save(path)
    (tmp_path / "images" / "Austria" / "x" / "3.json").write_text("{}")
    return tmp_path / "images"


def run(capsys, *argv):
    code = main(["data", *map(str, argv)])
    return code, *capsys.readouterr()


def test_a_list_of_everything(capsys, images):
    out = images / "photos.list"
    code, text, _ = run(capsys, "lock", images, "--out", out)
    assert (code, text.splitlines()[0]) == (
        0, f"17 photos of 2 classes, 1 JSON files beside them: {out}"
    )  # fmt: skip
    lines = out.read_text().splitlines()
    assert len(lines) == 18
    assert lines == sorted(lines, key=lambda line: line[66:])
    assert lines[0][66:] == "Austria/x/0.jpg"
    for line in lines:
        assert hashlib.sha256((images / line[66:]).read_bytes()).hexdigest() == line[:64]


def test_the_selection_is_that_of_every_machine(capsys, images, tmp_path):
    moved = shutil.copytree(images, tmp_path / "far" / "away" / "renamed")
    for flags in (["--per-class", 3], ["--limit", 4, "--seed", 7]):
        run(capsys, "lock", images, "--out", images / "a.list", *flags)
        run(capsys, "lock", moved, "--out", tmp_path / "b.list", "--root", moved, *flags)
        assert (images / "a.list").read_bytes() == (tmp_path / "b.list").read_bytes()


def test_json_says_what_the_list_holds(capsys, images, tmp_path):
    out = images / "photos.list"
    code, text, _ = run(capsys, "lock", images, "--out", out, "--per-class", 4, "--json")
    told = json.loads(text)
    assert (code, told["photos"], told["classes"]) == (0, 8, {"Austria": 4, "Norway": 4})
    assert told["sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()


def test_rejected_photos_of_a_manifest_are_left_out(capsys, images, tmp_path):
    from kangaroo.data.dataset import read_records
    from kangaroo.data.manifest import write_manifest

    records, _ = read_records([images])
    records.loc[records["class"] == "Norway", "reject_reason"] = "blurred"
    write_manifest(images / "m.parquet", records)
    code, text, _ = run(capsys, "lock", images / "m.parquet", "--out", images / "m.list", "--json")
    assert (code, json.loads(text)["classes"]) == (0, {"Austria": 12})


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--out", "elsewhere/x.list"], "give a folder that holds all photos with --root"),
        (["--limit", "0", "--out", "x.list"], "--limit 0"),
        (["--per-class", "-1", "--out", "x.list"], "--per-class -1"),
    ],
)
def test_what_cannot_be_listed(capsys, images, tmp_path, monkeypatch, flags, message):
    monkeypatch.chdir(tmp_path)
    code, _, err = run(capsys, "lock", images, *flags)
    assert (code, message in err, len(err.splitlines())) == (2, True, 1)
    assert not list(Path().rglob("*.list"))


def test_real_photos(capsys, photos, tmp_path):
    out = tmp_path / "croatia.list"
    code, text, _ = run(capsys, "lock", photos / "croatia", "--root", photos, "--out", out, "--json")
    assert (code, json.loads(text)["photos"]) == (0, len(list((photos / "croatia").rglob("*.jpg"))))
    assert run(capsys, "verify", out, "--root", photos)[0] == 0
