"""Killed again and again, by a server with faults: what is left is what an undisturbed run leaves."""

import json
import random
import time
from collections import Counter

import pytest

from kangaroo.data.folders import read_folders

FAULTS = {
    "delay": 0.02,
    "busy": 0.03,
    "broken": 0.03,
    "stalled": 0.003,
    "truncated": 0.02,
    "wrong_type": 0.02,
    "over_limit": 0.02,
    "unknown": 0.02,
    "placeholder": 0.03,
    "black": 0.02,
}
WORKERS = 16


def run_argv(remote, points, out):
    flags = ["--timeout", 1, "--workers", WORKERS, "--yes", "--json"]
    where = ["--points", points, "--out", out, "--endpoint", remote.endpoint]
    return ["collect", "run", "--source", "google", *where, *flags]


def finish(process):
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return json.loads(out)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "kills"), [(200, 4), (2000, 20)], ids=["200", "2000"])
def test_killed_runs_leave_what_an_undisturbed_one_leaves(
    street_view, points_csv, kangaroo, key, tmp_path, n, kills
):
    points, rng = points_csv(n), random.Random(n)
    calm, rough = street_view(**FAULTS), street_view(**FAULTS)
    start = time.monotonic()
    expected = finish(kangaroo(*run_argv(calm, points, tmp_path / "calm")))
    longest, killed = 2 * (time.monotonic() - start) / kills, 0
    for _ in range(kills):
        process = kangaroo(*run_argv(rough, points, tmp_path / "rough"))
        time.sleep(0.3 + rng.uniform(0, longest))
        killed += process.poll() is None
        process.kill()
        process.communicate()
    assert killed > kills / 2
    result = finish(kangaroo(*run_argv(rough, points, tmp_path / "rough")))

    for file in [
        "manifest.csv",
        *(f"Austria/{s}/coordinates.csv" for s in ("Tyrol", "Salzburg", "Vorarlberg")),
    ]:
        assert (tmp_path / "calm" / file).read_bytes() == (tmp_path / "rough" / file).read_bytes()
    for name in ("points", "no_coverage", "photos", "rejected"):
        assert result[name] == expected[name]
    check(result, rough.seen(), tmp_path / "rough", key, spare=kills * WORKERS)
    check(expected, calm.seen(), tmp_path / "calm", key, spare=0)


def check(result, seen, out, key, *, spare):
    """Every available panorama once, no other ever asked for, and the books say at least what was charged."""
    images = Counter()
    for call, times in seen["seen"].items():
        if call.startswith("/maps/api/streetview "):
            images[call.split()[1]] += times
    available = set(seen["answered"])
    assert set(images) == available  # none missing, none asked for that nobody wanted
    assert len(available) == result["photos"] + result["rejected"]
    charged = sum(seen["answered"].values())
    assert charged <= len(available) + spare
    assert charged <= result["paid_calls"] <= sum(images.values())
    assert result["usd"] == pytest.approx(0.007 * result["paid_calls"])
    assert result["calls"] >= sum(seen["seen"].values())
    manifest = read_folders([out])
    assert manifest.counts == {"Austria": result["photos"]}
    assert not manifest.rejected
    assert len(manifest.locations) == result["points"]
    left = [path for path in out.rglob("*") if path.is_file()]
    assert not [path for path in left if ".part" in path.name]
    assert not [path for path in left if key.encode() in path.read_bytes()]
