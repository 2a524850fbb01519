"""The tab Compare: people and the model on the same photos, and who is better."""

import base64
import tempfile
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr
import pandas as pd

from kangaroo.app.play_tab import QUIET
from kangaroo.app.state import State
from kangaroo.game.comparison import Comparison, Measure, compare, in_words
from kangaroo.game.results import Results
from kangaroo.game.tables import by_terms, counted, write_csv
from kangaroo.pages import elements

NAMES = {
    "top1": "first guess right",
    "top3": "right within 3 guesses",
    "top5": "right within 5 guesses",
    "median_km": "distance, median of the photos",
    "mean_points": "GeoGuessr points, mean of the photos",
}
"""The measures as people write them."""
NOTE = (
    "Each photo counts once, however many people saw it. The intervals hold 95 % of what other photos like "
    "these would give, for these people and this model; p is the chance of such a difference if both were "
    "equally good. A photo that its player had seen before doesn't count; where the time was over, nothing "
    "was named."
)
NOTHING = "Nobody has played yet: a game in the tab Play gives the first figures."
_OPENED = "trigger('select');"  # nobody waits for figures of a tab that was not opened
_FETCH = "() => document.querySelector('#compare-file a')?.click()"


def add(state: State) -> None:
    """Lay the tab out; call it inside ``with gr.Tab(...)``."""
    results, model = Results(state.settings.results), state.classifier.card.sha256

    def shown() -> str:
        frame = results.frame()
        return report(frame[frame["model"] == model], seed=state.settings.seed)

    text = gr.HTML("", js_on_load=_OPENED, apply_default_css=False, elem_id="compare-report")
    with gr.Row():
        again = gr.Button("Count again", elem_id="compare-again", variant="primary", scale=0, min_width=160)
        fetch = gr.Button("Download all answers (CSV)", elem_id="compare-download", scale=0, min_width=280)
    file = gr.HTML("", elem_id="compare-file", visible="hidden")
    gr.on([text.select, again.click], shown, None, text, **QUIET)
    fetch.click(lambda: _download(results), None, file, **QUIET).success(
        None, js=_FETCH, api_visibility="private"
    )


def report(frame: Any, *, seed: int = 0) -> str:
    """HTML: a comparison for each set of terms in the rows of :meth:`kangaroo.game.results.Results.frame`."""
    found = [compare(rows, seed=seed) for rows in by_terms(counted(frame))]
    return "".join(map(_section, found)) or f'<p class="intro">{NOTHING}</p>'


def _section(found: Comparison) -> str:
    people = f"{found.players:,} {'person' if found.players == 1 else 'people'}"
    caption = (
        f"{found.photos:,} photos at {found.resolution} pixels, one of {len(found.classes)} classes each; "
        f"{found.answers:,} answers of {people}"
    )
    rows = [_row(name, value) for name, value in found.measures.items()]
    head = ("", "people", "the model", "people minus the model", "p", "guessing blindly")
    table = elements.table(caption, head, rows)
    return f'<p class="intro">{escape(found.sentence)}</p>{table}<p class="line">{NOTE}</p>'


def _row(name: str, value: Measure) -> list[str]:
    scale, unit = {"median_km": (1, " km"), "mean_points": (1, "")}.get(name, (100, " %"))
    figures = [
        f"{scale * x.value:,.0f}{unit} ({scale * x.low:,.0f} to {scale * x.high:,.0f})"
        for x in (value.people, value.model, value.difference)
    ]
    p = "" if value.p is None else in_words(value.p).removeprefix("p ").removeprefix("= ")
    return [NAMES[name], *figures, p, "" if value.chance is None else f"{100 * value.chance:.0f} %"]


def _download(results: Results) -> str:
    """HTML: a link that holds all answers as a CSV file, with numbers for photos.

    From their names, which hold the country, one could reckon which photo comes next for whom.
    """
    frame = results.frame()
    frame = frame.assign(photo=pd.factorize(frame["photo"])[0] + 1).drop(columns="place")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "game.csv"
        write_csv(frame, path)
        data = base64.b64encode(path.read_bytes()).decode()
    return f'<a download="game.csv" href="data:text/csv;base64,{data}">game.csv</a>'
