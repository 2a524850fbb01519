"""What an experiment is about, and what one run of it was asked to do."""

from dataclasses import dataclass
from pathlib import Path

from kangaroo.attack.settings import AttackConfig
from kangaroo.distributed import DistributedSettings


@dataclass(frozen=True)
class Experiment:
    """What one classification experiment is about; ``epochs`` on photos, ``drawn_epochs`` on drawn scenes."""

    name: str
    description: str
    classes: tuple[str, ...]
    epochs: int
    drawn_epochs: int
    scenes: int


@dataclass(frozen=True, kw_only=True)
class DataSettings:
    """Which photos; no ``images`` means that ``scenes`` are drawn into the folder ``out``.

    ``validation`` is the share of each class to hold back. With None nothing is split, and one class is
    enough. ``split``, a split.csv or a manifest, says in its place which photos are held back, and which are
    for training or for the test. ``photo_list``: a data list, whose photos alone count. ``overwrite``
    replaces scenes of other settings. ``antialias`` is that of kangaroo.data.images.
    """

    images: tuple[Path, ...]
    classes: tuple[str, ...]
    scenes: int
    image_size: int
    validation: float | None
    seed: int
    out: Path
    overwrite: bool
    antialias: bool = True
    colour_cue: bool = False
    split: Path | None = None
    photo_list: Path | None = None


@dataclass(frozen=True, kw_only=True)
class RunSettings(DataSettings):
    """One run of any experiment, as asked for on the command line."""

    name: str
    command: str
    json: bool


@dataclass(frozen=True, kw_only=True)
class ClassificationSettings(RunSettings):
    """One run of a classification experiment; ``compare_random_split`` trains on a split by photo too."""

    epochs: int
    batch_size: int
    precision: str
    resume: bool
    compare_random_split: bool = False
    distributed: DistributedSettings | None = None


@dataclass(frozen=True, kw_only=True)
class AdversarialSettings(ClassificationSettings):
    """One run of experiments.adversarial: up to ``photos`` photos attacked with each of ``epsilons``.

    Without ``model``, a file, the report's network is trained, plainly and with attacks of
    ``training_epsilon``. ``attack`` is what all methods share.
    """

    model: Path | None
    photos: int
    attack: AttackConfig
    epsilons: tuple[float, ...]
    training_epsilon: float
