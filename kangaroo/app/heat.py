"""Where in a photo the evidence lies: explanations as two layers of colour that the browser mixes."""

from collections.abc import Mapping
from functools import cached_property
from importlib.resources import files
from typing import Any

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from kangaroo.app.photos import Shown, picture_url
from kangaroo.app.state import State
from kangaroo.explain.cam import GradCam
from kangaroo.explain.display import Explained
from kangaroo.explain.methods import explain
from kangaroo.explain.settings import Settings as Method
from kangaroo.models.graph import inputs_of
from kangaroo.plots.attribution import AGAINST, FOR

METHODS: Mapping[str, str] = {
    "Grad-CAM (quick)": "grad-cam",
    "Integrated gradients (a few seconds)": "integrated-gradients",
    "Gradient × input": "gradient-x-input",
}
"""The explanations that the page offers, the quickest first."""
MEANS: Mapping[str, str] = {
    "grad-cam": "Blue is where the last feature maps speak for {name}; it is coarse, shows nothing that "
    "speaks against, and does not say what in a region counts.",
    "integrated-gradients": "Each pixel's share of what this photo adds to the score of {name} over a plain "
    "grey picture; the shares sum up, but single pixels are noisy, and another start than grey gives others.",
    "gradient-x-input": "What each pixel would add to the score of {name} if the network were linear at "
    "this photo; it says nothing of larger changes.",
}
"""What the heat means and does not mean."""


class Heat:
    """Explanations by one model; Grad-CAM is compiled once, so that it costs what a few predictions do."""

    def __init__(self, state: State) -> None:
        self._state = state

    def value(self, photo: Shown, method: str, explained: int) -> dict[str, Any]:
        """What heat.js shows: the photo, what speaks for class number ``explained`` and against it."""
        with self._state.network:
            values = self._values(photo.pixels, method, explained)
        layers = Explained.of(photo.pixels, values)
        name = self._state.classifier.classes[explained]
        return {
            "photo": photo.url,
            "supports": _layer(layers.supports, FOR),
            "against": "" if layers.against is None else _layer(layers.against, AGAINST),
            "name": name,
            "words": MEANS[method].format(name=name),
        }

    def _values(self, pixels: NDArray[np.uint8], method: str, explained: int) -> NDArray[np.floating]:
        classifier = self._state.classifier
        if method == "grad-cam":
            return self._cam(inputs_of(classifier.model, pixels[None]), np.array([explained], np.int32))[0]
        settings = Method(method=method)  # type: ignore[arg-type]  # one of METHODS, checked there
        return explain(classifier, pixels[None], settings, explained)[0].values

    @cached_property
    def _cam(self) -> GradCam:
        return GradCam(self._state.classifier.model)


def plain(photo: Shown) -> dict[str, Any]:
    """The photo without any heat."""
    return {"photo": photo.url, "supports": "", "against": "", "name": "", "words": ""}


def heat_view(**settings: Any) -> gr.HTML:
    """The photo under its heat, with polarity and opacity to choose, which the browser does by itself."""
    folder = files("kangaroo.app")
    return gr.HTML(
        None,
        html_template="",
        css_template=(folder / "heat.css").read_text(encoding="utf-8"),
        js_on_load=(folder / "heat.js").read_text(encoding="utf-8"),
        apply_default_css=False,
        **settings,
    )


def _layer(strength: NDArray[np.floating], colour: tuple[float, float, float]) -> str:
    """One colour, as opaque as the evidence is strong: a PNG picture."""
    alpha = np.rint(255 * np.clip(strength, 0, 1))[..., None]
    flat = np.broadcast_to(np.rint(255 * np.array(colour)), (*strength.shape, 3))
    return picture_url(np.concatenate([flat, alpha], axis=2).astype(np.uint8), "PNG")
