"""Train a network epoch by epoch, so that a run killed at any moment can be resumed to the same result."""

import csv
import json
import math
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, astuple, dataclass, fields, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from tqdm import tqdm

from kangaroo.data.pipeline import Batches
from kangaroo.distributed import Group
from kangaroo.errors import KangarooError
from kangaroo.files import atomic, write_json
from kangaroo.models.late_relu import late_relu
from kangaroo.models.precision import dtype_policy, resolve, with_policy
from kangaroo.progress import progress

_EXACT = "cross_entropy"
"""Name of the metric that is the loss where only some photos of a batch count: Keras's mean counts all."""


@dataclass(frozen=True)
class TrainConfig:
    """Settings of one training; ``precision`` is 'auto', 'float32' or 'bfloat16'.

    ``batch_size`` is for whoever makes the batches: :func:`fit` takes them as they come and records it.
    """

    epochs: int
    batch_size: int = 32
    learning_rate: float = 0.001
    seed: int = 0
    precision: str = "auto"


@dataclass(frozen=True)
class Epoch:
    """One row of history.csv: ``epoch`` counts from 1, ``seconds`` include validation."""

    epoch: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    seconds: float


@dataclass(frozen=True)
class History:
    """The epochs trained so far, in order."""

    rows: tuple[Epoch, ...] = ()

    @property
    def best_epoch(self) -> int:
        """The epoch, from 1, of the highest validation accuracy; of equals, that of the lowest loss.

        The accuracy, as in the report: once a network begins to overfit, its loss rises with its confidence
        while it still gets better at telling the classes apart.
        """
        return max(self.rows, key=lambda row: (row.val_accuracy, -row.val_loss, -row.epoch)).epoch

    def frame(self) -> pd.DataFrame:
        """One row an epoch, the columns named as in :class:`Epoch`."""
        columns = [field.name for field in fields(Epoch)]
        return pd.DataFrame([asdict(row) for row in self.rows], columns=columns)

    @classmethod
    def read(cls, path: Path) -> "History":
        """Read history.csv; the numbers are exactly those that were written."""
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))[1:]
        return cls(tuple(Epoch(int(epoch), *map(float, numbers)) for epoch, *numbers in rows))


def fit(
    build: Callable[[str], keras.Model],
    train: Callable[[int], Batches],
    validation: Batches,
    config: TrainConfig,
    folder: Path,
    *,
    resume: bool = False,
    settings: Mapping[str, Any] | None = None,
    prepare: Callable[[keras.Model], None] = lambda model: None,
    group: Group = Group(),  # noqa: B008 (frozen)
) -> tuple[keras.Model, History]:
    """Train with Adam and cross entropy; return the model of the best epoch, in float32, and the history.

    ``build`` makes the untrained network for a dtype policy. ``train`` gives the (photos, labels) batches of
    one epoch, counted from 0; an epoch is a function of the weights, the optimizer's state, ``config.seed``
    and the epoch's number alone, if ``train`` is (on a GPU, as far as its kernels are deterministic).
    ``prepare`` may change how the compiled model trains, new or resumed.

    The processes of a ``group`` call this alike, each with all the batches (made by
    :func:`kangaroo.data.pipeline.batches`), of which it takes its share, and get the same model. Only the
    first one has a ``folder``; the others neither read nor write theirs. A run can be resumed by any number
    of processes.

    ``folder`` gets model.keras (the epoch of highest validation accuracy), history.csv, settings.json
    (``config`` and ``settings``, JSON values that must not differ on resuming) and, while training, the
    checkpoint. Without ``resume`` these are replaced; with it the run goes on where its last checkpoint
    stands, and a run that is done is only read. A resumed run may ask for more epochs.

    Raises KangarooError if the loss stops being a number, if ``resume`` finds other settings, or if a process
    of the group has others than the first.
    """
    record = {**(settings or {}), **asdict(replace(config, precision=resolve(config.precision)))}
    run = _Run(folder, record) if group.first else _Silent(folder, record)
    try:
        model, history = run.restore() if resume else (None, History())
    except KangarooError:
        with suppress(KangarooError):
            group.agree("nothing")  # so that the others don't wait
        raise
    group.agree(json.dumps(record, sort_keys=True))
    if model is None:
        run.start()
        model = compiled(build(dtype_policy(config.precision)), config.learning_rate)
    history = _same_history(history, group)
    if group.distribution and len(history.rows) < config.epochs:
        model = _spread(model, config.learning_rate, group)
    prepare(late_relu(model))
    for epoch in range(len(history.rows), config.epochs):
        row = _train_epoch(model, train(epoch), validation, epoch, config, group)
        history = History((*history.rows, row))
        run.save(model, history)
    run.finish()
    best = run.best() if group.first else with_policy(model, "float32")
    best.set_weights(group.broadcast(best.get_weights()))
    return best, history


def compiled(model: keras.Model, learning_rate: float, *, weighted: bool = False) -> keras.Model:
    """Set up ``model`` in place for training with Adam and the cross entropy that fits its output.

    ``weighted``: it will see batches (photos, labels, weights), and the loss is the weighted mean.
    """
    kind = "BinaryCrossentropy" if model.output_shape[-1] == 1 else "SparseCategoricalCrossentropy"
    metrics: list[Any] = ["accuracy"]
    if weighted:
        metrics.append(getattr(keras.metrics, kind)(name=_EXACT))
    model.compile(
        keras.optimizers.Adam(learning_rate),
        getattr(keras.losses, kind)(reduction="mean_with_sample_weight"),
        weighted_metrics=metrics,
        # With TensorFlow on a CPU, XLA is several times slower here than oneDNN; JAX has nothing else.
        jit_compile=keras.backend.backend() != "tensorflow",
    )
    return model


def _same_history(history: History, group: Group) -> History:
    """The history of the first process, in all."""
    (n,) = group.broadcast([np.array(len(history.rows))])
    if group.processes == 1 or n == 0:
        return history
    own = [astuple(row) for row in history.rows] if group.first else np.zeros((n, len(fields(Epoch))))
    (rows,) = group.broadcast([np.array(own)])
    return History(tuple(Epoch(int(epoch), *values) for epoch, *values in rows.tolist()))


def _spread(model: keras.Model, learning_rate: float, group: Group) -> keras.Model:
    """A copy of the first process's ``model``, with its optimizer's state, on the devices of all."""
    model.optimizer.build(model.trainable_variables)
    values = group.broadcast([np.asarray(variable) for variable in _state(model)])
    with group.scope():
        # Not clone_model, which also makes an optimizer, but only where the model comes from a file: all
        # processes must make the same variables, in the same order.
        copy = compiled(type(model).from_config(model.get_config()), learning_rate, weighted=True)
        copy.optimizer.build(copy.trainable_variables)
        for variable, value in zip(_state(copy), values, strict=True):
            variable.assign(value)
    return copy


def _state(model: keras.Model) -> list[keras.Variable]:
    """What a training goes on from; random states are set anew for each epoch."""
    return [*model.weights, *model.optimizer.variables]


def _train_epoch(
    model: keras.Model, train: Batches, validation: Batches, epoch: int, config: TrainConfig, group: Group
) -> Epoch:
    """Train one epoch, counted from 0, and validate."""
    start, name = time.perf_counter(), f"epoch {epoch + 1}/{config.epochs}"
    bar: tqdm[Any] = progress((), name, total=len(train), unit="step")
    bar.leave = False  # the epoch's own line takes its place
    bar.disable = bar.disable or not group.first
    with bar, group.scope():
        _seed_dropout(model, config.seed, epoch)
        # shuffle=False: Keras warns that it can't shuffle a tf.data set, unless it is told not to.
        history = model.fit(
            group.share(train),
            validation_data=group.share(validation),
            shuffle=False,
            verbose=0,
            callbacks=[_Watch(bar, config.learning_rate)],
        ).history
    values = _measured({key: float(value) for key, (value,) in history.items()})
    _require_finite(values["val_loss"], name, config.learning_rate)
    row = Epoch(epoch + 1, **values, seconds=round(time.perf_counter() - start, 3))
    if group.first:
        tqdm.write(
            f"{name}: loss {row.loss:.4f}, accuracy {row.accuracy:.4f}; validation loss {row.val_loss:.4f}, "
            f"accuracy {row.val_accuracy:.4f}; {row.seconds:.0f} s",
            file=sys.stderr,
        )
    return row


def _measured(logs: Mapping[str, float]) -> dict[str, float]:
    """What :class:`Epoch` keeps of an epoch's logs."""
    return {
        f"{side}{name}": logs.get(f"{side}{_EXACT if name == 'loss' else name}", logs[f"{side}{name}"])
        for side in ("", "val_")
        for name in ("loss", "accuracy")
    }


def _seed_dropout(model: keras.Model, seed: int, epoch: int) -> None:
    """Set every random state in the model from (seed, epoch): a checkpoint doesn't have to carry them."""
    states = [v for v in model.variables if v.path.endswith("seed_generator_state")]
    for i, state in enumerate(states):
        state.assign(np.random.SeedSequence([seed, epoch, i]).generate_state(2).astype(state.dtype))


def _require_finite(loss: float, when: str, learning_rate: float) -> None:
    if not math.isfinite(loss):
        raise KangarooError(
            f"the loss became {loss} in {when}: train anew with a learning rate below {learning_rate:g}"
        )


class _Watch(keras.callbacks.Callback):
    """Moves the bar by one step, and stops a training that has diverged."""

    def __init__(self, bar: "tqdm[Any]", learning_rate: float) -> None:
        super().__init__()
        self.bar = bar
        self.learning_rate = learning_rate

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float]) -> None:
        """Look at the mean loss and accuracy of the epoch so far."""
        _require_finite(logs["loss"], f"{self.bar.desc}, step {batch + 1}", self.learning_rate)
        self.bar.set_postfix(loss=logs["loss"], accuracy=logs["accuracy"], refresh=False)
        self.bar.update()


class _Run:
    """The files of one training. The checkpoint is the truth: what it doesn't cover is trained again.

    After an epoch the best model is written first, then the history, then the checkpoint. A run killed in
    between has an older checkpoint, repeats the epoch, and writes the same files again.
    """

    def __init__(self, folder: Path, record: Mapping[str, Any]) -> None:
        self.folder = folder
        self.record = json.loads(json.dumps(record))  # as it will be read back: tuples are lists
        self.model, self.history = folder / "model.keras", folder / "history.csv"
        self.settings = folder / "settings.json"

    def start(self) -> None:
        """Clear what an earlier training left; its settings go first, so that nobody resumes half of it."""
        for path in (self.settings, self.history, self.model):
            path.unlink(missing_ok=True)
        self.finish()
        write_json(self.settings, self.record)

    def restore(self) -> tuple[keras.Model | None, History]:
        """Return model and history as far as they go; no model where not one epoch was finished."""
        if not self.settings.exists():
            return None, History()
        epochs = self._check_settings()
        history = History.read(self.history) if self.history.exists() else History()
        checkpoint = self._newest_checkpoint()
        if checkpoint and len(history.rows) >= _epoch_of(checkpoint):
            write_json(self.settings, self.record)
            return keras.models.load_model(checkpoint), History(history.rows[: _epoch_of(checkpoint)])
        if len(history.rows) < epochs:
            return None, History()
        if epochs < self.record["epochs"]:
            raise KangarooError(
                f"{self.folder} has ended its {epochs} epochs and kept no optimizer state: train anew to "
                f"reach {self.record['epochs']}"
            )
        return self.best(), history

    def save(self, model: keras.Model, history: History) -> None:
        """Save an epoch's end, in the order that the class explains."""
        epoch = len(history.rows)
        if history.best_epoch == epoch:
            with atomic(self.model) as temporary:
                with_policy(model, "float32").save(temporary)
        with atomic(self.history) as temporary:
            history.frame().to_csv(temporary, index=False)
        older = sorted(self.folder.glob("checkpoint-*.keras"))
        with atomic(self.folder / f"checkpoint-{epoch:04d}.keras") as temporary:
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
            saved = json.loads(self.settings.read_text(encoding="utf-8"))
        except ValueError as error:
            raise KangarooError(f"{self.settings} is damaged: train anew") from error
        for name in sorted(saved.keys() | self.record.keys()):
            was, now = saved.get(name), self.record.get(name)
            if was != now and not (name == "epochs" and was < now):
                raise KangarooError(
                    f"{self.folder} was trained with {name} {was}, not {now}: resume with the settings it "
                    f"began with, or train anew"
                )
        return int(saved["epochs"])


class _Silent(_Run):
    """The run of a process that is not the first of its group: it leaves files alone."""

    def start(self) -> None:
        """Clear nothing."""

    def restore(self) -> tuple[keras.Model | None, History]:
        """Leave it to the first."""
        return None, History()

    def save(self, model: keras.Model, history: History) -> None:
        """Save nothing."""

    def finish(self) -> None:
        """Remove nothing."""


def _epoch_of(checkpoint: Path) -> int:
    return int(checkpoint.stem.removeprefix("checkpoint-"))
