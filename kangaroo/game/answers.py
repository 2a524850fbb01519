"""What people and models may answer, and what an answer is worth."""

import difflib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from kangaroo.errors import KangarooError
from kangaroo.geo.countries import find
from kangaroo.geo.distance import geoguessr_score, haversine_km
from kangaroo.geo.outlines import country_at

Point: TypeAlias = tuple[float, float]
"""Latitude and longitude in degrees."""

TOP = (1, 3, 5)
"""The ranks up to which an answer is counted as right."""


@dataclass(frozen=True)
class Answer:
    """Classes by name, likeliest first, and a point where one was given; nothing of both: no answer.

    ``probabilities`` are those of the names, where a model answers.
    """

    names: tuple[str, ...] = ()
    point: Point | None = None
    probabilities: tuple[float, ...] = ()


@dataclass(frozen=True)
class Score:
    """What an answer is worth.

    ``rank`` is the right class's place among the names, from 1, None where it was not named; ``km`` the
    distance, None without a point; ``points`` GeoGuessr's, None where nobody knows what would be right.
    """

    rank: int | None
    km: float | None
    points: float | None

    def top(self, n: int) -> bool:
        """Whether the right class is among the first n names."""
        return self.rank is not None and self.rank <= n


@dataclass(frozen=True, eq=False)
class Options:
    """The classes that can be the answer, by name, all known to both sides, and their points where known.

    A point is what stands for a class that is named without a place on the map: for people and model alike.
    """

    names: tuple[str, ...]
    points: Mapping[str, Point]

    def __post_init__(self) -> None:
        """Check; raise KangarooError."""
        if len(self.names) < 2:
            raise KangarooError(f"a game needs two classes to choose from, here are {len(self.names)}")

    @cached_property
    def top(self) -> tuple[int, ...]:
        """Those of TOP that say something: naming all the classes is no feat."""
        return tuple(n for n in TOP if n < len(self.names))

    def answer(self, texts: Sequence[str], point: Point | None = None) -> Answer:
        """What a person says: typed classes, likeliest first, and a point on the map, or only one of them.

        Empty texts and repetitions don't count. The country around the point comes after the typed ones, if
        it is none of them. KangarooError, in words for the player: a text that is no class of the game,
        nothing at all, a point that is not on the globe.
        """
        names = [self.find(text) for text in texts if text.strip()]
        if point:
            names += self.at(point)
        elif not names:
            raise KangarooError("Name a country, or click on the map.")
        return Answer(tuple(dict.fromkeys(names)), point)

    def at(self, point: Point) -> list[str]:
        """The class that is the country around a point; [] where none is."""
        country = country_at(*point)
        return [self._by_country[country.name]] if country and country.name in self._by_country else []

    def find(self, text: str) -> str:
        """The class that ``text`` names; KangarooError, with what may have been meant: it is none of them."""
        country = find(text)
        name = self._by_country.get(country.name) if country else None
        name = name or self._by_key.get(_key(text))
        if name:
            return name
        if country:
            raise KangarooError(f"{country.name} is not in this game. It is one of: {self._listed}.")
        near = difflib.get_close_matches(_key(text), self._by_key, n=1, cutoff=0.6)
        hint = f"Did you mean {self._by_key[near[0]]}?" if near else f"It is one of: {self._listed}."
        raise KangarooError(f"“{_short(text)}” is not in this game. {hint}")

    def score(self, answer: Answer, name: str, point: Point | None) -> Score:
        """What ``answer`` is worth for a photo of class ``name``, taken at ``point``.

        Where the photo's point is unknown the classes' points stand for it and for the answer, so that the
        right class is 0 km away. No answer at all is worth 0 points.
        """
        rank = answer.names.index(name) + 1 if name in answer.names else None
        truth = point or self.points.get(name)
        named = self.points.get(answer.names[0]) if answer.names else None
        said = self.point_of(answer) if point else (named or answer.point)
        if not truth or not said:
            return Score(rank, None, 0.0 if truth and answer == Answer() else None)
        km = float(haversine_km(*truth, *said))
        return Score(rank, km, float(geoguessr_score(km)))

    def point_of(self, answer: Answer) -> Point | None:
        """Where an answer is on the map: its own point, else that of the class that it names first."""
        return answer.point or (self.points.get(answer.names[0]) if answer.names else None)

    @property
    def _listed(self) -> str:
        more = len(self.names) - 12
        return ", ".join(self.names[:12]) + (f" and {more} more" if more > 0 else "")

    @cached_property
    def _by_country(self) -> Mapping[str, str]:
        """The classes that are countries, by what kangaroo.geo calls them."""
        return {country.name: name for name in self.names if (country := find(name))}

    @cached_property
    def _by_key(self) -> Mapping[str, str]:
        return {_key(name): name for name in self.names}


def points_of(names: Sequence[str], known: Mapping[str, Point]) -> dict[str, Point]:
    """A point for each class as far as there is one: the ``known`` one, else the country's centroid."""
    centroids = {name: (country.lat, country.lon) for name in names if (country := find(name))}
    return centroids | {name: known[name] for name in names if name in known}


def _key(text: str) -> str:
    """A name without case and accents."""
    letters = unicodedata.normalize("NFKD", text.strip().casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 40 else f"{text[:39]}…"
