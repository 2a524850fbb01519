"""Drawn street scenes, for those who have no photos at hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from kangaroo.plots.examples import photo_grid
from kangaroo.plots.style import png
from kangaroo.scenes.folder import SceneSettings, write_folder
from kangaroo.scenes.profiles import PROFILES
from kangaroo.scenes.render import Scene, draw

_SHOWN = 16  # scenes in one picture


@dataclass(frozen=True, eq=False)
class DrawnScenes:
    """Street scenes out of a pencil box, each with known evidence. A notebook shows them as a picture.

    scenes: what each holds: cues, masks and coordinates (see :class:`kangaroo.scenes.render.Scene`).
    settings: what they were drawn by.
    """

    scenes: tuple[Scene, ...]
    settings: SceneSettings

    @property
    def images(self) -> NDArray[np.uint8]:
        """The scenes as photos, uint8 (n, size, size, 3)."""
        return np.stack([scene.photo for scene in self.scenes])

    @property
    def labels(self) -> list[str]:
        """The country that each was drawn for."""
        return [scene.country for scene in self.scenes]

    def save(self, folder: str | Path) -> Path:
        """Write them as a photo folder, ``folder/<Country>/<State>/<seed>.jpg``, and give its path.

        Raises DataError where ``folder`` holds something else.
        """
        return write_folder(Path(folder), self.settings, workers=1 if self.settings.n <= 100 else None)

    def figure(self) -> Figure:
        """The first scenes with their countries."""
        shown = self.scenes[:_SHOWN]
        captions = [scene.country for scene in shown]
        return photo_grid(
            [scene.photo for scene in shown],
            captions,
            "Drawn street scenes",
            subject="drawn scenes",
            columns=4,
        )

    def __len__(self) -> int:
        return len(self.scenes)

    def __repr__(self) -> str:
        return f"<{len(self)} drawn scenes of {', '.join(self.settings.countries)}>"

    def _repr_png_(self) -> bytes:
        return png(self.figure())


def draw_scenes(
    n: int = 8, seed: int = 0, *, countries: Sequence[str] | None = None, size: int = 256
) -> DrawnScenes:
    """Draw ``n`` street scenes, ``size`` pixels square, of ``countries`` in turn (default: all there are).

    The same arguments give the same scenes. Raises DataError for a country without a profile, and for
    numbers that can't be.

    >>> import kangaroo
    >>> scenes = kangaroo.draw_scenes(n=4, countries=["Austria", "Australia"], size=64)
    >>> scenes.images.shape, scenes.labels
    ((4, 64, 64, 3), ['Austria', 'Australia', 'Austria', 'Australia'])
    """
    settings = SceneSettings(tuple(PROFILES if countries is None else countries), n=n, seed=seed, size=size)
    scenes = [draw(*settings.scene(i), size) for i in range(n)]
    return DrawnScenes(tuple(scenes), settings)
