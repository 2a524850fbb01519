"""What an experiment is about, and what one run of it was asked to do."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from kangaroo.attack.settings import AttackConfig
from kangaroo.training.distributed import DistributedSettings
from kangaroo.training.settings import TrainConfig

if TYPE_CHECKING:
    from kangaroo.data.augment import Augmentation
    from kangaroo.geo.decoders import Rule


Weights = Path | Literal["imagenet"] | None
"""What a backbone begins with: a file, what Keras downloads, or nothing."""


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
    replaces scenes of other settings. ``antialias`` is that of kangaroo.data.images. ``one_class``: a single
    class is enough to train on. ``training_size``: side of the photos that training cuts its own out of.
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
    one_class: bool = False
    training_size: int | None = None


@dataclass(frozen=True, kw_only=True)
class RunSettings(DataSettings):
    """One run of any experiment, as asked for on the command line."""

    name: str
    command: str
    json: bool


@dataclass(frozen=True, kw_only=True)
class ClassificationSettings(RunSettings):
    """One run that trains a network; ``compare_random_split`` trains on a split by photo too.

    ``track`` is that of :func:`kangaroo.training.fit`.
    """

    training: TrainConfig
    resume: bool
    compare_random_split: bool = False
    track: str = ""
    distributed: DistributedSettings | None = None

    @property
    def record(self) -> dict[str, Any]:
        """What else decides about the network; a resumed run must not change it."""
        return {}


@dataclass(frozen=True)
class NetworkSettings:
    """Which network, what it begins with, and what of it is trained, as in :mod:`kangaroo.models.transfer`.

    ``backbone`` 'kangaroo' is the small network of :mod:`kangaroo.models.small_cnn`, which has no other
    ``head`` than its last layer and is trained wholly. ``trainable`` is a part, or the share of layers to
    lock.
    """

    backbone: str
    weights: Weights
    head: tuple[int, ...]
    dropout: float
    trainable: str | float


@dataclass(frozen=True)
class LossSettings:
    """What a wrong answer costs.

    ``kind`` 'cross-entropy', with labels smoothed by ``smoothing``; 'distance': it, and ``alpha`` for each
    1,000 km expected; 'soft': labels that fall off with the distance over ``tau_km``. Of coordinates:
    'haversine' or 'mean-squared-error'.
    """

    kind: str
    alpha: float = 0.0
    tau_km: float = 0.0
    smoothing: float = 0.0

    @property
    def needs_points(self) -> bool:
        """Whether it can't do without the classes' coordinates."""
        return self.kind in ("distance", "soft")


@dataclass(frozen=True)
class CellSettings:
    """How an area is divided: squares of ``width_km``, or ``n`` cells around 'drawn' or 'kmeans' centres.

    The area is that of ``boundary``, a polygon file, or the photos' hull and ``margin_km`` around it.
    ``rule`` and ``radius_km`` (0: twice a cell's width) are those of kangaroo.geo.decoders.ClassPoints.
    """

    kind: Literal["square", "drawn", "kmeans"]
    width_km: float
    n: int
    boundary: Path | None
    margin_km: float
    rule: "Rule"
    radius_km: float


@dataclass(frozen=True, kw_only=True)
class PlaceSettings(ClassificationSettings):
    """One run of an experiment on places.

    ``cells`` belongs to that experiment, ``target`` ('sphere' or 'box') to that of coordinates. ``map_km`` is
    the diagonal of the map that GeoGuessr scores are for.
    """

    network: NetworkSettings
    loss: LossSettings
    augmentation: "Augmentation | None"
    map_km: float
    cells: CellSettings | None = None
    target: Literal["sphere", "box"] | None = None

    @property
    def record(self) -> dict[str, Any]:
        """What else decides about the network; a resumed run must not change it."""
        parts: dict[str, Any] = {
            "network": self.network,
            "loss": self.loss,
            "augmentation": self.augmentation,
            "cells": self.cells,
        }
        found = {name: _plain(asdict(part)) if part else None for name, part in parts.items()}
        return found | {"target": self.target, "training_size": self.training_size}


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


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Values that JSON has."""
    return {name: str(value) if isinstance(value, Path) else value for name, value in values.items()}
