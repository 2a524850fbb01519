"""What a run found out: a sentence or two, key numbers, distances, and the scores of each class."""

from collections.abc import Mapping, Sequence
from typing import Any

from kangaroo.pages import elements
from kangaroo.pages.text import decimal, kilometres, percent, words

SCORES = (
    "Precision: of the photos that the model calls by a name, the share that is rightly called so. Recall: "
    "of the photos of a class, the share that the model finds. F1: the harmonic mean of the two."
)
MANY = 50
"""More classes are shown on demand only, and have no confusion matrix in numbers."""

Metrics = Mapping[str, Any]


def result(metrics: Metrics, *, drawn: bool, on_places: bool, places: int) -> str:
    """The result in a sentence or two, what speaks against it, and the key numbers.

    ``metrics`` are those of metrics.json. ``on_places``: the model says where, not only which country.
    ``places``: of how many places the photos are, 0 if that is unknown.
    """
    what = "drawn validation scenes" if drawn else "validation photos"
    lead = f"On {metrics['n']:,} {what} of {f'{places:,} ' if places else ''}places it has not seen, "
    if "accuracy" in metrics:
        lead += f"the model names the right {'class' if on_places else 'country'} for {_named(metrics)}"
    if "geo" in metrics and on_places:
        lead += f" {_placed(metrics, 'its')}" if "accuracy" in metrics else _placed(metrics, "the model's")
    return elements.section(
        "Result",
        elements.paragraph(lead, "lead"),
        elements.bullets(metrics.get("warnings", ()), "warnings"),
        elements.numbers(_key_numbers(metrics)),
    )


def distances(metrics: Metrics) -> str:
    """How far off the model is, beside answers that are the same for each photo; '' without distances."""
    if "geo" not in metrics:
        return ""
    geo, trivial = metrics["geo"], metrics["geo"].get("trivial", {})
    answers = [geo, *trivial.values()]
    rows = [
        ("median", *(kilometres(answer["median_km"]) for answer in answers)),
        ("mean", *(kilometres(answer["mean_km"]) for answer in answers)),
        *(
            (f"within {int(level):,} km", *(percent(answer["accuracy_at_km"][level]) for answer in answers))
            for level in geo["accuracy_at_km"]
        ),
        ("mean GeoGuessr score", *(f"{answer['geoscore']:,.0f}" for answer in answers)),
    ]
    if geo.get("weighted_km") is not None:
        rows.append(("right to wrong class", kilometres(geo["weighted_km"]), *["–"] * len(trivial)))
    head = ("distance from the truth", "model", *(words(name) for name in trivial))
    table = elements.table(f"{geo['n']:,} photos with coordinates.", head, rows, numeric=True)
    return elements.section("Distances", elements.paragraph(_how_measured(geo)), table)


def by_class(metrics: Metrics) -> str:
    """The scores of each class, and which is taken for which; '' without classes."""
    if "classes" not in metrics:
        return ""
    classes = metrics["classes"]
    scores = _per_class(metrics, classes)
    if len(classes) > MANY:
        shown = elements.details(f"All {len(classes)} classes", scores)
    else:
        shown = scores + _confusion(metrics, classes)
    return elements.section("By class", elements.paragraph(SCORES), shown)


def _named(metrics: Metrics) -> str:
    low, high = (percent(bound) for bound in metrics["accuracy_ci95"])
    commonest = max(sum(row) for row in metrics["confusion_matrix"]) / metrics["n"]
    return (
        f"{percent(metrics['accuracy'])} (95 % interval over places: {low} to {high}). Always naming the "
        f"commonest class would give {percent(commonest)}."
    )


def _placed(metrics: Metrics, whose: str) -> str:
    geo, trivial = metrics["geo"], metrics["geo"].get("trivial", {})
    known = "" if geo["n"] == metrics["n"] else f", for the {geo['n']:,} photos with coordinates"
    low, high = (kilometres(bound) for bound in geo["median_km_ci95"])
    if geo["median_km"]:
        key, found = "median_km", f"Half of {whose} guesses are within {kilometres(geo['median_km'])} of the "
        found += f"truth{known} (95 % interval over places: {low} to {high})."
    else:  # most are right to the metre: the photos count as taken at the point of their class
        key, found = "mean_km", f"On average {whose} guesses are {kilometres(geo['mean_km'])} from the "
        found += f"truth{known}."
    if trivial:
        names = " or the ".join(words(name) for name in trivial)
        errors = " or ".join(kilometres(answer[key]) for answer in trivial.values())
        found += f" Always guessing the {names} would give {errors}."
    return found if "accuracy" in metrics else found[0].lower() + found[1:]


def _how_measured(geo: Metrics) -> str:
    text = "Along the surface of the globe."
    if geo.get("trivial"):
        names = " or the ".join(words(name) for name in geo["trivial"])
        text += f" Beside the model: always guessing the {names} of the training photos."
    if scale := geo.get("geoscore_scale_km"):
        text += f" The GeoGuessr score is 5,000 exp(−distance / {kilometres(scale)})."
    if geo.get("weighted_km") is not None:
        text += " Right to wrong class: between their points, averaged over mistakes and then over classes."
    return text


def _key_numbers(metrics: Metrics) -> dict[str, str]:
    ideal, geo = metrics.get("ideal_observer"), metrics.get("geo")
    found = _class_numbers(metrics) if "accuracy" in metrics else {}
    if ideal:
        found["ideal observer, who knows how the scenes are drawn"] = percent(ideal["accuracy"])
        found["ideal observer, expected"] = percent(ideal["expected_accuracy"])
    return found | (_distance_numbers(geo) if geo else {})


def _class_numbers(metrics: Metrics) -> dict[str, str]:
    confidence = metrics["confidence"]
    found = {
        "accuracy": percent(metrics["accuracy"]),
        "accuracy, mean over classes (balanced)": percent(metrics["balanced_accuracy"]),
        "mean confidence when right": percent(confidence["correct"]),
        "mean confidence when wrong": percent(confidence["wrong"]),
        "mean confidence": percent(confidence["mean"]),
        "expected calibration error": percent(metrics["ece"]),
        "Brier score": decimal(metrics["brier"]),
        "loss: cross entropy, nats": decimal(metrics["loss"]),
    }
    if len(metrics["classes"]) > 3:
        found["right class among the first three"] = percent(metrics["top3_accuracy"])
    return found


def _distance_numbers(geo: Metrics) -> dict[str, str]:
    interval = " to ".join(kilometres(bound) for bound in geo.get("median_km_ci95", ()))
    name = f"median distance error{f' (95 % interval {interval})' if interval else ''}"
    found = {name: kilometres(geo["median_km"])} if geo["median_km"] else {}
    found["mean distance error"] = kilometres(geo["mean_km"])
    shares = geo["accuracy_at_km"]
    # In a city every guess is within 200 km, which says nothing.
    for level in [level for level in ("200", "25", "1") if shares.get(level, 1) < 1][:1]:
        found[f"guessed within {level} km"] = percent(shares[level])
    return found | {"mean GeoGuessr score, of 5,000": f"{geo['geoscore']:,.0f}"}


def _per_class(metrics: Metrics, classes: Sequence[str]) -> str:
    rows = [
        (name, scores["n"], *(percent(scores[key]) for key in ("precision", "recall", "f1")))
        for name in classes
        for scores in [metrics["per_class"][name]]
    ]
    head = ("class", "photos", "precision", "recall", "F1")
    return elements.table("Validation photos and scores", head, rows, numeric=True)


def _confusion(metrics: Metrics, classes: Sequence[str]) -> str:
    rows = [(name, *counts) for name, counts in zip(classes, metrics["confusion_matrix"], strict=True)]
    table = elements.table("Rows: label. Columns: prediction.", ("label", *classes), rows, numeric=True)
    return elements.details("Confusion matrix in numbers", table)
