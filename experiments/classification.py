"""Photos in, a run folder out: the wiring that the classification experiments share."""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from keras import Model

from experiments.figures import draw_figures
from experiments.folder import check, clear
from experiments.photos import Data, by_photo, ideal_observer, load
from experiments.settings import ClassificationSettings
from kangaroo.commands import print_json
from kangaroo.data.lists import list_sha256
from kangaroo.data.manifest import manifest_sha256
from kangaroo.data.pipeline import batches
from kangaroo.distributed import Group, start
from kangaroo.errors import KangarooError
from kangaroo.evaluation.metrics import evaluate
from kangaroo.evaluation.predictions import Predictions
from kangaroo.files import atomic, write_json
from kangaroo.models import cnn, store
from kangaroo.models.classifier import probabilities
from kangaroo.models.precision import resolve
from kangaroo.report import write_report
from kangaroo.scenes.profiles import PROFILES
from kangaroo.training import History, TrainConfig, fit

# What a run leaves beside its figures, and fit() doesn't clear by itself.
FILES = ("model.json", "metrics.json", "predictions.csv", "split.csv", "report.html")
RANDOM = "random-split"
LEFT = (*FILES, "model.keras", "history.csv", "settings.json", "checkpoint-*", RANDOM)
SIDE_FIGURES = ("n", "accuracy", "accuracy_ci95", "balanced_accuracy", "loss")
INTENDED_USE = "Teaching and research: which of these countries a street-level photo shows."
DRAWN_LIMITS = "Learned from drawn scenes, which are caricatures: of photos this model knows nothing."
PHOTO_LIMITS = (
    "Any photo is given one of the classes, also one of another country. The confidence is not calibrated. "
    "The figures hold for photos of the same sources."
)


def run(settings: ClassificationSettings) -> None:
    """Train and judge one classifier, leave the run folder, and print the result to stdout.

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
    if not settings.resume:
        clear(settings, FILES)
        shutil.rmtree(settings.out / RANDOM, ignore_errors=True)
    model, history = train(settings, data, group=group)
    group.leave()
    predictions, metrics = judge(model, history, data, settings)
    if settings.compare_random_split:
        _compare(settings, data, metrics)
    _leave(settings, data, model, history, predictions, metrics)
    if settings.json:
        print_json(metrics)
    else:
        print(_summary(settings, data, metrics))


def _train_along(settings: ClassificationSettings) -> None:
    """Be one of several processes, but not the first; what it writes goes to a folder that goes too."""
    group = start(settings.distributed)
    with tempfile.TemporaryDirectory() as scratch:
        own = replace(settings, out=Path(scratch))
        train(own, load(own), group=group)
    group.leave()


def _compare(settings: ClassificationSettings, data: Data, metrics: dict[str, Any]) -> None:
    """Train and judge once more, in a folder of its own, on a split by photo: what it adds is leaked."""
    own = replace(settings, out=settings.out / RANDOM)
    other = by_photo(data, settings.seed)
    model, history = train(own, other)
    _, found = judge(model, history, other, own)
    store.save(model, own.out / "model.keras", card(own, other, history, found))
    leak = found["accuracy"] - metrics["accuracy"]
    widths = [high - low for low, high in (found["accuracy_ci95"], metrics["accuracy_ci95"])]
    low, high = leak - np.hypot(*widths) / 2, leak + np.hypot(*widths) / 2
    metrics["random_split"] = {key: found[key] for key in SIDE_FIGURES}
    metrics["random_split"] |= {"leak": leak, "leak_ci95": [float(low), float(high)]}
    metrics["warnings"].append(
        f"split by photo in place of by place, the same network names {100 * found['accuracy']:.1f} % "
        f"rightly: a leak of {100 * leak:+.1f} points (95 % interval {100 * low:+.1f} to {100 * high:+.1f})"
    )


def _config(settings: ClassificationSettings) -> TrainConfig:
    return TrainConfig(settings.epochs, settings.batch_size, seed=settings.seed, precision=settings.precision)


def train(
    settings: ClassificationSettings,
    data: Data,
    *,
    prepare: Callable[[Model], None] = lambda model: None,
    extra: Mapping[str, Any] | None = None,
    group: Group = Group(),  # noqa: B008 (frozen)
) -> tuple[Model, History]:
    """Train the report's network; the batches of an epoch follow from the seed and the epoch alone.

    ``prepare`` is that of fit(); ``extra`` says what it does, which a resumed run must not change.
    """
    n_classes = len(data.manifest.classes)
    labels = data.labels if n_classes > 2 else data.labels.astype(np.float32)
    part = partial(batches, data.pixels, labels=labels, batch_size=settings.batch_size)
    return fit(
        lambda policy: cnn.build(settings.image_size, n_classes, seed=settings.seed, dtype_policy=policy),
        lambda epoch: part(data.rows("training"), shuffle_seed=(settings.seed, epoch)),
        part(data.rows("validation")),
        _config(settings),
        settings.out,
        resume=settings.resume,
        settings={
            "experiment": settings.name,
            "classes": settings.classes,
            "image_size": settings.image_size,
            "validation": None if settings.split else settings.validation,
            "photos and split": manifest_sha256(data.manifest.photos),
            **(extra or {}),
        },
        prepare=prepare,
        group=group,
    )


def judge(
    model: Model, history: History, data: Data, settings: ClassificationSettings
) -> tuple[Predictions, dict[str, Any]]:
    """Predict the validation photos with the model as it is saved, and evaluate."""
    rows = data.rows("validation")
    predictions = _predict(model, data, rows)
    metrics = evaluate(predictions, data.manifest.rejected, seed=settings.seed)
    last = history.rows[-1]
    metrics["warnings"] = [
        *data.warnings,
        f"epoch {history.best_epoch} of {last.epoch} was kept because it is best on these same "
        f"{data.subject}; the last epoch names {100 * last.val_accuracy:.1f} % of them rightly",
    ]
    if len(test := data.rows("test")):
        found = evaluate(_predict(model, data, test), seed=settings.seed)
        metrics["test"] = {key: found[key] for key in SIDE_FIGURES}
        low, high = found["accuracy_ci95"]
        metrics["warnings"].append(
            f"of {len(test)} test {data.subject}, by which nothing was chosen, it names "
            f"{100 * found['accuracy']:.1f} % rightly (95 % interval {100 * low:.1f} to {100 * high:.1f} %)"
        )
    known = data.manifest.drawn and not data.colour_cue  # the observer looks at no colours
    if known and set(data.manifest.classes) <= set(PROFILES):
        metrics["ideal_observer"] = ideal_observer(data, rows)
    return predictions, metrics


def _predict(model: Model, data: Data, rows: np.ndarray) -> Predictions:
    photos = data.manifest.photos.iloc[rows]
    return Predictions.of(data.manifest.classes, photos, probabilities(model, data.pixels[rows]))


def _leave(
    settings: ClassificationSettings,
    data: Data,
    model: Model,
    history: History,
    predictions: Predictions,
    metrics: dict[str, Any],
) -> None:
    """Write the run folder; the page comes last, and says that the run is whole."""
    out = settings.out
    store.save(model, out / "model.keras", card(settings, data, history, metrics))
    write_json(out / "metrics.json", metrics)
    for name, frame in (
        ("predictions.csv", predictions.frame()),
        ("split.csv", data.manifest.photos[["file", "class", "place", "split"]]),
    ):
        with atomic(out / name) as temporary:
            frame.to_csv(temporary, index=False)
    draw_figures(out / "figures", data, history, predictions, metrics)
    write_report(out)


def card(
    settings: ClassificationSettings, data: Data, history: History, metrics: dict[str, Any]
) -> store.Card:
    """What the model's card says."""
    photos = data.manifest.photos
    counts = photos.groupby(["class", "split"]).size().unstack(fill_value=0)
    drawn = data.manifest.drawn
    return store.Card(
        classes=data.manifest.classes,
        image_size=settings.image_size,
        task="classify a street-level photo by country",
        training=_training(settings, history),
        data={
            "name": "drawn scenes" if drawn else ", ".join(root.resolve().name for root in data.roots),
            "drawn": drawn,
            "photos": {name: counts.loc[name].to_dict() for name in data.manifest.classes},
            "places": int(photos["place"].nunique()),
            "manifest_sha256": manifest_sha256(photos),
            "licence": "MIT, drawn by kangaroo" if drawn else "that of the photos' source",
            **({"list_sha256": list_sha256(settings.photo_list)} if settings.photo_list else {}),
        },
        metrics={key: value for key, value in metrics.items() if key != "rejected"},
        intended_use=INTENDED_USE,
        limits=DRAWN_LIMITS if drawn else PHOTO_LIMITS,
    )


def _training(settings: ClassificationSettings, history: History) -> dict[str, Any]:
    return {
        "command": settings.command,
        **asdict(_config(settings)),
        "precision": resolve(settings.precision),
        "optimizer": "Adam",
        "validation_share": None if settings.split else settings.validation,
        "kept_epoch": history.best_epoch,
        "kept_for": "highest validation accuracy",
        "seconds": round(sum(row.seconds for row in history.rows), 1),
    }


def _summary(settings: ClassificationSettings, data: Data, metrics: dict[str, Any]) -> str:
    low, high = metrics["accuracy_ci95"]
    lines = [
        f"{metrics['n']} validation {data.subject} of unseen places: accuracy {metrics['accuracy']:.4f} "
        f"(95 % interval {low:.4f} to {high:.4f}), loss {metrics['loss']:.4f}",
        f"confidence {metrics['confidence']['mean']:.2%} on average, calibration error {metrics['ece']:.4f}",
    ]
    if ideal := metrics.get("ideal_observer"):
        lines.append(f"an ideal observer, who knows how the scenes are drawn, gets {ideal['accuracy']:.4f}")
    lines += [f"note: {warning}" for warning in metrics["warnings"]]
    return "\n".join(
        [*lines, f"look at {settings.out / 'report.html'}", f"load {settings.out / 'model.keras'}"]
    )
