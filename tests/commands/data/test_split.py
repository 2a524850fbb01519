import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from kangaroo.cli import main
from kangaroo.data.manifest import read_manifest, write_manifest
from kangaroo.geo.distance import haversine_km

NAN = float("nan")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KANGAROO_CACHE", str(tmp_path / "cache"))


def records(tmp_path, n=600, spread=0.1, **columns):
    """A manifest of photos that are there, in a city of about ten kilometres."""
    lat, lon = np.array([[48.0], [11.0]]) + spread * np.random.default_rng(0).normal(size=(2, n))
    (tmp_path / "x").mkdir(exist_ok=True)
    for i in range(n):
        (tmp_path / "x" / f"{i}.jpg").touch()
    paths = [str(tmp_path / "x" / f"{i}.jpg") for i in range(n)]
    table = pd.DataFrame({"path": paths, "class": ["A", "B"] * (n // 2), "lat": lat, "lon": lon})
    return table.assign(phash=[f"{i * 0x9E3779B97F4A7C15 % 2**64:016x}" for i in range(n)], **columns)


def run(capsys, *argv):
    code = main(["data", "split", *map(str, argv)])
    return code, *capsys.readouterr()


def test_json_table_and_manifest_agree(capsys, tmp_path):
    write_manifest(tmp_path / "m.parquet", records(tmp_path, spread=0.03, licence="CC0"))
    out, marked = tmp_path / "split.csv", tmp_path / "marked.parquet"
    argv = [tmp_path / "m.parquet", "--validation", 0.2, "--test", 0.1, "--out", out, "--manifest", marked]
    code, text, err = run(capsys, *argv, "--json")
    found, table, after = json.loads(text), pd.read_csv(out), read_manifest(marked)
    assert (code, err) == (0, "")
    assert list(found) == ["counts", "min_gap_km", "dropped"]
    assert list(table) == ["file", "class", "place", "split"]
    for side, counts in found["counts"].items():
        assert table.loc[table["split"] == side, "class"].value_counts().to_dict() == counts
    assert sum(sum(counts.values()) for counts in found["counts"].values()) + found["dropped"] == 600
    assert found["dropped"] == (after["reject_reason"] == "gap").sum() > 0
    assert after["split"].value_counts().to_dict() == table["split"].value_counts().to_dict() | {
        "": found["dropped"]
    }
    assert set(after["licence"]) == {"CC0"}
    kept = after[after["split"] != ""]
    lat, lon, side = (kept[name].to_numpy() for name in ("lat", "lon", "split"))
    far = haversine_km(lat[:, None], lon[:, None], lat, lon)[side[:, None] != side]
    assert found["min_gap_km"] == pytest.approx(far.min())
    assert far.min() >= 1


def test_splitting_again_counts_the_photos_that_were_left_out(capsys, tmp_path):
    write_manifest(tmp_path / "m.parquet", records(tmp_path))
    marked = tmp_path / "marked.parquet"
    run(capsys, tmp_path / "m.parquet", "--out", tmp_path / "1.csv", "--manifest", marked)
    code, text, _ = run(capsys, marked, "--min-gap-km", 0, "--out", tmp_path / "2.csv", "--json")
    assert code == 0
    assert json.loads(text)["dropped"] == 0
    assert len(pd.read_csv(tmp_path / "2.csv")) == 600


def test_look_alikes_of_a_manifest_stay_together(capsys, tmp_path):
    table = records(tmp_path, spread=3)
    pair = [
        f"{int(text, 16) ^ 0b10010:016x}" for text in table["phash"][:300]
    ]  # two bits beside the first 300
    table["phash"] = [*table["phash"][:300], *pair]
    write_manifest(tmp_path / "m.parquet", table)
    assert run(capsys, tmp_path / "m.parquet", "--out", tmp_path / "split.csv")[0] == 0
    sides = pd.read_csv(tmp_path / "split.csv").set_index("file")["split"]
    halves = [sides[table["path"][rows]].to_numpy() for rows in (slice(0, 300), slice(300, 600))]
    assert (halves[0] == halves[1]).all()


def test_the_photos_of_folders_are_looked_at(capsys, tmp_path):
    rng = np.random.default_rng(0)
    for name in "AB":
        (tmp_path / "p" / name).mkdir(parents=True)
        for i in range(12):
            photo = Image.fromarray(rng.integers(0, 256, (12, 12, 3), np.uint8)).resize((240, 240))
            photo.save(tmp_path / "p" / name / f"{i}.png")
            photo.save(tmp_path / "p" / name / f"{i} again.jpg", quality=80)
    code, text, err = run(capsys, tmp_path / "p", "--out", tmp_path / "split.csv")
    assert code == 0
    assert "no coordinates to measure a gap by; 0 photos left out" in text
    assert "note" not in err
    table = pd.read_csv(tmp_path / "split.csv")
    pairs = table["class"] + table["file"].str.extract(r"/(\d+)[^/]*$")[0]
    assert pairs.nunique() == 24
    assert table.groupby(pairs)["split"].nunique().max() == 1


def test_a_manifest_without_hashes_is_noted(capsys, tmp_path):
    write_manifest(tmp_path / "m.parquet", records(tmp_path).drop(columns="phash"))
    code, _, err = run(capsys, tmp_path / "m.parquet", "--out", tmp_path / "split.csv")
    assert code == 0
    assert err.startswith("note: 600 photos of manifests have no perceptual hash")


def test_rejected_photos_stay_out(capsys, tmp_path):
    write_manifest(tmp_path / "m.parquet", records(tmp_path, reject_reason=["blurred", ""] + [""] * 598))
    run(capsys, tmp_path / "m.parquet", "--min-gap-km", 0, "--out", tmp_path / "split.csv")
    assert len(pd.read_csv(tmp_path / "split.csv")) == 599


def test_the_same_seed_gives_the_same_file_and_another_another(capsys, tmp_path):
    write_manifest(tmp_path / "m.parquet", records(tmp_path, spread=2))
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        run(capsys, tmp_path / "m.parquet", "--seed", seed, "--out", tmp_path / f"{name}.csv")
    a, b, c = ((tmp_path / f"{name}.csv").read_text() for name in "abc")
    assert a == b != c


@pytest.mark.parametrize(
    ("spread", "argv", "message"),
    [
        (0.1, ["--validation", "0.9", "--test", "0.2"], "the shares 0.9 for validation and 0.2 for test"),
        (0.1, ["--min-gap-km", "-1"], "a gap of -1 km"),
        (0.1, ["--manifest", "m.csv"], "m.csv is no name for a manifest"),
        (0.001, [], "class 'A' has photos of 1 place(s) only that are 1 km apart"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(capsys, tmp_path, spread, argv, message):
    write_manifest(tmp_path / "m.parquet", records(tmp_path, spread=spread))
    code, out, err = run(capsys, tmp_path / "m.parquet", "--out", tmp_path / "split.csv", *argv)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert message in err
    assert not (tmp_path / "split.csv").exists()


def test_real_photos(capsys, photos, tmp_path):
    code, text, _ = run(capsys, photos / "oceania", "--test", 0.1, "--out", tmp_path / "split.csv", "--json")
    found = json.loads(text)
    assert code == 0
    assert found["min_gap_km"] >= 1
    assert found["counts"]["validation"]["Australia"] == pytest.approx(97, abs=5)
    assert found["counts"]["test"]["Australia"] == pytest.approx(48, abs=5)
