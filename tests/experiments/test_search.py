import importlib.util
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kangaroo.cli import search as main

optuna = pytest.importorskip("optuna")

from kangaroo.runs.search.space import COUNTRIES, OTHERS, Choice, Range, accepted, parser_of, read_space  # noqa: E402
from kangaroo.runs.search.trial import command  # noqa: E402

NAME = "binary_austria_australia"
FAKE = Path(__file__).with_name("fake_experiment.py")
SPACE = ["--search", "batch-size=16..64", "validation=0.1..0.9"]
SEARCH = """
import importlib.util, sys
from kangaroo.cli import search as main
from kangaroo.runs.search import trial, work
spec = importlib.util.spec_from_file_location("fake", sys.argv.pop(1))
fake = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fake)
work.command, trial.POLL = fake.command, 0.02
sys.exit(main())
"""


@pytest.fixture(scope="module")
def fake():
    spec = importlib.util.spec_from_file_location("fake", FAKE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def quick(monkeypatch, fake):
    """Trials run the fake experiment, and are looked at often."""
    monkeypatch.setattr("kangaroo.runs.search.work.command", fake.command)
    monkeypatch.setattr("kangaroo.runs.search.trial.POLL", 0.02)


def search(out: Path, *words: object, fixed: tuple[str, ...] = ()) -> int:
    return main([NAME, "--out", str(out), *map(str, words), *(["--", *fixed] if fixed else [])])


def table(out: Path) -> pd.DataFrame:
    return pd.read_csv(out / "trials.csv", keep_default_na=False, na_values={"value": "", "seconds": ""})


def settings(out: Path) -> list[tuple[object, ...]]:
    return list(table(out)[["trial", "batch-size", "validation"]].itertuples(index=False, name=None))


def start(out: Path, *words: object, seconds: float) -> "subprocess.Popen[str]":
    """A search in a process of its own, whose trials take that long for an epoch."""
    return subprocess.Popen(
        [sys.executable, "-c", SEARCH, str(FAKE), NAME, "--out", str(out), *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "FAKE_SECONDS": str(seconds)},
    )


def wait_for(path: Path, process: "subprocess.Popen[Any]") -> None:
    deadline = time.monotonic() + 120
    while not path.exists():
        assert process.poll() is None
        assert time.monotonic() < deadline, path
        time.sleep(0.01)


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z"


@pytest.mark.parametrize(
    ("word", "expected", "scale", "text"),
    [
        ("batch-size=16,32,16", Choice("batch-size", ("16", "32")), "choice", "batch-size=16,32"),
        ("precision=auto,float32", Choice("precision", ("auto", "float32")), "choice", None),
        ("batch-size=16..64", Range("batch-size", 16, 64, whole=True), "linear", "batch-size=16..64"),
        ("batch-size=4..400", Range("batch-size", 4, 400, whole=True), "log", None),
        ("batch-size=5..6", Range("batch-size", 5, 6, whole=True), "linear", None),
        ("validation=0.1..0.5", Range("validation", 0.1, 0.5, whole=False), "linear", "validation=0.1..0.5"),
        (
            "validation=1e-3..0.1",
            Range("validation", 0.001, 0.1, whole=False),
            "log",
            "validation=0.001..0.1",
        ),
        ("seed=0..3", Range("seed", 0, 3, whole=True), "linear", None),
    ],
)
def test_a_dimension_is_a_choice_or_a_range_as_its_flag_takes_it(word, expected, scale, text):
    (found,) = read_space(NAME, [word], [])
    assert found == expected
    assert found.scale == scale
    assert str(found) == (text or word)


@pytest.mark.parametrize(
    ("low", "high", "value", "shown"),
    [
        (0.0001, 0.01, 0.00123456, 0.001235),
        (0.0, 5.0, 2.5, 2.5),
        (0.1, 0.2, 0.12346, 0.1235),
        (0.12344, 0.2, 0.12344, 0.12344),
        (0.1, 0.12346, 0.12346, 0.12346),
    ],
)
def test_numbers_are_given_with_four_digits_that_stay_within_the_range(low, high, value, shown):
    assert Range("validation", low, high, whole=False).shown(value) == shown


def test_every_trial_of_a_range_is_drawn_evenly_from_it(fake):
    from kangaroo.runs.search.work import _sampler

    class Settings:
        seed, sampler = 3, "random"

    study = optuna.create_study()
    drawn = []
    for number in range(1, 401):
        trial = study.ask()
        study.sampler = _sampler(Settings(), number)
        drawn.append(np.log10(Range("rate", 1e-5, 1e-1, whole=False).suggest(trial)))
    quarters = np.histogram(drawn, np.linspace(-5, -1, 5))[0]
    assert quarters.sum() == 400
    assert quarters.min() > 75  # binomial: 100 with a standard deviation of 8.7
    assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 0.15


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["nowhere"], "no experiment 'nowhere' to search over"),
        (["pages"], "no experiment 'pages' to search over"),
        (["../pages"], "no experiment '../pages'"),
        ([NAME, "--search", "lerning-rate=1..2"], "has no flag --lerning-rate to search over: choose from "),
        ([NAME, "--search", "out=a,b"], "has no flag --out"),
        ([NAME, "--search", "resume=a,b"], "has no flag --resume"),
        ([NAME, "--search", "batch-size"], "nothing to search over in 'batch-size'"),
        ([NAME, "--search", "batch-size=0,16"], "argument --batch-size: '0' is not a whole number"),
        ([NAME, "--search", "batch-size=16..1.5"], "'1.5' is not a whole number of 1 or more"),
        ([NAME, "--search", "batch-size=64..16"], "the range batch-size=64..16 is empty"),
        ([NAME, "--search", "batch-size=16..16"], "the range batch-size=16..16 is empty"),
        ([NAME, "--search", "batch-size=1..2..3"], "has no two numbers as its ends"),
        ([NAME, "--search", "precision=auto..float32"], "has no two numbers as its ends"),
        ([NAME, "--search", "validation=0.1..nan"], "'nan' is not a number between 0 and 1"),
        ([NAME, "--search", "precision=float16"], "argument --precision: invalid choice: 'float16'"),
        ([NAME, "--search", "seed=1,2", "seed=3..4"], "--seed is searched over twice"),
        ([NAME, *SPACE, "--", "--bath", "3"], "unrecognized arguments: --bath 3"),
        ([NAME, *SPACE, "--", "--batch", "3"], "--batch-size after -- is for the search to set"),
        ([NAME, *SPACE, "--", "--epochs", "3"], "--epochs after -- is for the search to set"),
        ([NAME, *SPACE, "--", "--out", "x"], "--out after -- is for the search to set"),
        ([NAME, *SPACE, "--storage", "nonsense"], "the study's storage can't be opened"),
        ([NAME, *SPACE, "--storage", "postgres9://u:secret@h/d"], "the study's storage can't be opened"),
        ([NAME, *SPACE, "--storage", "sqlite:////nowhere/at/all.db"], "unable to open database file"),
        ([NAME, *SPACE, "--storage", "sqlite:///TEXT"], "file is not a database"),
    ],
)
def test_unusable_input_is_one_line_and_exit_2(tmp_path, monkeypatch, capsys, argv, message):
    monkeypatch.chdir(tmp_path)
    Path("TEXT").write_text("no database" * 200)
    assert main(argv) == 2
    out, err = capsys.readouterr()
    assert not out
    assert len(err.splitlines()) == 1
    assert message in err
    assert "secret" not in err
    assert not list(tmp_path.glob("runs/*/*"))


def test_without_optuna_a_line_says_what_to_install(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("kangaroo.commands.search.find_spec", lambda name: None)
    assert search(tmp_path / "s", *SPACE) == 2
    assert capsys.readouterr().err == "error: a search needs Optuna: pip install 'kangaroo[search]'\n"


def test_the_space_for_countries_is_that_of_the_report_and_holds_its_best():
    space = {dimension.name: dimension for dimension in read_space("countries", COUNTRIES, [])}
    best = {"batch-size": 180, "learning-rate": 0.001, "weight-decay": 0.0001, "alpha": 2.5}
    assert space.pop("loss") == Choice("loss", ("distance",))
    assert space.keys() == best.keys()
    for name, value in best.items():
        assert space[name].low < value < space[name].high
        assert space[name].shown(value) == value
    scales = {name: dimension.scale for name, dimension in space.items()}
    assert scales == dict.fromkeys(best, "linear") | {"learning-rate": "log", "weight-decay": "log"}


@pytest.mark.parametrize("experiment", [NAME, "multinomial", "cells", "coordinates"])
def test_the_space_for_others_is_one_that_they_have(experiment):
    assert [dimension.name for dimension in read_space(experiment, OTHERS, [])] == [
        "batch-size",
        "learning-rate",
    ]


@pytest.fixture(scope="module")
def done(tmp_path_factory, fake):
    """A finished search of 14 trials, without pruning."""
    out = tmp_path_factory.mktemp("done") / "s"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kangaroo.runs.search.work.command", fake.command)
        patch.setattr("kangaroo.runs.search.trial.POLL", 0.02)
        assert search(out, *SPACE, "--trials", 14, "--epochs", 3, "--pruner", "none") == 0
    return out


def test_a_search_leaves_every_trial_and_the_best(done, fake):
    found = table(done)
    assert list(found["trial"]) == list(range(1, 15))
    assert set(found["state"]) == {"finished"}
    expected = [fake.accuracy(validation, 3) for validation in found["validation"]]
    assert list(found["value"]) == pytest.approx(expected)
    assert list(found["best"]) == list(np.maximum.accumulate(found["value"]))
    best = json.loads((done / "best.json").read_text())
    row = found.loc[found["value"].idxmax()]
    assert (best["trial"], best["value"]) == (row["trial"], row["value"])
    assert best["settings"] == {"batch-size": row["batch-size"], "validation": row["validation"]}
    assert best["trials"] == {"finished": 14}
    assert Path(best["folder"]) == done / "trials" / f"{row['trial']:04d}"
    # The value depends on the share of validation photos alone.
    assert list(best["importance"]) == ["validation", "batch-size"]
    assert best["importance"]["validation"] > 0.7
    assert sum(best["importance"].values()) == pytest.approx(1)


def test_the_best_settings_are_a_command_that_the_experiment_takes(done):
    best = json.loads((done / "best.json").read_text())
    python, _, module, *words = shlex.split(best["command"])
    assert (python, module) == ("python", f"experiments.{NAME}")
    args = accepted(parser_of(NAME), words)
    assert args.epochs == 4 * 3
    assert (args.batch_size, args.validation) == tuple(best["settings"].values())


def test_only_the_best_three_keep_their_networks(done):
    order = table(done).sort_values("value", ascending=False)["trial"]
    kept = {int(path.parent.name) for path in done.glob("trials/*/*.keras")}
    assert kept == set(order[:3])
    assert len(list(done.glob("trials/*/metrics.json"))) == 14


def test_the_page_stands_alone(done):
    page = (done / "report.html").read_text()
    assert page.count("<img") == len(list((done / "figures").iterdir())) == 3
    assert f"python -m experiments.search {NAME}" in page
    assert f"python -m experiments.{NAME} --batch-size" in page
    assert "judged on, which flatters it" in page
    assert not re.search(r"https?://", page)
    assert sorted(path.name for path in done.iterdir()) == [
        "best.json",
        "figures",
        "report.html",
        "study.db",
        "trials",
        "trials.csv",
    ]


@pytest.mark.usefixtures("quick")
def test_one_seed_gives_the_same_trials_and_another_seed_others(done, tmp_path, capsys):
    argv = [*SPACE, "--trials", 5, "--epochs", 3, "--pruner", "none"]
    assert search(tmp_path / "same", *argv) == 0
    assert settings(tmp_path / "same") == settings(done)[:5]
    assert search(tmp_path / "other", *argv, "--seed", 1) == 0
    assert not set(settings(tmp_path / "other")) & set(settings(done))


@pytest.mark.usefixtures("quick")
def test_tpe_begins_at_random_then_looks_where_the_best_were(tmp_path, done):
    argv = ["--trials", 22, "--epochs", 1, "--pruner", "none", "--sampler", "tpe"]
    assert search(tmp_path / "s", *SPACE, *argv) == 0
    assert settings(tmp_path / "s")[:10] == settings(done)[:10]
    away = (table(tmp_path / "s")["validation"] - 0.5).abs()
    assert away[10:].mean() < 0.75 * away[:10].mean()


@pytest.mark.usefixtures("quick")
def test_a_trial_is_given_up_where_its_best_is_below_the_median_of_others(tmp_path, fake):
    assert search(tmp_path / "s", *SPACE, "--trials", 16, "--epochs", 6) == 0
    found = table(tmp_path / "s")
    finished: list[float] = []
    for _, row in found.iterrows():
        ends = 6
        if len(finished) >= 5:  # the first five show what the median is
            for epoch in range(3, 6):
                median = np.median([fake.accuracy(share, epoch) for share in finished])
                if fake.accuracy(row["validation"], epoch) < median:
                    ends = epoch
                    break
        assert row["epochs"] == ends
        assert row["state"] == ("finished" if ends == 6 else "pruned")
        if ends == 6:
            finished.append(row["validation"])
    assert 5 < len(finished) < 16
    for number in found.loc[found["state"] == "pruned", "trial"]:
        assert not list((tmp_path / "s" / "trials" / f"{number:04d}").glob("*.keras"))


@pytest.mark.usefixtures("quick")
def test_hyperband_gives_up_more_than_none(tmp_path):
    argv = [*SPACE, "--trials", 12, "--epochs", 9, "--pruner", "hyperband"]
    assert search(tmp_path / "s", *argv) == 0
    found = table(tmp_path / "s")
    assert set(found["state"]) == {"finished", "pruned"}
    assert found.loc[found["state"] == "pruned", "epochs"].max() < 9


@pytest.mark.usefixtures("quick")
def test_a_trial_that_fails_is_a_failed_trial_and_not_the_end(tmp_path, capsys):
    argv = ["--search", "batch-size=7,13,32", "--trials", 9, "--epochs", 1]
    assert search(tmp_path / "s", *argv) == 0
    found = table(tmp_path / "s").set_index("trial")
    reasons = {size: set(own["reason"]) for size, own in found.groupby("batch-size")}
    assert reasons == {
        7: {"ended by signal 9: about to be killed"},
        13: {"the loss became nan in epoch 1: train anew"},
        32: {""},
    }
    assert set(found.loc[found["batch-size"] != 32, "state"]) == {"failed"}
    out, err = capsys.readouterr()
    assert "trials failed; trials.csv has the reasons" in out
    assert "failed: the loss became nan" in err
    assert "Traceback" not in err


@pytest.mark.usefixtures("quick")
def test_without_a_trial_that_finished_there_is_nothing_to_show(tmp_path, capsys):
    assert search(tmp_path / "s", "--search", "batch-size=13", "--trials", 2) == 2
    out, err = capsys.readouterr()
    assert not out
    assert (
        "not one of 2 trials finished (the last one: the loss became nan in epoch 1" in err.splitlines()[-1]
    )
    assert not (tmp_path / "s" / "best.json").exists()
    assert not (tmp_path / "s" / "report.html").exists()


@pytest.mark.usefixtures("quick")
def test_a_metric_that_falls_and_one_that_is_missing(tmp_path):
    argv = ["--search", "batch-size=5,32", "validation=0.1..0.9", "--trials", 8, "--metric", "geo.median_km"]
    assert search(tmp_path / "s", *argv, "--epochs", 2) == 0
    found = table(tmp_path / "s").set_index("trial")
    assert set(found.loc[found["batch-size"] == 5, "state"]) == {"failed"}
    assert "metrics.json has no geo.median_km" in found.loc[found["batch-size"] == 5, "reason"].iloc[0]
    best = json.loads((tmp_path / "s" / "best.json").read_text())
    assert best["value"] == found["value"].min()
    assert best["ci95"] is None


@pytest.mark.usefixtures("quick")
def test_a_setting_with_one_value_is_given_to_all_and_shown_in_no_figure(tmp_path):
    argv = ["--search", "batch-size=16", "validation=0.1..0.9", "--pruner", "none", "--trials", 10]
    assert search(tmp_path / "s", *argv, "--epochs", 1) == 0
    best = json.loads((tmp_path / "s" / "best.json").read_text())
    assert best["importance"] == {"validation": 1.0}
    assert "--batch-size 16" in best["command"]
    assert search(tmp_path / "t", *argv[:2], "--trials", 1, "--epochs", 1) == 0
    assert [path.name for path in (tmp_path / "t" / "figures").iterdir()] == ["history.png"]


@pytest.mark.usefixtures("quick")
def test_epochs_can_be_searched_over_and_models_kept(tmp_path):
    assert search(tmp_path / "s", "--search", "epochs=1..3", "--trials", 5, "--keep-models") == 0
    found = table(tmp_path / "s")
    assert len(set(found["epochs"])) > 1
    assert len(list(tmp_path.glob("s/trials/*/model.keras"))) == 5
    best = json.loads((tmp_path / "s" / "best.json").read_text())
    assert best["command"].endswith(f"--epochs {best['settings']['epochs']}")
    assert best["settings"]["epochs"] == found["epochs"].max()


@pytest.mark.usefixtures("quick")
def test_a_search_is_extended_but_not_changed_and_not_replaced_unasked(done, tmp_path, capsys):
    out = tmp_path / "s"
    argv = [*SPACE, "--epochs", 3, "--pruner", "none"]
    assert search(out, *argv, "--trials", 2) == 0
    assert search(out, *argv, "--trials", 2) == 2
    assert "--resume to go on, --overwrite to replace it" in capsys.readouterr().err
    others = (["--search", "batch-size=16..64"], [*argv, "--metric", "loss"], [*argv, "--sampler", "tpe"])
    for other in others:
        assert search(out, *other, "--trials", 2, "--resume") == 2
        err = capsys.readouterr().err
        assert f"the study '{NAME}' has " in err
        assert len(err.splitlines()) == 1
    assert search(out, *argv, "--trials", 3, "--resume", fixed=("--seed", "4")) == 2
    assert "has flags , not --seed 4" in capsys.readouterr().err
    assert search(out, *argv, "--trials", 4, "--resume") == 0
    assert settings(out) == settings(done)[:4]
    assert search(out, *argv, "--trials", 1, "--overwrite", "--seed", 1) == 0
    assert len(settings(out)) == 1
    assert settings(out)[0] not in settings(done)


@pytest.mark.usefixtures("quick")
def test_a_study_elsewhere_is_joined_only_if_asked_and_its_url_is_not_told(done, tmp_path, capsys):
    url = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    argv = [*SPACE, "--epochs", 3, "--pruner", "none", "--storage", url]
    assert search(tmp_path / "a", *argv, "--trials", 2) == 0
    assert search(tmp_path / "b", *argv, "--trials", 3) == 2
    assert "has 2 trials: give --resume to go on with them" in capsys.readouterr().err
    assert search(tmp_path / "b", *argv, "--trials", 3, "--resume", "--json") == 0
    best = json.loads(capsys.readouterr().out)
    assert best == json.loads((tmp_path / "b" / "best.json").read_text())
    assert settings(tmp_path / "b") == settings(done)[:3]
    assert list(table(tmp_path / "b")["folder"]) == [
        str(tmp_path / run / "trials" / f"{number:04d}") for number, run in enumerate("aab", 1)
    ]
    assert "elsewhere.db" not in (tmp_path / "b" / "report.html").read_text()
    assert not (tmp_path / "b" / "study.db").exists()


@pytest.mark.slow
def test_a_killed_search_goes_on_to_the_same_trials_each_once(done, tmp_path, capsys):
    out = tmp_path / "s"
    argv = [*SPACE, "--trials", 5, "--epochs", 3, "--pruner", "none", "--grace", 2]
    process = start(out, *argv, seconds=0.5)
    wait_for(out / "trials" / "0003" / "history.csv", process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    (pid,) = map(int, (out / "trials" / "0003" / "starts.txt").read_text().split())
    deadline = time.monotonic() + 10
    while not gone(pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    resumed = start(out, *argv, "--resume", seconds=0)
    _, err = resumed.communicate(timeout=120)
    assert resumed.returncode == 0, err
    assert settings(out) == settings(done)[:5]
    assert set(table(out)["state"]) == {"finished"}
    assert sorted(path.name for path in (out / "trials").glob("*[0-9]")) == [f"{n:04d}" for n in range(1, 6)]
    for number, starts in enumerate((1, 1, 2, 1, 1), 1):
        folder = out / "trials" / f"{number:04d}"
        assert len((folder / "starts.txt").read_text().split()) == starts
        # An epoch that ended before the kill is not trained again.
        assert (folder / "epochs.txt").read_text().split() == ["1", "2", "3"]


@pytest.mark.slow
def test_ctrl_c_stops_the_trial_and_says_how_to_go_on(done, tmp_path):
    out = tmp_path / "s"
    argv = [*SPACE, "--trials", 3, "--epochs", 3, "--pruner", "none", "--grace", 600]
    process = start(out, *argv, seconds=0.5)
    wait_for(out / "trials" / "0002" / "history.csv", process)
    process.send_signal(signal.SIGINT)
    stdout, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert not stdout
    assert "error: stopped: --resume goes on" in err.splitlines()[-1]
    assert gone(int((out / "trials" / "0002" / "starts.txt").read_text()))
    assert search(out, *argv, "--trials", 1, "--resume") == 0  # the page of what is done
    assert list(table(out)["state"]) == ["finished", "waiting"]
    resumed = start(out, *argv, "--resume", seconds=0)
    _, err = resumed.communicate(timeout=120)  # at once: nobody has to be found missing
    assert resumed.returncode == 0, err
    assert settings(out) == settings(done)[:3]
    assert set(table(out)["state"]) == {"finished"}


@pytest.mark.slow
def test_a_trial_that_was_given_to_another_worker_is_left_to_it(done, tmp_path):
    from kangaroo.runs.search.study import again

    out = tmp_path / "s"
    argv = [*SPACE, "--trials", 2, "--epochs", 3, "--pruner", "none"]
    process = start(out, *argv, seconds=1)
    wait_for(out / "trials" / "0001" / "starts.txt", process)
    study = optuna.load_study(study_name=NAME, storage=f"sqlite:///{out / 'study.db'}")
    study.tell(0, state=optuna.trial.TrialState.FAIL)
    again(study, study.trials[0])
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1, err
    assert gone(int((out / "trials" / "0001" / "starts.txt").read_text()))
    assert [trial.state.name for trial in study.trials] == ["FAIL", "WAITING"]
    resumed = start(out, *argv, "--resume", seconds=0)
    _, err = resumed.communicate(timeout=60)
    assert resumed.returncode == 0, err
    assert settings(out) == settings(done)[:2]


@pytest.mark.slow
def test_two_workers_share_the_trials_of_one(done, tmp_path):
    out = tmp_path / "s"
    argv = [*SPACE, "--trials", 7, "--epochs", 3, "--pruner", "none", "--resume"]
    processes = [start(out, *argv, seconds=0.2) for _ in range(2)]
    for process in processes:
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
    assert settings(out) == settings(done)[:7]
    assert set(table(out)["state"]) == {"finished"}
    assert sorted(path.name for path in (out / "trials").glob("*[0-9]")) == [f"{n:04d}" for n in range(1, 8)]
    for folder in (out / "trials").glob("*[0-9]"):
        assert len((folder / "starts.txt").read_text().split()) == 1


@pytest.mark.usefixtures("quick")
def test_a_worker_killed_before_its_first_sign_of_life_is_not_waited_for(done, tmp_path):
    out = tmp_path / "s"
    argv = [*SPACE, "--epochs", 3, "--pruner", "none", "--grace", 1]
    assert search(out, *argv, "--trials", 1) == 0
    optuna.load_study(study_name=NAME, storage=f"sqlite:///{out / 'study.db'}").ask()
    assert search(out, *argv, "--trials", 3, "--resume") == 0
    assert settings(out) == settings(done)[:3]
    assert set(table(out)["state"]) == {"finished"}


@pytest.mark.slow
def test_a_trial_ends_with_its_search_and_takes_its_helpers_along(tmp_path):
    words = ["--scenes", "1000000", "--out", str(tmp_path / "run")]
    with subprocess.Popen(
        command(NAME, words), stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        wait_for(tmp_path / "run" / "scenes" / ".parts", process)
        time.sleep(0.5)
        assert process.poll() is None
    assert process.returncode == -signal.SIGKILL
    deadline = time.monotonic() + 10
    while members(process.pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def members(group: int) -> list[int]:
    """The living processes of a group."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, own = path.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(own) == group and state != "Z":
            found.append(int(path.parent.name))
    return found


@pytest.mark.slow
def test_real_trials_share_the_scenes_that_the_first_one_drew(tmp_path, capsys):
    argv = ["--search", "batch-size=8,16", "--trials", 2, "--epochs", 1]
    fixed = ("--scenes", "60", "--image-size", "32", "--precision", "float32")
    assert search(tmp_path / "s", *argv, fixed=fixed) == 0
    found = table(tmp_path / "s")
    assert set(found["state"]) == {"finished"}
    assert set(found["epochs"]) == {1}
    for number, value in enumerate(found["value"], 1):
        folder = tmp_path / "s" / "trials" / f"{number:04d}"
        assert json.loads((folder / "metrics.json").read_text())["accuracy"] == value
        assert (folder / "scenes").is_symlink()
        assert (folder / "model.keras").exists()
    assert (tmp_path / "s" / "scenes" / "scenes.json").exists()
    assert "drawn scenes, not photos" in (tmp_path / "s" / "report.html").read_text()
    assert "validation drawn scenes" in capsys.readouterr().out
