"""Measure on this machine what kangaroo promises, as medians of several repeats, and print a table.

    python -m benchmarks                      everything, on drawn scenes
    python -m benchmarks epoch --images DIR   one of them, on a photo folder

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
from kangaroo.console import start_keras
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


def epoch(args: argparse.Namespace, scratch: Path) -> None:
    """One training epoch of the binary network, in the report's way and in kangaroo's."""
    start_keras()
    import numpy as np

    from benchmarks import report_way
    from kangaroo.data.cache import decode_photos
    from kangaroo.data.manifest import read_folders
    from kangaroo.data.pipeline import batches
    from kangaroo.models import cnn
    from kangaroo.models.precision import dtype_policy
    from kangaroo.training import compiled

    root = args.images or write_folder(scratch / "epoch", SceneSettings(CLASSES, n=800))
    classes = args.classes
    theirs = report_way.dataset(root, classes, 256, 32)
    start = time.perf_counter()
    manifest, pixels = decode_photos(read_folders([root], classes), 256, scratch)
    _report(f"decoding {len(pixels)} photos, once a run, s", time.perf_counter() - start)
    labels = manifest.photos["class"].map(list(classes).index).to_numpy(np.float32)
    ours = batches(pixels, np.arange(len(pixels)), labels, batch_size=32, shuffle_seed=0)
    sides = {
        "the report's way": (compiled(cnn.build(256, 2, seed=0), 0.001), theirs),
        "kangaroo, float32": (compiled(cnn.build(256, 2, seed=0), 0.001), ours),
        "kangaroo, precision auto": (
            compiled(cnn.build(256, 2, seed=0, dtype_policy=dtype_policy("auto")), 0.001),
            ours,
        ),
    }
    for model, photos in sides.values():
        model.fit(photos.take(2), verbose=0, shuffle=False)  # tracing is not training
    rounds = [
        {
            name: _timed(partial(model.fit, photos, verbose=0, shuffle=False))
            for name, (model, photos) in sides.items()
        }
        for _ in range(args.repeats)
    ]
    medians = {name: median(seconds[name] for seconds in rounds) for name in sides}
    for name, seconds in medians.items():
        ratio = medians["the report's way"] / seconds
        _report(f"training epoch of {len(pixels)} photos, {name}, s", seconds, f"{ratio:.2f} x")


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


def attack(args: argparse.Namespace, scratch: Path) -> None:
    """A sweep of the signed gradient over four epsilons, in the report's way and in kangaroo's."""
    start_keras()
    from benchmarks.attack import sides

    root = args.images or write_folder(scratch / "attack", SceneSettings(CLASSES, n=320))
    rounds = [
        {name: _timed(work) for name, work in sides(root, args.classes, scratch).items()}
        for _ in range(args.repeats)
    ]
    for name in rounds[0]:
        seconds, theirs = (median(times[of] for times in rounds) for of in (name, "the report's way"))
        _report(f"sweep over four epsilons, {name}, s", seconds, f"{theirs / seconds:.2f} x")


def explain(args: argparse.Namespace, scratch: Path) -> None:
    """Integrated gradients of 32 photos as exact as the report's, in the report's way and in kangaroo's."""
    from benchmarks.explain import SIDES, measure

    roots = [args.images or write_folder(scratch / "explain", SceneSettings(CLASSES, n=100))]
    theirs, ours = [], []
    for _ in range(args.repeats):
        theirs.append(measure(SIDES[0], args.model, 1, roots))
        # The median gap is some 0.6 of the tolerance, which bounds the gap of every photo.
        ours.append(measure(SIDES[1], args.model, 1.6 * theirs[0]["gap"], roots))
    for result in (*theirs, *ours):
        result["gap"] *= 100
    rows = {"seconds": "s", "mib": "peak MiB", "gap": "median gap, %"}
    for key, unit in rows.items():
        middle = [median(result[key] for result in side) for side in (theirs, ours)]
        for name, value in zip(SIDES, middle, strict=True):
            _report(f"integrated gradients of 32 photos, {name}, {unit}", value, f"{middle[0] / value:.2f} x")


BENCHMARKS: dict[str, Callable[[argparse.Namespace, Path], None]] = {
    work.__name__: work for work in (scenes, epoch, predict, experiment, collect, attack, explain)
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
        help=f"of {', '.join(BENCHMARKS)}; default: all",
    )
    add("--images", type=Path, metavar="DIR", help="photo folder for the epoch; default: drawn scenes")
    add("--classes", nargs=2, default=CLASSES, metavar="NAME", help="two class folders of --images")
    add("--model", type=Path, default=MODEL, metavar="FILE", help="to explain; default: %(default)s")
    add("--repeats", type=int, default=3, metavar="N", help="default: %(default)s")
    args = parser.parse_args()
    if unknown := set(args.names) - set(BENCHMARKS):
        parser.error(f"no benchmark {min(unknown)!r}: choose from {', '.join(BENCHMARKS)}")
    with tempfile.TemporaryDirectory() as scratch:
        for name in args.names:
            BENCHMARKS[name](args, Path(scratch))


if __name__ == "__main__":
    main()
