"""``kangaroo predict``: which country photos show."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kangaroo.commands import MODEL_HELP, add_precision, files_of, load_model, name_rejected, print_json
from kangaroo.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


SUMMARY = "name the country of photos"
EXAMPLE = "kangaroo predict saved_models/binary_austria_australia.keras photos --csv guesses.csv"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    add = parser.add_argument
    add("model", type=Path, metavar="MODEL", help=MODEL_HELP)
    add("photos", type=Path, nargs="+", metavar="PATH", help="photos, or folders of photos")
    add(
        "--csv", type=Path, metavar="FILE", help="write file, prediction, confidence, all probabilities there"
    )
    add_precision(parser)
    add("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> None:
    """Predict; files that are no photos are left out and named, unless none is left."""
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
    return [
        {
            "file": row["file"],
            "prediction": row["prediction"],
            "confidence": row["confidence"],
            "probabilities": {name: row[f"p_{name}"] for name in classes},
        }
        for row in frame.to_dict("records")
    ]


def _print_table(frame: "pd.DataFrame") -> None:
    width = max(map(len, frame["prediction"]))
    columns = (frame["prediction"], frame["confidence"], frame["file"])
    for prediction, confidence, file in zip(*columns, strict=True):
        print(f"{prediction:{width}}  {100 * confidence:6.2f} %  {file}")
