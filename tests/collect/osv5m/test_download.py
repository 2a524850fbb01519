import csv
import io
import json
import os
import runpy
import subprocess
import sys
import time
import zipfile
from collections import Counter
from contextlib import ExitStack
from hashlib import sha256
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kangaroo.cli import main
from kangaroo.collect import downloads
from kangaroo.collect.osv5m.download import Settings, read_rows
from kangaroo.data.dataset import read_records
from kangaroo.data.folders import read_folders
from kangaroo.data.manifest import read_manifest
from kangaroo.errors import DataError
from kangaroo.geo.distance import haversine_km

HUB = runpy.run_path(str(Path(__file__).parents[1] / "hub.py"))
REPOSITORY = HUB["build"](HUB["Options"]())
TWO = ("--classes", "Austria", "AU")


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """Start a hub, ``hub(broken=0.1)``, and point the environment at it."""
    monkeypatch.setenv("KANGAROO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(downloads, "_FIRST_PAUSE", 0.01)
    with ExitStack() as stack:

        def start(**options):
            remote = stack.enter_context(HUB["running"](**options))
            monkeypatch.setenv("HF_ENDPOINT", remote.address)
            return remote

        yield start


@pytest.fixture
def run(capsys, tmp_path):
    """Run the command; gives its exit code, what it printed, and its errors."""

    def run(*flags, out="images"):
        argv = ["data", "download", "osv5m", "--out", tmp_path / out, *flags]
        code = main([str(arg) for arg in argv])
        return code, *capsys.readouterr()

    return run


@pytest.fixture(scope="module")
def truth():
    """The metadata of the train part as the hub has it, usable rows only, and the zip file of each photo."""
    rows = pd.DataFrame(csv.DictReader(io.StringIO(REPOSITORY["train.csv"].decode())))
    rows = rows[(rows["latitude"] != "") & (rows["country"] != "")]
    rows = rows.astype({"latitude": float, "longitude": float}).set_index("id")
    data = {}
    for name, body in REPOSITORY.items():
        if name.startswith("images/train/"):
            with zipfile.ZipFile(io.BytesIO(body)) as archive:
                data |= {Path(m).stem: archive.read(m) for m in archive.namelist() if m.endswith(".jpg")}
    return rows, data


def tree(folder):
    """Every file of a folder with its bytes, the hidden state left out."""
    paths = [path for path in folder.rglob("*") if path.is_file() and ".osv5m" not in path.parts]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def test_photos_and_all_that_is_known_of_them(hub, run, tmp_path, truth):
    rows, data = truth
    hub()
    code, out, err = run(*TWO, "--per-class", 30)
    assert (code, out.splitlines()[0][:42]) == (0, "30 photos of Australia, 30 photos of Austr"), err
    records = read_manifest(tmp_path / "images" / "manifest.parquet")
    assert Counter(records["class"]) == {"Austria": 30, "Australia": 30}
    for record in records.to_dict("records"):
        row = rows.loc[record["pano_id"]]
        path = Path(record["path"])
        assert path.read_bytes() == data[record["pano_id"]]
        assert path.name == f"{record['pano_id']}.jpg"
        assert {"AT": "Austria", "AU": "Australia"}[row["country"]] == record["class"] == path.parent.name
        assert (record["lat"], record["lon"]) == (row["latitude"], row["longitude"])
        assert record["place"] == record["sequence"] == row["sequence"]
        assert (record["width"], record["height"]) == (48, 40)
        assert record["captured"] == "2019-09-17"
        assert record["attribution"] == (
            f"{row['creator_username'] or 'unknown'}, Mapillary, "
            f"https://www.mapillary.com/app/?pKey={record['pano_id']}"
        )
    assert set(records["licence"]) == {"CC BY-SA 4.0"}
    assert set(records["source"]) == {"OSV-5M"}


def test_without_the_manifest_places_and_coordinates_stay(hub, run, tmp_path):
    hub()
    run(*TWO, "--per-class", 10)
    folder = tmp_path / "images"
    manifest = read_folders([folder])
    assert not manifest.rejected
    assert manifest.counts == {"Australia": 10, "Austria": 10}
    alone, _ = read_records([folder])
    written = read_manifest(folder / "manifest.parquet")
    columns = ["path", "class", "country", "place", "lat", "lon"]
    pd.testing.assert_frame_equal(alone[columns], written[columns])


def test_photos_of_a_country_are_apart(hub, run, tmp_path):
    hub()
    run("--classes", "Austria", "--per-class", 60, "--min-distance-km", 10)
    records = read_manifest(tmp_path / "images" / "manifest.parquet")
    pairs = combinations(records[["lat", "lon"]].to_numpy(), 2)
    assert min(float(haversine_km(*a, *b)) for a, b in pairs) >= 10
    assert records["place"].is_unique


def test_the_choice_is_that_of_the_rule_by_brute_force(hub, run, tmp_path, truth):
    rows, _ = truth
    hub()
    run("--classes", "Austria", "--per-class", 25, "--min-distance-km", 3, "--seed", 7)

    def rank(name):
        return sha256(f"7 {name}".encode()).digest()

    austrian = rows[rows["country"] == "AT"]
    spots = dict(zip(austrian.index, austrian[["latitude", "longitude"]].to_numpy(), strict=True))
    taken = []
    for name in sorted((f"{i:02}.zip" for i in range(6)), key=rank):
        with zipfile.ZipFile(io.BytesIO(REPOSITORY[f"images/train/{name}"])) as archive:
            ids = {Path(member).stem for member in archive.namelist()} & set(spots)
        for photo in sorted(ids, key=rank):
            near = [other for other in taken if haversine_km(*spots[photo], *spots[other]) < 3]
            if len(taken) < 25 and not near:
                taken.append(photo)
    records = read_manifest(tmp_path / "images" / "manifest.parquet")
    assert sorted(records["pano_id"]) == sorted(taken)


def test_a_class_does_not_depend_on_the_others_but_on_the_seed(hub, run, tmp_path):
    hub()
    run("--classes", "Austria", "--per-class", 20, out="one")
    run("--classes", "Namibia", "Austria", "Australia", "--per-class", 20, out="three")
    run("--classes", "Austria", "--per-class", 20, "--seed", 1, out="other")
    one, three, other = (set(os.listdir(tmp_path / name / "Austria")) for name in ("one", "three", "other"))
    assert one == three != other


def test_only_a_small_part_of_the_zip_files_is_read(hub, run, tmp_path):
    remote = hub()
    run(*TWO, "--per-class", 10)
    seen = remote.seen()
    archives = {name: size for name, size in seen.items() if name.startswith("/cdn/images/")}
    chosen = pd.read_parquet(tmp_path / "images" / ".osv5m" / "photos.parquet")
    assert len(archives) == chosen["url"].nunique() == 1  # of six
    tails = sum(path.stat().st_size for path in (tmp_path / "cache").rglob("*.directory"))
    assert sum(archives.values()) == tails + int((chosen["end"] - chosen["start"]).sum())
    whole = sum(len(body) for name, body in REPOSITORY.items() if name.startswith("images/train/"))
    assert sum(archives.values()) < whole / 50
    photos = [name for name in seen if name.startswith("times /cdn/images/")]
    assert len(photos) == 20 + 1  # one request a photo, one for the directory


def test_a_second_run_fetches_nothing(hub, run, tmp_path):
    remote = hub()
    run(*TWO, "--per-class", 10)
    before, asked = tree(tmp_path / "images"), remote.seen()["requests"]
    code, out, _ = run(*TWO, "--per-class", 10, "--json")
    result = json.loads(out)
    assert (code, result["photos"], result["fetched"]) == (0, 20, 0)
    assert result["classes"] == {"Australia": 10, "Austria": 10}
    assert remote.seen()["requests"] == asked
    assert tree(tmp_path / "images") == before


def test_what_was_lost_or_bent_comes_again(hub, run, tmp_path):
    remote = hub()
    run(*TWO, "--per-class", 10)
    before = tree(tmp_path / "images")
    lost, bent = sorted((tmp_path / "images" / "Austria").iterdir())[:2]
    lost.unlink()
    bent.write_bytes(bent.read_bytes()[:-1] + b"?")
    asked = remote.seen()["gets"]
    code, out, _ = run(*TWO, "--per-class", 10, "--json")
    assert (code, json.loads(out)["fetched"]) == (0, 2)
    assert remote.seen()["gets"] == asked + 2
    assert tree(tmp_path / "images") == before


def test_other_flags_are_refused_with_a_way_out(hub, run, tmp_path):
    hub()
    run(*TWO, "--per-class", 10)
    before = tree(tmp_path / "images")
    code, _, err = run("--classes", "Austria", "--per-class", 10, "--seed", 3)
    assert code == 2
    assert "was begun with --classes Australia Austria, --seed 0: give that again" in err
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").touch()
    code, _, err = run(*TWO, out="other")
    assert (code, "holds something else" in err) == (2, True)
    assert tree(tmp_path / "images") == before


def test_the_plan_comes_before_everything_else(hub, run, tmp_path):
    remote = hub()
    code, out, _ = run(*TWO, "--per-class", 10, "--dry-run", "--json")
    plan = json.loads(out)
    assert code == 0
    assert remote.seen().get("gets", 0) == 0
    assert not (tmp_path / "images").exists()
    assert plan["metadata_mb"] == round(len(REPOSITORY["train.csv"]) / 1e6, 3)
    assert (plan["photos"], plan["directories"], plan["bound"], plan["exact"]) == (20, 6, True, False)
    assert plan["total_mb"] == pytest.approx(
        plan["metadata_mb"] + plan["directories_mb"] + plan["photos_mb"], abs=0.002
    )
    run(*TWO, "--per-class", 10)
    _, out, _ = run(*TWO, "--per-class", 10, "--dry-run", out="more")
    assert "metadata 0.0 MB, directories of about 0 zip files 0.0 MB, 20 photos" in out
    _, out, _ = run(*TWO, "--per-class", 10, "--dry-run")
    assert "0 photos are still to fetch" in out


def test_on_a_terminal_it_asks(hub, run, tmp_path, monkeypatch):
    remote = hub()

    class Terminal:
        def isatty(self):
            return True

        def readline(self):
            return "n\n"

    monkeypatch.setattr(sys, "stdin", Terminal())
    code, _, err = run(*TWO, "--per-class", 10)
    assert (code, "Fetch them now? [y/N]" in err) == (0, True)
    assert remote.seen().get("gets", 0) == 0
    code, _, err = run(*TWO, "--per-class", 10, "--yes")
    assert (code, "now?" in err) == (0, False)


def test_too_few_photos_are_told_and_nothing_is_lost(hub, run, tmp_path, truth):
    rows, _ = truth
    namibia = int((rows["country"] == "NA").sum())
    hub()
    code, _, err = run("--classes", "Namibia", "Austria", "--per-class", 2000)
    there = f"only {int((rows['country'] == 'AT').sum()):,} of Austria, {namibia} of Namibia"
    assert (code, there in err, "--at-most" in err) == (2, True, True)
    code, _, err = run("--classes", "Namibia", "--per-class", namibia - 1, "--min-distance-km", 30)
    assert (code, "far enough apart: lower --per-class or --min-distance-km" in err) == (2, True)
    code, _, err = run("--classes", "Norway", "--per-class", 3, "--at-most")
    assert (code, "no photo of Norway: leave it out" in err) == (2, True)
    assert not (tmp_path / "images").exists()
    code, out, _ = run(
        "--classes", "Namibia", "--per-class", 900, "--at-most", "--min-distance-km", 0, "--json"
    )
    assert (code, json.loads(out)["classes"]) == (0, {"Namibia": namibia})


def test_all_countries_and_the_test_part(hub, run, tmp_path):
    remote = hub()
    code, out, _ = run("--part", "test", "--per-class", 5, "--at-most", "--json")
    assert code == 0
    classes = json.loads(out)["classes"]
    assert set(classes) == {"Australia", "Austria", "Namibia", "XX"}  # a code that stands for no country
    assert set(classes.values()) == {5}
    assert not [name for name in remote.seen() if "train" in name]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--classes", "Atlantis"], "no country 'Atlantis'"),
        (["--per-class", "0"], "--per-class 0"),
        (["--min-distance-km", "-1"], "--min-distance-km -1"),
        (["--workers", "0"], "--workers 0"),
    ],
)
def test_flags_that_make_no_sense(run, tmp_path, flags, message):
    code, _, err = run(*flags)
    assert (code, message in err, len(err.splitlines())) == (2, True, 1)
    assert not (tmp_path / "images").exists()


def test_a_hub_that_fails_now_and_then_gives_the_same(hub, run, tmp_path):
    hub()
    run(*TWO, "--per-class", 20, out="calm")
    (tmp_path / "cache").rename(tmp_path / "calm_cache")
    hub(broken=0.15, busy=0.1, truncated=0.1, wrong=0.1)
    code, _, err = run(*TWO, "--per-class", 20, out="rough")
    assert code == 0, err
    assert tree(tmp_path / "calm") == tree(tmp_path / "rough")


def test_damaged_pictures_of_the_data_set_are_kept_aside(hub, run, tmp_path):
    remote = hub(damaged=1000)
    code, out, _ = run(*TWO, "--per-class", 10, "--json")
    assert (code, json.loads(out)["rejected"]) == (0, 10)
    assert json.loads(out)["classes"] == {"Australia": 10}
    records = read_manifest(tmp_path / "images" / "manifest.parquet")
    assert set(records.loc[records["class"] == "Austria", "reject_reason"]) == {"damaged"}
    assert read_folders([tmp_path / "images"]).counts == {"Australia": 10}
    asked = remote.seen()["requests"]
    assert json.loads(run(*TWO, "--per-class", 10, "--json")[1])["fetched"] == 0
    assert remote.seen()["requests"] == asked


def test_a_hub_without_ranges_is_refused(hub, run):
    hub(no_range=True)
    code, _, err = run(*TWO, "--per-class", 10)
    assert (code, "whole files only" in err, len(err.splitlines())) == (2, True, 2)


def test_a_token_goes_to_the_hub_and_to_nobody_else(hub, run, tmp_path, monkeypatch):
    hub(token="hf_secret")
    code, _, err = run(*TWO, "--per-class", 5)
    assert (code, "check HF_ENDPOINT and HF_TOKEN" in err) == (2, True)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    code, _, err = run(*TWO, "--per-class", 5)  # files lie on a server that refuses tokens
    assert code == 0, err
    for path in (*(tmp_path / "images").rglob("*"), *(tmp_path / "cache").rglob("*")):
        assert not path.is_file() or b"hf_secret" not in path.read_bytes()


def test_a_hub_that_falls_silent_ends_it_and_the_rest_comes_later(hub, run, tmp_path):
    hub(dead_after=12)
    code, _, err = run(*TWO, "--per-class", 20)
    assert (code, "run the same command again later, it goes on" in err) == (1, True)
    there = {path for path in tree(tmp_path / "images") if path.endswith(".jpg")}
    assert there
    assert not (tmp_path / "images" / "manifest.parquet").exists()


def test_a_full_disk_ends_it(hub, run, monkeypatch):
    hub()

    def full(self, data):
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_bytes", full)
    code, _, err = run(*TWO, "--per-class", 5)
    assert (code, "the disk takes no more" in err) == (1, True)


def test_without_the_hub_it_says_so(run, monkeypatch, tmp_path):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(downloads.time, "sleep", lambda seconds: None)
    code, _, err = run(*TWO)
    assert (code, "the Hugging Face hub (http://127.0.0.1:9): no connection" in err) == (1, True)


def test_the_metadata_must_be_that_of_osv5m(tmp_path):
    bad = tmp_path / "train.csv"
    bad.write_text("id,latitude,longitude,country\nx,1,2,AT\n")
    with pytest.raises(DataError, match="is not the metadata of OSV-5M"):
        read_rows(bad, Settings(("Austria",)))


def test_metadata_without_sequences_will_do(tmp_path):
    path = tmp_path / "train.csv"
    path.write_text("country,id,latitude,longitude\nNA,8,1,2\nNA,7,3,4\nAT,6,5,6\nNA,5,91,6\nNA,4,,6\n")
    rows = read_rows(path, Settings(("Namibia",)))
    assert rows["id"].to_pylist() == [7, 8]
    assert rows["latitude"].to_pylist() == [3, 1]
    assert rows["sequence"].to_pylist() == [None, None]


@pytest.mark.slow
def test_killed_runs_leave_what_an_undisturbed_one_leaves(hub, run, tmp_path):
    hub()
    start = time.monotonic()
    run(*TWO, "--per-class", 100, out="calm")
    length = time.monotonic() - start
    (tmp_path / "cache").rename(tmp_path / "calm_cache")
    hub(delay=0.02, truncated=0.05)
    argv = ["data", "download", "osv5m", "--out", tmp_path / "rough", *TWO, "--per-class", 100]
    command = [sys.executable, "-m", "kangaroo", *map(str, argv)]
    rng, killed = np.random.default_rng(1), 0
    for number in range(3):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.8 + 0.3 * number + rng.uniform(0, length / 2))
        killed += process.poll() is None
        process.kill()
        process.wait()
    assert killed >= 2
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert tree(tmp_path / "calm") == tree(tmp_path / "rough")
