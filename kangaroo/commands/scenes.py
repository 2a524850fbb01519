"""``kangaroo scenes``: a photo folder of drawn street scenes."""

import argparse
from pathlib import Path

from kangaroo.console import print_json
from kangaroo.scenes.profiles import PROFILES

SUMMARY = "draw a photo folder of street scenes"
EXAMPLE = "kangaroo scenes --out scenes --n 500 --classes Austria Australia"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    add = parser.add_argument
    add(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder to write, a photo folder with labels.csv",
    )
    add(
        "--n",
        type=int,
        default=500,
        help="number of scenes in all, as many of each country (default: %(default)s)",
    )
    add(
        "--classes", nargs="+", metavar="NAME", default=list(PROFILES), help=f"default: {', '.join(PROFILES)}"
    )
    add("--seed", type=int, default=0, help="same seed, same scenes (default: %(default)s)")
    add("--size", type=int, default=256, metavar="PIXELS", help="side of the pictures (default: %(default)s)")
    add(
        "--colour-cue",
        action="store_true",
        help="tint the scenes of each country, so that even a linear model can tell them apart",
    )
    add("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> None:
    """Draw, and say how well the scenes could be told apart at best."""
    from kangaroo.scenes.folder import SceneSettings, write_folder
    from kangaroo.scenes.observer import expected_accuracy

    settings = SceneSettings(tuple(args.classes), args.n, args.seed, args.size, args.colour_cue)
    write_folder(args.out, settings)
    ideal = expected_accuracy(settings.countries)
    if args.json:
        result = {"folder": str(args.out), "n": args.n, "classes": args.classes, "ideal_accuracy": ideal}
        print_json(result | {"colour_cue": args.colour_cue})
        return
    print(f"{args.n} drawn scenes of {', '.join(settings.countries)} in {args.out}")
    knows = "all about how they are drawn but the tints" if args.colour_cue else "how they are drawn"
    print(f"an ideal observer, who knows {knows}, would name {100 * ideal:.1f} % of them rightly")
