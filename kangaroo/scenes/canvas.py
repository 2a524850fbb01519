"""An anti-aliased drawing surface that remembers which pixels show which cue.

Drawing is matplotlib's Agg renderer, used directly: no figure, no axes. A layer is drawn, then compared
with what stood there before: the pixels that changed belong to the layer's cue, and no longer to any cue
behind it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.path import Path
from matplotlib.transforms import Affine2D
from numpy.typing import ArrayLike, NDArray

Colour = NDArray[np.float64]
Points = NDArray[np.float64]


class Canvas:
    """Square canvas, x to the right and y down, on a background (size, size, 3), 0 to 255."""

    def __init__(self, background: ArrayLike) -> None:
        background = np.asarray(background)
        self.size = len(background)
        self.masks: dict[str, NDArray[np.bool_]] = {}
        self._renderer = RendererAgg(self.size, self.size, 72)
        self._pen = self._renderer.new_gc()
        self._pen.set_snap(False)
        self._down = Affine2D().scale(1, -1).translate(0, self.size)
        self._pixels = np.asarray(self._renderer.buffer_rgba())
        self._pixels[..., :3] = np.clip(background, 0, 255)
        self._pixels[..., 3] = 255

    @property
    def photo(self) -> NDArray[np.uint8]:
        """The picture so far, uint8 (size, size, 3)."""
        return self._pixels[..., :3]

    @contextmanager
    def textured(self, factor: NDArray[np.floating]) -> Iterator[None]:
        """What is drawn inside gets a texture: it is multiplied by ``factor`` (size, size)."""
        before = self._pixels.copy()
        yield
        factor = np.where(self._changed(before), factor, 1).astype(np.float32)
        self._pixels[..., :3] = np.clip(self._pixels[..., :3] * factor[..., None], 0, 255)

    @contextmanager
    def layer(self, cue: str | None = None) -> Iterator[None]:
        """What is drawn inside hides the cues behind it, and is itself evidence for ``cue``."""
        if cue is None and not self.masks:
            yield
            return
        before = self._pixels.copy()
        yield
        changed = self._changed(before)
        for mask in self.masks.values():
            mask &= ~changed
        if cue is not None:
            self.masks[cue] = self.masks.get(cue, np.zeros_like(changed)) | changed

    def _changed(self, before: NDArray[np.uint8]) -> NDArray[np.bool_]:
        return (before.view(np.uint32) != self._pixels.view(np.uint32))[..., 0]

    def fill(self, outlines: Sequence[Points] | Points, colour: Colour) -> None:
        """Fill one polygon (n, 2), or several in one go."""
        self._pen.set_linewidth(0)
        self._renderer.draw_path(self._pen, _path(outlines), self._down, tuple(np.clip(colour / 255, 0, 1)))

    def stroke(self, lines: Sequence[Points] | Points, colour: Colour, width: float) -> None:
        """Draw one line (n, 2), or several in one go, ``width`` pixels wide."""
        self._pen.set_linewidth(width)
        self._pen.set_foreground(tuple(np.clip(colour / 255, 0, 1)))
        self._renderer.draw_path(self._pen, _path(lines), self._down)


def _path(outlines: Sequence[Points] | Points) -> Path:
    if isinstance(outlines, np.ndarray):
        return Path(outlines)
    codes = [np.full(len(outline), Path.LINETO, Path.code_type) for outline in outlines]
    for code in codes:
        code[0] = Path.MOVETO
    return Path(np.concatenate(outlines), np.concatenate(codes))
