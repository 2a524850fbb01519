"""The run folders of many trainings, side by side: what differed, and what came of it."""

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kangaroo.errors import DataError
from kangaroo.training.history import Epoch, History
from kangaroo.training.settings import defaults

_FILES = ("settings.json", "history.csv")
_INSIDE = {"figures", "scenes", "events", "wandb"}
"""What lies in a run folder, and holds no other."""
_PAUSE = 600
"""Seconds without a change after which a run counts as stopped, if its epochs aren't longer than that."""


@dataclass(frozen=True)
class Run:
    """One run folder.

    ``state`` is 'finished'; 'trained', which has all epochs but no metrics.json; 'running'; or 'stopped', an
    unfinished run that has not changed of late. ``epochs`` are trained, of ``wanted``; ``kept`` is the best
    of them, from 1. ``accuracy`` is that of the validation photos, its ``interval`` (95 %) known of finished
    runs alone; ``median_km``, ``mean_km`` and ``geoscore`` are there where photos or classes have a place.
    None is unknown. ``seconds`` are those of all epochs. ``settings`` are those that must not differ on
    resuming; inner ones are named as 'loss.alpha'.
    """

    folder: Path
    name: str
    state: str
    epochs: int
    wanted: int | None
    kept: int | None
    accuracy: float | None
    interval: tuple[float, float] | None
    median_km: float | None
    mean_km: float | None
    geoscore: float | None
    seconds: float
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Damaged:
    """A run folder that can't be read, and why."""

    folder: Path
    reason: str


def find_runs(roots: Sequence[Path]) -> tuple[list[Run], list[Damaged]]:
    """Read all run folders in ``roots`` and below, each once, in the order of their paths.

    Names are paths below their root; behind the root itself, where there are several. Raises DataError for a
    root that is no folder, and where there is no run at all.
    """
    runs: list[Run] = []
    damaged: list[Damaged] = []
    seen: set[Path] = set()
    for root in roots:
        if not root.is_dir():
            raise DataError(f"no folder {root}: give one that holds runs, such as runs")
        for folder in _folders(root):
            if folder.resolve() in seen:
                continue
            seen.add(folder.resolve())
            name = str(folder if len(roots) > 1 else folder.relative_to(root))
            try:
                runs.append(_read(folder, name if name != "." else root.resolve().name))
            except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
                damaged.append(Damaged(folder, " ".join(f"{type(error).__name__}: {error}".split())))
    if not seen:
        where = ", ".join(map(str, roots))
        raise DataError(
            f"no run in {where}: give a folder that an experiment wrote with --out, or one above it"
        )
    return runs, damaged


def differing(runs: Sequence[Run]) -> list[str]:
    """The names of the settings in which the runs differ, those of the training first."""
    names = dict.fromkeys(name for run in runs for name in run.settings if name != "epochs")
    return [
        name
        for name in names
        if len({json.dumps(run.settings.get(name)) for run in runs}) > 1
        # What an experiment says of its loss, the objective says again.
        and not (name.startswith("objective.") and name.removeprefix("objective.") in names)
    ]


def _folders(root: Path) -> Iterator[Path]:
    """The run folders in ``root`` and below, in order."""
    for path, folders, files in os.walk(root):
        is_run = any(name in files for name in _FILES)
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and not (is_run and name in _INSIDE)
        )
        if is_run:
            yield Path(path)


def _read(folder: Path, name: str) -> Run:
    settings = dict(_flat(defaults() | _json(folder / "settings.json")))
    path = folder / "history.csv"
    history = History.read(path, settings["objective.keep"]) if path.exists() else History()
    rows = history.rows
    metrics = _json(folder / "metrics.json")
    geo = metrics.get("geo", {})
    best = rows[history.best_epoch - 1] if rows else None
    accuracy = best.val_accuracy if best and history.measure == "accuracy" else None
    return Run(
        folder=folder,
        name=name,
        state="finished" if metrics else _state(folder, rows, settings.get("epochs")),
        epochs=len(rows),
        wanted=settings.get("epochs"),
        kept=best.epoch if best else None,
        accuracy=_number(metrics, "accuracy", accuracy),
        interval=_interval(metrics),
        median_km=_number(geo, "median_km"),
        mean_km=_number(geo, "mean_km"),
        geoscore=_number(geo, "geoscore"),
        seconds=round(sum(row.seconds for row in rows), 1),
        settings=settings,
    )


def _number(values: Mapping[str, Any], name: str, default: float | None = None) -> float | None:
    value = values.get(name, default)
    return None if value is None else float(value)


def _interval(metrics: Mapping[str, Any]) -> tuple[float, float] | None:
    if "accuracy_ci95" not in metrics:
        return None
    low, high = map(float, metrics["accuracy_ci95"])
    return low, high


def _state(folder: Path, rows: Sequence[Epoch], wanted: int | None) -> str:
    """The state of a run that has not been judged."""
    if len(rows) == wanted:
        return "trained"
    newest = max((folder / name).stat().st_mtime for name in _FILES if (folder / name).exists())
    longest = max((row.seconds for row in rows), default=0)
    return "running" if time.time() - newest < max(_PAUSE, 3 * longest) else "stopped"


def _flat(settings: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Names and values, those of an inner mapping as 'outer.inner'."""
    for name, value in settings.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield before + name, value


def _json(path: Path) -> dict[str, Any]:
    """A JSON object; empty where there is no such file."""
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}
