"""What a trained network is worth, and the run folder that says so."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from keras import Model
from matplotlib.figure import Figure

from kangaroo.data.lists import list_sha256
from kangaroo.data.manifest import manifest_sha256
from kangaroo.evaluation.geolocation import Guesses
from kangaroo.evaluation.metrics import evaluate, evaluate_places
from kangaroo.evaluation.predictions import Predictions
from kangaroo.files import atomic, write_json
from kangaroo.geo.decoders import ClassPoints
from kangaroo.geo.distance import WORLD_KM
from kangaroo.models import store
from kangaroo.models.card import Card
from kangaroo.models.classifier import outputs, probabilities
from kangaroo.models.precision import resolve
from kangaroo.pages.run import write_report
from kangaroo.runs.figures import class_figures, training_figures, write_figures
from kangaroo.runs.map_figures import augmentation_figure, place_figures, write_cells
from kangaroo.runs.photos import Data, ideal_observer
from kangaroo.runs.settings import ClassificationSettings, PlaceSettings
from kangaroo.runs.tasks import Task, located, notes
from kangaroo.scenes.profiles import PROFILES
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
SIDE_FIGURES = ("n", "accuracy", "accuracy_ci95", "balanced_accuracy", "loss", "geo")
INTENDED_USE = "Teaching and research: where a street-level photo was taken."
DRAWN_LIMITS = "Learned from drawn scenes, which are caricatures: of photos this model knows nothing."
PHOTO_LIMITS = (
    "Any photo is given one of the classes, or a place among those of the training photos, also one from "
    "elsewhere. The confidence is calibrated only where the field calibration is filled. The figures hold "
    "for photos of the same sources."
)


@dataclass(frozen=True, eq=False)
class Verdict:
    """What the network says of the validation photos, ``predictions`` if it names classes and ``guesses`` if
    they have places, and the figures of metrics.json."""

    predictions: Predictions | None
    guesses: Guesses | None
    metrics: dict[str, Any]

    def frame(self) -> pd.DataFrame:
        """The rows of predictions.csv."""
        frames = [part.frame() for part in (self.predictions, self.guesses) if part]
        first, *others = frames
        return first.join([other.drop(columns=["file", "place"]) for other in others]) if others else first


def judge(
    model: Model, history: History, data: Data, task: Task, settings: ClassificationSettings
) -> Verdict:
    """Let the model, as it is saved, look at the validation photos, and evaluate."""
    verdict = _judge(model, data, task, settings, "validation")
    metrics, last = verdict.metrics, history.rows[-1]
    metrics["rejected"] = [asdict(photo) for photo in data.manifest.rejected]
    metrics["warnings"] = [
        *data.warnings,
        *notes(task, data),
        f"epoch {history.best_epoch} of {last.epoch} was kept because it is best on these same "
        f"{data.subject}; the last epoch {_as_said(task, last)}",
    ]
    if len(data.rows("test")):
        found = _judge(model, data, task, settings, "test").metrics
        metrics["test"] = {key: found[key] for key in SIDE_FIGURES if key in found}
        metrics["warnings"].append(_of_test(found, data))
    known = data.manifest.drawn and not data.colour_cue  # the observer looks at no colours
    if known and task.cells is None and task.classes and set(data.manifest.classes) <= set(PROFILES):
        metrics["ideal_observer"] = ideal_observer(data, data.rows("validation"))
    return verdict


def _judge(model: Model, data: Data, task: Task, settings: ClassificationSettings, side: str) -> Verdict:
    rows = data.rows(side)
    photos = data.manifest.photos.iloc[rows]
    map_km = settings.map_km if isinstance(settings, PlaceSettings) else WORLD_KM
    how: dict[str, Any] = {"seed": settings.seed, "trivial": task.trivial, "map_km": map_km}
    if task.index is None:
        assert task.places
        said = Guesses.of(photos, *task.places.decode(outputs(model, data.pixels, rows)))
        return Verdict(None, said, evaluate_places(said, **how))
    points = task.places if isinstance(task.places, ClassPoints) else None
    named = photos.assign(**{"class": np.array(task.classes, dtype=object)[task.index[rows]]})
    predictions = Predictions.of(
        task.classes, located(named, task.index[rows], task.places), probabilities(model, data.pixels, rows)
    )
    guesses = Guesses.of_classes(predictions, points) if points else None
    return Verdict(predictions, guesses, evaluate(predictions, points=points, **how))


def leave(
    settings: ClassificationSettings, data: Data, task: Task, model: Model, history: History, verdict: Verdict
) -> None:
    """Write the run folder; the page comes last, and says that the run is whole."""
    out = settings.out
    store.save(model, out / "model.keras", card(settings, data, task, model, history, verdict.metrics))
    write_json(out / "metrics.json", verdict.metrics)
    for name, frame in (
        ("predictions.csv", verdict.frame()),
        ("split.csv", data.manifest.photos[["file", "class", "place", "split"]]),
    ):
        with atomic(out / name) as temporary:
            frame.to_csv(temporary, index=False)
    write_figures(out / "figures", _figures(settings, data, task, history, verdict))
    write_cells(out, data, task, verdict.predictions)
    write_report(out)


def _figures(
    settings: ClassificationSettings, data: Data, task: Task, history: History, verdict: Verdict
) -> dict[str, Figure]:
    figures = dict(training_figures(data, history, task.loss_unit))
    if verdict.predictions:
        confusion = np.array(verdict.metrics["confusion_matrix"])
        figures |= class_figures(data, verdict.predictions, confusion)
    if isinstance(settings, PlaceSettings):
        figures |= place_figures(data, task, verdict.predictions, verdict.guesses)
        if settings.augmentation:
            figures["augmentation"] = augmentation_figure(data, settings.augmentation, settings.seed)
    return figures


def card(
    settings: ClassificationSettings,
    data: Data,
    task: Task,
    model: Model,
    history: History,
    metrics: dict[str, Any],
) -> Card:
    """What the model's card says."""
    photos = data.manifest.photos
    counts = pd.crosstab(photos["class"], photos["split"])
    drawn = data.manifest.drawn
    return Card(
        classes=task.classes,
        image_size=settings.image_size,
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
            **({"list_sha256": list_sha256(settings.photo_list)} if settings.photo_list else {}),
        },
        metrics={key: value for key, value in metrics.items() if key != "rejected"},
        intended_use=INTENDED_USE,
        limits=DRAWN_LIMITS if drawn else PHOTO_LIMITS,
        places=task.places.to_json() if task.places else {},
    )


def _training(settings: ClassificationSettings, history: History) -> dict[str, Any]:
    return {
        "command": settings.command,
        **asdict(settings.training),
        "precision": resolve(settings.training.precision),
        **settings.record,
        "validation_share": None if settings.split else settings.validation,
        "kept_epoch": history.best_epoch,
        "seconds": round(sum(row.seconds for row in history.rows), 1),
    }


def summary(settings: ClassificationSettings, data: Data, metrics: dict[str, Any]) -> str:
    """What the console shows."""
    lines = []
    if "accuracy" in metrics:
        low, high = metrics["accuracy_ci95"]
        lines += [
            f"{metrics['n']} validation {data.subject} of unseen places: accuracy {metrics['accuracy']:.4f} "
            f"(95 % interval {low:.4f} to {high:.4f}), loss {metrics['loss']:.4f}",
            f"confidence {metrics['confidence']['mean']:.2%} on average, calibration error "
            f"{metrics['ece']:.4f}",
        ]
    if isinstance(settings, PlaceSettings) and (geo := metrics.get("geo")):
        low, high = geo["median_km_ci95"]
        lines.append(
            f"median distance {geo['median_km']:,.1f} km (95 % interval {low:,.1f} to {high:,.1f}), mean "
            f"{geo['mean_km']:,.1f} km, GeoGuessr score {geo['geoscore']:,.0f}"
        )
        lines += [
            f"always the {name.replace('_', ' ')}: median {answer['median_km']:,.1f} km, mean "
            f"{answer['mean_km']:,.1f} km, score {answer['geoscore']:,.0f}"
            for name, answer in geo.get("trivial", {}).items()
        ]
    if ideal := metrics.get("ideal_observer"):
        lines.append(f"an ideal observer, who knows how the scenes are drawn, gets {ideal['accuracy']:.4f}")
    lines += [f"note: {warning}" for warning in metrics["warnings"]]
    return "\n".join(
        [*lines, f"look at {settings.out / 'report.html'}", f"load {settings.out / 'model.keras'}"]
    )


def _as_said(task: Task, last: Any) -> str:
    """How good the last epoch is, which nobody chose."""
    if task.index is None:
        return f"is {last.val_measured:,.1f} km off on average"
    return f"names {100 * last.val_measured:.1f} % of them rightly"


def _of_test(found: dict[str, Any], data: Data) -> str:
    text = f"of {found['n']} test {data.subject}, by which nothing was chosen,"
    if "accuracy" in found:
        low, high = (100 * bound for bound in found["accuracy_ci95"])
        return (
            f"{text} it names {100 * found['accuracy']:.1f} % "
            f"rightly (95 % interval {low:.1f} to {high:.1f} %)"
        )
    geo = found["geo"]
    low, high = geo["median_km_ci95"]
    return f"{text} half are within {geo['median_km']:,.1f} km (95 % interval {low:,.1f} to {high:,.1f})"
