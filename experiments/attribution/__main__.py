"""Why does the model say so? Integrated gradients and other attributions, and how far to trust them.

    python -m experiments.attribution
    python -m experiments.attribution --images PHOTOS --model runs/binary_austria_australia/model.keras

The report: integrated gradients with 50 steps of the trapezoid rule, on photos and adversarial copies. To
expect here: those 50 steps miss the score difference by several per cent, in single photos by more than all
of it; the adaptive rule stays within one. Of drawn scenes the table says how much of what each method shows
lies on the evidence.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from experiments.attribution.settings import AttributionSettings
from kangaroo.cli import analysis
from kangaroo.commands import load_model
from kangaroo.explain.settings import CHOICES
from kangaroo.runs.flags import add_model, common, run_settings
from kangaroo.runs.folder import check, clear
from kangaroo.runs.numbers import positive

if TYPE_CHECKING:
    from kangaroo.runs.analysis import Findings

FILES = ("rules.csv", "methods.csv", "metrics.json", "report.html")
FRESH = 1000  # added to the seed of drawn scenes: a model trained on those of the same seed has seen them


def main(argv: Sequence[str] | None = None) -> int:
    """Parse the flags, explain, and give the exit code."""
    description = "Explain a model's answers, measure how exact and how faithful the explanations are."
    parser = common("attribution", description, classes=(), scenes=200, image_size=None, validation=None)
    add_model(parser)
    add = parser.add_argument
    add(
        "--photos", type=positive, default=32, metavar="N", help="photos to measure on (default: %(default)s)"
    )
    add("--shown", type=positive, default=6, metavar="N", help="of them in figures (default: %(default)s)")
    add(
        "--methods",
        nargs="+",
        choices=CHOICES["method"],
        default=[name for name in CHOICES["method"] if name != "gradient"],
        metavar="NAME",
        help=f"of {', '.join(CHOICES['method'])} (default: all but gradient)",
    )
    add(
        "--epsilon",
        type=float,
        default=0.05,
        metavar="SIZE",
        help="signed gradient of the adversarial copies, in standardized units (default: %(default)s)",
    )
    return analysis(parser, run, argv)


def run(args: argparse.Namespace) -> "Findings":
    """Explain and measure."""
    from experiments.attribution.results import findings
    from kangaroo.runs.photos import load

    classifier = load_model(args.model)
    settings = AttributionSettings(
        run=run_settings(
            args,
            classes=args.classes or classifier.classes,
            image_size=classifier.image_size,
            validation=None,
            antialias=classifier.card.antialias,
        ),
        photos=args.photos,
        shown=args.shown,
        methods=tuple(dict.fromkeys(args.methods)),
        epsilon=args.epsilon,
    )
    photos = settings.run.data
    check(photos.out, FILES, overwrite=photos.overwrite)
    data = load(replace(photos, seed=photos.seed + FRESH))
    clear(photos, FILES)
    return findings(settings, data, classifier)


if __name__ == "__main__":
    sys.exit(main())
