"""The files of one training: a process killed at any moment leaves what the next one can go on from."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras

from kangaroo.errors import KangarooError
from kangaroo.files import atomic, write_json
from kangaroo.models.precision import with_policy
from kangaroo.training.history import History
from kangaroo.training.settings import defaults
from kangaroo.training.tracking import EVENTS, WANDB


class RunFolder:
    """The files of one training. The checkpoint is the truth: what it doesn't cover is trained again.

    After an epoch the best model is written first, then the history, then the checkpoint. A run killed in
    between has an older checkpoint, repeats the epoch, and writes the same files again.

    ``record`` is what settings.json keeps: a TrainConfig, the record of an Objective, and whatever else must
    not differ on resuming.
    """

    def __init__(self, folder: Path, record: Mapping[str, Any]) -> None:
        self.folder = folder
        self.record = json.loads(json.dumps(record))  # as it will be read back: tuples are lists
        self.model, self.history = folder / "model.keras", folder / "history.csv"
        self.settings = folder / "settings.json"

    @property
    def nothing(self) -> History:
        """The history of a training before its first epoch."""
        objective = self.record["objective"]
        return History(measure=objective["measure"], keep=objective["keep"])

    def start(self) -> None:
        """Clear what an earlier training left; its settings go first, so that nobody resumes half of it."""
        for path in (self.settings, self.history, self.model):
            path.unlink(missing_ok=True)
        self.finish()
        for name in (EVENTS, WANDB):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        write_json(self.settings, self.record)

    def restore(self) -> tuple[keras.Model | None, History]:
        """Return model and history as far as they go; no model where not one epoch was finished.

        The model is not compiled: what it trains for is not read from a file.
        """
        if not self.settings.exists():
            return None, self.nothing
        epochs = self._check_settings()
        history = History.read(self.history, self.nothing.keep) if self.history.exists() else self.nothing
        checkpoint = self._newest_checkpoint()
        if checkpoint and len(history.rows) >= _epoch_of(checkpoint):
            write_json(self.settings, self.record)
            model = keras.models.load_model(checkpoint, compile=False)
            return model, replace(history, rows=history.rows[: _epoch_of(checkpoint)])
        if len(history.rows) < epochs:
            return None, self.nothing
        if epochs < self.record["epochs"]:
            raise KangarooError(
                f"{self.folder} has ended its {epochs} epochs and kept no optimizer state: train anew to "
                f"reach {self.record['epochs']}"
            )
        return self.best(), history

    def restore_optimizer(self, model: keras.Model) -> None:
        """Read the optimizer's state from the checkpoint, from which ``model``, compiled anew, came."""
        model.load_weights(self._newest_checkpoint())

    def keep(self, model: keras.Model) -> None:
        """Save the model of the best epoch so far."""
        with atomic(self.model) as temporary:
            with_policy(model, "float32").save(temporary)

    def save(self, model: keras.Model, history: History) -> None:
        """Save an epoch's end, after :meth:`keep`, in the order that the class explains."""
        with atomic(self.history) as temporary:
            history.frame().to_csv(temporary, index=False)
        older = sorted(self.folder.glob("checkpoint-*.keras"))
        with atomic(self.folder / f"checkpoint-{len(history.rows):04d}.keras") as temporary:
            model.save(temporary)
        for path in older:
            path.unlink()

    def finish(self) -> None:
        """Remove the checkpoints, oldest first, and what a killed run left under a temporary name."""
        leftovers = self.folder.glob(".*.part.*")
        for path in (*leftovers, *sorted(self.folder.glob("checkpoint-*.keras"))):
            path.unlink()

    def best(self) -> keras.Model:
        """Read the model of the best epoch."""
        if not self.model.exists():
            raise KangarooError(f"{self.model} is gone: train anew")
        return keras.models.load_model(self.model, compile=False)

    def _newest_checkpoint(self) -> Path | None:
        return max(self.folder.glob("checkpoint-*.keras"), key=_epoch_of, default=None)

    def _check_settings(self) -> int:
        """Return the number of epochs that the run was to have; refuse any other setting that differs."""
        try:
            saved = defaults() | json.loads(self.settings.read_text(encoding="utf-8"))
        except (ValueError, TypeError) as error:
            raise KangarooError(f"{self.settings} is damaged: train anew") from error
        for name in sorted(saved.keys() | self.record.keys()):
            was, now = saved.get(name), self.record.get(name)
            if was != now and not (name == "epochs" and was < now):
                raise KangarooError(
                    f"{self.folder} was trained with {name} {was}, not {now}: resume with the settings it "
                    f"began with, or train anew"
                )
        if saved["epochs"] != self.record["epochs"] and saved["schedule"] != "constant":
            raise KangarooError(
                f"the {saved['schedule']} schedule of {self.folder} ends with epoch {saved['epochs']}: "
                "resume with as many epochs, or train anew"
            )
        return int(saved["epochs"])


class SilentFolder(RunFolder):
    """The run of a process that is not the first of its group: it leaves files alone."""

    def start(self) -> None:
        """Clear nothing."""

    def restore(self) -> tuple[keras.Model | None, History]:
        """Leave it to the first."""
        return None, self.nothing

    def restore_optimizer(self, model: keras.Model) -> None:
        """Leave it to the first."""

    def keep(self, model: keras.Model) -> None:
        """Save nothing."""

    def save(self, model: keras.Model, history: History) -> None:
        """Save nothing."""

    def finish(self) -> None:
        """Remove nothing."""


def _epoch_of(checkpoint: Path) -> int:
    return int(checkpoint.stem.removeprefix("checkpoint-"))
