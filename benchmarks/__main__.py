"""Measure on this machine what kangaroo promises, as medians of several repeats, and print a table.

    python -m benchmarks                      everything, on drawn scenes
    python -m benchmarks speed --images DIR   one of them, on a photo folder
    python -m benchmarks calibration RUN/predictions.csv ...   of runs that there are

The machine should be idle otherwise. Ratios are of medians, both sides interleaved in one run.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.collect import DELAY, WORKERS, calls_per_second
from benchmarks.side import TASKS
from kangaroo.scenes.folder import SceneSettings, write_folder

CLASSES = ("Austria", "Australia")
MODEL = Path(__file__).parents[1] / "saved_models" / "binary_austria_australia.keras"


def scenes(args: argparse.Namespace, scratch: Path) -> None:
    """Scenes drawn a second."""
    n = 1000
    seconds = [
        _timed(partial(write_folder, scratch / f"scenes{i}", SceneSettings(n=n))) for i in range(args.repeats)
    ]
    _report("drawn scenes of 256 px a second", n / median(seconds))


def predict(args: argparse.Namespace, scratch: Path) -> None:
    """``kangaroo predict`` on 500 JPEG photos of 640 px, the start of the process included."""
    root = write_folder(scratch / "predict", SceneSettings(CLASSES, n=500, size=640))
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "kangaroo",
        "predict",
        MODEL,
        root,
        "--csv",
        scratch / "out.csv",
    ]
    seconds = [_timed(partial(subprocess.run, command, check=True)) for _ in range(args.repeats)]
    _report("kangaroo predict, 500 JPEG photos of 640 px, s", median(seconds))


def experiment(args: argparse.Namespace, scratch: Path) -> None:
    """The binary experiment on drawn scenes with its defaults, from start to page; once."""
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "experiments.binary_austria_australia",
        "--out",
        scratch / "run",
    ]
    _report("binary experiment on drawn scenes, s", _timed(partial(subprocess.run, command, check=True)))


def collect(args: argparse.Namespace, scratch: Path) -> None:
    """Calls a second of ``kangaroo collect run``, and their share of what the server allows."""
    rates = [calls_per_second(scratch / f"collect{i}") for i in range(args.repeats)]
    allowed = WORKERS / DELAY
    what = f"collected calls a second, {WORKERS} workers, answers after {1000 * DELAY:.0f} ms"
    _report(what, median(rates), f"{median(rates) / allowed:.0%} of {allowed:.0f}")


def speed(args: argparse.Namespace, scratch: Path) -> None:
    """kangaroo against the report's way and, where it is installed, PyTorch; sides interleaved."""
    from benchmarks.speed import race

    root = args.images or write_folder(scratch / "speed", SceneSettings(CLASSES, n=968))
    race(root, args.classes, args.model, args.tasks, args.repeats, scratch)


def growth(args: argparse.Namespace, scratch: Path) -> None:
    """How decoding, an epoch and memory grow with the number of drawn scenes."""
    from benchmarks.speed import grow

    grow(args.sizes, args.model, scratch)


def quality(args: argparse.Namespace, scratch: Path) -> None:
    """What ``kangaroo data check`` finds of faults put in, and rejects of untouched photos; once."""
    from benchmarks.quality import rows

    for what, value, note in rows(
        args.images or write_folder(scratch / "quality", SceneSettings(n=300)), scratch
    ):
        print(f"{what:64} {value:8.4f}  {note}", flush=True)


def datasets(args: argparse.Namespace, scratch: Path) -> None:
    """A manifest of a million photos through ``kangaroo data``; once."""
    from benchmarks.datasets import STEPS, measure

    for step in STEPS:
        seconds, gib = measure(step, scratch, 1_000_000)
        _report(f"a million photos: {step}, s", seconds, f"{gib:.2f} GiB")


def augment(args: argparse.Namespace, scratch: Path) -> None:
    """A batch of training photos changed at random, in several ways."""
    from benchmarks.augment import rows

    for what, value, note in rows(3 * args.repeats):
        _report(what, value, note)


def calibration(args: argparse.Namespace, scratch: Path) -> None:
    """How well calibrations hold, in 20 splits by place."""
    from benchmarks.calibration import joined, predicted, rows
    from kangaroo.evaluation.settings import CalibrationConfig

    if args.predictions:
        said = joined(args.predictions)
    else:  # scenes of another seed than those of the saved model's training
        scenes = SceneSettings(CLASSES, n=1000, seed=10)
        said = predicted(args.model, write_folder(scratch / "calibration", scenes))
    for what, value, note in rows(said, CalibrationConfig()):
        print(f"{what:64} {value:8.4f}  {note}", flush=True)


def app_load(args: argparse.Namespace, scratch: Path) -> None:
    """Twenty people on the page of ``kangaroo app`` for a minute; once."""
    from benchmarks.app_load import rows

    for what, value, note in rows(args.model):
        _report(what, value, note)


BENCHMARKS: dict[str, Callable[[argparse.Namespace, Path], None]] = {
    work.__name__.replace("_", "-"): work
    for work in (
        scenes,
        speed,
        growth,
        augment,
        predict,
        experiment,
        collect,
        quality,
        datasets,
        calibration,
        app_load,
    )
}


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _report(what: str, value: float, ratio: str = "") -> None:
    print(f"{what:64} {value:8.2f}  {ratio}", flush=True)


def main() -> None:
    """Run the benchmarks that were asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add(
        "names",
        nargs="*",
        default=list(BENCHMARKS),
        metavar="NAME",
        help=f"of {', '.join(BENCHMARKS)}; default: all. Files that end in .csv are for calibration",
    )
    add("--images", type=Path, metavar="DIR", help="photo folder for speed; default: drawn scenes")
    add("--classes", nargs=2, default=CLASSES, metavar="NAME", help="two class folders of --images")
    add(
        "--model",
        type=Path,
        default=MODEL,
        metavar="FILE",
        help="to predict and explain with; default: %(default)s",
    )
    add(
        "--tasks",
        nargs="+",
        choices=TASKS,
        metavar="TASK",
        help=f"of speed: {', '.join(TASKS)}; default: all",
    )
    add(
        "--sizes",
        nargs="+",
        type=int,
        default=[1000, 5000, 25000],
        metavar="N",
        help="numbers of scenes of growth",
    )
    add("--repeats", type=int, default=3, metavar="N", help="default: %(default)s")
    args = parser.parse_args()
    args.predictions = [Path(name) for name in args.names if name.endswith(".csv")]
    args.names = [name for name in args.names if not name.endswith(".csv")]
    if unknown := set(args.names) - set(BENCHMARKS):
        parser.error(f"no benchmark {min(unknown)!r}: choose from {', '.join(BENCHMARKS)}")
    with tempfile.TemporaryDirectory() as scratch:
        for name in args.names:
            BENCHMARKS[name](args, Path(scratch))


if __name__ == "__main__":
    main()
