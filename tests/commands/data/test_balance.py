import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from kangaroo.cli import main
from kangaroo.data.manifest import read_manifest, write_manifest


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KANGAROO_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def photos(tmp_path):
    """Twelve photos of Austria, of which five are of one colour, six of Chile, two of Peru."""
    rng = np.random.default_rng(0)
    for name, n in (("Austria", 12), ("Chile", 6), ("Peru", 2)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(n):
            pixels = rng.integers(0, 256, (120, 120, 3), np.uint8)
            if name == "Austria" and i < 5:
                pixels[:] = i
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{i}.png")
    return tmp_path / "photos"


def run(capsys, *argv):
    code = main(["data", "balance", *map(str, argv)])
    return code, *capsys.readouterr()


def kept(path):
    records = read_manifest(path)
    assert set(records["reject_reason"]) <= {"", "balance"}
    return records.loc[records["reject_reason"] == "", "class"].value_counts().to_dict()


def test_json_and_manifest_agree_and_no_row_is_lost(capsys, photos, tmp_path):
    (tmp_path / "t.csv").write_text("class,share\nAustria,0.5\nChile,0.5\nPeru,1\nUtopia,2\n")
    argv = [
        photos,
        "--to",
        tmp_path / "t.csv",
        "--minimum",
        3,
        "--slack",
        1.5,
        "--out",
        tmp_path / "m.parquet",
    ]
    code, out, _ = run(capsys, *argv, "--figure", tmp_path / "f.png", "--json")
    found = json.loads(out)
    assert code == 0
    assert (found["photos"], found["kept"], found["not_in_source"]) == (20, 15, ["Utopia"])
    assert found["classes"]["Austria"] == {"source": 12, "wanted": 9, "kept": 9, "reason": ""}
    assert found["classes"]["Chile"]["kept"] == 6  # two thirds of its share
    assert found["classes"]["Peru"]["reason"] == "fewer than 3"
    assert kept(tmp_path / "m.parquet") == {"Austria": 9, "Chile": 6}
    assert len(read_manifest(tmp_path / "m.parquet")) == 20
    assert (tmp_path / "f.png").stat().st_size > 1000


def test_the_table_says_what_is_kept_and_why_not(capsys, photos, tmp_path):
    argv = [photos, "--to", "uniform", "--minimum", 3, "--slack", 2, "--out", tmp_path / "m.parquet"]
    code, out, _ = run(capsys, *argv)
    lines = [line.split() for line in out.splitlines()]
    assert code == 0
    assert lines[0] == ["class", "before", "wanted", "kept"]
    assert lines[1] == ["Austria", "12", "12", "12"]
    assert lines[2] == ["Chile", "6", "12", "6", "all", "there", "are"]
    assert lines[3] == ["Peru", "2", "0", "0", "dropped:", "fewer", "than", "3"]
    assert lines[4][:7] == ["18", "of", "20", "photos", "kept,", "2", "of"]


def test_balancing_again_counts_the_photos_that_were_left_out(capsys, photos, tmp_path):
    one, other = tmp_path / "one.parquet", tmp_path / "other.parquet"
    run(capsys, photos, "--to", "uniform", "--out", one)
    assert kept(one) == {"Austria": 2, "Chile": 2, "Peru": 2}
    run(capsys, one, "--out", other)
    assert kept(other) == {"Austria": 12, "Chile": 6, "Peru": 2}
    write_manifest(other, read_manifest(one).assign(reject_reason=["blurred"] * 12 + [""] * 8))
    run(capsys, other, "--to", one, "--out", other)  # what another step rejected stays out
    assert read_manifest(other)["reject_reason"].value_counts().to_dict() == {
        "blurred": 12,
        "balance": 4,
        "": 4,
    }


def test_plain_pictures_go_first(capsys, photos, tmp_path):
    argv = [photos, "--cap", 7, "--prefer-informative", "--out", tmp_path / "m.parquet"]
    assert run(capsys, *argv)[0] == 0
    records = read_manifest(tmp_path / "m.parquet")
    gone = records[records["reject_reason"] == "balance"]
    assert sorted(gone["path"].str.rsplit("/", n=1).str[1]) == [f"{i}.png" for i in range(5)]


def test_by_country(capsys, photos, tmp_path):
    write = pd.DataFrame({"path": ["a.jpg"] * 3, "class": list("xyz"), "country": ["Chile", "CL", "Austria"]})
    write["path"] = [str(photos / "Chile" / f"{i}.png") for i in range(3)]
    write_manifest(tmp_path / "t.parquet", write)
    code, _, _ = run(
        capsys, photos, "--by", "country", "--to", tmp_path / "t.parquet", "--out", tmp_path / "m.parquet"
    )
    assert code == 0
    assert kept(tmp_path / "m.parquet") == {"Austria": 3, "Chile": 6}


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--to", "nowhere.csv"], "no target nowhere.csv"),
        (["--to", "uniform", "--total", "7"], "7 photos are not possible, 3 (one a class) to 6 are"),
        (["--minimum", "13"], "no class of the target has 13 photos"),
        (["--slack", "0.5"], "slack of 0.5"),
        (["--by", "country", "--to", "uniform"], "2 photos have no country"),
        (["--out", "m.csv"], "m.csv is no name for a manifest"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(capsys, photos, tmp_path, argv, message):
    if "country" in argv:
        (photos / "Peru").rename(photos / "Narnia")
    code, out, err = run(capsys, photos, "--out", tmp_path / "m.parquet", *argv)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert message in err
    assert not (tmp_path / "m.parquet").exists()
