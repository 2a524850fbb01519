"""The commands plan, run, status and export against a Street View of one's own."""

import csv
import errno
import json
import os
import sqlite3
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from kangaroo.cli import main
from kangaroo.collect.run import photo_files, runner
from kangaroo.collect.run.ledger_reader import LEDGER
from kangaroo.commands.collect import plan
from kangaroo.data.folders import read_folders

NOBODY = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _hasty(monkeypatch):
    monkeypatch.setattr("kangaroo.collect.run.caller._FIRST_PAUSE", 0.01)


@pytest.fixture
def google(capsys, points_csv, tmp_path):
    """Run a command on 60 points: ``google(remote, "--max-usd", 1)`` gives exit code, stdout, stderr."""

    def run(remote, *flags, command="run", n=60, out="out"):
        endpoint = remote if isinstance(remote, str) else remote.endpoint
        argv = ["collect", command, "--source", "google", "--points", points_csv(n), "--out", tmp_path / out]
        argv += ["--endpoint", endpoint, *(["--yes"] if command == "run" else []), *flags]
        code = main([str(arg) for arg in argv])
        return code, *capsys.readouterr()

    return run


def images(remote):
    """How often each panorama was asked for."""
    counts = Counter()
    for call, times in remote.seen()["seen"].items():
        if call.startswith("/maps/api/streetview "):
            counts[call.split()[1]] += times
    return counts


def table(path):
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def error_line(err):
    """The one line of an error, after the plan that run tells."""
    (line,) = [line for line in err.splitlines() if line.startswith("error: ")]
    assert err.splitlines()[-1] == line
    return line


def test_a_run_leaves_the_reports_files_and_json(street_view, google, tmp_path):
    remote, out = street_view(), tmp_path / "out"
    code, stdout, _ = google(remote, "--json")
    result = json.loads(stdout)
    assert code == 0
    assert list(result) == ["points", "no_coverage", "photos", "rejected", "calls", "paid_calls", "usd"]
    panoramas = images(remote)
    assert set(panoramas.values()) == {1}
    assert result["points"] == 60
    assert result["photos"] == result["paid_calls"] == len(panoramas)
    assert result["calls"] == 60 + len(panoramas)
    assert result["usd"] == pytest.approx(0.007 * len(panoramas))
    rows = table(out / "manifest.csv")
    assert {row["pano_id"] for row in rows} == set(panoramas)
    first = rows[0]
    assert first["licence"].startswith("Google Maps Platform terms")
    assert (first["source"], first["captured"], first["attribution"]) == ("google", "2019-08", "© Google")
    assert (first["width"], first["height"]) == ("640", "640")
    assert first["heading"]
    manifest = read_folders([out])
    assert manifest.classes == ("Austria",)
    assert len(manifest.photos) == len(rows)
    assert set(manifest.photos["state"]) == {"Tyrol", "Salzburg", "Vorarlberg"}
    assert not manifest.rejected


def test_photos_are_numbered_by_their_point_within_the_state(street_view, google, points_csv, tmp_path):
    google(street_view())
    asked = [row for row in table(points_csv(60)) if row["state"] == "Tyrol"]
    listed = table(tmp_path / "out/Austria/Tyrol/coordinates.csv")
    assert [(row["i"], float(row["lat"]), float(row["lng"])) for row in listed] == [
        (str(i), float(row["lat"]), float(row["lon"])) for i, row in enumerate(asked)
    ]
    there = {path.stem for path in (tmp_path / "out/Austria/Tyrol").glob("*.jpg")}
    assert there == {row["i"] for row in listed if row["image_exists"] == "True"}


def test_several_views_of_each_panorama(street_view, google, tmp_path):
    remote = street_view(uncovered=0, shared=0)
    code, stdout, _ = google(remote, "--heading", 0, 90, 180, 270, "--json", n=5)
    assert (code, json.loads(stdout)["photos"]) == (0, 20)
    rows = table(tmp_path / "out/manifest.csv")
    assert [row["heading"] for row in rows[:4]] == ["0.0", "90.0", "180.0", "270.0"]
    photos = read_folders([tmp_path / "out"]).photos
    assert photos["place"].nunique() == 5  # the headings of a spot are one place
    assert set(Counter(photos["place"]).values()) == {4}


def test_again_costs_nothing(street_view, google):
    remote = street_view()
    first = google(remote, "--json")
    before = remote.seen()["calls"]
    assert google(remote, "--json")[:2] == first[:2]
    assert remote.seen()["calls"] == before


def test_pictures_that_show_nothing_are_kept_aside_with_the_reason(street_view, google, capsys, tmp_path):
    remote, out = street_view(placeholder=0.2, black=0.2), tmp_path / "out"
    result = json.loads(google(remote, "--json")[1])
    aside = list((out / ".rejected").rglob("*.jpg"))
    assert result["rejected"] == len(aside) > 0
    assert result["photos"] + result["rejected"] == result["paid_calls"] == len(images(remote))
    assert len(read_folders([out]).photos) == result["photos"]
    assert main(["collect", "status", "--out", str(out), "--json"]) == 0
    reasons = json.loads(capsys.readouterr().out)["rejected_for"]
    assert set(reasons) == {"black", "grey placeholder: no imagery"}
    assert sum(reasons.values()) == result["rejected"]


def test_faults_are_got_over(street_view, google, tmp_path):
    faults = dict.fromkeys(("busy", "broken", "over_limit", "unknown", "truncated", "wrong_type"), 0.1)
    rough, calm = street_view(**faults, stalled=0.02), street_view()
    code, stdout, err = google(rough, "--json", "--timeout", 0.5, out="rough")
    assert code == 0, err
    google(calm, out="calm")
    assert (tmp_path / "rough/manifest.csv").read_bytes() == (tmp_path / "calm/manifest.csv").read_bytes()
    result, seen = json.loads(stdout), rough.seen()
    assert set(images(rough)) == set(images(calm)) == set(seen["answered"])
    assert set(seen["answered"].values()) == {1}
    assert result["calls"] == sum(seen["seen"].values())
    assert result["photos"] <= result["paid_calls"] <= sum(images(rough).values())


@pytest.mark.parametrize(
    ("flags", "most"), [(("--max-usd", 0.1), {"usd": 0.1}), (("--max-calls", 33), {"calls": 33})]
)
def test_limits_hold_over_runs(street_view, google, flags, most):
    remote = street_view(broken=0.2, truncated=0.2)
    for _ in range(2):
        code, stdout, err = google(remote, "--json", *flags)
        assert code == 0
        assert f"note: ended early, because {flags[0]}" in err
    result = json.loads(stdout)
    for name, limit in most.items():
        assert result[name] <= limit
        assert result[name] > 0.9 * limit
    assert sum(remote.seen()["answered"].values()) * 0.007 <= result["usd"]
    assert remote.seen()["calls"] <= result["calls"]
    assert google(remote, "--json")[0] == 0


def test_no_money_at_all(street_view, google):
    remote = street_view()
    result = json.loads(google(remote, "--json", "--max-usd", 0)[1])
    assert result["usd"] == result["photos"] == 0
    assert not images(remote)


def test_places_keep_their_distance(street_view, google, tmp_path):
    google(street_view(uncovered=0, shared=0), "--min-distance", 20000)
    result = table(tmp_path / "out/manifest.csv")
    assert 3 < len(result) < 60


def test_a_key_refused_half_way_stops_with_the_reason_and_keeps_what_is_there(
    street_view, google, key, tmp_path
):
    code, stdout, err = google(street_view(denied_after=50), "--json")
    assert (code, stdout) == (2, "")
    line = error_line(err)
    assert "check the key in GOOGLE_MAPS_API_KEY" in line
    assert "REQUEST_DENIED: key *** is not valid" in line or "HTTP 403: The API key is invalid." in line
    there = len(list((tmp_path / "out/Austria").rglob("*.jpg")))
    assert 0 < there < 60
    result = json.loads(google(street_view(), "--json")[1])
    assert result["photos"] == result["paid_calls"] > there


def test_the_key_is_nowhere(street_view, google, key, tmp_path, monkeypatch):
    faults = {"broken": 0.1, "stalled": 0.05, "truncated": 0.1, "wrong_type": 0.1, "denied_after": 120}
    code, stdout, err = google(street_view(**faults), "--timeout", 0.3, "--debug")
    assert code == 2
    assert "Traceback" in err
    monkeypatch.setenv("GOOGLE_MAPS_API_KEY", "another-key-77")
    told = [stdout, err, *google(street_view(), "--debug")[1:]]
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    for secret in (key, "another-key-77"):
        assert not any(secret in text for text in told)
        assert not any(secret.encode() in data for data in files)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--source", "mapillary"], "MAPILLARY_TOKEN"),
        (["--points", "nowhere.csv"], "nowhere.csv can't be read"),
        (["--out", "STRANGE"], "holds thesis.tex"),
        (["--out", "STRANGE/thesis.tex"], "thesis.tex"),
        (["--prices", "nowhere.json"], "no price list"),
        (["--endpoint", "nowhere"], "endpoint 'nowhere' is no address"),
        (["--size", "9999x1"], "9999 x 1"),
        (["--workers", "0"], "--workers 0 is not above 0"),
        (["--max-usd", "-1"], "--max-usd -1 is not an amount of 0 or more"),
        (["--max-usd", "nan"], "--max-usd nan is not an amount"),
        (["--heading", "400"], "heading 400"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(google, street_view, tmp_path, monkeypatch, flags, message):
    street_view()  # for its key
    monkeypatch.delenv("MAPILLARY_TOKEN", raising=False)
    (tmp_path / "strange").mkdir()
    (tmp_path / "strange/thesis.tex").write_text("!")
    code, out, err = google(NOBODY, *(flag.replace("STRANGE", str(tmp_path / "strange")) for flag in flags))
    assert (code, out) == (2, "")
    assert message in error_line(err)


def test_no_key_is_said_before_anything_else_happens(google, monkeypatch, tmp_path):
    monkeypatch.delenv("GOOGLE_MAPS_API_KEY", raising=False)
    code, _, err = google(NOBODY)
    assert code == 2
    assert err == "error: no key for google: set the environment variable GOOGLE_MAPS_API_KEY to yours\n"
    assert not (tmp_path / "out").exists()


def test_a_folder_of_another_job(google, street_view):
    remote = street_view()
    google(remote, n=5)
    code, _, err = google(remote, "--radius", 50, n=5)
    assert code == 2
    assert "is the output of another job (radius 100.0, not 50.0)" in error_line(err)


def test_nobody_is_asked_where_nobody_can_answer(
    google, points_csv, street_view, tmp_path, monkeypatch, capsys
):
    remote = street_view()
    argv = ["collect", "run", "--source", "google", "--points", points_csv(5), "--out", tmp_path / "out"]
    monkeypatch.setattr(sys, "stdin", open(os.devnull))  # noqa: SIM115
    assert main([*map(str, argv), "--endpoint", remote.endpoint]) == 2
    assert "give --yes" in error_line(capsys.readouterr().err)
    assert not (tmp_path / "out").exists()
    assert remote.seen()["calls"] == 0


class Terminal:
    """Somebody who types."""

    def __init__(self, answer):
        self.answer = answer

    def isatty(self):
        return True

    def readline(self):
        return self.answer


@pytest.mark.parametrize("command", ["run", "plan"])
@pytest.mark.parametrize(("answer", "photos"), [("y\n", True), ("n\n", False), ("", False)])
def test_run_and_plan_ask_first(
    points_csv, street_view, tmp_path, monkeypatch, capsys, command, answer, photos
):
    remote = street_view()
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    argv = ["collect", command, "--source", "google", "--points", points_csv(5), "--out", tmp_path / "out"]
    assert main([*map(str, argv), "--endpoint", remote.endpoint]) == 0
    out, err = capsys.readouterr()
    assert "at most 10 calls and 0.04 USD" in out + err
    assert "[y/N]" in err
    assert (tmp_path / "out").exists() == photos == (remote.seen()["calls"] > 0)


def test_a_plan_needs_no_key_and_counts_what_is_there(google, street_view, monkeypatch, tmp_path):
    remote = street_view()
    before = json.loads(google(NOBODY, "--json", command="plan")[1])
    assert before == {
        "source": "google", "points": 60, "photos": 60, "calls": 120, "usd": 0.42,
        "gigabytes": pytest.approx(60 * 0.18 * 640**2 / 1e9), "minutes": pytest.approx(120 / 80 / 60),
        "price_as_of": "2025-08-29", "spent_calls": 0, "spent_usd": 0,
    }  # fmt: skip
    google(remote, "--max-calls", 50)
    monkeypatch.delenv("GOOGLE_MAPS_API_KEY")
    half = json.loads(google(NOBODY, "--json", command="plan")[1])
    assert half["spent_calls"] == 50
    assert 0 < half["points"] < 60
    google_prices = tmp_path / "prices.json"
    google_prices.write_text('{"google": {"usd_per_1000": 1, "as_of": "2026-01-01"}}')
    cheap = json.loads(google(NOBODY, "--json", "--prices", google_prices, command="plan")[1])
    assert cheap["usd"] == pytest.approx(half["usd"] / 7)
    assert cheap["price_as_of"] == "2026-01-01"


def test_status_tells_what_is_open_and_draws(google, street_view, capsys, tmp_path):
    google(street_view(broken=0.1), "--max-calls", 50)
    status = ["collect", "status", "--out", str(tmp_path / "out")]
    assert main([*status, "--json", "--figures", str(tmp_path / "figures")]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["calls"] == 50
    assert figures["errors"]["HTTP 500"] > 0
    known = figures["photos"] + figures["no_coverage"] + figures["already_taken"] + figures["open"]
    assert known == figures["points"] == 60
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {"coverage.png", "photos_by_state.png"}
    assert main(status) == 0
    told = capsys.readouterr().out
    assert f"{figures['photos']} photos of 60 points" in told
    assert f"failed: HTTP 500: {figures['errors']['HTTP 500']} calls" in told
    assert main(["collect", "status", "--out", str(tmp_path)]) == 2


def test_of_google_only_ids_are_exported(google, street_view, tmp_path, capsys):
    remote = street_view()
    google(remote)
    export = ["collect", "export", "--out", str(tmp_path / "out"), "--to", str(tmp_path / "shared")]
    assert main(export) == 0
    assert "Google's photos may not be passed on" in capsys.readouterr().out
    assert [path.name for path in (tmp_path / "shared").iterdir()] == ["panoramas.csv"]
    rows = table(tmp_path / "shared/panoramas.csv")
    assert list(rows[0]) == ["lat", "lon", "country", "state", "pano_id"]
    assert {row["pano_id"] for row in rows} == set(images(remote))
    assert main(export) == 2
    assert "exists" in capsys.readouterr().err


def test_a_folder_source_costs_nothing_and_is_not_exported(tmp_path, points_csv, capsys, google, street_view):
    google(street_view(uncovered=0, shared=0), n=20)  # photos to take from
    rows = table(tmp_path / "out/manifest.csv")
    labels = [f"{row['file']},Austria,,{row['lat']},{row['lon']}" for row in rows[:15]]
    (tmp_path / "out/labels.csv").write_text("\n".join(["file,country,place,lat,lon", *labels]))
    argv = ["collect", "run", "--source", "folder", "--photos", tmp_path / "out", "--points", points_csv(20)]
    argv += ["--out", tmp_path / "mine", "--radius", 10, "--yes", "--json"]
    assert main([str(arg) for arg in argv]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result == {
        "points": 20, "no_coverage": 5, "photos": 15, "rejected": 0, "calls": 0, "paid_calls": 0, "usd": 0
    }  # fmt: skip
    assert [row["sha256"] for row in table(tmp_path / "mine/manifest.csv")] == [
        row["sha256"] for row in rows[:15]
    ]
    assert main(["collect", "export", "--out", str(tmp_path / "mine"), "--to", str(tmp_path / "to")]) == 2
    assert "does not know their licence" in capsys.readouterr().err


def test_mapillary_photos_go_on_with_attribution(street_view, points_csv, key, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("MAPILLARY_TOKEN", key)
    remote = street_view(broken=0.1)
    argv = ["collect", "run", "--source", "mapillary", "--points", points_csv(40), "--out", tmp_path / "out"]
    argv += ["--endpoint", remote.endpoint, "--yes", "--json"]
    assert main([str(arg) for arg in argv]) == 0
    result, answered = json.loads(capsys.readouterr().out), remote.seen()["answered"]
    assert result["photos"] == len(answered) > 0
    assert set(answered.values()) == {1}
    assert result["paid_calls"] == result["usd"] == 0
    first = table(tmp_path / "out/manifest.csv")[0]
    assert (first["licence"], first["captured"], first["heading"]) == ("CC BY-SA 4.0", "2019-08-01", "30.0")
    assert (first["width"], first["height"]) == ("1024", "768")
    assert not any(key.encode() in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())

    assert main(["collect", "export", "--out", str(tmp_path / "out"), "--to", str(tmp_path / "to")]) == 0
    shared = read_folders([tmp_path / "to"])
    assert len(shared.photos) == result["photos"]
    credits = (tmp_path / "to/attribution.txt").read_text(encoding="utf-8")
    assert "CC BY-SA 4.0" in credits
    assert (
        f"{first['file']}: ann, Mapillary, https://www.mapillary.com/app/?pKey={first['pano_id']}" in credits
    )
    assert not list((tmp_path / "to").rglob(LEDGER))


def test_a_bad_mapillary_token(street_view, points_csv, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("MAPILLARY_TOKEN", "wrong-token-5")
    argv = ["collect", "run", "--source", "mapillary", "--points", points_csv(5), "--out", tmp_path / "out"]
    assert main([*map(str, argv), "--endpoint", street_view().endpoint, "--yes"]) == 2
    line = error_line(capsys.readouterr().err)
    assert "mapillary: error 190: Invalid token OAuth ***" in line
    assert "check the key in MAPILLARY_TOKEN" in line
    assert "wrong-token-5" not in line


def test_a_second_process_is_refused(google, street_view, kangaroo, points_csv, tmp_path):
    remote = street_view(delay=0.5)
    argv = ["collect", "run", "--source", "google", "--points", points_csv(60), "--out", tmp_path / "out"]
    first = kangaroo(*argv, "--endpoint", remote.endpoint, "--yes", "--workers", 2)
    deadline = time.monotonic() + 20
    while not (tmp_path / "out" / "ledger.sqlite-wal").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    code, _, err = google(remote)
    first.kill()
    first.communicate()
    assert code == 2
    assert "another process collects into" in error_line(err)


def test_a_full_disk_is_exit_1_and_nothing_is_lost(google, street_view, monkeypatch, tmp_path):
    remote, left = street_view(), 10
    real = Path.write_bytes

    def write(self, data):
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(errno.ENOSPC, "No space left on device", str(self))
        return real(self, data)

    monkeypatch.setattr(photo_files.Path, "write_bytes", write)
    code, _, err = google(remote)
    assert code == 1
    assert "the disk takes no more for" in error_line(err)
    assert len(list((tmp_path / "out/Austria").rglob("*.jpg"))) == 10
    assert len(table(tmp_path / "out/manifest.csv")) == 10
    monkeypatch.undo()
    monkeypatch.setenv("GOOGLE_MAPS_API_KEY", "test-key-93c1")
    assert google(remote)[0] == 0
    assert len(table(tmp_path / "out/manifest.csv")) == len(images(remote))


def test_a_disk_that_was_full_from_the_start(google, street_view, monkeypatch, tmp_path):
    street_view()
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL

    def full(*args):
        raise error

    monkeypatch.setattr("kangaroo.collect.run.ledger._connect", full)
    code, _, err = google(NOBODY)
    assert (code, "the disk takes no more for" in error_line(err)) == (1, True)


def test_nothing_is_bought_for_a_disk_that_is_nearly_full(google, street_view, monkeypatch):
    remote = street_view()
    usage = type("usage", (), {"free": 1000})
    monkeypatch.setattr(runner.shutil, "disk_usage", lambda folder: usage)
    code, _, err = google(remote)
    assert (code, "the disk takes no more for" in error_line(err)) == (1, True)
    assert not images(remote)


def test_a_photo_that_was_not_written_down_is_adopted(google, street_view, tmp_path):
    remote, out = street_view(), tmp_path / "out"
    google(remote)
    whole, bought = (out / "manifest.csv").read_bytes(), images(remote)
    with sqlite3.connect(out / LEDGER) as ledger:
        ledger.execute("DELETE FROM photos WHERE point % 2")
    assert google(remote)[0] == 0
    assert (out / "manifest.csv").read_bytes() == whole
    assert images(remote) == bought


def test_a_server_that_never_answers_is_given_up(google, street_view):
    street_view()
    code, _, err = google(NOBODY, "--workers", 2)
    assert code == 1
    assert "google doesn't answer any more: no connection" in error_line(err)


def test_points_that_stay_open_do_not_hold_up_the_others(google, street_view, monkeypatch, tmp_path):
    real = plan._limits
    monkeypatch.setattr(plan, "_limits", lambda *args: replace(real(*args), tries=1))
    remote, codes = street_view(broken=0.4), []
    while not codes or codes[-1]:
        code, _, err = google(remote)
        if not codes:
            assert "points are still open, the last because of: HTTP 500; run the same" in error_line(err)
            assert images(remote)
        codes.append(code)
    assert set(codes[:-1]) == {1}
    assert set(remote.seen()["answered"].values()) == {1}
    rows = table(tmp_path / "out/manifest.csv")
    assert len({row["pano_id"] for row in rows}) == len(rows) == len(remote.seen()["answered"])


def test_retry_after_is_waited_for(google, street_view):
    remote, start = street_view(busy=0.3), time.monotonic()
    assert google(remote, "--workers", 1, n=10)[0] == 0
    busy = remote.seen()["calls"] - 10 - len(remote.seen()["answered"])
    assert busy > 0
    assert time.monotonic() - start > 0.05 * busy


def test_the_rate_is_kept(google, street_view):
    remote, start = street_view(), time.monotonic()
    google(remote, "--rate", 20, n=20)
    assert time.monotonic() - start > (remote.seen()["calls"] - 1) / 20
