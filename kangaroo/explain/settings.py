"""What an explanation is asked to be; no TensorFlow, so that the command line can name the choices."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from kangaroo.errors import KangarooError, require_choices

Method = Literal[
    "integrated-gradients",
    "gradient",
    "gradient-x-input",
    "smoothgrad",
    "grad-cam",
    "grad-cam++",
    "score-cam",
]
Target = Literal["logit", "probability"]
Rule = Literal["adaptive", "doubled", "left", "midpoint", "trapezoid", "gauss-legendre"]
NAMES: Mapping[str, str] = {
    "integrated-gradients": "integrated gradients",
    "gradient": "gradient",
    "gradient-x-input": "gradient x input",
    "smoothgrad": "SmoothGrad",
    "grad-cam": "Grad-CAM",
    "grad-cam++": "Grad-CAM++",
    "score-cam": "Score-CAM",
}
"""The methods as people write them."""
CHOICES: Mapping[str, tuple[str, ...]] = {
    "method": get_args(Method),
    "target": get_args(Target),
    "rule": get_args(Rule),
    "precision": ("float32", "auto", "bfloat16"),
}
BASELINES = ("mean", "black", "blurred")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One method and what it needs; KangarooError for a word or number that can't be.

    target: the score that is explained, the 'logit' or the 'probability' of the class.
    baseline, rule, tolerance, steps, max_steps: where integrated gradients start (see
    :func:`kangaroo.explain.reference.baselines`), and how exact they are (see
    :func:`kangaroo.explain.integrated.integrated_gradients`).
    precision: of integrated gradients: 'float32', or 'auto' or 'bfloat16', faster and rougher.
    layer: whose maps class activation maps weigh; None: the last maps, before they are pooled.
    samples, noise, seed: SmoothGrad's noisy copies, their deviation as a share of a photo's range.
    """

    method: Method = "integrated-gradients"
    target: Target = "logit"
    baseline: str = "mean"
    rule: Rule = "adaptive"
    tolerance: float = 0.01
    steps: int = 50
    max_steps: int = 1000
    precision: str = "float32"
    layer: str | None = None
    samples: int = 50
    noise: float = 0.15
    seed: int = 0

    def __post_init__(self) -> None:
        """Check; raise KangarooError."""
        require_choices(self, CHOICES)
        if self.steps < 1:
            raise KangarooError(f"{self.steps} steps along the path: give 1 or more")
        if self.max_steps < 2:
            raise KangarooError(f"at most {self.max_steps} gradients a photo: give 2 or more")
        if not self.tolerance > 0:
            raise KangarooError(f"a tolerance of {self.tolerance:g}: give a number above 0")
        if self.samples < 1 or not self.noise >= 0:
            raise KangarooError(
                f"{self.samples} noisy copies, noise {self.noise:g}: give 1 or more, and 0 or more"
            )
        if self.seed < 0:
            raise KangarooError(f"seed {self.seed} is below 0: give a whole number of 0 or more")
