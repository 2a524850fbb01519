"""Photos in, a run folder out: the way of every run that trains one network."""

import shutil
import tempfile
import webbrowser
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import keras

from kangaroo.data.manifest import manifest_sha256
from kangaroo.data.pipeline import batches
from kangaroo.errors import KangarooError
from kangaroo.models import store
from kangaroo.runs.folder import check, clear
from kangaroo.runs.judgements import Judgement
from kangaroo.runs.networks import build, unlock
from kangaroo.runs.photos import Data, by_photo, load, with_coordinates
from kangaroo.runs.results import FILES, card, judge, leave
from kangaroo.runs.settings import TrainSettings
from kangaroo.runs.targets import task_of
from kangaroo.runs.tasks import Task
from kangaroo.training import History, fit
from kangaroo.training.distributed import Group, start

RANDOM = "random-split"
LEFT = (*FILES, "model.keras", "history.csv", "settings.json", "checkpoint-*", "events", "wandb*", RANDOM)


@dataclass(frozen=True, eq=False)
class TrainedRun:
    """One finished run: its folder ``out``, photos, network, and what that is worth."""

    out: Path
    data: Data
    model: keras.Model
    judgement: Judgement

    @property
    def metrics(self) -> dict[str, Any]:
        """What metrics.json holds."""
        return self.judgement.metrics

    @property
    def page(self) -> Path:
        """The page to look at."""
        return self.out / "report.html"

    def show(self) -> None:
        """Open the page in a browser."""
        webbrowser.open(self.page.resolve().as_uri())

    def summary(self) -> str:
        """What the console shows."""
        metrics = self.metrics
        lines = self.judgement.summary(self.data.subject)
        if ideal := metrics.get("ideal_observer"):
            lines.append(
                f"an ideal observer, who knows how the scenes are drawn, gets {ideal['accuracy']:.4f}"
            )
        lines += [f"note: {warning}" for warning in metrics["warnings"]]
        return "\n".join([*lines, f"look at {self.page}", f"load {self.out / 'model.keras'}"])


def run(settings: TrainSettings) -> TrainedRun | None:
    """Train and judge one network, and leave the run folder, except its page.

    Of several processes the first does so; the others only train with it, and give None.
    """
    if settings.distributed and settings.compare_random_split:
        raise KangarooError("--distributed trains once: leave --compare-random-split to a run of one process")
    if settings.distributed and settings.distributed.process:
        _train_along(settings)
        return None
    out = settings.data.out
    # Before the others are met, who would wait for ever.
    check(out, LEFT, overwrite=settings.data.overwrite, resume=settings.resume)
    group = start(settings.distributed)
    data = load(settings.data)
    if settings.task.needs_coordinates:
        data = with_coordinates(data)
    task = task_of(settings, data)
    if not settings.resume:
        clear(settings.data, FILES)
        shutil.rmtree(out / RANDOM, ignore_errors=True)
    model, history = train(settings, data, task, group=group)
    group.leave()
    judgement = judge(model, history, data, task, settings)
    if settings.compare_random_split:
        _compare(settings, data, judgement)
    leave(settings, data, task, model, history, judgement)
    return TrainedRun(out, data, model, judgement)


def _train_along(settings: TrainSettings) -> None:
    """Be one of several processes, but not the first; its files go to a folder that is removed at the end."""
    group = start(settings.distributed)
    with tempfile.TemporaryDirectory() as scratch:
        along = settings.in_folder(Path(scratch))
        data = load(along.data)
        train(along, data, task_of(along, data), group=group)
    group.leave()


def _compare(settings: TrainSettings, data: Data, judgement: Judgement) -> None:
    """Train and judge once more, in a folder of its own, on a split by photo: what it adds is leaked."""
    settings = settings.in_folder(settings.data.out / RANDOM)
    other = by_photo(data, settings.data.seed)
    task = task_of(settings, other)
    model, history = train(settings, other, task)
    by_chance = judge(model, history, other, task, settings)
    about = card(settings, other, task, model, history, by_chance.metrics)
    store.save(model, settings.data.out / "model.keras", about)
    figures, sentence = judgement.leak(by_chance)
    judgement.metrics["random_split"] = by_chance.beside | figures
    judgement.metrics["warnings"].append(sentence)


def train(
    settings: TrainSettings,
    data: Data,
    task: Task,
    *,
    prepare: Callable[[keras.Model], None] = lambda model: None,
    extra: Mapping[str, Any] | None = None,
    group: Group = Group(),  # noqa: B008 (frozen)
) -> tuple[keras.Model, History]:
    """Train a network; the batches of an epoch follow from the seed and the epoch alone.

    ``prepare`` is that of fit(); ``extra`` says what it does, which a resumed run must not change.
    """
    part = partial(
        batches,
        labels=task.labels,
        batch_size=settings.training.batch_size,
        standardized=settings.standardized,
    )
    training, validation = data.rows("training"), data.rows("validation")
    changed: dict[str, Any] = {}
    if settings.augmentation:
        changed = {"augmentation": settings.augmentation, "size": settings.data.image_size}
    seen = data.training_pixels if settings.augmentation else data.pixels
    return fit(
        lambda policy: build(settings, task, policy),
        lambda epoch: part(seen, training, shuffle_seed=(settings.data.seed, epoch), **changed),
        part(data.pixels, validation),
        settings.training,
        settings.data.out,
        objective=task.objective,
        unlock=unlock(settings),
        resume=settings.resume,
        settings={
            "experiment": settings.run.name,
            "classes": data.manifest.classes,
            "image_size": settings.data.image_size,
            "validation": None if settings.data.split else settings.data.validation,
            "photos and split": manifest_sha256(data.manifest.photos),
            **settings.record,
            **(extra or {}),
        },
        prepare=prepare,
        track=settings.track,
        group=group,
    )
