"""``kangaroo calibrate``: make a model's confidence one to count on."""

import argparse
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kangaroo import __version__
from kangaroo.commands import MODEL_HELP, labelled_photos, load_model, name_rejected
from kangaroo.console import print_json
from kangaroo.errors import DataError
from kangaroo.evaluation.settings import CalibrationConfig

if TYPE_CHECKING:
    from kangaroo.data.manifest import Manifest
    from kangaroo.evaluation.confidence import Outcome
    from kangaroo.evaluation.elsewhere import Elsewhere
    from kangaroo.models.calibrated import Array, Calibration
    from kangaroo.models.classifier import Classifier

SUMMARY = "make a model's confidence one to count on, by labelled photos that it was not trained on"
EXAMPLE = "kangaroo calibrate runs/countries/model.keras --images photos --split runs/countries/split.csv"
DEFAULTS = CalibrationConfig()
FEW = 100  # places, below which the figures of two divisions differ much


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    add = parser.add_argument
    add("model", type=Path, metavar="MODEL", help=f"{MODEL_HELP}; the card is what changes")
    add(
        "--images",
        type=Path,
        nargs="+",
        required=True,
        metavar="DIR",
        help="photo folders or manifests (.parquet), merged by class name, of photos that the model was NOT "
        "trained on; or, with --split, of those too",
    )
    add(
        "--split",
        type=Path,
        metavar="FILE",
        help="the split.csv of the model's training: take only the photos that it held back",
    )
    add(
        "--shifted",
        type=Path,
        nargs="+",
        metavar="DIR",
        help="photos of another source, or of classes that the model does not know: how sure it is of these "
        "is shown too, and changes nothing",
    )
    _add_promises(parser)
    add("--out", type=Path, metavar="DIR", help="folder for figures, calibration.json and calibration.html")
    add("--json", action="store_true", help="print what is stored, and the figures, as JSON")


def _add_promises(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    for name, kind, text in (
        ("coverage", float, "share of photos whose set of classes shall hold the truth"),
        ("risk", float, "share of answers that may be wrong; photos that are too unsure for it get none"),
        ("share", float, "share of the places that are fitted on; the others judge what was fitted"),
        ("splits", int, "how many divisions of the places to do it again with; 0: none"),
        ("seed", int, "of the divisions; the first one is stored"),
    ):
        metavar = "N" if kind is int else "SHARE"
        default = getattr(DEFAULTS, name)
        add(f"--{name}", type=kind, default=default, metavar=metavar, help=f"{text} (default: %(default)s)")
    add(
        "--class-conditional",
        dest="by_class",
        action="store_true",
        help="keep the coverage for each class by itself, not for all photos together",
    )


def run(args: argparse.Namespace) -> None:
    """Fit on the photos of some places, judge on those of the others, and store the fit in the card."""
    names = ("coverage", "by_class", "risk", "share", "splits", "seed")
    config = CalibrationConfig(**{name: getattr(args, name) for name in names})
    classifier = load_model(args.model).uncalibrated
    classifier.require_classes()
    from kangaroo.data.manifest import manifest_sha256
    from kangaroo.evaluation.confidence import calibrate, repeat
    from kangaroo.evaluation.predictions import Predictions

    manifest, pixels = labelled_photos(
        args, classifier.classes, classifier.image_size, antialias=classifier.card.antialias
    )
    _check(manifest, classifier, args, config)
    p = classifier.probabilities(pixels)
    predictions = Predictions.of(classifier.classes, manifest.photos, p)
    outcome = calibrate(predictions, config)
    spread = repeat(predictions, config)
    others = _shifted(args, classifier, outcome.calibration, config.seed)
    found = outcome.figures() | {
        "splits": _spread(spread),
        "shifted": {name: other.figures() for name, other in others.items()},
        "share": config.share,
        "seed": config.seed,
        "data": ", ".join(sorted({root.resolve().name for root in args.images})),
        "data_sha256": manifest_sha256(manifest.photos),
        "drawn": manifest.drawn,
        "kangaroo": __version__,
    }
    if args.out:
        _leave(args.out, outcome, others, found, config)
    _store(args.model, classifier, outcome, found)
    _say(outcome, config)
    if args.json:
        rejected = [vars(bad) for bad in manifest.rejected]
        print_json(outcome.calibration.to_json() | {"found": found, "rejected": rejected})
    else:
        from kangaroo.pages.calibration import summary

        print(summary(outcome.calibration, found))


def _check(
    manifest: "Manifest", classifier: "Classifier", args: argparse.Namespace, config: CalibrationConfig
) -> None:
    """Raise DataError for photos of the model's training, and for a class without any that needs some."""
    from kangaroo.data.splits import read_split, sides_of

    split = args.model.parent / "split.csv"
    if split.is_file():
        trained = int((sides_of(manifest.photos, read_split(split)) == "training").sum())
        if trained:
            raise DataError(
                f"{split} says that the model was trained on {trained} of these photos: give "
                f"--split {split}, or other photos"
            )
    missing = set(classifier.classes) - set(manifest.photos["class"]) if config.by_class else ()
    if missing:
        raise DataError(
            f"class {min(missing)!r} has no photo to keep its coverage by: add some, or leave out "
            "--class-conditional"
        )


def _shifted(
    args: argparse.Namespace, classifier: "Classifier", calibration: "Calibration", seed: int
) -> dict[str, "Elsewhere"]:
    """The photos of ``--shifted``, of the model's classes and of others, by these names."""
    if not args.shifted:
        return {}
    from kangaroo.data.cache import decode_photos
    from kangaroo.data.dataset import read_dataset
    from kangaroo.evaluation.elsewhere import of_known, of_unknown
    from kangaroo.evaluation.predictions import Predictions

    manifest, pixels = decode_photos(
        read_dataset(args.shifted), classifier.image_size, antialias=classifier.card.antialias
    )
    name_rejected(manifest.rejected)
    photos = manifest.photos
    if photos.empty:
        raise DataError(
            f"no usable photo in {', '.join(map(str, args.shifted))}: give folders that hold some"
        )
    p = calibration.calibrated(classifier.probabilities(pixels))
    known = photos["class"].isin(classifier.classes).to_numpy()
    found = {}
    if not known.all():
        found["classes it does not know"] = of_unknown(calibration, p[~known], photos.loc[~known, "place"])
    if known.any():
        there = Predictions.of(classifier.classes, photos[known], p[known])
        found["its classes, another source"] = of_known(calibration, there, seed=seed)
    return found


def _spread(spread: Mapping[str, "Array"]) -> dict[str, dict[str, float | None]]:
    """Mean and standard deviation of each figure over the splits; None where no split has it."""
    import numpy as np

    found: dict[str, dict[str, float | None]] = {}
    for name, values in spread.items():
        there = values[np.isfinite(values)]
        mean, sd = (float(there.mean()), float(there.std())) if len(there) else (None, None)
        found[name] = {"mean": mean, "sd": sd, "splits": len(there)}
    return found


def _store(path: Path, classifier: "Classifier", outcome: "Outcome", found: Mapping[str, Any]) -> None:
    """Write the card; the calibration that it had, if any, is gone."""
    from kangaroo.models import store

    kept = {name: value for name, value in found.items() if name != "shifted"}
    calibration = outcome.calibration.to_json() | {"found": kept}
    store.write_card(path, replace(classifier.card, calibration=calibration))


def _leave(
    folder: Path,
    outcome: "Outcome",
    others: Mapping[str, "Elsewhere"],
    found: Mapping[str, Any],
    config: CalibrationConfig,
) -> None:
    """Write the figures, calibration.json and the page."""
    from kangaroo.files import write_json
    from kangaroo.pages.calibration import write_page
    from kangaroo.plots import calibration as plots
    from kangaroo.plots.style import save

    judged, sets = outcome.judged, outcome.sets
    what = "drawn scenes" if found["drawn"] else "photos"
    subject = f"{what} of {found['judged']['places']:,} places"
    before, after = outcome.before, outcome.after
    save(plots.reliability(before, after, subject=subject), folder / "reliability.png")
    figure = plots.risk_coverage(before, after, outcome.answered, subject=subject)
    save(figure, folder / "risk_coverage.png")
    save(plots.sets(sets, judged.classes, config.coverage, subject=subject), folder / "sets.png")
    if others:
        places = sum(other.places for other in others.values())
        figure = plots.elsewhere(
            judged.confidence.astype(float),
            sets.sizes.astype(float),
            others,
            outcome.calibration.least,
            subject=f"shifted photos of {places:,} places",
        )
        save(figure, folder / "shifted.png")
    write_json(folder / "calibration.json", outcome.calibration.to_json() | {"found": found})
    write_page(folder, outcome.calibration, found)


def _say(outcome: "Outcome", config: CalibrationConfig) -> None:
    """Notes on stderr about what can't be promised."""
    from kangaroo.evaluation.calibration import TEMPERATURES

    notes = []
    if outcome.fitted_places < FEW:
        notes.append(f"fitted on {outcome.fitted_places} places only: another division gives other figures")
    low, high = TEMPERATURES
    if not 2 * low < outcome.calibration.temperature < high / 2:
        notes.append("the temperature is at the end of its range: photos all right or all wrong fit none")
    if outcome.answered is None:
        notes.append(
            f"no confidence keeps the share of wrong answers at {config.risk:g} (the least that can be kept "
            f"is {outcome.lowest_risk:.2f}): nothing is stored to abstain by"
        )
    if config.by_class and not outcome.own.all():
        few = [n for n, own in zip(outcome.judged.classes, outcome.own, strict=True) if not own]
        notes.append(f"too few places for a coverage of their own, so that of all counts: {', '.join(few)}")
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
