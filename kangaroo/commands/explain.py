"""``kangaroo explain``: what in photos speaks for the model's answer."""

import argparse
import sys
from dataclasses import fields
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kangaroo.commands import MODEL_HELP, load_model, name_rejected
from kangaroo.console import print_json
from kangaroo.errors import DataError
from kangaroo.explain.settings import CHOICES, Settings

if TYPE_CHECKING:
    import numpy as np

    from kangaroo.classifier import Classifier
    from kangaroo.data.manifest import Rejected
    from kangaroo.results import Explanation

SUMMARY = "show what in photos speaks for the model's answer"
EXAMPLE = "kangaroo explain saved_models/binary_austria_australia.keras photo.jpg --out explanations"
DEFAULTS = Settings()
GROUP = 32  # photos whose explanations are in memory at once


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    add = parser.add_argument
    add("model", type=Path, metavar="MODEL", help=MODEL_HELP)
    add("photos", type=Path, nargs="+", metavar="PHOTO", help="photos, or folders of photos")
    add("--method", choices=CHOICES["method"], default=DEFAULTS.method, help="default: %(default)s")
    add("--class", dest="name", metavar="NAME", help="class to explain (default: each photo's prediction)")
    add(
        "--target",
        choices=CHOICES["target"],
        default=DEFAULTS.target,
        help="score to explain (default: %(default)s; a probability near 1 hardly has a gradient)",
    )
    _add_integrated(parser.add_argument_group("integrated gradients"))
    parser.add_argument_group("class activation maps").add_argument(
        "--layer",
        metavar="NAME",
        help="layer whose maps are weighted (default: the last maps, before pooling)",
    )
    smooth = parser.add_argument_group("smoothgrad").add_argument
    smooth(
        "--samples",
        type=int,
        default=DEFAULTS.samples,
        metavar="N",
        help="noisy copies (default: %(default)s)",
    )
    smooth(
        "--seed",
        type=int,
        default=DEFAULTS.seed,
        metavar="N",
        help="seed of the noise (default: %(default)s)",
    )
    add(
        "--out",
        type=Path,
        default=Path("explanations"),
        metavar="DIR",
        help="folder of the figures, one a photo (default: %(default)s)",
    )
    add("--json", action="store_true", help="print the results as JSON")


def _add_integrated(group: "argparse._ArgumentGroup") -> None:
    add = group.add_argument
    add(
        "--baseline",
        default=DEFAULTS.baseline,
        metavar="KIND",
        help="where the path begins: mean (grey of the photo's mean: zero in standardized units, the "
        "report's), black, blurred, or a picture file (default: %(default)s)",
    )
    add(
        "--rule",
        choices=CHOICES["rule"],
        default=DEFAULTS.rule,
        help="adaptive splits the path where gradients miss the score most; doubled takes twice as many even "
        "steps until single pixels hardly change; the others take --steps even ones (the report: trapezoid; "
        "default: %(default)s)",
    )
    add(
        "--tolerance",
        type=float,
        default=DEFAULTS.tolerance,
        metavar="SHARE",
        help="adaptive: largest completeness gap, as a share of the score difference or of 1, whichever is "
        "larger; doubled: largest estimated error, as a share of all attribution (default: %(default)s)",
    )
    add("--steps", type=int, default=DEFAULTS.steps, metavar="N", help="even rules (default: %(default)s)")
    add(
        "--max-steps",
        type=int,
        default=DEFAULTS.max_steps,
        metavar="N",
        help="adaptive and doubled: most gradients to take for a photo (default: %(default)s)",
    )
    add(
        "--precision",
        choices=CHOICES["precision"],
        default=DEFAULTS.precision,
        help="auto: bfloat16 where the machine has units for it, twice as fast; as exact in sum, but single "
        "pixels differ by about 13 %% of all attribution (default: %(default)s)",
    )


def run(args: argparse.Namespace) -> None:
    """Explain every photo that can be read, and leave a figure of each."""
    from kangaroo.data.folders import files_of

    files, rejected = files_of(args.photos)
    settings = Settings(
        **{field.name: getattr(args, field.name) for field in fields(Settings) if field.name in args}
    )
    classifier = load_model(args.model)
    classifier.require_classes()
    if args.name is not None:
        classifier.number(args.name)  # before any photo is read
    names = _names(files, args.photos)
    rows = []
    for start in range(0, len(files), GROUP):
        group, photos, bad = _read(files[start : start + GROUP], classifier)
        rejected += bad
        figures = [args.out / f"{names[file]}.png" for file in group]
        rows += _explain(args, settings, classifier, group, photos, figures) if group else []
    name_rejected(rejected)
    if not rows:
        raise DataError(f"no photo can be read among {len(files)} file(s): give JPEG, PNG or WebP pictures")
    if args.json:
        print_json(rows)
    else:
        print("\n".join(map(_line, rows)))


def _read(files: list[Path], classifier: "Classifier") -> tuple[list[Path], "np.ndarray", list["Rejected"]]:
    """The photos that can be read, uint8 (n, H, W, 3), with their files; and the others, with the reason."""
    import numpy as np

    from kangaroo.data.images import decode_many
    from kangaroo.data.manifest import Rejected
    from kangaroo.errors import PhotoError

    size = classifier.image_size
    good, photos, bad = [], [np.zeros((0, size, size, 3), np.uint8)], []
    for file, pixels in zip(
        files, decode_many(files, size, antialias=classifier.card.antialias), strict=True
    ):
        if isinstance(pixels, PhotoError):
            bad.append(Rejected(str(file), str(pixels)))
        else:
            good.append(file)
            photos.append(pixels[None])
    return good, np.concatenate(photos), bad


def _explain(
    args: argparse.Namespace,
    settings: Settings,
    classifier: "Classifier",
    files: list[Path],
    photos: "np.ndarray",
    figures: list[Path],
) -> list[dict[str, Any]]:
    """Explain a group of photos, draw their figures, and give the rows of the result."""
    from kangaroo.plots.style import save

    explained = None if args.name is None else classifier.number(args.name)
    rows = []
    explanations = classifier.explanations(files, photos, settings, explained)
    for file, found, figure in zip(files, explanations, figures, strict=True):
        save(found.figure(), figure)
        rows.append({"file": str(file), **_row(found), "figure": str(figure)})
        if not found.reached:
            print(_unreached(file, found), file=sys.stderr)
    return rows


def _unreached(file: Path, found: "Explanation") -> str:
    what = f"a completeness gap of {found.completeness_gap:.3g} is"
    if found.error is not None:
        what = f"an estimated error of {100 * found.error:.3g} % of all attribution is"
    return (
        f"note: {file}: {what} left after {found.evaluations} gradients: "
        "give more --max-steps or a larger --tolerance"
    )


def _names(files: list[Path], given: list[Path]) -> dict[Path, str]:
    """A name for each photo's figure: its way below the folder given, or its own; equal ones are numbered."""
    names: dict[Path, str] = {}
    for file in files:
        folder = next((path for path in given if path.is_dir() and file.is_relative_to(path)), file.parent)
        name = "_".join(file.relative_to(folder).with_suffix("").parts)
        numbered = (f"{name}-{number}" for number in count(2))
        names[file] = next(free for free in chain([name], numbered) if free not in names.values())
    return names


def _row(found: "Explanation") -> dict[str, Any]:
    return {
        "prediction": found.prediction,
        "confidence": found.confidence,
        "explained": found.explained,
        "score": found.score,
        "baseline_score": found.baseline_score,
        "sum": found.sum,
        "completeness_gap": found.completeness_gap,
        "error": found.error,
        "evaluations": found.evaluations,
    }


def _line(row: dict[str, Any]) -> str:
    sums = "" if row["sum"] is None else f", sum of attributions {row['sum']:.3f}"
    if row["baseline_score"] is not None:
        sums += f" for a score difference of {row['score'] - row['baseline_score']:.3f}"
    return f"{row['prediction']}  {100 * row['confidence']:6.2f} %  {row['file']}{sums}: {row['figure']}"
