"""A run folder as one self-contained HTML page that needs no network and no script."""

import csv
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kangaroo import page
from kangaroo.errors import DataError
from kangaroo.files import write_text

# How to read each figure. A file's stem is the key, or the key, '_' and something of its own (a class);
# the order here is the order on the page.
FIGURES: Mapping[str, tuple[str, str]] = {
    "confusion_matrix": (
        "Confusion matrix",
        "Each row holds the photos of one class, each column what the model called them. The diagonal is "
        "right; everything beside it shows which classes are taken for which.",
    ),
    "reliability": (
        "Reliability",
        "Where points lie on the diagonal, a confidence of 80 % means right four times out of five. Where "
        "they lie under it, the model is too sure of itself. Bins with few photos (below) say little.",
    ),
    "history": (
        "Training",
        "Accuracy should rise and loss fall. Where validation turns away from training, the network has "
        "begun to learn the training photos by heart. The dotted line marks the epoch that was kept.",
    ),
    "correct": ("Correct", "Random photos that the model named rightly, with its confidence."),
    "wrong": ("Wrong", "Random mistakes: the right class, what the model called it, and its confidence."),
    "unsure": ("Unsure", "The photos on which the model was least sure: what is hard about them?"),
    "photos_by_state": (
        "Photos by state",
        "Where bars differ much, the model has seen much more of some places than of others.",
    ),
    "locations": (
        "Locations",
        "Each dot is a place, each cross one without a photo. Empty stretches are landscapes that the model "
        "never saw.",
    ),
    "examples": ("Examples", "Random photos of the data set, chosen without asking the model."),
}

SCORES = (
    "Precision: of the photos that the model calls by a name, the share that is rightly called so. Recall: "
    "of the photos of a class, the share that the model finds. F1: the harmonic mean of the two."
)

HOW_TO_USE = """\
import kangaroo
classifier = kangaroo.load("model.keras")
print(classifier.predict(["photo.jpg"]))"""

Rows = Sequence[Mapping[str, str]]


def write_report(folder: Path) -> Path:
    """Write ``folder``/report.html from what a run left in ``folder``; gives the page's path.

    metrics.json is needed; model.json, history.csv, predictions.csv, split.csv and figures/*.png are shown
    where they exist. Raises DataError if metrics.json is missing or a JSON file can't be read.
    """
    metrics = _json(folder / "metrics.json")
    if not metrics:
        raise DataError(f"no metrics.json in {folder}: give the folder of a finished run")
    card = _json(folder / "model.json")
    drawn = bool(card.get("data", {}).get("drawn"))
    classes = [str(name) for name in metrics["classes"]]
    parts = (
        _result(metrics, drawn, _rows(folder / "predictions.csv")),
        page.section(
            "By class", page.paragraph(SCORES), _per_class(metrics, classes), _confusion(metrics, classes)
        ),
        page.section("Figures", _figures(folder / "figures")),
        _data(card, metrics, _rows(folder / "split.csv")),
        _training(card, _rows(folder / "history.csv")),
        _model(card),
    )
    path = folder / "report.html"
    title = f"Which country is it? {', '.join(classes)}"
    write_text(path, page.page(title, parts, "drawn scenes, not photos" if drawn else ""))
    return path


def _json(path: Path) -> dict[str, Any]:
    """A JSON object; empty if there is no such file."""
    if not path.exists():
        return {}
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise DataError(f"{path} is not a JSON object ({error}): run the experiment again") from None


def _rows(path: Path) -> Rows:
    """The rows of a CSV file; none if there is no such file."""
    if not path.exists():
        return ()
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _result(metrics: Mapping[str, Any], drawn: bool, predictions: Rows) -> str:
    """The result in one sentence, what speaks against it, and the key numbers."""
    what = "drawn validation scenes" if drawn else "validation photos"
    places = len({row["place"] for row in predictions})
    low, high = (_percent(bound) for bound in metrics["accuracy_ci95"])
    commonest = max(sum(row) for row in metrics["confusion_matrix"]) / metrics["n"]
    lead = (
        f"On {metrics['n']:,} {what} of {f'{places:,} ' if places else ''}places it has not seen, the model "
        f"names the right country for {_percent(metrics['accuracy'])} (95 % interval over places: {low} to "
        f"{high}). Always naming the commonest class would give {_percent(commonest)}."
    )
    return page.section(
        "Result",
        page.paragraph(lead, "lead"),
        page.bullets(metrics.get("warnings", ()), "warnings"),
        page.numbers(_key_numbers(metrics)),
    )


def _key_numbers(metrics: Mapping[str, Any]) -> dict[str, str]:
    confidence, ideal, geo = metrics["confidence"], metrics.get("ideal_observer"), metrics.get("geo")
    found = {
        "accuracy": _percent(metrics["accuracy"]),
        "accuracy, mean over classes (balanced)": _percent(metrics["balanced_accuracy"]),
        "mean confidence when right": _percent(confidence["correct"]),
        "mean confidence when wrong": _percent(confidence["wrong"]),
        "mean confidence": _percent(confidence["mean"]),
        "expected calibration error": _percent(metrics["ece"]),
        "Brier score": _decimal(metrics["brier"]),
        "loss: cross entropy, nats": _decimal(metrics["loss"]),
    }
    if len(metrics["classes"]) > 3:
        found["right class among the first three"] = _percent(metrics["top3_accuracy"])
    if ideal:
        found["ideal observer, who knows how the scenes are drawn"] = _percent(ideal["accuracy"])
        found["ideal observer, expected"] = _percent(ideal["expected_accuracy"])
    if geo:
        found[f"median distance error, {geo['n']:,} with coordinates"] = f"{geo['median_km']:,.0f} km"
        found["mean distance error"] = f"{geo['mean_km']:,.0f} km"
        found["mean GeoGuessr score, of 5,000"] = f"{geo['geoscore']:,.0f}"
        shares = geo["accuracy_at_km"].items()
        found |= {f"within {km} km": _percent(share) for km, share in shares if share}
    return found


def _per_class(metrics: Mapping[str, Any], classes: Sequence[str]) -> str:
    rows = [
        (name, scores["n"], *(_percent(scores[key]) for key in ("precision", "recall", "f1")))
        for name in classes
        for scores in [metrics["per_class"][name]]
    ]
    head = ("class", "photos", "precision", "recall", "F1")
    return page.table("Validation photos and scores", head, rows, numeric=True)


def _confusion(metrics: Mapping[str, Any], classes: Sequence[str]) -> str:
    rows = [(name, *counts) for name, counts in zip(classes, metrics["confusion_matrix"], strict=True)]
    table = page.table("Rows: label. Columns: prediction.", ("label", *classes), rows, numeric=True)
    return page.details("Confusion matrix in numbers", table)


def _figures(folder: Path) -> str:
    order = list(FIGURES)
    # A name that begins with a dot is a file that was never finished.
    found = [(_key(path.stem), path) for path in sorted(folder.glob("[!.]*.png"))]
    found.sort(key=lambda pair: order.index(pair[0]) if pair[0] in order else len(order))
    return page.figures(page.figure(path, *_caption(key, path.stem)) for key, path in found)


def _key(stem: str) -> str:
    return next((key for key in FIGURES if stem == key or stem.startswith(f"{key}_")), stem)


def _caption(key: str, stem: str) -> tuple[str, str]:
    title, caption = FIGURES.get(key, (stem.replace("_", " ").capitalize(), ""))
    own = stem.removeprefix(key).strip("_").replace("_", " ")
    return f"{title}: {own}" if own else title, caption


def _data(card: Mapping[str, Any], metrics: Mapping[str, Any], split: Rows) -> str:
    """How many photos and places of each class on each side of the split, and which photos were left out."""
    sides = sorted({row["split"] for row in split})
    photos = Counter((row["class"], row["split"]) for row in split)
    places = Counter(name for name, _ in {(row["class"], row["place"]) for row in split})
    names = metrics["classes"] if split else ()
    rows = [(name, *(photos[name, side] for side in sides), places[name]) for name in names]
    rejected = [(item["file"], item["reason"]) for item in metrics.get("rejected", ())]
    left_out = page.table("Photos left out, and why", ("file", "reason"), rejected)
    return page.section(
        "Data",
        page.table("Photos by class and split.", ("class", *sides, "places"), rows, numeric=True),
        page.details(f"Photos left out: {len(rejected):,}", left_out),
        page.table("About the data set", ("what", "value"), _facts(card.get("data", {}))),
    )


def _training(card: Mapping[str, Any], history: Rows) -> str:
    settings = dict(card.get("training", {}))
    command = settings.pop("command", "")
    head = tuple(history[0]) if history else ()
    epochs = [tuple(_short(value) for value in row.values()) for row in history]
    table = page.table("Loss in nats, accuracy as a share, time in seconds.", head, epochs, numeric=True)
    return page.section(
        "Training",
        page.code(str(command)) if command else "",
        page.table("Settings", ("setting", "value"), _facts(settings)),
        page.details(f"All {len(epochs)} epochs", table),
    )


def _model(card: Mapping[str, Any]) -> str:
    """How to use the model file, and what its card says beyond training, data and metrics."""
    if not card:
        return ""
    facts = {key: value for key, value in card.items() if key not in ("training", "data", "metrics")}
    table = page.table("The model's card", ("what", "value"), _facts(facts))
    return page.section("The model file", page.code(HOW_TO_USE), table)


def _facts(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name.replace("_", " "), _text(value)) for name, value in values.items()]


def _text(value: Any) -> str:
    """A value of a card as a reader would write it."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(
            f"{name} ({_text(inner)})" if isinstance(inner, Mapping) else f"{name}: {_text(inner)}"
            for name, inner in value.items()
        )
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(_text, value))
    return f"{value:,}" if isinstance(value, int) else str(value)


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f}\N{NO-BREAK SPACE}%"


def _decimal(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _short(value: str) -> str:
    """A number of a CSV file without digits that nobody reads."""
    return f"{float(value):.4g}" if "." in value else value
