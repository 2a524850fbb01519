"""What a trained network is worth, and the run folder that says so."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pandas as pd
from keras import Model
from matplotlib.figure import Figure

from kangaroo.data.lists import list_sha256
from kangaroo.data.manifest import manifest_sha256
from kangaroo.files import atomic, write_json, write_text
from kangaroo.geo.cells import to_geojson
from kangaroo.models import store
from kangaroo.models.card import Card
from kangaroo.models.precision import resolve
from kangaroo.runs.figures import augmentation_figure, training_figures, write_figures
from kangaroo.runs.judgements import CellJudgement, Judgement
from kangaroo.runs.photos import Data, ideal_observer
from kangaroo.runs.settings import TrainSettings
from kangaroo.runs.tasks import Task
from kangaroo.training import History

# What a run leaves beside its figures, and fit() doesn't clear by itself.
FILES = (
    "model.json",
    "metrics.json",
    "predictions.csv",
    "split.csv",
    "report.html",
    "cells.geojson",
    "neighbourhood.html",
)
INTENDED_USE = "Teaching and research: where a street-level photo was taken."
DRAWN_LIMITS = "Learned from drawn scenes, which are caricatures: of photos this model knows nothing."
PHOTO_LIMITS = (
    "Any photo is given one of the classes, or a place among those of the training photos, also one from "
    "elsewhere. The confidence is calibrated only where the field calibration is filled. The figures hold "
    "for photos of the same sources."
)


def judge(model: Model, history: History, data: Data, task: Task, settings: TrainSettings) -> Judgement:
    """Let the model, as it is saved, look at the validation photos, and at the test photos if there are."""
    how: dict[str, Any] = {"seed": settings.data.seed, "map_km": settings.map_km}
    judgement = task.judge(model, data, "validation", **how)
    metrics, last = judgement.metrics, history.rows[-1]
    metrics["rejected"] = [asdict(photo) for photo in data.manifest.rejected]
    metrics["warnings"] = [
        *data.warnings,
        *task.notes(data),
        f"epoch {history.best_epoch} of {last.epoch} was kept because it is best on these same "
        f"{data.subject}; the last epoch {judgement.of_epoch(last.val_measured)}",
    ]
    if len(data.rows("test")):
        test = task.judge(model, data, "test", **how)
        metrics["test"] = test.beside
        metrics["warnings"].append(
            f"of {test.metrics['n']} test {data.subject}, by which nothing was chosen, {test.in_short()}"
        )
    if task.observable(data):
        metrics["ideal_observer"] = ideal_observer(data, data.rows("validation"))
    return judgement


def leave(
    settings: TrainSettings, data: Data, task: Task, model: Model, history: History, judgement: Judgement
) -> None:
    """Write the run folder, except its page, which comes last and says that the run is whole."""
    out = settings.data.out
    store.save(model, out / "model.keras", card(settings, data, task, model, history, judgement.metrics))
    write_json(out / "metrics.json", judgement.metrics)
    for name, frame in (
        ("predictions.csv", judgement.frame()),
        ("split.csv", data.manifest.photos[["file", "class", "place", "split"]]),
    ):
        with atomic(out / name) as temporary:
            frame.to_csv(temporary, index=False)
    write_figures(out / "figures", _figures(settings, data, task, history, judgement))
    if isinstance(judgement, CellJudgement):
        write_text(out / "cells.geojson", to_geojson(judgement.cells, judgement.number))


def _figures(
    settings: TrainSettings, data: Data, task: Task, history: History, judgement: Judgement
) -> dict[str, Figure]:
    figures = dict(training_figures(data, history, task.loss_unit)) | dict(judgement.figures(data))
    if settings.augmentation:
        figures["augmentation"] = augmentation_figure(data, settings.augmentation, settings.data.seed)
    return figures


def card(
    settings: TrainSettings,
    data: Data,
    task: Task,
    model: Model,
    history: History,
    metrics: Mapping[str, Any],
) -> Card:
    """What the model's card says."""
    photos, photo_list = data.manifest.photos, settings.data.photo_list
    counts = pd.crosstab(photos["class"], photos["split"])
    drawn = data.manifest.drawn
    return Card(
        classes=task.classes,
        image_size=settings.data.image_size,
        input=store.input_of(model),
        task=task.description,
        training=_training(settings, history),
        data={
            "name": "drawn scenes" if drawn else ", ".join(root.resolve().name for root in data.roots),
            "drawn": drawn,
            "photos": {name: counts.loc[name].to_dict() for name in data.manifest.classes},
            "places": int(photos["place"].nunique()),
            "manifest_sha256": manifest_sha256(photos),
            "licence": "MIT, drawn by kangaroo" if drawn else "that of the photos' source",
            **({"list_sha256": list_sha256(photo_list)} if photo_list else {}),
        },
        metrics={key: value for key, value in metrics.items() if key != "rejected"},
        intended_use=INTENDED_USE,
        limits=DRAWN_LIMITS if drawn else PHOTO_LIMITS,
        places=task.decoder.to_json() if task.decoder else {},
    )


def _training(settings: TrainSettings, history: History) -> dict[str, Any]:
    return {
        "command": settings.run.command,
        **asdict(settings.training),
        "precision": resolve(settings.training.precision),
        **settings.record,
        "validation_share": None if settings.data.split else settings.data.validation,
        "kept_epoch": history.best_epoch,
        "seconds": round(sum(row.seconds for row in history.rows), 1),
    }
