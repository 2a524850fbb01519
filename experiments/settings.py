"""What an experiment is about, and what one run of it was asked to do."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Experiment:
    """What one classification experiment is about; ``epochs`` on photos, ``drawn_epochs`` on drawn scenes."""

    name: str
    description: str
    classes: tuple[str, ...]
    epochs: int
    drawn_epochs: int
    scenes: int


@dataclass(frozen=True)
class RunSettings:
    """One run, as asked for on the command line; no ``images`` means drawn scenes."""

    name: str
    command: str
    images: tuple[Path, ...]
    classes: tuple[str, ...]
    scenes: int
    epochs: int
    batch_size: int
    image_size: int
    validation: float
    seed: int
    precision: str
    out: Path
    resume: bool
    overwrite: bool
    json: bool
