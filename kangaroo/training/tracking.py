"""The course of a training for those who watch it: TensorBoard's event files, and Weights & Biases.

A tracker that fails is told about and left; the training goes on.
"""

import importlib.util
import os
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import astuple
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from tqdm import tqdm

from kangaroo.errors import KangarooError
from kangaroo.files import write_text
from kangaroo.training.history import Epoch, History

EVENTS, WANDB = "events", "wandb"
"""What the trackers leave in a run folder."""

_PATIENCE = 30
"""Seconds for which a training waits, as it begins and as it ends, for a server that doesn't answer."""


class _Tracker(Protocol):
    """Where the values of each epoch go to, by name; those of the validation photos begin with 'val_'."""

    def log(self, epoch: int, values: Mapping[str, float], when: float) -> None:
        """Take the values of an epoch, counted from 1, that ended at the Unix time ``when``."""

    def close(self, done: bool) -> None:
        """End, with the training ``done`` or stopped."""


def check(track: str) -> None:
    """Raise KangarooError unless ``track`` is '' or a tracker that is installed."""
    if track not in ("", WANDB):
        raise KangarooError(f"no tracker {track!r}: choose {WANDB}; TensorBoard's files are always written")
    if track and importlib.util.find_spec(track) is None:
        raise KangarooError("tracking with wandb needs the package: pip install -e '.[tracking]'")


@contextmanager
def tracking(
    folder: Path, record: Mapping[str, Any], history: History, rate: Callable[[int], float], track: str
) -> Iterator[Callable[[Epoch], None]]:
    """What tells the trackers of a run folder about a new epoch.

    They are told first what ``history`` knows: a killed training may have told of an epoch that is trained
    again. ``rate`` gives the learning rate of an epoch, counted from 0; ``record`` is what Weights & Biases
    keeps as the run's settings, if ``track`` asks for it.
    """
    trackers = [_Careful("TensorBoard", partial(_TensorBoard, folder))]
    if track:
        trackers.append(_Careful("Weights & Biases", partial(_WeightsAndBiases, folder, record)))

    def log(row: Epoch, when: float | None = None) -> None:
        values = dict(zip(history.columns, astuple(row), strict=True))
        values["learning_rate"] = rate(row.epoch - 1)
        del values["epoch"]
        for tracker in trackers:
            tracker.log(row.epoch, values, when or time.time())

    # As if all had been trained in one go: TensorBoard's curves by time then show the time of the training.
    when = time.time() - sum(row.seconds for row in history.rows)
    for row in history.rows:
        log(row, when := when + row.seconds)
    done = False
    try:
        yield log
        done = True
    finally:
        for tracker in trackers:
            tracker.close(done)


class _Careful:
    """A tracker whose failure ends it alone."""

    def __init__(self, name: str, make: Callable[[], _Tracker]) -> None:
        self._name = name
        self._tracker: _Tracker | None = None
        self._attempt(lambda: setattr(self, "_tracker", make()))

    def log(self, epoch: int, values: Mapping[str, float], when: float) -> None:
        """As the tracker's."""
        if self._tracker:
            self._attempt(partial(self._tracker.log, epoch, values, when))

    def close(self, done: bool) -> None:
        """As the tracker's."""
        if self._tracker:
            self._attempt(partial(self._tracker.close, done))

    def _attempt(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # whatever it is, the training is worth more
            self._tracker = None
            _note(f"no more is told to {self._name} ({_reason(error)})")


class _TensorBoard:
    """Event files, written anew as a training begins or goes on, so that each epoch is there once.

    One for each side, in a folder of its own: TensorBoard then draws both into one chart.
    """

    def __init__(self, folder: Path) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        shutil.rmtree(folder / EVENTS, ignore_errors=True)
        # A TensorBoard that is running takes a name that it hasn't seen for a continuation.
        name = f"events.out.tfevents.{time.time_ns() // 10**9:010d}.kangaroo"
        self._files = {side: folder / EVENTS / side / name for side in ("training", "validation")}
        for path in self._files.values():
            path.parent.mkdir(parents=True)
            _append(path, Event(wall_time=time.time(), file_version="brain.Event:2"))

    def log(self, epoch: int, values: Mapping[str, float], when: float) -> None:
        """Append one event to each file."""
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        for side, path in self._files.items():
            own = {
                name.removeprefix("val_"): value
                for name, value in values.items()
                if name.startswith("val_") == (side == "validation")
            }
            summary = Summary(value=[Summary.Value(tag=tag, simple_value=x) for tag, x in own.items()])
            _append(path, Event(wall_time=when, step=epoch, summary=summary))

    def close(self, done: bool) -> None:
        """Nothing is open."""


class _WeightsAndBiases:
    """A run of Weights & Biases, under an id that the run folder keeps.

    $WANDB_MODE and its like say how and where to; the project is 'kangaroo' unless $WANDB_PROJECT names one.
    Where the server can't be reached, the run stays in the folder for ``wandb sync``.
    """

    def __init__(self, folder: Path, record: Mapping[str, Any]) -> None:
        import wandb

        own = folder / WANDB / "run-id.txt"
        if not own.exists():
            write_text(own, secrets.token_hex(4))
        start = partial(
            wandb.init,
            project=os.environ.get("WANDB_PROJECT", "kangaroo"),
            name=os.environ.get("WANDB_NAME", folder.resolve().name),
            id=own.read_text(encoding="utf-8"),
            resume="allow",
            dir=folder,
            config=dict(record),
            allow_val_change=True,  # the number of epochs
            reinit="create_new",
            settings=wandb.Settings(
                console="off", quiet=True, init_timeout=_PATIENCE, finish_timeout=_PATIENCE
            ),
        )
        run = None
        try:
            run = start()
        except Exception as error:
            _note(
                f"Weights & Biases can't be reached ({_reason(error)}): wandb sync {own.parent} does so later"
            )
        if run is None:  # here, because while the exception is handled the id stays in use
            wandb.teardown()
            run = start(mode="offline")
        self._run = run
        self._next = self._run.step

    def log(self, epoch: int, values: Mapping[str, float], when: float) -> None:
        """Send what the server doesn't have yet."""
        if epoch >= self._next:
            self._run.log(dict(values), step=epoch, commit=True)

    def close(self, done: bool) -> None:
        """Say how it ended."""
        self._run.finish(exit_code=0 if done else 1)


def _append(path: Path, event: Any) -> None:
    """Add a record to an event file, in one write."""
    from tensorboard.summary.writer.record_writer import RecordWriter

    with path.open("ab") as file:
        RecordWriter(file).write(event.SerializeToString())


def _note(text: str) -> None:
    tqdm.write(f"note: {text}", file=sys.stderr)


def _reason(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
