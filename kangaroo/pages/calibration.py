"""What a calibration found out, in lines, and as one self-contained HTML page."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kangaroo.files import write_text
from kangaroo.models.calibrated import Calibration
from kangaroo.pages import elements
from kangaroo.pages.text import decimal, percent

FIGURES: Mapping[str, tuple[str, str]] = {
    "reliability": (
        "Reliability",
        "Where points lie on the diagonal, a confidence of 80 % means right four times out of five. Lines up "
        "and down are 95 % intervals: bins with few photos (below) say little. A perfectly calibrated model "
        "would not show an error of 0 either, but that by chance.",
    ),
    "risk_coverage": (
        "Wrong answers if the unsure are left out",
        "The further left, the fewer photos are answered, the surest first. The lower the line, the better "
        "the model knows what it does not know. No answer can be better than the ideal order.",
    ),
    "sets": (
        "Sets",
        "How many classes a photo's set has, and how often it holds the truth. The share that was asked for "
        "is kept for all photos together; for a single class only if that was asked for.",
    ),
    "shifted": (
        "What calibration does not promise",
        "How sure the model is of photos from elsewhere. Of classes that it does not know every answer is "
        "wrong, however sure, and every set misses the truth: calibration holds for photos like those "
        "fitted on.",
    ),
}


NAMES: Mapping[str, str] = {
    "ece": "expected calibration error",
    "ece_by_chance": "the same of a perfectly calibrated model",
    "ece_by_chance_p95": "the same, 95th percentile",
    "debiased_error": "calibration error without noise",
    "brier": "Brier score",
    "loss": "loss",
    "aurc": "area under the risk-coverage curve",
    "excess_aurc": "in excess of the ideal order",
}

IN_DIVISIONS: Mapping[str, str] = {
    "temperature": "temperature",
    "ece_before": "expected calibration error before",
    "ece": "expected calibration error after",
    "ece_by_chance": NAMES["ece_by_chance"],
    "squared_error_before": "squared error without noise before",
    "squared_error": "squared error without noise after",
    "brier_before": "Brier score before",
    "brier": "Brier score after",
    "aurc": NAMES["aurc"],
    "coverage": "coverage of the sets",
    "set_size": "classes in a set",
    "answered": "share of photos answered",
    "risk": "share of answers that are wrong",
}


def summary(calibration: Calibration, found: Mapping[str, Any]) -> str:
    """What was found out, in lines; ``found`` is what ``kangaroo calibrate`` stores in the card."""
    fitted, judged, sets = found["fitted"], found["judged"], found["sets"]
    low, high = sets["coverage_ci95"]
    lines = [
        f"fitted on {fitted['photos']:,} photos of {fitted['places']:,} places, judged on "
        f"{judged['photos']:,} of {judged['places']:,}: accuracy {found['accuracy']:.4f}",
        f"temperature {calibration.temperature:.4f}",
        f"{'':42}{'before':>8}{'after':>8}",
        *(f"{text:42}{found['before'][key]:8.4f}{found['after'][key]:8.4f}" for key, text in NAMES.items()),
        f"sets for {calibration.coverage:.4g}: {sets['coverage']:.4f} hold the truth (95 % interval "
        f"{low:.4f} to {high:.4f}), {sets['mean_size']:.2f} classes on average",
    ]
    if answered := found["answered"]:
        wrong = "" if answered["risk"] is None else f", {answered['risk']:.4f} of the answers wrong"
        lines.append(
            f"answers beyond a confidence of {calibration.least:.4f}: {answered['share']:.4f} of the photos"
            f"{wrong} (asked for: {calibration.risk:g} at most, which is 90 % certain)"
        )
    if splits := found["splits"]:
        lines.append(_mean_of(splits))
    return "\n".join([*lines, *(_line(name, other) for name, other in found["shifted"].items())])


def _mean_of(splits: Mapping[str, Mapping[str, Any]]) -> str:
    mean = {name: values["mean"] for name, values in splits.items()}
    return (
        f"mean of {splits['ece']['splits']} divisions: expected calibration error {mean['ece_before']:.4f} "
        f"before, {mean['ece']:.4f} after (perfect: {mean['ece_by_chance']:.4f}; without noise "
        f"{max(mean['squared_error'], 0) ** 0.5:.4f}), coverage {mean['coverage']:.4f} by "
        f"{mean['set_size']:.2f} classes"
    )


def _line(name: str, figures: Mapping[str, Any]) -> str:
    line = (
        f"elsewhere, {name}: {figures['photos']:,} photos of {figures['places']:,} places, mean confidence "
        f"{figures['mean_confidence']:.4f}, {figures['mean_set_size']:.2f} classes in a set"
    )
    if figures["abstained"] is not None:
        line += f", {figures['abstained']:.4f} without an answer"
    if "ece" in figures:
        line += f", expected calibration error {figures['ece']:.4f}, coverage {figures['coverage']:.4f}"
    return line


def write_page(folder: Path, calibration: Calibration, found: Mapping[str, Any]) -> Path:
    """Write ``folder``/calibration.html from the figures (PNG) in it; gives the page's path.

    ``found`` is what ``kangaroo calibrate`` stores in the card.
    """
    pictures = [
        elements.figure(folder / f"{stem}.png", *text)
        for stem, text in FIGURES.items()
        if (folder / f"{stem}.png").exists() and (stem != "shifted" or found["shifted"])
    ]
    parts = (
        elements.paragraph(_lead(calibration, found), "lead"),
        elements.numbers(_numbers(calibration, found)),
        elements.section("Before and after", _before_and_after(found)),
        elements.section("Figures", elements.figures(pictures)),
        elements.section("Other divisions of the places", _splits(found["splits"])),
        elements.section("Photos from elsewhere", _shifted(found["shifted"])),
    )
    path = folder / "calibration.html"
    badge = "drawn scenes, not photos" if found["drawn"] else ""
    write_text(path, elements.page("How sure is it really?", parts, badge))
    return path


def _lead(calibration: Calibration, found: Mapping[str, Any]) -> str:
    fitted, judged, sets = found["fitted"], found["judged"], found["sets"]
    lead = (
        f"Fitted on {fitted['photos']:,} photos of {fitted['places']:,} places, judged on "
        f"{judged['photos']:,} of {judged['places']:,} others. Sets of {sets['mean_size']:.2f} classes on "
        f"average hold the truth for {percent(sets['coverage'])} of the photos; "
        f"{percent(calibration.coverage)} were asked for."
    )
    if not (answered := found["answered"]):
        return lead + " No confidence keeps the share of wrong answers low enough to abstain by."
    return lead + (
        f" If only photos with a confidence beyond {calibration.least:.3f} are answered, that is "
        f"{percent(answered['share'])} of them, {percent(answered['risk'])} of the answers are wrong, in "
        f"place of {percent(1 - found['accuracy'])}."
    )


def _numbers(calibration: Calibration, found: Mapping[str, Any]) -> dict[str, str]:
    after = found["after"]
    return {
        "temperature": decimal(calibration.temperature),
        "expected calibration error": percent(after["ece"]),
        "the same of a perfectly calibrated model": percent(after["ece_by_chance"]),
        "calibration error without noise": percent(after["debiased_error"]),
        "coverage of the sets": percent(found["sets"]["coverage"]),
        "classes in a set": f"{found['sets']['mean_size']:.2f}",
    }


def _before_and_after(found: Mapping[str, Any]) -> str:
    before, after = found["before"], found["after"]
    rows = [(text, decimal(before[key]), decimal(after[key])) for key, text in NAMES.items()]
    return elements.table("On the judged photos.", ("figure", "before", "after"), rows, numeric=True)


def _splits(splits: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [
        (IN_DIVISIONS[name], decimal(values["mean"]), decimal(values["sd"]), values["splits"])
        for name, values in splits.items()
    ]
    words = "Fitted and judged again, each time on other places; sd: standard deviation."
    return elements.table(words, ("figure", "mean", "sd", "divisions"), rows, numeric=True)


def _shifted(shifted: Mapping[str, Mapping[str, Any]]) -> str:
    keys = ("photos", "places", "mean_confidence", "mean_set_size", "abstained", "ece", "coverage")
    rows = [(name, *(_cell(figures.get(key)) for key in keys)) for name, figures in shifted.items()]
    head = ("photos of", *(key.replace("_", " ") for key in keys))
    return elements.table("What the calibrated model says of them.", head, rows, numeric=True)


def _cell(value: float | None) -> str:
    return f"{value:,}" if isinstance(value, int) else decimal(value)
