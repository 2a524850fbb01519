"""Integrated gradients of 32 photos in the report's way and in kangaroo's, each in a process of its own.

    python -m benchmarks.explain SIDE MODEL TOLERANCE FOLDER...

prints seconds, the median completeness gap (a share of the score difference), and the peak of memory in MiB.
"""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from kangaroo.console import start_keras

PHOTOS, STEPS = 32, 50
SIDES = ("the report's way", "kangaroo")


def measure(side: str, model: Path, tolerance: float, roots: Sequence[Path]) -> dict[str, float]:
    """Run one side in a process of its own; ``tolerance`` is kangaroo's."""
    command = [sys.executable, "-m", "benchmarks.explain", side, str(model), str(tolerance), *map(str, roots)]
    return dict(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout))


def main(side: str, model: str, tolerance: str, *roots: str) -> None:
    """Explain the same photos once without and once with the clock running, and print the figures."""
    start_keras()
    import numpy as np

    from kangaroo.data.images import decode, standardize
    from kangaroo.data.manifest import class_names, read_folders
    from kangaroo.explain.integrated import scores
    from kangaroo.models.classifier import load

    classifier, folders = load(model), [Path(root) for root in roots]
    known = [name for name in class_names(folders) if name in classifier.classes]
    files = read_folders(folders, known).photos["file"].sample(PHOTOS, random_state=0)
    size, antialias = classifier.image_size, classifier.card.antialias
    inputs = standardize(np.stack([decode(file, size, antialias=antialias) for file in files]))
    work = _reports if side == SIDES[0] else _ours
    work(classifier.model, inputs[:2], float(tolerance))  # tracing is not explaining
    start = time.perf_counter()
    sums = work(classifier.model, inputs, float(tolerance))
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    ends = [scores(classifier.model, points, [1] * PHOTOS) for points in (0 * inputs, inputs)]
    difference = ends[1] - ends[0]
    gaps = np.abs(sums - difference) / np.maximum(np.abs(difference), 1)
    print(json.dumps({"seconds": seconds, "gap": median(gaps.tolist()), "mib": peak}))


def _ours(model: Any, inputs: Any, tolerance: float) -> Any:
    import numpy as np

    from kangaroo.explain.integrated import integrated_gradients

    found = integrated_gradients(model, inputs, 0 * inputs, [1] * len(inputs), tolerance=tolerance)
    return np.array([one.sum for one in found])


def _reports(model: Any, inputs: Any, _: float) -> Any:
    """Eager gradients of all photos at 51 points of the path, kept in one array."""
    import numpy as np
    import tensorflow as tf

    from kangaroo.models.graph import logit_model

    logits, photos = logit_model(model), tf.constant(inputs)
    gradients = np.zeros((STEPS + 1, *inputs.shape))
    for i in range(STEPS + 1):
        point = photos * (i / STEPS)
        with tf.GradientTape() as tape:
            tape.watch(point)
            score = logits(point)
        gradients[i] = tape.gradient(score, point)
    mean = ((gradients[:-1] + gradients[1:]) / 2).mean(axis=0)
    return (mean * inputs).sum(axis=(1, 2, 3))


if __name__ == "__main__":
    main(*sys.argv[1:])
