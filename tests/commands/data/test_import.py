"""The command: what it writes, prints and refuses."""

import json

import numpy as np
import pytest
from PIL import Image

from kangaroo.cli import main
from kangaroo.commands.data import import_
from kangaroo.data.importers import LAYOUTS
from kangaroo.data.manifest import read_manifest


@pytest.fixture
def photos(tmp_path):
    for i, name in enumerate(("Austria/1", "Czech Republic/2", "Slovakia/3", "Slovakia/4")):
        file = tmp_path / "photos" / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 12, 3), 10 * i, np.uint8)).save(file)
    (tmp_path / "photos/Slovakia/4.png").write_bytes(b"no picture")
    (tmp_path / "photos/Austria/notes.doc").touch()
    return tmp_path / "photos"


def run(capsys, *argv):
    code = main(["data", "import", *map(str, argv)])
    out, err = capsys.readouterr()
    return code, out, err


def test_a_manifest_and_a_summary(capsys, photos, tmp_path):
    code, out, err = run(capsys, photos, "--out", tmp_path / "m.parquet")
    assert code == 0
    assert out.splitlines() == [
        f"3 photos of 3 classes from {photos} (folders) in {tmp_path}/m.parquet",
        "rejected: 1 corrupt",
    ]
    assert "notes.doc: unsupported file type" in err
    records = read_manifest(tmp_path / "m.parquet")
    assert records["class"].tolist() == ["Austria", "Czechia", "Slovakia", "Slovakia"]
    assert records["reject_reason"].tolist() == ["", "", "", "corrupt"]


def test_json(capsys, photos, tmp_path):
    Image.new("RGB", (9, 9)).save(tmp_path / "5.png")
    (tmp_path / "more/Norway").mkdir(parents=True)
    (tmp_path / "5.png").rename(tmp_path / "more/Norway/5.png")
    code, out, _ = run(
        capsys, photos, tmp_path / "more", "--out", tmp_path / "m.parquet", "--classes-from", "--json"
    )
    assert code == 0
    assert json.loads(out) == {
        "out": str(tmp_path / "m.parquet"),
        "photos": 3,
        "classes": {"Austria": 1, "Czechia": 1, "Slovakia": 1},
        "rejected": {"corrupt": 1},
        "files_left_out": 1,
        "unknown": {},
        "left_out": {"Norway": 1},
        "sources": [
            {"source": str(photos), "layout": "folders"},
            {"source": str(tmp_path / "more"), "layout": "folders"},
        ],
    }


def test_what_is_left_out_is_said(capsys, photos, tmp_path):
    (photos / "Slovakia").rename(photos / "Narnia")
    code, out, _ = run(capsys, photos, "--out", tmp_path / "m.parquet", "--skip-unknown")
    assert code == 0
    assert out.splitlines()[1:] == ["left out, no country: Narnia (2)"]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--out", "m.csv"], "m.csv is no name for a manifest"),
        (["--out", "OUT", "--layout", "osv5m"], "holds neither train.csv nor test.csv"),
        (["--out", "OUT", "--layout", "streetview-panoramas"], "holds no Parquet files"),
        (["--out", "OUT", "--flat"], "--flat and --seed say how to cut panoramas: give --views N too"),
        (["--out", "OUT", "--views", "0"], "0 views can't be cut"),
        (["--out", "OUT", "--views", "2", "--pano-hfov", "400"], "can't show 400 degrees"),
        (["--out", "OUT", "--class-by", "state"], "gives no photo with a class"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(capsys, photos, tmp_path, argv, message):
    code, out, err = run(capsys, photos, *(tmp_path / "m.parquet" if arg == "OUT" else arg for arg in argv))
    assert (code, out) == (2, "")
    assert err.splitlines() == [err.strip()]
    assert message in err
    assert not list(tmp_path.glob("*.parquet"))


def test_an_unknown_country_is_named(capsys, photos, tmp_path):
    (photos / "Austria").rename(photos / "Austira")
    code, _, err = run(capsys, photos, "--out", tmp_path / "m.parquet")
    assert (code, "'Austira' is no country" in err, "Austira/1.png" in err) == (2, True, True)
    assert not (tmp_path / "m.parquet").exists()


def test_flags_name_every_layout_and_aspects_are_two_numbers(capsys):
    assert tuple(LAYOUTS) == import_._LAYOUTS[1:]
    for text in ("16", "16:0", "a:b", "-4:3"):
        with pytest.raises(SystemExit):
            main(["data", "import", "x", "--out", "m.parquet", f"--aspect={text}"])
        assert "is no aspect such as 16:9" in capsys.readouterr().err
