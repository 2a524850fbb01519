"""The console script ``kangaroo``: one function a command, TensorFlow only where a command needs it."""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kangaroo import __version__
from kangaroo.console import guarded, start_keras
from kangaroo.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from kangaroo.evaluation.predictions import Predictions
    from kangaroo.models.classifier import Classifier


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code: 0 done, 2 wrong usage or unusable input, 1 anything else."""
    args = _parser().parse_args(argv)
    return guarded(lambda: args.command(args), debug=args.debug)


def scenes(args: argparse.Namespace) -> None:
    """Draw a photo folder of street scenes."""
    from kangaroo.scenes.folder import SceneSettings, write_folder
    from kangaroo.scenes.observer import expected_accuracy
    from kangaroo.scenes.profiles import PROFILES

    settings = SceneSettings(tuple(args.classes or PROFILES), args.n, args.seed, args.size)
    write_folder(args.out, settings)
    accuracy = expected_accuracy(settings.countries)
    if args.json:
        _print_json({"folder": str(args.out), "n": args.n, "classes": settings.countries, "ideal_accuracy": accuracy})
    else:
        print(f"{args.n} drawn scenes of {', '.join(settings.countries)} in {args.out}")
        print(f"an ideal observer, who knows how they are drawn, would name {accuracy:.1%} of them rightly")


def predict(args: argparse.Namespace) -> None:
    """Name the country of photos."""
    files = list(_photo_files(args.photos))
    classifier = _load(args.model)
    frame = classifier.predict(files, skip_bad=True)
    rejected = _name_rejected(frame.attrs["rejected"])
    if frame.empty:
        raise DataError(f"none of {len(files)} files is a photo that can be read: see the reasons above")
    if args.csv:
        from kangaroo.files import atomic

        with atomic(args.csv) as temporary:
            frame.to_csv(temporary, index=False)
    if args.json:
        _print_json({"predictions": list(_as_json(frame, classifier.classes)), "rejected": rejected})
    elif not args.csv:
        _print_table(frame)


def evaluate(args: argparse.Namespace) -> None:
    """Judge a model on photo folders."""
    from kangaroo.data.manifest import Rejected, read_folders

    manifest = read_folders(args.images)
    classifier = _load(args.model)
    known = [name for name in manifest.classes if name in classifier.classes]
    if not known:
        raise DataError(
            f"{args.model} tells {', '.join(classifier.classes)} apart, but the folders hold "
            f"{', '.join(manifest.classes)}: give photos of its classes"
        )
    for name in sorted(set(manifest.classes) - set(known)):
        print(f"left out: {name}, which the model does not know", file=sys.stderr)
    manifest = read_folders(args.images, known)
    photos = manifest.photos if args.split is None else _held_back(manifest.photos, args.split)
    frame = classifier.predict([Path(file) for file in photos["file"]], skip_bad=True)
    bad = [*manifest.rejected, *(Rejected(**row) for row in frame.attrs["rejected"])]
    _name_rejected([{"file": item.file, "reason": item.reason} for item in bad])
    if frame.empty:
        raise DataError("no photo is left to judge the model on: see the reasons above")
    from kangaroo.evaluation import metrics

    result = metrics.evaluate(_predictions(classifier, photos, frame), bad)
    _print_json(result) if args.json else print(_summary(result))


def convert(args: argparse.Namespace) -> None:
    """Turn a SavedModel of 2023 into a model file."""
    start_keras()
    from kangaroo.models.convert import convert

    convert(args.saved_model, args.out, tuple(args.classes), overwrite=args.overwrite)
    print(f"{args.out} and its card {args.out.with_suffix('.json')}")


def _load(model: Path) -> "Classifier":
    """Load a model; what can be refused without TensorFlow is refused without waiting for it."""
    if not model.exists():
        from kangaroo.errors import ModelError

        raise ModelError(f"no model file {model}")
    start_keras()
    from kangaroo.models.classifier import load

    return load(model)


def _photo_files(paths: Sequence[Path]) -> Iterator[Path]:
    """Files as they are given, folders as the photos below them, sorted."""
    from kangaroo.data.images import SUFFIXES

    for path in paths:
        if path.is_dir():
            found = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES)
            if not found:
                raise DataError(f"no photos in {path}: they must end in {', '.join(sorted(SUFFIXES))}")
            yield from found
        elif path.exists():
            yield path
        else:
            raise DataError(f"no such file or folder: {path}")


def _held_back(photos: "pd.DataFrame", split: Path) -> "pd.DataFrame":
    """The photos that a run's split.csv calls validation; files are compared as absolute paths."""
    import pandas as pd

    try:
        table = pd.read_csv(split, dtype=str)
        held = {Path(file).resolve() for file in table.loc[table["split"] == "validation", "file"]}
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{split} is not the split.csv of a run: {error}") from error
    kept = photos[[Path(file).resolve() in held for file in photos["file"]]]
    if kept.empty:
        raise DataError(f"{split} holds back none of these photos: give the folders that the run was made from")
    return kept


def _predictions(classifier: "Classifier", photos: "pd.DataFrame", frame: "pd.DataFrame") -> "Predictions":
    """Predicted photos with their labels, places and coordinates."""
    from kangaroo.evaluation.predictions import Predictions

    found = photos.set_index("file").loc[frame["file"]]
    return Predictions(
        classes=classifier.classes,
        files=tuple(frame["file"]),
        places=tuple(found["place"]),
        labels=found["class"].map(classifier.classes.index).to_numpy(int),
        probabilities=frame[[f"p_{name}" for name in classifier.classes]].to_numpy(),
        lat=found["lat"].to_numpy(),
        lon=found["lon"].to_numpy(),
    )


def _name_rejected(rejected: list[dict[str, str]]) -> list[dict[str, str]]:
    for item in rejected:
        print(f"rejected: {item['file']}: {item['reason']}", file=sys.stderr)
    return rejected


def _as_json(frame: "pd.DataFrame", classes: Sequence[str]) -> Iterator[dict[str, Any]]:
    for row in frame.to_dict("records"):
        yield {
            "file": row["file"], "prediction": row["prediction"], "confidence": row["confidence"],
            "probabilities": {name: row[f"p_{name}"] for name in classes},
        }


def _print_table(frame: "pd.DataFrame") -> None:
    width = max(map(len, frame["prediction"]))
    for file, prediction, confidence in zip(frame["file"], frame["prediction"], frame["confidence"], strict=True):
        print(f"{prediction:{width}}  {confidence:7.2%}  {file}")


def _summary(metrics: dict[str, Any]) -> str:
    low, high = metrics["accuracy_ci95"]
    lines = [
        f"{metrics['n']} photos: accuracy {metrics['accuracy']:.4f} (95 % interval {low:.4f} to {high:.4f}), "
        f"balanced {metrics['balanced_accuracy']:.4f}, loss {metrics['loss']:.4f}",
        f"confidence {metrics['confidence']['mean']:.2%} on average, calibration error {metrics['ece']:.4f}, "
        f"Brier score {metrics['brier']:.4f}",
    ]
    width = max(map(len, metrics["classes"]))
    for name, row in zip(metrics["classes"], metrics["confusion_matrix"], strict=True):
        called = ", ".join(f"{count} {other}" for other, count in zip(metrics["classes"], row, strict=True) if count)
        lines.append(f"{name:{width}}  recall {metrics['per_class'][name]['recall']:7.2%}  called {called or '-'}")
    if geo := metrics.get("geo"):
        lines.append(f"median error {geo['median_km']:,.0f} km, mean {geo['mean_km']:,.0f} km, GeoGuessr score {geo['geoscore']:,.0f}")
    return "\n".join(lines)


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kangaroo", description="Tell from a street-level photo which country it shows.",
        epilog="Train a model first: python -m experiments.binary_austria_australia --help",
    )
    parser.add_argument("--version", action="version", version=f"kangaroo {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(work: Any, epilog: str) -> Any:
        summary = work.__doc__
        made = commands.add_parser(
            work.__name__, help=summary, description=summary, epilog=epilog, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        made.set_defaults(command=work)
        made.add_argument("--debug", action="store_true", help="show the traceback of an error")
        return made.add_argument

    add = command(scenes, "example: kangaroo scenes --out scenes --n 500 --classes Austria Australia")
    add("--out", type=Path, required=True, metavar="DIR", help="folder to write: <Country>/<State>/<seed>.jpg, labels.csv, cues.csv")
    add("--n", type=int, default=500, help="number of scenes, shared out evenly over the countries (default: %(default)s)")
    add("--classes", nargs="+", metavar="NAME", help="countries (default: all five that have a profile)")
    add("--seed", type=int, default=0, help="same seed, same scenes (default: %(default)s)")
    add("--size", type=int, default=256, metavar="PIXELS", help="side of the square pictures (default: %(default)s)")
    add("--json", action="store_true", help="print the result as JSON")

    add = command(predict, "example: kangaroo predict saved_models/binary_austria_australia.keras photos/ --csv guesses.csv")
    add("model", type=Path, metavar="MODEL", help="model file (.keras) with its card (.json) beside it")
    add("photos", type=Path, nargs="+", metavar="PATH", help="photos, or folders of photos")
    add("--csv", type=Path, metavar="FILE", help="write file, prediction, confidence and all probabilities there")
    add("--json", action="store_true", help="print the result as JSON")

    add = command(evaluate, "example: kangaroo evaluate runs/multinomial/model.keras --images photos --split runs/multinomial/split.csv")
    add("model", type=Path, metavar="MODEL", help="model file (.keras) with its card (.json) beside it")
    add("--images", type=Path, nargs="+", required=True, metavar="DIR", help="photo folders ROOT/<Class>/**/*.jpg, merged by class")
    add("--split", type=Path, metavar="FILE", help="a run's split.csv: judge on its validation photos only")
    add("--json", action="store_true", help="print every figure as JSON")

    add = command(convert, "example: kangaroo convert neural_net austria_australia.keras --classes Austria Australia")
    add("saved_model", type=Path, metavar="SAVED_MODEL_DIR", help="folder with saved_model.pb and variables/")
    add("out", type=Path, metavar="OUT.keras", help="model file to write; its card goes beside it")
    add("--classes", nargs="+", required=True, metavar="NAME", help="class names in the order of the network's outputs")
    add("--overwrite", action="store_true", help="replace OUT.keras if it exists")
    return parser
