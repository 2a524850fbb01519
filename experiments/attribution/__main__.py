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
from dataclasses import dataclass, replace

from kangaroo.commands import load_model, print_json
from kangaroo.explain.settings import CHOICES, Method
from kangaroo.runs.flags import add_model, common, execute, positive, shared
from kangaroo.runs.folder import check, clear
from kangaroo.runs.settings import RunSettings

FILES = ("rules.csv", "methods.csv", "metrics.json", "report.html")
FRESH = 1000  # added to the seed of drawn scenes: a model trained on those of the same seed has seen them


@dataclass(frozen=True, kw_only=True)
class AttributionSettings(RunSettings):
    """One run: ``photos`` to measure on, ``shown`` of them in figures, ``methods`` to compare."""

    photos: int
    shown: int
    methods: tuple[Method, ...]
    epsilon: float


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
    return execute(parser, run, argv)


def run(args: argparse.Namespace) -> None:
    """Explain and measure, leave the run folder, and print the result to stdout."""
    from experiments.attribution.results import leave, text
    from kangaroo.runs.photos import load

    classifier = load_model(args.model)
    args.classes = args.classes or classifier.classes
    settings = AttributionSettings(
        **shared(args) | {"image_size": classifier.image_size, "validation": None},
        antialias=classifier.card.antialias,
        photos=args.photos,
        shown=args.shown,
        methods=tuple(dict.fromkeys(args.methods)),
        epsilon=args.epsilon,
    )
    check(settings, FILES)
    data = load(replace(settings, seed=settings.seed + FRESH))
    clear(settings, FILES)
    metrics = leave(settings, data, classifier)
    if settings.json:
        print_json(metrics)
    else:
        print(text(settings, metrics))


if __name__ == "__main__":
    sys.exit(main())
