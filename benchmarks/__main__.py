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

from kangaroo.console import start_keras
from kangaroo.scenes.folder import SceneSettings, write_folder

CLASSES = ("Austria", "Australia")


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
    model = Path(__file__).parents[1] / "saved_models" / "binary_austria_australia.keras"
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "kangaroo",
        "predict",
        model,
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


BENCHMARKS: dict[str, Callable[[argparse.Namespace, Path], None]] = {
    work.__name__: work for work in (scenes, epoch, predict, experiment)
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
    add("--repeats", type=int, default=3, metavar="N", help="default: %(default)s")
    args = parser.parse_args()
    if unknown := set(args.names) - set(BENCHMARKS):
        parser.error(f"no benchmark {min(unknown)!r}: choose from {', '.join(BENCHMARKS)}")
    with tempfile.TemporaryDirectory() as scratch:
        for name in args.names:
            BENCHMARKS[name](args, Path(scratch))


if __name__ == "__main__":
    main()
