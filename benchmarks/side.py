"""One task in one way of working, in a process of its own, so that its memory is its own too.

    python -m benchmarks.side SIDE TASK FOLDER MODEL N CLASS CLASS

prints JSON: the seconds of the work itself, start and tracing aside, the process's peak of memory in MiB, and
for integrated gradients the median completeness gap as a share of the score difference.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

SIDES = {
    "the report's way": "report_way",
    "kangaroo": "kangaroo_way",
    "the network's passes alone": "bare_way",
    "PyTorch": "torch_way",
}
TASKS = {
    "epoch_cold": "training epoch from JPEG files, decoding included",
    "epoch_warm": "training epoch after that",
    "evaluation": "evaluation",
    "prediction": "prediction from JPEG files",
    "sweep": "signed gradient, four epsilons",
    "integrated_gradients": "integrated gradients at equal median gap",
    "integrated_gradients_rough": "the same, kangaroo in bfloat16",
}
SIZE, BATCH = 256, 32


@dataclass(frozen=True)
class Case:
    """What a side works on: ``n`` photos of two classes at most, and for some tasks a trained model."""

    root: Path
    model: Path
    n: int
    classes: tuple[str, str]
    tolerance: float

    def files(self) -> tuple[list[str], list[int]]:
        """The files, drawn with a seed of their own, and their class numbers."""
        from kangaroo.data.folders import read_folders

        photos = read_folders([self.root], self.classes).photos
        photos = photos.sample(min(self.n, len(photos)), random_state=0)
        return photos["file"].tolist(), photos["class"].map(self.classes.index).tolist()


Work = Callable[[], float | None]
"""What is timed; it may give a completeness gap."""


def measure(side: str, task: str, case: Case, cache: Path) -> dict[str, float]:
    """Run one side in a process of its own, with ``cache`` as kangaroo's cache folder."""
    words = (side, task, case.root, case.model, case.n, case.tolerance, *case.classes)
    command = [sys.executable, "-m", "benchmarks.side", *map(str, words)]
    environment = {**os.environ, "KANGAROO_CACHE": str(cache), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main(words: Sequence[str]) -> None:
    """Prepare, then measure."""
    side, task, root, model, n, tolerance, *classes = words
    case = Case(Path(root), Path(model), int(n), (classes[0], classes[1]), float(tolerance))
    work: Work = getattr(import_module(f"benchmarks.{SIDES[side]}"), task)(case)
    start = time.perf_counter()
    gap = work()
    result = {"seconds": time.perf_counter() - start}
    if gap is not None:
        result["gap"] = gap
    print(json.dumps(result | {"mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


if __name__ == "__main__":
    main(sys.argv[1:])
