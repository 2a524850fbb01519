"""The same work in several ways, interleaved, each measurement in a process of its own: a table, and JSON."""

import importlib.util
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks.side import SIDES, TASKS, Case, measure
from kangaroo.files import write_json
from kangaroo.scenes.folder import SceneSettings, write_folder

PHOTOS = {"sweep": 320, "integrated_gradients": 32, "integrated_gradients_rough": 32}
"""How many photos a task is about, if not all."""
GROWING = ("epoch_cold", "epoch_warm", "evaluation", "prediction", "sweep")
OF_SIDE = {"the network's passes alone": set(TASKS) - {"epoch_cold"}}
"""What a side can do, if not everything."""

Result = dict[str, float]


def race(
    root: Path, classes: Sequence[str], model: Path, tasks: Sequence[str], repeats: int, scratch: Path
) -> None:
    """Measure every task in every way ``repeats`` times; print medians and ratios, and write speed.json."""
    ways = [side for side in SIDES if side != "PyTorch" or importlib.util.find_spec("torch")]
    found: dict[str, dict[str, Result]] = {}
    print(f"{'':52} {'seconds':>9} {'ratio':>8} {'peak MiB':>9} {'gap':>7}")
    for task in tasks or TASKS:
        rounds: dict[str, list[Result]] = defaultdict(list)
        tolerance = 0.01
        for _ in range(repeats):
            for side in (way for way in ways if task in OF_SIDE.get(way, TASKS)):
                case = Case(root, model, PHOTOS.get(task, 10**9), (classes[0], classes[1]), tolerance)
                rounds[side].append(_once(side, task, case, scratch))
                if side == ways[0] and "gap" in rounds[side][-1]:
                    # As exact as the report's: the median gap is some 0.6 of the tolerance, a bound for all.
                    tolerance = 1.6 * rounds[side][-1]["gap"]
        found[task] = {side: _medians(results) for side, results in rounds.items()}
        _print(task, found[task])
    write_json(Path("speed.json"), found)


def grow(sizes: Sequence[int], model: Path, scratch: Path) -> None:
    """Print how time and the peak of memory grow with the number of scenes, where they are worked on at once.

    Integrated gradients are taken photo by photo: their memory is that of one batch.
    """
    for n in sizes:
        root = write_folder(scratch / f"growth-{n}", SceneSettings(("Austria", "Australia"), n=n))
        case = Case(root, model, n, ("Austria", "Australia"), 0.01)
        with tempfile.TemporaryDirectory(dir=scratch) as cache:
            for task in GROWING:
                result = measure("kangaroo", task, case, Path(cache))
                print(
                    f"{n:7,} scenes, {TASKS[task]:44} {result['seconds']:9.1f} s {result['mib']:9.0f} MiB",
                    flush=True,
                )


def _once(side: str, task: str, case: Case, scratch: Path) -> Result:
    """One measurement; cold ones get a cache of their own, others share one, filled before the clock runs."""
    with tempfile.TemporaryDirectory(dir=scratch) as empty:
        return measure(side, task, case, Path(empty) if task == "epoch_cold" else scratch / "cache")


def _medians(results: Sequence[Result]) -> Result:
    return {key: median(result[key] for result in results) for key in results[0]}


def _print(task: str, sides: dict[str, Result]) -> None:
    ours = sides["kangaroo"]
    for side, result in sides.items():
        gap = f"{result['gap']:7.2%}" if "gap" in result else ""
        ratio = f"{result['seconds'] / ours['seconds']:7.2f}x"
        line = f"{TASKS[task]}, {side}"
        print(f"{line:52.52} {result['seconds']:9.2f} {ratio} {result['mib']:9.0f} {gap}", flush=True)
