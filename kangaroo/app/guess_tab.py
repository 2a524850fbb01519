"""The tab Guess: one photo to an answer, a map and an explanation; several to a table."""

import base64
from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr
import pandas as pd

from kangaroo.app import words
from kangaroo.app.heat import METHODS, Heat, heat_view, plain
from kangaroo.app.photos import UPLOADS, Shown, examples, name_of, upload
from kangaroo.app.picking import chosen, dropzone, example_buttons
from kangaroo.app.state import State
from kangaroo.app.worldmap import Dot, Mark, View, belief, world_map
from kangaroo.errors import DataError, PhotoError
from kangaroo.game.tables import spreadsheet_safe
from kangaroo.geo.decoders import ClassPoints, country_points

MOST = 100
"""Photos at once."""
COLUMNS = ("file", "prediction", "confidence", "set", "abstain", "lat", "lon")
QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "minimal"}
INTRO = "Drop a photo of a street, and see which country the model takes it for, how sure it is, and why."


def add(state: State) -> None:
    """Lay the tab out, with the first example already answered; call it inside ``with gr.Tab(...)``."""
    photos = examples(state)
    one = _One(state)
    first = one.result(photos[0])
    gr.HTML(f'<p class="intro">{INTRO}</p>')
    photo = gr.State(photos[0], time_to_live=3600)
    with gr.Row(elem_classes="columns"):
        with gr.Column(min_width=300):
            picture, sent = dropzone("guess-photo")
            example = example_buttons(photos, elem_id="guess-examples")
            answer = gr.HTML(first[0], elem_id="guess-answer")
        with gr.Column(min_width=300):
            method = gr.Dropdown(
                list(METHODS.items()),
                value="grad-cam",
                label="Explanation",
                elem_id="guess-method",
                visible=bool(state.classifier.classes),
            )
            seen = heat_view(elem_id="guess-heat")
            seen.value = one.heat(photos[0], "grad-cam")
    world = world_map(label="The model's belief", elem_id="guess-map")
    world.value = first[1]

    outputs = [picture, photo, answer, world, seen]
    # Two events, not one that yields twice: a value that is to stay as it is costs Gradio memory for good.
    explained: dict[str, Any] = {"fn": one.heat, "inputs": [photo, method], "outputs": seen} | QUIET
    sent.change(one.uploaded, sent, outputs, preprocess=False, concurrency_id=UPLOADS, **QUIET).success(
        **explained
    )
    example.select(one.example, example, outputs, **QUIET).success(**explained)
    method.input(**explained)
    with gr.Accordion("Several photos at once", open=False, elem_id="guess-many"):
        _add_several(state)


def _add_several(state: State) -> None:
    several = gr.File(
        label=f"Up to {MOST} photos",
        file_count="multiple",
        type="filepath",
        height=140,
        elem_id="guess-files",
    )
    refused = gr.HTML("", elem_id="guess-refused")
    table = gr.HTML("", elem_id="guess-table")
    several.upload(
        lambda sent: _several(state, sent),
        several,
        [several, refused, table],
        preprocess=False,
        concurrency_id=UPLOADS,
        **QUIET,
    )


class _One:
    """What the tab says of one photo."""

    def __init__(self, state: State) -> None:
        self._state, self._view, self._heat = state, viewer(state), Heat(state)

    def result(self, photo: Shown) -> tuple[str, dict[str, Any]]:
        """The answer as HTML, and the map's value."""
        row = _predicted(self._state, [photo]).iloc[0]
        where = (row["lat"], row["lon"]) if "lat" in row else None
        p = [row[f"p_{name}"] for name in self._state.classifier.classes]
        return words.answer(self._state, p, where), self._view(p, where).to_json()

    def shown(self, photo: Shown) -> tuple[Any, ...]:
        """A photo without its heat, which follows."""
        answer, world = self.result(photo)
        return None, photo, answer, world, plain(photo)

    def example(self, number: object) -> tuple[Any, ...]:
        """One of the examples, as :meth:`shown`."""
        return self.shown(chosen(number, examples(self._state)))

    def uploaded(self, sent: Any) -> tuple[Any, ...]:
        """A photo that came, or why it is none; then everything else stays as it is."""
        try:
            return self.shown(upload(sent, self._state))
        except PhotoError as error:
            return None, gr.skip(), words.refusal(name_of(sent), error), gr.skip(), gr.skip()

    def heat(self, photo: Shown, method: str) -> dict[str, Any]:
        """The photo with the explanation of the model's own answer; coordinates have none."""
        if not self._state.classifier.classes:
            return plain(photo)
        best = int(self._state.probabilities(photo.pixels[None])[0].argmax())
        return self._heat.value(photo, method, best)


def viewer(state: State) -> Callable[[Sequence[float], tuple[float, float] | None], View]:
    """What draws the belief: shaded countries, dots at the points of classes, and the guess itself."""
    classes, places = state.classifier.classes, state.classifier.places
    if isinstance(places, ClassPoints):
        points = list(zip(places.lat.tolist(), places.lon.tolist(), strict=True))
    else:
        points = [_point(name) for name in classes]

    def view(p: Sequence[float], where: tuple[float, float] | None) -> View:
        marks = [Mark(*where, "model", "guess")] if where else []
        if not classes:
            return View(marks=marks, dots=[Dot(*mark_at, 1.0, "guess") for mark_at in [where] if mark_at])
        found = belief(classes, p, points)
        return View(shades=found.shades, dots=found.dots, fit=found.fit, summary=found.summary, marks=marks)

    return view


def _point(name: str) -> tuple[float, float]:
    """Where a class without a place of its own lies: its country's middle, or nowhere."""
    try:
        lat, lon = country_points([name])
    except DataError:
        return float("nan"), float("nan")
    return float(lat[0]), float(lon[0])


def _predicted(state: State, photos: Sequence[Shown]) -> pd.DataFrame:
    with state.network:
        frame = state.classifier.predict([photo.pixels for photo in photos])
    return frame.assign(file=[photo.name for photo in photos])


def _several(state: State, sent: Any) -> tuple[Any, ...]:
    """The table of photos that came, and a line for each that is none."""
    sent = sent if isinstance(sent, list) else [sent]
    photos: list[Shown] = []
    many = f"{len(sent) - MOST} photos were left out: {MOST} at once are the limit"
    refused = words.refusal("", many) if len(sent) > MOST else ""
    for payload in sent[:MOST]:
        try:
            photos.append(upload(payload, state))
        except PhotoError as error:
            refused += words.refusal(name_of(payload), error)
    if not photos:
        return None, refused, ""
    frame = _predicted(state, photos)
    frame = frame[[name for name in COLUMNS if name in frame]]
    return None, refused, words.table(frame) + _download(frame)


def _download(frame: pd.DataFrame) -> str:
    """HTML: a link that holds the table as a CSV file; no cell begins like a formula of a spreadsheet."""
    data = base64.b64encode(spreadsheet_safe(frame).to_csv(index=False).encode()).decode()
    return (
        '<p><a id="guess-download" class="download" download="guesses.csv" '
        f'href="data:text/csv;base64,{data}">Download the table (CSV)</a></p>'
    )
