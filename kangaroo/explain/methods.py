"""Every way to explain a classifier's answer, one name each: photos in, explanations out."""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from kangaroo.data.images import Pixels
from kangaroo.explain import cam, gradients, vis
from kangaroo.explain.integrated import Attribution, integrated_gradients, scores
from kangaroo.explain.reference import baselines, mean_grey
from kangaroo.explain.settings import Settings
from kangaroo.models.classifier import Classifier, probabilities_of_inputs
from kangaroo.models.graph import inputs_of, takes_pixels
from kangaroo.models.precision import dtype_policy


@dataclass(frozen=True, eq=False)
class Explanation:
    """One photo explained: ``values`` signed (H, W, 3), or, of class activation maps, (H, W) from 0 up.

    ``prediction`` and ``explained`` are class numbers, ``score`` is that of the class explained.
    ``attribution`` is there for integrated gradients: baseline, completeness gap and evaluations.
    """

    values: NDArray[np.float32]
    prediction: int
    confidence: float
    explained: int
    score: float
    attribution: Attribution | None = None

    @property
    def sum(self) -> float | None:
        """The sum of all values; None of class activation maps, whose unit is not the score's."""
        return float(self.values.sum(dtype=np.float64)) if self.values.ndim == 3 else None

    @property
    def in_words(self) -> str:
        """What the values add up to, for a title or a line of text."""
        if self.attribution is None:
            return "" if self.sum is None else f"sum of attributions {self.sum:.3f}, score {self.score:.3f}"
        difference = self.score - self.attribution.baseline_score
        return f"sum of attributions {self.sum:.3f}, score difference {difference:.3f}"


def explain(
    classifier: Classifier, photos: Pixels, settings: Settings, explained: int | None = None
) -> list[Explanation]:
    """Explain what ``classifier`` says of ``photos``, uint8 (n, image_size, image_size, 3).

    ``explained`` is the number of a class; without it each photo's own prediction is explained. Raises
    KangarooError for a baseline that can't be read, and ModelError for a layer that does not exist.
    """
    model = classifier.model
    reference = baselines(settings.baseline, photos, standardized=not takes_pixels(model))
    return explain_inputs(model, inputs_of(model, photos), reference, settings, explained)


def explain_inputs(
    model: keras.Model,
    inputs: NDArray[np.float32],
    reference: NDArray[np.float32],
    settings: Settings,
    explained: int | None = None,
) -> list[Explanation]:
    """:func:`explain` of ``inputs`` as they go into ``model``, adversarial ones for instance.

    ``inputs`` and their baselines ``reference`` are float32 (n, H, W, 3).
    """
    p = probabilities_of_inputs(model, inputs)
    classes = p.argmax(axis=1) if explained is None else np.full(len(p), explained)
    answers = list(zip(p.argmax(axis=1).tolist(), p.max(axis=1).tolist(), classes.tolist(), strict=True))
    if settings.method == "integrated-gradients":
        found = integrated(model, inputs, reference, classes, settings)
        return [Explanation(a.values, *answer, a.score, a) for a, answer in zip(found, answers, strict=True)]
    values = maps(model, inputs, classes, settings)
    of_classes = scores(model, inputs, classes, settings.target).tolist()
    return [Explanation(v, *answer, s) for v, answer, s in zip(values, answers, of_classes, strict=True)]


def integrated(
    model: keras.Model,
    inputs: NDArray[np.float32],
    reference: NDArray[np.float32],
    classes: Sequence[int] | NDArray[np.int64],
    settings: Settings,
) -> list[Attribution]:
    """Integrated gradients as ``settings`` ask for."""
    return integrated_gradients(
        model,
        inputs,
        reference,
        classes,
        target=settings.target,
        rule=settings.rule,
        steps=settings.steps,
        tolerance=settings.tolerance,
        policy=dtype_policy(settings.precision),
        max_steps=settings.max_steps,
    )


def maps(
    model: keras.Model,
    inputs: NDArray[np.float32],
    classes: Sequence[int] | NDArray[np.int64],
    settings: Settings,
) -> NDArray[np.float32]:
    """The values of one method: (n, H, W, 3), or (n, H, W) of class activation maps.

    Integrated gradients start at the grey of each photo's mean here.
    """
    target, layer = settings.target, settings.layer
    match settings.method:
        case "integrated-gradients":
            grey = mean_grey(inputs) if takes_pixels(model) else np.zeros_like(inputs)
            return np.stack([a.values for a in integrated(model, inputs, grey, classes, settings)])
        case "gradient":
            return gradients.gradient(model, inputs, classes, target=target)
        case "gradient-x-input":
            return gradients.gradient_times_input(model, inputs, classes, target=target)
        case "smoothgrad":
            return gradients.smooth_grad(
                model, inputs, classes, target=target,
                samples=settings.samples, noise=settings.noise, seed=settings.seed,
            )  # fmt: skip
        case "grad-cam":
            return cam.grad_cam(model, inputs, classes, target=target, layer=layer)
        case "grad-cam++":
            return vis.grad_cam_plus_plus(model, inputs, classes, target=target, layer=layer)
        case "score-cam":
            return vis.score_cam(model, inputs, classes, layer=layer)
