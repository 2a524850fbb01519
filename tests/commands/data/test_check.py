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


def scene(seed):
    """A picture with energy at all frequencies, falling as in photos."""
    rng = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(240)[:, None], np.fft.rfftfreq(320)) + 0.005
    layers = [np.fft.irfft2(np.fft.rfft2(rng.normal(size=(240, 320))) / frequency, (240, 320)) for _ in "rgb"]
    pixels = np.stack(layers, axis=-1)
    return Image.fromarray(np.clip(128 + 50 * pixels / pixels.std(), 0, 255).astype(np.uint8))


@pytest.fixture
def folder(tmp_path):
    """Seven files: three good photos, a copy of one, a black and a damaged one, and another kind of file."""
    root = tmp_path / "photos"
    for name in ("Austria", "Australia"):
        (root / name).mkdir(parents=True)
    for seed in range(2):
        scene(seed).save(root / "Austria" / f"{seed}.jpg", quality=90)
    scene(0).save(root / "Austria" / "copy.jpg", quality=50)
    scene(2).save(root / "Australia" / "2.jpg")
    Image.new("RGB", (320, 240)).save(root / "Australia" / "black.jpg")
    (root / "Australia" / "cut.jpg").write_bytes((root / "Austria" / "0.jpg").read_bytes()[:5000])
    (root / "Australia" / "film.gif").touch()
    return root


def run(capsys, *argv):
    code = main(["data", "check", *map(str, argv)])
    out, err = capsys.readouterr()
    return code, out, err


def test_counts_as_json(capsys, folder):
    code, out, err = run(capsys, folder, "--json")
    found = json.loads(out)
    assert code == 0
    assert (found["checked"], found["kept"]) == (7, 3)
    assert {reason: n for reason, n in found["rejected"].items() if n} == {
        "corrupt": 2,
        "dark": 1,
        "near_duplicate": 1,
    }
    assert "cut.jpg: truncated or damaged" in err
    assert "film.gif: unsupported file type" in err


def test_the_table_names_the_thresholds(capsys, folder):
    code, out, _ = run(capsys, folder, "--min-brightness", 0, "--max-plain", 2)
    assert code == 0
    lines = {line.split()[0]: line.split()[1:] for line in out.splitlines()[1:]}
    assert out.startswith("7 photos checked, 3 kept")
    assert lines["dark"] == ["0", "--min-brightness", "0"]
    assert lines["low_variance"][:1] == ["1"]


def test_the_manifest_holds_reasons_and_measures_and_can_be_checked_again(capsys, folder, tmp_path):
    code, first, _ = run(capsys, folder, "--out", tmp_path / "checked.parquet", "--json")
    assert code == 0
    records = read_manifest(tmp_path / "checked.parquet")
    found = dict(zip(records["path"].str.rsplit("/", n=1).str[1], records["reject_reason"], strict=True))
    assert found == {
        "0.jpg": "",
        "1.jpg": "",
        "copy.jpg": "near_duplicate",
        "2.jpg": "",
        "black.jpg": "dark",
        "cut.jpg": "corrupt",
    }
    good = records[records["reject_reason"] != "corrupt"]
    assert good["width"].eq(320).all()
    assert good["phash"].str.fullmatch("[0-9a-f]{16}").all()
    assert good["information"].between(0, 8).all()
    code, again, _ = run(capsys, tmp_path / "checked.parquet", "--json")
    assert json.loads(again)["kept"] == json.loads(first)["kept"]


def test_a_reason_of_another_step_stays(capsys, folder, tmp_path):
    run(capsys, folder, "--out", tmp_path / "a.parquet")
    records = read_manifest(tmp_path / "a.parquet")
    records.loc[records["path"].str.endswith("1.jpg"), "reject_reason"] = "balance"
    write_manifest(tmp_path / "b.parquet", records)
    _, out, _ = run(capsys, tmp_path / "b.parquet", "--json")
    assert json.loads(out)["rejected"]["balance"] == 1
    assert json.loads(out)["kept"] == 2


def test_sheets_for_what_was_rejected(capsys, folder, tmp_path):
    sheets = tmp_path / "sheets"
    assert run(capsys, folder, "--sheets", sheets)[0] == 0
    assert sorted(path.name for path in sheets.iterdir()) == ["dark.png", "near_duplicate.png"]
    (folder / "Australia" / "black.jpg").unlink()
    assert run(capsys, folder, "--sheets", sheets)[0] == 0
    assert sorted(path.name for path in sheets.iterdir()) == ["near_duplicate.png"]


def test_one_picture_of_two_classes(capsys, folder, tmp_path):
    scene(2).save(folder / "Austria" / "wrong.jpg", quality=50)
    code, out, err = run(capsys, folder, "--json")
    assert code == 0
    assert json.loads(out)["rejected"]["near_duplicate"] == 3
    assert [line for line in err.splitlines() if line.startswith("warning")] == [
        f"warning: one picture, two classes, both left out: {folder}/Australia/2.jpg (Australia), "
        f"{folder}/Austria/wrong.jpg (Austria)"
    ]
    (folder / "Austria" / "wrong.jpg").write_bytes((folder / "Australia" / "2.jpg").read_bytes())
    code, out, err = run(capsys, folder, "--json", "--out", tmp_path / "m.parquet")
    assert (code, out) == (2, "")
    assert "2.jpg is Australia" in err
    assert "wrong.jpg is Austria" in err
    assert not (tmp_path / "m.parquet").exists()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--max-distance", "20"], "max_distance 20"),
        (["--same-place", "-1"], "same_place -1"),
        (["--workers", "0"], "--workers 0"),
        (["--out", "m.csv"], "m.csv is no name for a manifest"),
        (["--ray", "127.0.0.1:9"], "Ray"),
    ],
)
def test_bad_flags_are_one_line_and_exit_2(capsys, folder, flags, message):
    (folder / "Australia" / "film.gif").unlink()
    (folder / "Australia" / "cut.jpg").unlink()
    code, out, err = run(capsys, folder, *flags)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert message in err


@pytest.mark.slow
def test_a_ray_cluster_finds_the_same(capsys, folder, monkeypatch, tmp_path):
    pytest.importorskip("ray")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    from ray.cluster_utils import Cluster

    _, here, _ = run(capsys, folder, "--json")
    monkeypatch.setenv("KANGAROO_CACHE", str(tmp_path / "other"))
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    try:
        for _ in range(2):
            cluster.add_node(num_cpus=1)
        code, there, _ = run(capsys, folder, "--json", "--ray", cluster.address)
    finally:
        cluster.shutdown()
    assert (code, there) == (0, here)
    assert pd.Series(json.loads(there)["rejected"]).sum() == 4
