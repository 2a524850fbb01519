"""Photos in, a run folder out: the wiring that the classification experiments share."""

import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from experiments.figures import draw_figures
from experiments.flags import RunSettings
from kangaroo.data.cache import decode_photos
from kangaroo.data.images import Pixels
from kangaroo.data.manifest import Manifest, manifest_sha256, read_folders, require_classes
from kangaroo.data.pipeline import batches
from kangaroo.data.splits import small_classes, split_by_place
from kangaroo.errors import DataError
from kangaroo.evaluation.metrics import evaluate
from kangaroo.evaluation.predictions import Predictions
from kangaroo.files import atomic, write_json
from kangaroo.models import cnn, store
from kangaroo.models.classifier import Classifier
from kangaroo.report import write_report
from kangaroo.scenes.folder import SceneSettings, read_cues, write_folder
from kangaroo.scenes.observer import expected_accuracy, posterior
from kangaroo.training import History, TrainConfig, fit

LEAVES = ("settings.json", "model.keras", "model.json", "history.csv", "metrics.json", "predictions.csv", "split.csv", "report.html")


@dataclass(frozen=True, eq=False)
class Data:
    """Decoded photos, their manifest with the column split, and what to keep in mind about them."""

    manifest: Manifest
    pixels: Pixels
    roots: tuple[Path, ...]
    warnings: tuple[str, ...]

    @property
    def subject(self) -> str:
        """What the figures' titles call the pictures."""
        return "drawn scenes" if self.manifest.drawn else "photos"

    @property
    def labels(self) -> np.ndarray:
        """Class number of each photo, int32 (n,)."""
        number = {name: i for i, name in enumerate(self.manifest.classes)}
        return self.manifest.photos["class"].map(number).to_numpy(np.int32)

    def rows(self, split: str) -> np.ndarray:
        """Rows of one side of the split."""
        return np.flatnonzero(self.manifest.photos["split"] == split)


def run(settings: RunSettings) -> None:
    """Train and judge one classifier, leave the run folder, and print the result to stdout."""
    _prepare(settings)
    data = _load(settings)
    model, history = _train(settings, data)
    predictions, metrics = _judge(model, history, data, settings)
    _leave(settings, data, model, history, predictions, metrics)
    print(json.dumps(metrics, indent=2, ensure_ascii=False) if settings.json else _summary(settings, data, metrics))


def _prepare(settings: RunSettings) -> None:
    """Refuse a folder that holds something else; with --overwrite remove what a run leaves, and no more."""
    out = settings.out
    held = {path.name for path in out.iterdir()} if out.is_dir() else set()
    known = {*LEAVES, "figures", "scenes"}
    strange = sorted(name for name in held - known if not name.startswith((".", "checkpoint-")))
    if strange:
        raise DataError(f"{out} holds {strange[0]}, which no run leaves: choose another folder with --out")
    if held and not (settings.resume or settings.overwrite):
        raise DataError(f"{out} holds a run: --resume goes on with it, --overwrite replaces it, --out chooses another folder")
    if settings.overwrite and not settings.resume:
        for name in LEAVES:
            (out / name).unlink(missing_ok=True)
        shutil.rmtree(out / "figures", ignore_errors=True)
        shutil.rmtree(out / "scenes", ignore_errors=True)
    out.mkdir(parents=True, exist_ok=True)


def _load(settings: RunSettings) -> Data:
    """Read (or first draw) the photos, and split them by place."""
    roots = settings.images
    if not roots:
        scenes = SceneSettings(settings.classes, settings.scenes, settings.seed)
        roots = (write_folder(settings.out / "scenes", scenes),)
    manifest = read_folders(roots, settings.classes)
    require_classes(manifest)
    manifest, pixels = decode_photos(manifest, settings.image_size, settings.out)
    require_classes(manifest)
    manifest.photos["split"] = split_by_place(manifest.photos, validation=settings.validation, seed=settings.seed)
    data = Data(manifest, pixels, roots, tuple(_warnings(manifest, roots)))
    for warning in data.warnings:
        _say(f"note: {warning}")
    _say(f"{len(pixels)} {data.subject} in {len(manifest.classes)} classes, {len(manifest.rejected)} rejected")
    for rejected in manifest.rejected:
        _say(f"rejected: {rejected.file}: {rejected.reason}")
    return data


def _warnings(manifest: Manifest, roots: Sequence[Path]) -> list[str]:
    """What makes the figures of these photos worth less than they look."""
    found = [
        f"{few.name} is small, {few.photos} photos of {few.places} places: its figures are rough"
        for few in small_classes(manifest.photos)
    ]
    sources = {
        name: {root for root in roots for file in files if Path(file).is_relative_to(root)}
        for name, files in manifest.photos.groupby("class")["file"]
    }
    if len(roots) > 1 and not set.intersection(*sources.values()):
        found.append(
            "no folder holds every class, so the model can tell classes apart by how a collection was taken: "
            "part of the score may be the collection, not the country"
        )
    return found


def _train(settings: RunSettings, data: Data) -> tuple[Any, History]:
    """Train the report's network; the batches of an epoch follow from the seed and the epoch alone."""
    labels = data.labels if len(data.manifest.classes) > 2 else data.labels.astype(np.float32)
    config = TrainConfig(settings.epochs, settings.batch_size, seed=settings.seed, precision=settings.precision)
    part = partial(batches, data.pixels, labels=labels, batch_size=settings.batch_size)
    return fit(
        lambda policy: cnn.build(settings.image_size, len(data.manifest.classes), seed=settings.seed, dtype_policy=policy),
        lambda epoch: part(data.rows("training"), shuffle_seed=(settings.seed, epoch)),
        part(data.rows("validation")),
        config,
        settings.out,
        resume=settings.resume,
        settings={
            "experiment": settings.name, "classes": settings.classes, "image_size": settings.image_size,
            "photos": manifest_sha256(data.manifest.photos),
        },
    )


def _judge(model: Any, history: History, data: Data, settings: RunSettings) -> tuple[Predictions, dict[str, Any]]:
    """Predict the validation photos with the model as it is saved, and evaluate."""
    rows = data.rows("validation")
    photos = data.manifest.photos.iloc[rows]
    classifier = Classifier(model, _card(settings, data, history, {}))
    predictions = Predictions(
        data.manifest.classes, tuple(photos["file"]), tuple(photos["place"]), data.labels[rows],
        classifier.probabilities(data.pixels[rows]), photos["lat"].to_numpy(), photos["lon"].to_numpy(),
    )
    metrics = evaluate(predictions, data.manifest.rejected, seed=settings.seed)
    last = history.rows[-1]
    metrics["warnings"] = [
        *data.warnings,
        f"epoch {history.best_epoch} of {last.epoch} was kept for its loss on these same photos; the last "
        f"epoch reached {last.val_accuracy:.1%} of them",
    ]
    if not settings.images:
        metrics["ideal_observer"] = _ideal(data, photos["file"])
    return predictions, metrics


def _ideal(data: Data, files: Sequence[str]) -> dict[str, float]:
    """How often somebody who knows the profiles would be right: in general, and on these very scenes."""
    [root] = data.roots
    names = [Path(file).relative_to(root).as_posix() for file in files]
    certain = [posterior(cues, data.manifest.classes).max() for cues in read_cues(root, names)]
    return {"expected_accuracy": expected_accuracy(data.manifest.classes), "accuracy": float(np.mean(certain))}


def _leave(
    settings: RunSettings, data: Data, model: Any, history: History, predictions: Predictions, metrics: dict[str, Any]
) -> None:
    """Write the run folder; the page comes last, and says that the run is whole."""
    out = settings.out
    store.save(model, out / "model.keras", _card(settings, data, history, metrics))
    write_json(out / "metrics.json", metrics)
    for name, frame in (
        ("predictions.csv", predictions.frame()),
        ("split.csv", data.manifest.photos[["file", "class", "place", "split"]]),
    ):
        with atomic(out / name) as temporary:
            frame.to_csv(temporary, index=False)
    draw_figures(out / "figures", data.manifest, data.pixels, history, predictions, metrics)
    write_report(out)


def _card(settings: RunSettings, data: Data, history: History, metrics: dict[str, Any]) -> store.Card:
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
            "name": "drawn scenes" if drawn else ", ".join(root.name for root in data.roots),
            "drawn": drawn,
            "photos": {name: counts.loc[name].to_dict() for name in data.manifest.classes},
            "places": int(photos["place"].nunique()),
            "manifest_sha256": manifest_sha256(photos),
            "licence": "MIT, drawn by kangaroo" if drawn else "that of the photos' source; the model holds no photo",
        },
        metrics={key: value for key, value in metrics.items() if key != "rejected"},
        intended_use="Teaching and research: which country a street-level photo shows, among these classes only.",
        limits=(
            "Drawn scenes are caricatures: on photos this model knows nothing." if drawn else
            "Every photo is given one of the classes, also one of another country; confidence is not calibrated; "
            "figures hold for photos of the same sources."
        ),
    )


def _training(settings: RunSettings, history: History) -> dict[str, Any]:
    config = asdict(TrainConfig(settings.epochs, settings.batch_size, seed=settings.seed, precision=settings.precision))
    return {
        "command": settings.command, **config, "optimizer": "Adam", "validation_share": settings.validation,
        "kept_epoch": history.best_epoch, "seconds": round(sum(row.seconds for row in history.rows), 1),
    }


def _summary(settings: RunSettings, data: Data, metrics: dict[str, Any]) -> str:
    low, high = metrics["accuracy_ci95"]
    lines = [
        f"{metrics['n']} validation {data.subject} of unseen places: accuracy {metrics['accuracy']:.4f} "
        f"(95 % interval {low:.4f} to {high:.4f}), loss {metrics['loss']:.4f}",
        f"confidence {metrics['confidence']['mean']:.2%} on average, calibration error {metrics['ece']:.4f}",
    ]
    if ideal := metrics.get("ideal_observer"):
        lines.append(f"an ideal observer, who knows how the scenes are drawn, gets {ideal['accuracy']:.4f}")
    lines += [f"note: {warning}" for warning in metrics["warnings"]]
    return "\n".join([*lines, f"look at {settings.out / 'report.html'}", f"load {settings.out / 'model.keras'}"])


def _say(line: str) -> None:
    print(line, file=sys.stderr)
