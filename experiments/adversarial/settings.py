"""What one run of experiments.adversarial was asked to do."""

from dataclasses import dataclass
from pathlib import Path

from kangaroo.attack.settings import AttackConfig
from kangaroo.runs.settings import TrainSettings


@dataclass(frozen=True, kw_only=True)
class AdversarialSettings:
    """One run: up to ``photos`` photos attacked with each of ``epsilons``.

    Without ``model``, a file, the report's network is trained as ``train`` says, plainly and with attacks of
    ``training_epsilon``. ``attack`` is what all methods share.
    """

    train: TrainSettings
    model: Path | None
    photos: int
    attack: AttackConfig
    epsilons: tuple[float, ...]
    training_epsilon: float
