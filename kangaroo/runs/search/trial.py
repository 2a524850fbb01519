"""One trial of a search: an experiment in a process of its own, watched while it trains."""

import csv
import json
import os
import runpy
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optuna import Trial

    from kangaroo.runs.search.settings import Metric

POLL = 0.5  # seconds between two looks at a trial's history


class TrialFailedError(RuntimeError):
    """A trial that gave no value; the message is the reason, in one line."""


def command(experiment: str, words: Sequence[str]) -> list[str]:
    """What runs an experiment as python -m does, in a process that ends when the search does."""
    return [sys.executable, "-c", f"from {__name__} import child; child(__name__)", experiment, *words]


def child(run_name: str) -> None:
    """Run the experiment that sys.argv names, with the words that follow, as the module ``run_name``."""
    _, name, *sys.argv[1:] = sys.argv
    Thread(target=_end_with_the_search, daemon=True).start()
    runpy.run_module(f"experiments.{name}", run_name=run_name, alter_sys=True)


def _end_with_the_search() -> None:
    """Wait until nobody holds the other end of stdin any more, even if it was killed; then end everything.

    A training that goes on alone would still write into its folder when the trial is run again.
    """
    os.read(0, 1)  # not sys.stdin, whose lock an ending interpreter asks for
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)  # with the processes that draw scenes for it
    os._exit(1)


def run_trial(words: Sequence[str], folder: Path, trial: "Trial", metric: "Metric", epochs: int) -> None:
    """Run a trial's ``words`` to the end of its ``epochs``; what it says is added to ``folder``.log.

    Its epochs are reported to ``trial``; optuna.TrialPruned if they are not promising. Whatever is raised,
    the process has ended. Raises TrialFailedError if it ends with an error.
    """
    log = folder.with_suffix(".log")
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("ab") as said,
        subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=said, stderr=subprocess.STDOUT, start_new_session=True
        ) as process,  # leaving the block closes its stdin, which ends it
    ):
        _watch(process, folder / "history.csv", trial, metric, epochs)
    if process.returncode:
        raise TrialFailedError(_reason(log, process.returncode))


def _watch(
    process: "subprocess.Popen[bytes]", history: Path, trial: "Trial", metric: "Metric", epochs: int
) -> None:
    """Report each epoch, in order, so that what is pruned does not depend on when somebody looks."""
    from optuna import TrialPruned

    seen, ended = 0, False
    while not ended:
        with suppress(subprocess.TimeoutExpired):
            process.wait(POLL)
        ended = process.returncode is not None
        for row in _rows(history)[seen:]:
            seen, value = int(row["epoch"]), metric.while_training(row)
            if value is not None:
                trial.report(value, seen)
            if seen < epochs and trial.should_prune():
                raise TrialPruned


def _rows(history: Path) -> list[dict[str, str]]:
    if not history.exists():
        return []
    with history.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _reason(log: Path, code: int) -> str:
    """Why a process ended: the error that it named, else its last line."""
    lines = log.read_text(encoding="utf-8", errors="replace").replace("\r", "\n").split("\n")
    said = [line.strip() for line in lines if line.strip()] or [""]
    errors = [line.removeprefix("error: ") for line in said if line.startswith("error: ")]
    how = f"ended by signal {-code}" if code < 0 else f"exit code {code}"
    return errors[-1] if errors and code > 0 else f"{how}: {said[-1]}"


def figures(folder: Path, metric: str) -> dict[str, Any]:
    """What the study keeps of a finished trial: value, n, drawn, and an interval of the accuracy.

    ``metric`` is a key of METRICS. Raises TrialFailedError if metrics.json lacks it.
    """
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    value: Any = metrics
    for key in metric.split("."):
        value = (value or {}).get(key)
    if value is None:
        raise TrialFailedError(f"{folder / 'metrics.json'} has no {metric}: choose another with --metric")
    card = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    interval = metrics.get("accuracy_ci95") if metric == "accuracy" else None
    return {"value": value, "n": metrics["n"], "drawn": card["data"]["drawn"], "ci95": interval}


@contextmanager
def borrowed(scenes: Path, shared: Path | None) -> Iterator[None]:
    """Let a trial that draws ``scenes`` find those that an earlier one drew, else keep its own as ``shared``.

    With None they are for this trial alone, and go after it.
    """
    _link(scenes, shared)
    try:
        yield
    finally:
        if not scenes.is_symlink():
            if shared and (scenes / "scenes.json").exists():
                with suppress(OSError):  # there are some already: another worker's trial was faster
                    scenes.rename(shared)
            shutil.rmtree(scenes, ignore_errors=True)
            _link(scenes, shared)


def _link(scenes: Path, shared: Path | None) -> None:
    if shared and shared.exists() and not scenes.exists():
        scenes.parent.mkdir(parents=True, exist_ok=True)
        scenes.symlink_to(os.path.relpath(shared, scenes.parent))


def drop_models(folder: Path) -> None:
    """Remove the networks of a trial; figures, history and card stay."""
    for path in folder.rglob("*.keras"):
        path.unlink(missing_ok=True)
