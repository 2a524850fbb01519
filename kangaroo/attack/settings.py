"""What an attack is asked to do; no TensorFlow, so that the command line can name the choices."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from kangaroo.errors import KangarooError, require_choices

Method = Literal["signed-gradient", "iterative", "pgd"]
Norm = Literal["linf", "l2"]
Space = Literal["pixels", "standardized"]
Through = Literal["logit", "probability"]
CHOICES: Mapping[str, tuple[str, ...]] = {
    "method": get_args(Method),
    "norm": get_args(Norm),
    "space": get_args(Space),
    "through": get_args(Through),
}
# In standardized units the report's; elsewhere what leads from no effect to nothing left.
EPSILONS: Mapping[tuple[str, str], tuple[float, ...]] = {
    ("pixels", "linf"): (0, 0.5, 1, 2, 4, 8),
    ("standardized", "linf"): (0, 0.001, 0.01, 0.1, 1),
    ("pixels", "l2"): (0, 50, 100, 200, 400, 800),
    ("standardized", "l2"): (0, 0.5, 5, 50, 500),
}


@dataclass(frozen=True, kw_only=True)
class AttackConfig:
    """Settings of one attack; KangarooError for a word or number that can't be.

    method: 'signed-gradient' is one step of size epsilon along the sign of the gradient (Goodfellow et al.
    2015, arXiv:1412.6572), with l2 along the gradient; 'iterative' is ``steps`` smaller ones, each projected
    back (Kurakin et al. 2017, arXiv:1607.02533); 'pgd' starts them at a random point (Madry et al. 2018,
    arXiv:1706.06083) and keeps, photo by photo, the better of its last point and one whole step.
    norm: epsilon bounds the largest change of a value ('linf') or the Euclidean norm of all changes ('l2').
    space: photos and epsilon in 'pixels', clipped to 0 to 255, or in 'standardized' units, not clipped, which
    only networks know that take standardized photos.
    through: the gradient is that of the 'logit' (of the log odds), which never vanishes by saturation, or of
    the cross entropy of the 'probability', clipped as Keras does: exactly zero where the model is certain.
    target: the class, by number, that photos shall be taken for; None: any but their own.
    step_size: that of 'iterative' and 'pgd', in the units of epsilon; None: 2.5 epsilon / steps.
    seed: draws the random start, which all photos share.
    """

    method: Method = "signed-gradient"
    norm: Norm = "linf"
    space: Space = "pixels"
    through: Through = "logit"
    target: int | None = None
    steps: int = 10
    step_size: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Check; raise KangarooError."""
        require_choices(self, CHOICES)
        if self.steps < 1:
            raise KangarooError(f"{self.steps} steps are no attack: give 1 or more")
        if self.step_size is not None and not 0 < self.step_size < math.inf:
            raise KangarooError(f"a step of size {self.step_size} leads nowhere: give a number above 0")
        if self.seed < 0:
            raise KangarooError(f"seed {self.seed} is below 0: give a whole number of 0 or more")

    def step(self, epsilon: float) -> float:
        """Size of a step of 'iterative' and 'pgd'.

        2.5 epsilon / steps, as in Madry et al., reaches the border from any start; much smaller steps end
        weaker than one whole step.
        """
        return 2.5 * epsilon / self.steps if self.step_size is None else self.step_size


def check_epsilons(epsilons: Sequence[float]) -> None:
    """Raise KangarooError for none at all, or one that is negative or no number."""
    if not len(epsilons):
        raise KangarooError("no epsilon: give one or more, such as 0 1 2")
    for epsilon in epsilons:
        if not 0 <= epsilon < math.inf:  # written so that NaN fails too
            raise KangarooError(f"epsilon {epsilon} is no size of a change: give a number of 0 or more")
