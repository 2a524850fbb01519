"""The tab Play: a game against the model, photo by photo.

An automation finds its way by these ids, which stay: ``#game-nickname`` and ``#game-start`` on the first
screen; ``#game-photo`` (the img inside), ``#game-guess`` (the first of the inputs) and ``#game-submit`` in an
open round; after the guess ``#game-answer``, whose text is the answer, with the attributes data-game,
data-round, data-country, data-lat and data-lon (empty where unknown), and ``#game-next``; ``#game-over``
after the last round. Before the guess ``#game-answer`` is there with data-game and data-round alone.

All that the browser holds is the token of its game, and all that it gets of an open round is what
:class:`kangaroo.game.host.Round` has: the picture stands in the page itself, without an address or a name.
"""

import base64
import io
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from importlib.resources import files
from typing import Any, TypeAlias

import gradio as gr
import numpy as np
from PIL import Image

from kangaroo.app import game_screens
from kangaroo.app.heat import Heat, heat_view
from kangaroo.app.photos import read
from kangaroo.app.state import State
from kangaroo.app.worldmap import Mark, View, pin_of, world_map
from kangaroo.data.dataset import source_classes
from kangaroo.errors import KangarooError
from kangaroo.game.answers import Answer, Options, Point, points_of
from kangaroo.game.host import Host, Outcome, Round
from kangaroo.game.pool import read_pool
from kangaroo.game.results import Results
from kangaroo.game.settings import GUESSES, Settings
from kangaroo.geo.decoders import ClassPoints

QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
Shown: TypeAlias = tuple[dict[str, Any], View | None, Outcome | None]
"""What a browser gets: the board's value, the map (None: there is none), and the answer that is explained."""


def add(state: State) -> None:
    """Lay the tab out; call it inside ``with gr.Tab(...)``. DataError: photos or results can't be used."""
    folder, game, heat = files("kangaroo.app"), _Play(state), Heat(state)
    answered = gr.State(None, time_to_live=3600)
    with gr.Row(elem_classes="columns"):
        with gr.Column(min_width=300):
            table = gr.HTML(
                {"html": game_screens.start(game.host, state.drawn)},
                html_template="",
                css_template=(folder / "play.css").read_text(encoding="utf-8"),
                js_on_load=(folder / "play.js").read_text(encoding="utf-8"),
                apply_default_css=False,
                elem_id="game",
            )
        with gr.Column(min_width=300, visible=False) as side:
            world = world_map(label="Where was it taken?", pick=True, elem_id="game-map")
            with gr.Column(visible=False) as why:
                seen = heat_view(elem_id="game-heat")
    best = partial(game_screens.leaders, game.host)  # called at each visit
    leaders = gr.HTML(best, apply_default_css=False, elem_id="game-leaders")

    def act(pin: Any, event: gr.EventData) -> tuple[Any, ...]:
        try:
            shown, view, outcome = game.act(event._data, pin_of(pin))
        except KangarooError as error:
            return {"refused": str(error)}, *[gr.skip()] * 5
        columns = gr.Column(visible=view is not None), gr.Column(visible=outcome is not None)
        now = gr.skip() if shown["game"] else best()
        return shown, (view or View()).to_json(), *columns, outcome, now

    outputs = [table, world, side, why, answered, leaders]
    # 'multiple': of what comes right after an answer nothing is lost; what comes twice counts once.
    done = table.submit(act, world, outputs, trigger_mode="multiple", **QUIET)
    done.success(lambda outcome: outcome and game.explained(heat, outcome), answered, seen, **QUIET)


def host(state: State) -> Host:
    """The game of a page: its photos, its results, and its model as the other player. DataError: no game.

    The model answers to the picture that people see, brought to its own size. A class that is named without a
    pin lies where the model takes it to be, else in its country's middle. A model whose classes are no
    countries, such as cells, names the country that its place lies in.
    """
    classifier, settings = state.classifier, state.settings
    assert settings.photos is not None
    there = source_classes([settings.photos])
    named = bool(set(there) & set(classifier.classes)) or classifier.places is None
    names = classifier.classes if named else tuple(there)
    known: dict[str, Point] = {}
    if named and isinstance(places := classifier.places, ClassPoints):
        points = zip(names, places.lat.tolist(), places.lon.tolist(), strict=True)
        known = {name: (lat, lon) for name, lat, lon in points if np.isfinite(lat + lon)}
    options = Options(names, points_of(names, known))

    def judge(jpeg: bytes) -> Answer:
        with state.network, Image.open(io.BytesIO(jpeg)) as image:
            row = classifier.predict(image).iloc[0]
        point = (float(row["lat"]), float(row["lon"])) if "lat" in row else None
        if not named:
            return Answer(tuple(options.at(point)) if point else (), point)
        best = sorted(names, key=lambda name: -row[f"p_{name}"])[:GUESSES]
        return Answer(tuple(best), point, tuple(float(row[f"p_{name}"]) for name in best))

    pool = read_pool([settings.photos], names, settings.split)
    results = Results(settings.results)
    return Host(pool, options, results, classifier.card.sha256, judge, settings.seed)


class _Play:
    """What the tab answers to each action of a browser; it remembers nothing of one."""

    def __init__(self, state: State) -> None:
        self._state, self.host = state, host(state)

    def act(self, sent: Any, pin: Point | None) -> Shown:
        """What comes next. KangarooError, in words for the player: nothing changes."""
        texts: Mapping[str, Any] = sent if isinstance(sent, Mapping) else {}
        action, token = texts.get("action"), str(texts.get("game", ""))
        if action == "begin":
            return self._next(self.host.begin(str(texts.get("nickname", "")), _settings(texts)))
        if action == "next":
            return self._next(token)
        if action == "guess":
            typed = texts.get("guess")
            guesses = [str(text)[:200] for text in typed] if isinstance(typed, list) else []
            outcome = self.host.guess(str(texts.get("round", "")), guesses, pin)
            if texts.get("again"):  # the page itself asks twice where no answer came
                outcome = replace(outcome, note="")
            return self._answered(outcome)
        if action == "resume":
            with suppress(KangarooError):  # a game of other days
                return self._resumed(token)
        return {"html": game_screens.start(self.host, self._state.drawn), "game": ""}, None, None

    def explained(self, heat: Heat, outcome: Outcome) -> dict[str, Any] | None:
        """The explanation of the model's answer to a round that is over."""
        jpeg = self._picture(outcome)
        if not jpeg or not outcome.model.probabilities:
            return None
        best = self._state.classifier.classes.index(outcome.model.names[0])
        return heat.value(read(jpeg, self._state, "the photo"), "grad-cam", best)

    def _next(self, token: str) -> Shown:
        opened = self.host.next_round(token)
        return self._opened(opened) if opened else self._over(token)

    def _resumed(self, token: str) -> Shown:
        """Where a game stood: its open round, else its last answer. KangarooError: there is no such game."""
        if opened := self.host.open_round(token):
            return self._opened(opened)
        outcomes = self.host.outcomes(token)
        return self._answered(outcomes[-1]) if outcomes else self._next(token)

    def _opened(self, opened: Round) -> Shown:
        html = game_screens.open_round(opened, self.host.options, _url(opened.picture))
        left = {} if opened.left is None else {"left": opened.left}
        return {"html": html, "game": opened.game} | left, View(), None

    def _answered(self, outcome: Outcome) -> Shown:
        html = game_screens.answer(outcome, _url(self._picture(outcome)))
        return {"html": html, "game": outcome.game}, _view(outcome, self.host.options), outcome

    def _over(self, token: str) -> Shown:
        return {"html": game_screens.over(token, self.host.outcomes(token)), "game": ""}, None, None

    def _picture(self, outcome: Outcome) -> bytes:
        """What was shown; nothing if the photo is gone meanwhile."""
        try:
            return self.host.picture(outcome)
        except KangarooError:
            return b""


def _settings(sent: Mapping[str, Any]) -> Settings:
    """The game that a browser asks for. KangarooError: there is no such game."""
    try:
        rounds, resolution, seconds = (int(sent[name]) for name in ("rounds", "resolution", "seconds"))
    except (KeyError, TypeError, ValueError) as error:
        raise KangarooError("Choose the rounds, the resolution and the time again.") from error
    return Settings(rounds=rounds, resolution=resolution, seconds=seconds or None)


def _view(outcome: Outcome, options: Options) -> View:
    """The truth and both answers on the map, as far as they have a point."""
    truth = outcome.point or options.points.get(outcome.name)
    marks = [Mark(*truth, "truth", outcome.name)] if truth else []
    if yours := options.point_of(outcome.person):
        marks.append(Mark(*yours, "guess", "you"))
    if its := options.point_of(outcome.model):
        marks.append(Mark(*its, "model", "the model"))
    lines = [(truth, point) for point in (yours, its) if truth and point]
    summary = "; ".join(f"{mark.text}: {mark.lat:.1f}°, {mark.lon:.1f}°" for mark in marks)
    return View(marks=marks, lines=lines, fit=[(m.lat, m.lon) for m in marks], summary=summary, locked=True)


def _url(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}" if jpeg else ""
