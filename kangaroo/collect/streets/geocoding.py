"""What to fetch: places by name, and whether a boundary is the place's own.

A geocoder asked for Salzburg or Victoria answers with a state, a city or a street, whichever it thinks more
important. What tells them apart here is where they lie: a state of the report covers its known disc and the
centre of no other state.
"""

import unicodedata
from dataclasses import dataclass

import numpy as np
import shapely
from pyproj import Geod

from kangaroo.errors import DataError
from kangaroo.geo.countries import STATES, State, find
from kangaroo.geo.distance import haversine_km

WGS84 = Geod(ellps="WGS84")


@dataclass(frozen=True)
class Place:
    """A state, a country without known states, or any other place; ``country`` is '' where it is unknown."""

    name: str
    country: str = ""

    @property
    def label(self) -> str:
        """What a geocoder or a reader is asked."""
        return ", ".join(filter(None, [self.name, self.country if self.country != self.name else ""]))

    @property
    def state(self) -> State | None:
        """The known state of that name in that country."""
        return next((s for s in STATES.get(self.country, ()) if s.name == self.name), None)


def places(text: str) -> list[Place]:
    """The places that ``text`` means: one state ('Tyrol'), all states of a country, or any place by name.

    Names count without regard to case, accents and underscores. 'Graz, Austria' says the country of a place
    that is no known state. DataError: an empty name.
    """
    head, comma, tail = text.rpartition(",")
    name, within = (head.strip(), tail.strip()) if comma else (text.strip(), "")
    if not any(letter.isalnum() for letter in name):
        raise DataError(f"{text!r} is no place: give a state, a country or another place by name")
    if not within and (country := find(name)):
        states = STATES.get(country.name, (country,))
        return [Place(state.name, country.name) for state in states]
    home = find(within)
    return [known_state(name, home.name if home else within) or Place(name, home.name if home else within)]


def known_state(name: str, country: str = "") -> Place | None:
    """The report's state of this name, in ``country`` if that is given; None where there is none."""
    for home, states in STATES.items():
        for state in states:
            if _plain(state.name) == _plain(name) and country in ("", home):
                return Place(state.name, home)
    return None


def misfit(place: Place, area: shapely.Geometry) -> str:
    """Why ``area`` (longitude, latitude in degrees) can't be the place; '' where it can.

    A known state must cover its disc and the centre of no other state; a country of the table must reach
    around its centroid, which need not lie on its own ground: Croatia's is in Bosnia, Japan's in the sea.
    """
    if place.state:
        if not shapely.contains_xy(area, *_disc(place.state)).all():
            return f"does not cover {place.name}"
        for other in STATES[place.country]:
            if other != place.state and shapely.contains_xy(area, other.lon, other.lat):
                return f"also covers {other.name}"
    elif (country := find(place.name)) and not shapely.contains_xy(
        area.convex_hull, country.lon, country.lat
    ):
        return f"does not cover the middle of {country.name}"
    return ""


def strays(place: Place, lon: np.ndarray, lat: np.ndarray) -> str:
    """Why points (degrees) can't be the nodes of a state's network; '' where they can.

    Some node must lie in the state's disc and none in another state's; other places are not checked.
    """
    if not place.state:
        return ""
    if not _within(place.state, lon, lat).any():
        return f"has no road in the middle of {place.name}"
    for other in STATES[place.country]:
        if other != place.state and _within(other, lon, lat).any():
            return f"reaches into {other.name}"
    return ""


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name.replace("_", " ").strip().casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _disc(state: State) -> tuple[np.ndarray, np.ndarray]:
    """Longitudes and latitudes of a state's centre and of 36 points on the rim of its disc."""
    bearings = np.arange(0, 360, 10)
    metres = np.full(len(bearings), 1000 * state.radius_km)
    start = np.full(len(bearings), state.lon), np.full(len(bearings), state.lat)
    lon, lat, _ = WGS84.fwd(*start, bearings, metres)
    return np.append(lon, state.lon), np.append(lat, state.lat)


def _within(state: State, lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    return haversine_km(lat, lon, state.lat, state.lon) < state.radius_km
