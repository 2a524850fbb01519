"""Photos in, a run folder out: the wiring that the experiments share which train one network."""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from keras import Model

from kangaroo.commands import print_json
from kangaroo.data.manifest import manifest_sha256
from kangaroo.data.pipeline import batches
from kangaroo.errors import KangarooError
from kangaroo.models import store
from kangaroo.runs.folder import check, clear
from kangaroo.runs.networks import build, standardized, unlock
from kangaroo.runs.photos import Data, by_photo, load
from kangaroo.runs.results import FILES, SIDE_FIGURES, card, judge, leave, summary
from kangaroo.runs.settings import ClassificationSettings, PlaceSettings
from kangaroo.runs.tasks import Task, report_classes, with_coordinates
from kangaroo.training import History, fit
from kangaroo.training.distributed import Group, start

RANDOM = "random-split"
LEFT = (*FILES, "model.keras", "history.csv", "settings.json", "checkpoint-*", "events", "wandb*", RANDOM)


def run(settings: ClassificationSettings, task_of: Callable[[Any, Data], Task] = report_classes) -> None:
    """Train and judge one network, leave the run folder, and print the result to stdout.

    Of several processes the first does so; the others only train with it.
    """
    if settings.distributed and settings.compare_random_split:
        raise KangarooError("--distributed trains once: leave --compare-random-split to a run of one process")
    if settings.distributed and settings.distributed.process:
        _train_along(settings)
        return
    check(settings, LEFT, resume=settings.resume)  # before the others are met, who would wait for ever
    group = start(settings.distributed)
    data = load(settings)
    if isinstance(settings, PlaceSettings) and (settings.cells or settings.target):
        data = with_coordinates(data)
    task = task_of(settings, data)
    if not settings.resume:
        clear(settings, FILES)
        shutil.rmtree(settings.out / RANDOM, ignore_errors=True)
    model, history = train(settings, data, task, group=group)
    group.leave()
    verdict = judge(model, history, data, task, settings)
    if settings.compare_random_split:
        _compare(settings, data, task_of, verdict.metrics)
    leave(settings, data, task, model, history, verdict)
    if settings.json:
        print_json(verdict.metrics)
    else:
        print(summary(settings, data, verdict.metrics))


def _train_along(settings: ClassificationSettings) -> None:
    """Be one of several processes, but not the first; what it writes goes to a folder that goes too."""
    group = start(settings.distributed)
    with tempfile.TemporaryDirectory() as scratch:
        own = replace(settings, out=Path(scratch))
        data = load(own)
        train(own, data, report_classes(own, data), group=group)
    group.leave()


def _compare(
    settings: ClassificationSettings,
    data: Data,
    task_of: Callable[[Any, Data], Task],
    metrics: dict[str, Any],
) -> None:
    """Train and judge once more, in a folder of its own, on a split by photo: what it adds is leaked."""
    own = replace(settings, out=settings.out / RANDOM)
    other = by_photo(data, settings.seed)
    task = task_of(own, other)
    model, history = train(own, other, task)
    found = judge(model, history, other, task, own).metrics
    about = card(own, other, task, model, history, found)
    store.save(model, own.out / "model.keras", about)
    metrics["random_split"] = {key: found[key] for key in SIDE_FIGURES if key in found}
    if "accuracy" not in found:
        km = found["geo"]["median_km"]
        metrics["warnings"].append(
            f"split by photo in place of by place, the same network is off by {km:,.1f} km (median)"
        )
        return
    leak = found["accuracy"] - metrics["accuracy"]
    widths = [high - low for low, high in (found["accuracy_ci95"], metrics["accuracy_ci95"])]
    low, high = leak - np.hypot(*widths) / 2, leak + np.hypot(*widths) / 2
    metrics["random_split"] |= {"leak": leak, "leak_ci95": [float(low), float(high)]}
    metrics["warnings"].append(
        f"split by photo in place of by place, the same network names {100 * found['accuracy']:.1f} % "
        f"rightly: a leak of {100 * leak:+.1f} points (95 % interval {100 * low:+.1f} to {100 * high:+.1f})"
    )


def train(
    settings: ClassificationSettings,
    data: Data,
    task: Task,
    *,
    prepare: Callable[[Model], None] = lambda model: None,
    extra: Mapping[str, Any] | None = None,
    group: Group = Group(),  # noqa: B008 (frozen)
) -> tuple[Model, History]:
    """Train a network; the batches of an epoch follow from the seed and the epoch alone.

    ``prepare`` is that of fit(); ``extra`` says what it does, which a resumed run must not change.
    """
    augmentation = settings.augmentation if isinstance(settings, PlaceSettings) else None
    part = partial(
        batches,
        labels=task.labels,
        batch_size=settings.training.batch_size,
        standardized=standardized(settings),
    )
    training, validation = data.rows("training"), data.rows("validation")
    changed: dict[str, Any] = {}
    if augmentation:
        changed = {"augmentation": augmentation, "size": settings.image_size}
    seen = data.training_pixels if augmentation else data.pixels
    return fit(
        lambda policy: build(settings, task, policy),
        lambda epoch: part(seen, training, shuffle_seed=(settings.seed, epoch), **changed),
        part(data.pixels, validation),
        settings.training,
        settings.out,
        objective=task.objective,
        unlock=unlock(settings),
        resume=settings.resume,
        settings={
            "experiment": settings.name,
            "classes": data.manifest.classes,
            "image_size": settings.image_size,
            "validation": None if settings.split else settings.validation,
            "photos and split": manifest_sha256(data.manifest.photos),
            **settings.record,
            **(extra or {}),
        },
        prepare=prepare,
        track=settings.track,
        group=group,
    )
