"""What the results hold of games and rounds, as Python objects."""

import json
from dataclasses import dataclass
from typing import Any

from kangaroo.game.answers import Answer, Point, Score


@dataclass(frozen=True)
class Terms:
    """What a game is played on: the model (SHA-256 of its file), the classes, how long, how large."""

    model: str
    classes: tuple[str, ...]
    rounds: int
    seconds: float | None
    resolution: int


@dataclass(frozen=True)
class Game:
    """A game that was begun: its token ``id`` and player. ``places`` are those of its rounds so far."""

    id: str
    player: int
    nickname: str
    terms: Terms
    places: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """One round as the results know it, with its answer: only ``id`` and ``number`` are told before a guess.

    ``shown`` is seconds since 1970; ``turn`` is how often the player had seen this photo before. The person's
    answer, score and seconds are None until it is given.
    """

    id: str
    game: str
    number: int
    photo: str
    turn: int
    name: str
    point: Point | None
    shown: float
    model: tuple[Answer, Score]
    person: tuple[Answer, Score] | None
    seconds: float | None


def row_of(values: tuple[Any, ...]) -> Row:
    """A round from a row of the results' query."""
    token, game, number, photo, turn, name, lat, lon, shown, seconds, *answers = values
    person, model = (_answer(*answers[:7]), _answer(*answers[7:]))
    assert model
    return Row(token, game, number, photo, turn, name, _point(lat, lon), shown, model, person, seconds)


def _answer(
    names: str | None,
    probabilities: str,
    lat: float | None,
    lon: float | None,
    rank: int | None,
    km: float | None,
    points: float | None,
) -> tuple[Answer, Score] | None:
    if names is None:
        return None
    answer = Answer(tuple(json.loads(names)), _point(lat, lon), tuple(json.loads(probabilities)))
    return answer, Score(rank, km, points)


def _point(lat: float | None, lon: float | None) -> Point | None:
    return None if lat is None or lon is None else (lat, lon)
