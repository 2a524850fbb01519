"""What one run was asked to do: parts that are put together, one part a question."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from kangaroo.geo.distance import WORLD_KM
from kangaroo.training.distributed import DistributedSettings
from kangaroo.training.settings import TrainConfig

if TYPE_CHECKING:
    from kangaroo.data.augmentation import Augmentation
    from kangaroo.geo.decoders import Rule


Weights = Path | Literal["imagenet"] | None
"""What a backbone begins with: a file, what Keras downloads, or nothing."""

TaskName = Literal["report", "countries", "cells", "coordinates"]


@dataclass(frozen=True)
class Preset:
    """The defaults of a training: what it is about, and the values of flags that were not given.

    ``task`` 'report' is the report's own network on countries, which has no choice of network or loss.
    ``losses`` are those to choose from, the first of them if nothing is said. ``classes`` are those of drawn
    scenes and, for the report's network, of photos too; else of photos all that are there. ``training`` is
    for photos, ``drawn_epochs`` for drawn scenes. ``one_class``: a single class is enough.
    """

    name: str
    description: str
    classes: tuple[str, ...]
    training: TrainConfig
    drawn_epochs: int
    scenes: int
    task: TaskName = "report"
    losses: tuple[str, ...] = ("cross-entropy",)
    image_size: int = 256
    one_class: bool = False


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


@dataclass(frozen=True)
class RunSettings:
    """One run: its ``name``, the ``command`` that repeats it, and its photos."""

    name: str
    command: str
    data: DataSettings

    @property
    def out(self) -> Path:
        """The run folder."""
        return self.data.out

    @property
    def seed(self) -> int:
        """Same seed, same result."""
        return self.data.seed


@dataclass(frozen=True)
class BackboneSettings:
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
class ReportClasses:
    """The report's own task: one class a folder, learned by plain cross entropy; no places."""

    needs_coordinates = False


@dataclass(frozen=True)
class CountrySettings:
    """One class a folder, whose point is that of its photos or of the country."""

    needs_coordinates = False


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
    needs_coordinates = True


@dataclass(frozen=True)
class CoordinateSettings:
    """Latitude and longitude as a point on the 'sphere', or as shares of a 'box' around training photos."""

    target: Literal["sphere", "box"]
    needs_coordinates = True


TaskSettings: TypeAlias = ReportClasses | CountrySettings | CellSettings | CoordinateSettings


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """One run that trains a network: its photos, what it is to say of them, the network, how it is trained.

    Without ``network`` it is the report's. ``map_km`` is the diagonal of the map that GeoGuessr scores are
    for. ``compare_random_split`` trains on a split by photo too. ``track`` is that of
    :func:`kangaroo.training.fit`.
    """

    run: RunSettings
    training: TrainConfig
    task: TaskSettings = ReportClasses()
    network: BackboneSettings | None = None
    loss: LossSettings = LossSettings("cross-entropy")
    augmentation: "Augmentation | None" = None
    map_km: float = WORLD_KM
    resume: bool = False
    compare_random_split: bool = False
    track: str = ""
    distributed: DistributedSettings | None = None

    @property
    def data(self) -> DataSettings:
        """Which photos."""
        return self.run.data

    @property
    def standardized(self) -> bool:
        """Whether the network takes photos standardized one by one; backbones take pixels."""
        return self.network is None or self.network.backbone == "kangaroo"

    @property
    def record(self) -> dict[str, Any]:
        """What else decides about the network; a resumed run must not change it."""
        if self.network is None:
            return {}
        parts: dict[str, Any] = {
            "network": self.network,
            "loss": self.loss,
            "augmentation": self.augmentation,
            "cells": self.task if isinstance(self.task, CellSettings) else None,
        }
        target = self.task.target if isinstance(self.task, CoordinateSettings) else None
        plain = {name: _plain(asdict(part)) if part else None for name, part in parts.items()}
        return plain | {"target": target, "training_size": self.data.training_size}

    def in_folder(self, out: Path) -> "TrainSettings":
        """The same run, left in another folder."""
        return replace(self, run=replace(self.run, data=replace(self.data, out=out)))


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Values that JSON has."""
    return {name: str(value) if isinstance(value, Path) else value for name, value in values.items()}
