"""Where a tab's photo comes from: dropped, pasted, photographed, or one of the examples."""

from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import gradio as gr

from kangaroo.app.photos import Shown, thumbnails

ARRIVED = "(photo, before) => photo ? { ...photo, at: Date.now() } : before"


def dropzone(elem_id: str) -> tuple[gr.Image, gr.JSON]:
    """Takes one photo from a file, the clipboard or a camera; and what changes whenever a photo has come.

    Listeners on the second need ``preprocess=False``, because Pillow must not open what comes before
    :func:`kangaroo.app.photos.upload` has looked at it; they empty the first, so that it takes the next.
    """
    picture = gr.Image(
        label="Your photo",
        sources=["upload", "webcam", "clipboard"],
        type="filepath",
        image_mode=None,
        buttons=[],
        height=190,
        webcam_options=gr.WebcamOptions(mirror=False),
        placeholder="Drop a photo here\nor tap to choose one",
        elem_classes="dropzone",
        elem_id=elem_id,
    )
    sent = gr.JSON(visible="hidden", elem_id=f"{elem_id}-sent")
    # Its own event ``input`` comes before the photo where that is pasted, and ``change`` also when it goes.
    picture.change(None, [picture, sent], sent, js=ARRIVED, preprocess=False, api_visibility="private")
    return picture, sent


def example_buttons(photos: Sequence[Shown], **settings: Any) -> gr.HTML:
    """Small pictures as buttons; the value is the number of the one chosen, and ``select`` fires."""
    folder = files("kangaroo.app")
    kind = "Drawn scenes to try" if photos[0].drawn else "Examples to try"
    return gr.HTML(
        None,
        html_template="",
        css_template=(folder / "examples.css").read_text(encoding="utf-8"),
        js_on_load=(folder / "examples.js").read_text(encoding="utf-8"),
        apply_default_css=False,
        title=kind,
        photos=thumbnails(photos),
        **settings,
    )


def chosen(number: object, photos: Sequence[Shown]) -> Shown:
    """The example that a browser names; the first where it names none."""
    return photos[number] if isinstance(number, int) and 0 <= number < len(photos) else photos[0]
