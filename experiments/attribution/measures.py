"""How exact integrated gradients are, and how faithful each method is, in numbers."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kangaroo.data.images import Pixels
from kangaroo.explain.evidence import evidence
from kangaroo.explain.faithfulness import Curves, Faithfulness, deletion_insertion, infidelity, randomization
from kangaroo.explain.methods import integrated, maps
from kangaroo.explain.reference import baselines
from kangaroo.explain.settings import Method, Rule, Settings
from kangaroo.models.classifier import Classifier
from kangaroo.models.graph import inputs_of, takes_pixels
from kangaroo.runs.photos import Data
from kangaroo.scenes.render import draw

EVEN: tuple[Rule, ...] = ("trapezoid", "midpoint", "gauss-legendre")
STEPS = (16, 32, 50, 64, 128)
TOLERANCES = (0.1, 0.05, 0.02, 0.01)
FEW = 16  # photos for the rules, which take hundreds of gradients each; a quarter of them for random weights
TOLERANCE = 0.05  # for the comparison of methods, where a hundred times as many gradients are taken
PER_UNIT = ("gradient", "smoothgrad")  # attributions per unit of the input; others add up to the score


@dataclass(frozen=True, eq=False)
class Chosen:
    """The photos that are measured, uint8 (n, H, W, 3), where they stand, and what the model says of them.

    ``inputs`` are the photos as the model takes them, ``grey`` the grey of each photo's mean likewise.
    """

    rows: NDArray[np.int64]
    photos: Pixels
    inputs: NDArray[np.float32]
    grey: NDArray[np.float32]
    probabilities: NDArray[np.float64]

    @property
    def classes(self) -> NDArray[np.int64]:
        """The number of the predicted class of each, which is what is explained."""
        return self.probabilities.argmax(axis=1)


def choose(data: Data, classifier: Classifier, number: int, seed: int) -> Chosen:
    """Up to ``number`` random photos, in random order."""
    rows = np.random.default_rng(seed).permutation(len(data.pixels))[:number]
    photos, model = data.pixels[rows], classifier.model
    grey = baselines("mean", photos, standardized=not takes_pixels(model))
    return Chosen(rows, photos, inputs_of(model, photos), grey, classifier.probabilities(photos))


def rules(classifier: Classifier, chosen: Chosen) -> pd.DataFrame:
    """A row a photo and setting: rule, setting, photo, evaluations, and gap, a share of the score difference.

    The logit, from the grey of the photo's mean; as everywhere, differences below 1 count as 1.
    """
    inputs, grey, classes = chosen.inputs[:FEW], chosen.grey[:FEW], chosen.classes[:FEW]
    settings = [(float(steps), Settings(rule=rule, steps=steps)) for rule in EVEN for steps in STEPS]
    settings += [(tolerance, Settings(tolerance=tolerance)) for tolerance in TOLERANCES]
    return pd.DataFrame(
        {
            "rule": one.rule,
            "setting": setting,
            "photo": photo,
            "evaluations": found.evaluations,
            "gap": found.completeness_gap / max(abs(found.score - found.baseline_score), 1),
        }
        for setting, one in settings
        for photo, found in enumerate(integrated(classifier.model, inputs, grey, classes, one))
    )


def faithfulness(
    classifier: Classifier, data: Data, chosen: Chosen, methods: Sequence[Method], seed: int
) -> tuple[Mapping[str, Faithfulness], Mapping[str, NDArray[np.float32]], Curves]:
    """Measure every method; gives the measures, the attributions, and the curves of a random order."""
    model, inputs, classes = classifier.model, chosen.inputs, chosen.classes
    blurred = baselines("blurred", chosen.photos, standardized=not takes_pixels(model))
    few = slice(FEW // 4)
    curves = partial(deletion_insertion, model, inputs, blurred, classes, seed=seed)
    masks = _masks(data, chosen, classifier.image_size) if data.manifest.drawn else None
    measures: dict[str, Faithfulness] = {}
    values: dict[str, NDArray[np.float32]] = {}
    for name in methods:
        explain = partial(maps, settings=Settings(method=name, tolerance=TOLERANCE, max_steps=200, seed=seed))
        start = time.perf_counter()
        values[name] = found = explain(model, inputs, classes)
        seconds = (time.perf_counter() - start) / len(inputs)
        measures[name] = Faithfulness(
            curves=curves(found),
            infidelity=infidelity(
                model, inputs, chosen.grey, classes, found, local=name in PER_UNIT, samples=100, seed=seed
            ),
            randomization=randomization(model, inputs[few], classes[few], explain, seed=seed),
            evidence=None if masks is None else evidence(found, masks),
            seconds=seconds,
        )
    return measures, values, curves(np.zeros(inputs.shape[:3], np.float32))


def _masks(data: Data, chosen: Chosen, size: int) -> NDArray[np.bool_]:
    """Where the evidence for the country lies in each scene, (n, size, size): wherever any cue is."""
    photos = data.manifest.photos.iloc[chosen.rows]
    none = np.zeros((size, size), bool)
    scenes = (draw(*pair, size) for pair in zip(photos["class"], map(_seed, photos["file"]), strict=True))
    return np.stack([np.any([none, *scene.masks.values()], axis=0) for scene in scenes])


def _seed(file: str) -> int:
    return int(Path(file).stem)
