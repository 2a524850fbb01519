"""The training itself: epoch after epoch, through Keras, alone or with other processes."""

import json
import math
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import asdict, astuple, dataclass, fields, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from tqdm import tqdm

from kangaroo.data.pipeline import Batches
from kangaroo.errors import KangarooError
from kangaroo.models.fused_normalization import fused_normalization
from kangaroo.models.precision import dtype_policy, resolve, with_policy
from kangaroo.models.relu_after_pooling import late_relu
from kangaroo.progress import progress
from kangaroo.training.checkpoints import RunFolder, SilentFolder
from kangaroo.training.distributed import Group
from kangaroo.training.history import Epoch, History
from kangaroo.training.objective import Objective, compiled
from kangaroo.training.optimizers import optimizer, rate_after
from kangaroo.training.settings import TrainConfig
from kangaroo.training.tracking import check, tracking

Unlock = Callable[[keras.Model, int], Any]
Prepare = Callable[[keras.Model], Any]


def fit(
    build: Callable[[str], keras.Model],
    train: Callable[[int], Batches],
    validation: Batches,
    config: TrainConfig,
    folder: Path,
    *,
    objective: Objective = Objective(),  # noqa: B008 (frozen)
    unlock: Unlock | None = None,
    resume: bool = False,
    settings: Mapping[str, Any] | None = None,
    prepare: Prepare = lambda model: None,
    track: str = "",
    group: Group = Group(),  # noqa: B008 (frozen)
) -> tuple[keras.Model, History]:
    """Train towards ``objective``; return the model of the best epoch, in float32, and the history.

    ``build`` makes the untrained network for a dtype policy. ``train`` gives the (photos, labels) batches of
    one epoch, counted from 0, of all epochs as many; an epoch is a function of the weights, the optimizer's
    state, ``config.seed`` and the epoch's number alone, if ``train`` is (on a GPU, as far as its kernels are
    deterministic). ``unlock`` sets which layers can be trained, before phase 1, that of the head alone, and
    before phase 2 (see :class:`TrainConfig`). ``prepare`` may change how the compiled model trains, new or
    resumed.

    With ``config.averaging`` the validation photos see, and model.keras keeps, the averaged weights; the
    statistics of batch normalization are those of the training, which are moving averages by themselves. The
    second phase begins with the weights as they are, not averaged.

    The processes of a ``group`` call this alike, each with all the batches (made by
    :func:`kangaroo.data.pipeline.batches`), of which it takes its share, and get the same model. Only the
    first one has a ``folder``; the others neither read nor write theirs. A run can be resumed by any number
    of processes.

    ``folder`` gets model.keras (of the epoch that the objective keeps), history.csv, settings.json
    (``config``, ``objective`` and ``settings``, JSON values that must not differ on resuming), TensorBoard's
    event files in events/ and, while training, the checkpoint. ``track`` 'wandb' logs to Weights & Biases
    too. Without ``resume`` all of it is replaced; with it the run goes on where its last checkpoint stands,
    and a run that is done is only read. A resumed run may ask for more epochs, if its learning rate is
    constant.

    Raises KangarooError if the loss stops being a number, if ``resume`` finds other settings, if a process
    of the group has others than the first, or if the head of a network can't be trained alone.
    """
    if config.head_epochs and unlock is None:
        raise KangarooError(
            f"this network has no head to train alone for {config.head_epochs} epochs: give 0"
        )
    own = asdict(replace(config, precision=resolve(config.precision)))
    run = (RunFolder if group.first else SilentFolder)(
        folder, {**(settings or {}), **own, **objective.record()}
    )
    try:
        check(track if group.first else "")
        model, history = run.restore() if resume else (None, run.nothing)
    except KangarooError:
        with suppress(KangarooError):
            group.agree("nothing")  # so that the others don't wait
        raise
    group.agree(json.dumps(run.record, sort_keys=True))
    if model is None:
        run.start()
        model = build(dtype_policy(config.precision))
    history = _same_history(history, group)
    if len(history.rows) < config.epochs:
        plan = _Plan(config, objective, unlock, group, steps=len(train(len(history.rows))))
        model = _begin(model, len(history.rows), run, plan)
        prepare(fused_normalization(late_relu(model)))
        history = _go_on(model, train, validation, history, run, plan, track)
    run.finish()
    best = run.best() if group.first else with_policy(model, "float32")
    best.set_weights(group.broadcast(best.get_weights()))
    return best, history


@dataclass(frozen=True)
class _Plan:
    """What all epochs of a training share; each has ``steps`` steps."""

    config: TrainConfig
    objective: Objective
    unlock: Unlock | None
    group: Group
    steps: int

    def set_up(self, model: keras.Model, epoch: int) -> None:
        """Compile ``model`` for the phase of an epoch, counted from 0, with a new optimizer."""
        phase = self.config.phase(epoch)
        if self.unlock:
            self.unlock(model, phase)
        new = optimizer(self.config, phase, self.steps)
        # Numbers in a row are biases and the scales of normalizations. A file forgets this, hence no
        # optimizer comes from one.
        new.exclude_from_weight_decay([v for v in model.trainable_variables if len(v.shape) < 2])
        compiled(model, new, self.objective, weighted=self.group.distribution is not None)
        new.build(model.trainable_variables)

    def rate(self, epoch: int) -> float:
        """The learning rate with which an epoch ends."""
        return rate_after(self.config, epoch, self.steps)


def _begin(model: keras.Model, epoch: int, run: RunFolder, plan: _Plan) -> keras.Model:
    """Set up ``model``, new or from a checkpoint, so that it can be trained from this epoch on."""
    plan.set_up(model, epoch)
    if epoch not in (0, plan.config.head_epochs):  # where a phase begins, so does its optimizer
        run.restore_optimizer(model)
    return _spread(model, epoch, plan) if plan.group.distribution else model


def _go_on(
    model: keras.Model,
    train: Callable[[int], Batches],
    validation: Batches,
    history: History,
    run: RunFolder,
    plan: _Plan,
    track: str,
) -> History:
    """Train and save all epochs that ``history`` lacks."""
    first, group = len(history.rows), plan.group
    told = (
        tracking(run.folder, run.record, history, plan.rate, track)
        if group.first
        else nullcontext(lambda row: None)
    )
    with told as tell:
        for epoch in range(first, plan.config.epochs):
            if epoch == plan.config.head_epochs > first:
                with group.scope():
                    plan.set_up(model, epoch)
            row, weights = _train_epoch(model, train(epoch), validation, epoch, plan)
            history = replace(history, rows=(*history.rows, row))
            if history.best_epoch == row.epoch:
                run.keep(model)
            if weights:
                with group.scope():
                    model.set_weights(weights)
            tell(row)  # before the checkpoint, after which nobody would tell of it any more
            run.save(model, history)
    return history


def _same_history(history: History, group: Group) -> History:
    """The history of the first process, in all."""
    (n,) = group.broadcast([np.array(len(history.rows))])
    if group.processes == 1 or n == 0:
        return history
    own = [astuple(row) for row in history.rows] if group.first else np.zeros((n, len(fields(Epoch))))
    (rows,) = group.broadcast([np.array(own)])
    return replace(history, rows=tuple(Epoch(int(epoch), *values) for epoch, *values in rows.tolist()))


def _spread(model: keras.Model, epoch: int, plan: _Plan) -> keras.Model:
    """A copy of the first process's ``model``, with its optimizer's state, on the devices of all."""
    values = plan.group.broadcast([np.asarray(variable) for variable in _state(model)])
    with plan.group.scope():
        # Not clone_model, which also makes an optimizer, but only where the model comes from a file: all
        # processes must make the same variables, in the same order.
        copy = type(model).from_config(model.get_config())
        plan.set_up(copy, epoch)
        for variable, value in zip(_state(copy), values, strict=True):
            variable.assign(value)
    return copy


def _state(model: keras.Model) -> list[keras.Variable]:
    """What a training goes on from; random states are set anew for each epoch."""
    return [*model.weights, *model.optimizer.variables]


def _train_epoch(
    model: keras.Model, train: Batches, validation: Batches, epoch: int, plan: _Plan
) -> tuple[Epoch, list[Any]]:
    """Train one epoch, counted from 0, and validate.

    With averaging ``model`` then has the averaged weights, and those to go on from are given too.
    """
    start, name, group = time.perf_counter(), f"epoch {epoch + 1}/{plan.config.epochs}", plan.group
    bar: tqdm[Any] = progress((), name, total=len(train), unit="step")
    bar.leave = False  # the epoch's own line takes its place
    bar.disable = bar.disable or not group.first
    watch = _Watch(bar, plan.rate(epoch), plan.objective.measure)
    with bar, group.scope():
        _seed_dropout(model, plan.config.seed, epoch)
        # shuffle=False: Keras warns that it can't shuffle a tf.data set, unless it is told not to.
        history = model.fit(
            group.share(train),
            validation_data=group.share(validation),
            shuffle=False,
            verbose=0,
            callbacks=[watch],
        ).history
    values = plan.objective.values({key: float(value) for key, (value,) in history.items()})
    _require_finite(values["val_loss"], name, plan.rate(epoch))
    row = Epoch(epoch + 1, **values, seconds=round(time.perf_counter() - start, 3))
    if group.first:
        tqdm.write(f"{name}: {_summary(row, plan.objective.measure)}", file=sys.stderr)
    return row, watch.weights


def _summary(row: Epoch, measure: str) -> str:
    digits = {"accuracy": 4, "km": 1}[measure]
    return (
        f"loss {row.loss:.4f}, {measure} {row.measured:.{digits}f}; validation loss {row.val_loss:.4f}, "
        f"{measure} {row.val_measured:.{digits}f}; {row.seconds:.0f} s"
    )


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
    """Moves the bar by one step, stops a training that has diverged, and validates averaged weights."""

    def __init__(self, bar: "tqdm[Any]", learning_rate: float, measure: str) -> None:
        super().__init__()
        self.bar = bar
        self.learning_rate = learning_rate
        self.measure = measure
        self.weights: list[Any] = []

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float]) -> None:
        """Look at the mean loss and measure of the epoch so far."""
        _require_finite(logs["loss"], f"{self.bar.desc}, step {batch + 1}", self.learning_rate)
        self.bar.set_postfix({name: logs[name] for name in ("loss", self.measure)}, refresh=False)
        self.bar.update()

    def on_test_begin(self, logs: Any = None) -> None:
        """Put the averaged weights, if there are such, where Keras does so itself once it has validated."""
        if self.model.optimizer.use_ema:
            self.weights = self.model.get_weights()
            self.model.optimizer.finalize_variable_values(self.model.trainable_weights)
            # Copies, because on JAX an array that went into a step is gone, and the average is needed again.
            self.model.set_weights(self.model.get_weights())
