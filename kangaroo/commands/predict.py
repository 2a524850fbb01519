"""``kangaroo predict``: which country or place photos show."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kangaroo.commands import MODEL_HELP, add_precision, load_model, name_rejected
from kangaroo.console import print_json
from kangaroo.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


SUMMARY = "name the country or the place of photos"
EXAMPLE = "kangaroo predict saved_models/binary_austria_australia.keras photos --csv guesses.csv"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    add = parser.add_argument
    add("model", type=Path, metavar="MODEL", help=MODEL_HELP)
    add("photos", type=Path, nargs="+", metavar="PATH", help="photos, or folders of photos")
    add(
        "--csv",
        type=Path,
        metavar="FILE",
        help="write file, prediction, confidence, all probabilities there, lat, lon of models that know, and "
        "set, abstain of calibrated ones",
    )
    add_precision(parser)
    add("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> None:
    """Predict; files that are no photos are left out and named, unless none is left."""
    from kangaroo.data.folders import files_of
    from kangaroo.data.manifest import Rejected

    files, rejected = files_of(args.photos)
    if args.csv and (args.csv.is_dir() or not os.access(args.csv.absolute().parent, os.W_OK)):
        raise DataError(f"{args.csv} can't be written: give a file in a folder that can")
    classifier = load_model(args.model, args.precision)
    frame = classifier.predict(files, skip_bad=True)
    rejected += [Rejected(**row) for row in frame.attrs["rejected"]]
    name_rejected(rejected)
    if frame.empty:
        raise DataError(f"no photo can be read among {len(files)} file(s): give JPEG, PNG or WebP pictures")
    if args.csv:
        from kangaroo.files import atomic

        with atomic(args.csv) as temporary:
            frame.to_csv(temporary, index=False)
    if args.json:
        rows = _as_rows(frame, classifier.classes)
        print_json({"predictions": rows, "rejected": [vars(bad) for bad in rejected]})
    elif not args.csv:
        _print_table(frame)


def _as_rows(frame: "pd.DataFrame", classes: Sequence[str]) -> list[dict[str, object]]:
    """The rows of the JSON: as those of the frame, the probabilities by the names of their classes."""
    single = [name for name in frame if not str(name).startswith("p_")]
    return [
        {name: row[name] for name in single}
        | ({"probabilities": {name: row[f"p_{name}"] for name in classes}} if classes else {})
        for row in frame.to_dict("records")
    ]


def _print_table(frame: "pd.DataFrame") -> None:
    """A line a photo: class and probability, set and abstention, place, as far as the model gives them."""
    width = max(map(len, frame.get("prediction", ())), default=0)
    for row in frame.to_dict("records"):
        named = f"{row['prediction']:{width}}  {100 * row['confidence']:6.2f} %  " if width else ""
        where = f"{row['lat']:10.5f} {row['lon']:10.5f}  " if "lat" in row else ""
        may_be = f"{{{row['set']}}}  " if "set" in row else ""
        unsure = "abstains  " if row.get("abstain") else ""
        print(f"{named}{unsure}{may_be}{where}{row['file']}")
