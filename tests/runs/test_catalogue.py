import csv
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from kangaroo.errors import DataError
from kangaroo.runs.catalogue import differing, find_runs

SETTINGS = {"experiment": "multinomial", "epochs": 3, "batch_size": 32, "learning_rate": 0.001, "seed": 0}
HEAD = ["epoch", "loss", "accuracy", "val_loss", "val_accuracy", "seconds"]
EPOCHS = [[1, 0.9, 0.5, 0.8, 0.5, 10.0], [2, 0.7, 0.6, 0.6, 0.75, 12.0], [3, 0.5, 0.7, 0.7, 0.7, 11.0]]
METRICS = {
    "accuracy": 0.74,
    "accuracy_ci95": [0.7, 0.8],
    "geo": {"median_km": 300.0, "mean_km": 400.0, "geoscore": 3000.0},
}


def leave(
    folder: Path, *, epochs: int = 3, metrics: Any = None, head: list[str] = HEAD, **settings: Any
) -> Path:
    """A run folder; finished where it has metrics."""
    folder.mkdir(parents=True)
    (folder / "settings.json").write_text(json.dumps({**SETTINGS, **settings}), encoding="utf-8")
    if epochs:
        with (folder / "history.csv").open("w", newline="") as file:
            csv.writer(file).writerows([head, *EPOCHS[:epochs]])
    if metrics is not None:
        (folder / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    return folder


def test_a_finished_run(tmp_path: Path) -> None:
    leave(tmp_path / "a", metrics=METRICS)
    ((run,), damaged) = find_runs([tmp_path])
    assert (run.name, run.state, run.epochs, run.wanted, run.kept) == ("a", "finished", 3, 3, 2)
    assert (run.accuracy, run.interval) == (0.74, (0.7, 0.8))
    assert (run.median_km, run.mean_km, run.geoscore, run.seconds) == (300, 400, 3000, 33)
    assert damaged == []


def test_runs_that_have_not_ended(tmp_path: Path) -> None:
    leave(tmp_path / "begun", epochs=0)
    leave(tmp_path / "running", epochs=2)
    leave(tmp_path / "trained", epochs=3)
    stopped = leave(tmp_path / "stopped", epochs=1)
    for path in stopped.iterdir():
        os.utime(path, (time.time() - 3600,) * 2)
    runs, _ = find_runs([tmp_path])
    assert [(run.name, run.state, run.epochs, run.kept, run.accuracy) for run in runs] == [
        ("begun", "running", 0, None, None),
        ("running", "running", 2, 2, 0.75),
        ("stopped", "stopped", 1, 1, 0.5),
        ("trained", "trained", 3, 2, 0.75),
    ]
    assert {run.interval for run in runs} == {None}


def test_the_kept_epoch_is_that_of_the_objective(tmp_path: Path) -> None:
    leave(tmp_path / "loss", objective={"loss": None, "measure": "accuracy", "keep": "loss"})
    km = [*HEAD[:2], "km", "val_loss", "val_km", "seconds"]
    leave(tmp_path / "km", head=km, objective={"loss": None, "measure": "km", "keep": "km"})
    runs, _ = find_runs([tmp_path])
    assert [(run.name, run.kept, run.accuracy) for run in runs] == [("km", 1, None), ("loss", 2, 0.75)]


def test_settings_that_differ(tmp_path: Path) -> None:
    """A run of an older version, whose settings.json has fewer words, doesn't differ in them."""
    leave(tmp_path / "a", metrics=METRICS, optimizer="adam", classes=["x", "y"])
    leave(tmp_path / "b", metrics=METRICS, learning_rate=0.01, classes=["x", "y"], epochs_asked=1)
    runs, _ = find_runs([tmp_path])
    assert differing(runs) == ["learning_rate", "epochs_asked"]
    assert differing(runs[:1]) == []


def test_settings_within_settings(tmp_path: Path) -> None:
    """What differs is named; what the objective says again of an experiment's loss is not."""
    for name, alpha, keep in (("a", 1.0, "km"), ("b", 2.5, "loss")):
        objective = {"loss": {"class": "PlaceLoss", "alpha": alpha}, "measure": "km", "keep": keep}
        leave(
            tmp_path / name, metrics=METRICS, loss={"kind": "distance", "alpha": alpha}, objective=objective
        )
    runs, _ = find_runs([tmp_path])
    assert differing(runs) == ["objective.keep", "loss.alpha"]
    assert [run.settings["loss.alpha"] for run in runs] == [1.0, 2.5]


def test_where_runs_are_found(tmp_path: Path) -> None:
    inner = leave(tmp_path / "runs" / "a", metrics=METRICS)
    leave(inner / "random-split", metrics=METRICS)
    leave(inner / "figures" / "none", metrics=METRICS)
    leave(tmp_path / "runs" / ".hidden", metrics=METRICS)
    (tmp_path / "runs" / "baselines").mkdir()
    (tmp_path / "runs" / "baselines" / "metrics.json").write_text("{}")  # no training
    names = lambda *roots: [run.name for run in find_runs(roots)[0]]  # noqa: E731
    assert names(tmp_path / "runs") == ["a", os.path.join("a", "random-split")]
    assert names(inner) == ["a", "random-split"]
    assert len(names(inner, tmp_path)) == 2  # each once


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("metrics.json", "{"),
        ("metrics.json", '{"accuracy": "high"}'),
        ("metrics.json", '{"accuracy": 0.5, "accuracy_ci95": [0.1]}'),
        ("metrics.json", '{"geo": 3}'),
        ("settings.json", "[1]"),
        ("settings.json", ""),
        ("history.csv", ""),
        ("history.csv", "epoch,loss\n1,2\n"),
        ("history.csv", "a,b,c,d,e,f\n1,2,3,4,5,x\n"),
    ],
)
def test_damaged_runs_are_named(tmp_path: Path, file: str, text: str) -> None:
    leave(tmp_path / "whole", metrics=METRICS)
    folder = leave(tmp_path / "broken", metrics=METRICS)
    (folder / file).write_text(text)
    runs, (damaged,) = find_runs([tmp_path])
    assert [run.name for run in runs] == ["whole"]
    assert damaged.folder == folder
    assert len(damaged.reason.splitlines()) == 1


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no run in "):
        find_runs([tmp_path])
    with pytest.raises(DataError, match="no folder nowhere: give one that holds runs"):
        find_runs([Path("nowhere")])


def test_a_thousand_runs_take_seconds(tmp_path: Path) -> None:
    for i in range(1000):
        leave(tmp_path / f"{i:04d}", metrics=METRICS, seed=i)
    start = time.perf_counter()
    runs, _ = find_runs([tmp_path])
    assert differing(runs) == ["seed"]
    assert time.perf_counter() - start < 10
