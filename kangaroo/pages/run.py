"""A run folder as one self-contained HTML page that needs no network and no script."""

import csv
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kangaroo.errors import DataError
from kangaroo.files import write_text
from kangaroo.pages import cells, elements
from kangaroo.pages.run_figures import NEIGHBOURHOOD, figures
from kangaroo.pages.run_result import MANY, by_class, distances, result
from kangaroo.pages.text import facts, short
from kangaroo.runs.judgements import CellJudgement

if TYPE_CHECKING:
    from kangaroo.runs.train import TrainedRun

HOW_TO_USE = """\
import kangaroo
classifier = kangaroo.load("model.keras")
print(classifier.predict(["photo.jpg"]))"""

Rows = Sequence[Mapping[str, str]]

SAID = ("training", "data", "metrics", "places", "calibration")
"""What of a card is told elsewhere, or is numbers for the machine."""


def write_pages(run: "TrainedRun") -> Path:
    """Write the pages of a run that has just ended; gives the path of report.html, which comes last."""
    judgement, data = run.judgement, run.data
    if isinstance(judgement, CellJudgement):
        cells.write_page(
            run.out / NEIGHBOURHOOD,
            judgement.cells,
            judgement.predictions.labels,
            judgement.predictions.probabilities,
            subject=f"validation {data.subject}",
            badge=f"{data.subject}, not photos" if data.manifest.drawn else "",
        )
    return write_report(run.out)


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
    on_places = bool(card.get("places")) or "classes" not in metrics
    places = len({row["place"] for row in _rows(folder / "predictions.csv")})
    parts = (
        result(metrics, drawn=drawn, on_places=on_places, places=places),
        distances(metrics),
        by_class(metrics),
        figures(folder),
        _data(card, metrics, _rows(folder / "split.csv")),
        _training(card, _rows(folder / "history.csv")),
        _model(card),
    )
    path = folder / "report.html"
    title = "Where is it?" if on_places else f"Which country is it? {', '.join(metrics['classes'])}"
    write_text(path, elements.page(title, parts, "drawn scenes, not photos" if drawn else ""))
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


def _data(card: Mapping[str, Any], metrics: Mapping[str, Any], split: Rows) -> str:
    """How many photos and places of each class on each side of the split, and which photos were left out."""
    rejected = [(item["file"], item["reason"]) for item in metrics.get("rejected", ())]
    left_out = elements.table("Photos left out, and why", ("file", "reason"), rejected)
    return elements.section(
        "Data",
        _sides(metrics.get("classes", ()), split),
        elements.details(f"Photos left out: {len(rejected):,}", left_out),
        elements.table("About the data set", ("what", "value"), facts(card.get("data", {}))),
    )


def _sides(classes: Sequence[str], split: Rows) -> str:
    """Photos by class and side, in the order of the model's ``classes`` and, if it has none, by name."""
    sides = sorted({row["split"] for row in split})
    photos = Counter((row["class"], row["split"]) for row in split)
    places = Counter(name for name, _ in {(row["class"], row["place"]) for row in split})
    order = {name: i for i, name in enumerate(classes)}
    names = sorted(places, key=lambda name: (order.get(name, len(order)), name))
    rows = [(name, *(photos[name, side] for side in sides), places[name]) for name in names]
    table = elements.table("Photos by class and split.", ("class", *sides, "places"), rows, numeric=True)
    return elements.details(f"Photos of {len(rows)} classes", table) if len(rows) > MANY else table


def _training(card: Mapping[str, Any], history: Rows) -> str:
    settings = dict(card.get("training", {}))
    command = settings.pop("command", "")
    head = tuple(history[0]) if history else ()
    epochs = [tuple(short(value) for value in row.values()) for row in history]
    units = "Loss, mean distance in km" if "km" in head else "Loss in nats, accuracy as a share"
    table = elements.table(f"{units}, time in seconds.", head, epochs, numeric=True)
    return elements.section(
        "Training",
        elements.code(str(command)) if command else "",
        elements.table("Settings", ("setting", "value"), facts(settings)),
        elements.details(f"All {len(epochs)} epochs", table),
    )


def _model(card: Mapping[str, Any]) -> str:
    """How to use the model file, and what its card says that isn't said above or a list of points."""
    if not card:
        return ""
    left = {name: card[name] for name in card if name not in SAID}
    table = elements.table("The model's card", ("what", "value"), facts(left))
    return elements.section("The model file", elements.code(HOW_TO_USE), table)
