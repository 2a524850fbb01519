"""What all tabs share: the model, the settings, and one network that only one request uses at a time."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Semaphore
from typing import Any

import numpy as np

from kangaroo.errors import KangarooError
from kangaroo.models.classifier import Classifier
from kangaroo.models.gradients import compiled
from kangaroo.models.graph import inputs_of

DRAWN = "This model was trained on drawn scenes only: of real photos it knows nothing."


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the page is made of; KangarooError for what can't be.

    ``examples`` is a folder of photos to try; None: drawn scenes. ``photos``, ``split`` and ``results`` are
    the game's: its photos, the run's split.csv that says which of them the model has not seen, and its file.
    ``max_upload_mb`` bounds one photo in MB, ``queue`` the requests that wait. ``seed`` draws examples.
    """

    examples: Path | None = None
    photos: Path | None = None
    split: Path | None = None
    results: Path = Path("kangaroo-games.sqlite")
    max_upload_mb: float = 20.0
    queue: int = 40
    seed: int = 0

    def __post_init__(self) -> None:
        """Check; raise KangarooError."""
        if not 0 < self.max_upload_mb <= 1000:
            raise KangarooError(f"photos of up to {self.max_upload_mb} MB: give more than 0, at most 1000")
        if self.seed < 0:
            raise KangarooError(f"seed {self.seed} is below 0: give a whole number of 0 or more")
        if self.queue < 1:
            raise KangarooError(f"a queue of {self.queue} serves nobody: give 1 or more")

    @property
    def max_bytes(self) -> int:
        """The largest photo, in bytes."""
        return int(self.max_upload_mb * 1e6)


@dataclass(frozen=True, eq=False)
class State:
    """The classifier and the settings; ``network`` is held by whoever runs TensorFlow.

    More requests at once would not be faster, and each needs memory of its own.
    """

    classifier: Classifier
    settings: Settings = Settings()
    network: AbstractContextManager[Any] = field(default_factory=Semaphore)

    @property
    def drawn(self) -> bool:
        """Whether the model knows drawn scenes only."""
        return bool(self.classifier.card.data.get("drawn"))

    def probabilities(self, photos: Any) -> np.ndarray:
        """Class probabilities, float64 (n, classes), of photos (n, image_size, image_size, 3) from 0 to 255.

        Those of :meth:`Classifier.probabilities`, calibration included, but photos may also lie between two
        whole pixel values. Holds ``network`` itself.
        """
        with self.network:
            found = np.asarray(self._outputs(inputs_of(self.classifier.model, photos)), np.float64)
        p = np.hstack([1 - found, found]) if found.shape[1] == 1 else found
        return self.classifier.calibration.calibrated(p) if self.classifier.calibration else p

    @cached_property
    def _outputs(self) -> Any:
        return compiled(lambda inputs: self.classifier.model(inputs, training=False))
