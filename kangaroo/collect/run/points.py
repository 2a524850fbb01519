"""The points to ask photos for: rows of ``lat,lon,country,state``, checked before money is spent."""

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kangaroo.data.labels import nfc
from kangaroo.errors import DataError
from kangaroo.geo.countries import STATES, find
from kangaroo.geo.distance import haversine_km

_COMPACT = frozenset({"Croatia", "Greece", "Hungary", "Italy", "Norway", "United Kingdom"})
"""Countries without ``STATES`` that a disc of ``_COMPACT_KM`` around the centroid holds."""
_COMPACT_KM = 1300  # from Norway's centroid to its far north


@dataclass(frozen=True)
class Point:
    """Where a photo is wanted: ``id`` counts all points from 0, ``index`` those of the state; degrees."""

    id: int
    index: int
    country: str
    state: str
    lat: float
    lon: float

    @property
    def folder(self) -> Path:
        """Where the point's photos lie, relative to the collection: Country/State."""
        return Path(self.country, self.state)


def read_points(path: Path, *, anywhere: bool = False) -> list[Point]:
    """Read POINTS.csv, whose columns are lat, lon, country and state (which may be empty), in its order.

    Unless ``anywhere``, coordinates far outside their country are an error, said to be swapped if they look
    so, and so is a state that the country does not have while others of the file are known; points of
    countries other than the reports' eleven are taken as they are, because no disc tells where Russia or
    Kiribati ends. DataError names the line.
    """
    points: list[Point] = []
    counts: dict[tuple[str, str], int] = {}
    for where, row in _rows(path):
        country, state = (_name(row[column], column, where) for column in ("country", "state"))
        if not country:
            raise DataError(f"{where}: no country: give each point the name of its country")
        lat, lon = (_degrees(row, column, where) for column in ("lat", "lon"))
        _check_range(lat, lon, where)
        index = counts.get((country, state), 0)
        counts[country, state] = index + 1
        points.append(Point(len(points), index, country, state, lat, lon))
    if not points:
        raise DataError(f"{path} holds no points: give rows of lat,lon,country,state")
    if not anywhere:
        _check_states(points, path)
        _check_countries(points, path)
    return points


def _rows(path: Path) -> Iterable[tuple[str, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            if missing := {"lat", "lon", "country", "state"} - set(reader.fieldnames or ()):
                raise DataError(
                    f"{path} has no column {min(missing)!r}: points are rows of lat,lon,country,state"
                )
            for row in reader:
                yield f"{path} line {reader.line_num}", row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path} can't be read as a table of points: {reason}") from error


def _name(text: str, column: str, where: str) -> str:
    """A name that becomes a folder: composed letters, no way out of the collection."""
    name = nfc(text.strip())
    if name.startswith(".") or any(letter in '/\\:*?"<>|' or not letter.isprintable() for letter in name):
        raise DataError(f"{where}: {column} {name!r} can't be the name of a folder")
    return name


def _degrees(row: dict[str, str], column: str, where: str) -> float:
    try:
        value = float(row[column])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(f"{where}: {column} {row[column]!r} is not a number of degrees")
    return value


def _check_range(lat: float, lon: float, where: str) -> None:
    if abs(lat) > 90 and abs(lon) <= 90:
        raise DataError(f"{where}: latitude {lat:g} is beyond 90: latitude and longitude look swapped")
    if abs(lat) > 90 or abs(lon) > 180:
        raise DataError(f"{where}: latitude {lat:g}, longitude {lon:g} is no place on Earth")


def _check_states(points: Sequence[Point], path: Path) -> None:
    """Names of one's own are fine, unless some are the country's states: then the rest are mistakes."""
    for country in dict.fromkeys(point.country for point in points):
        known = {state.name for state in STATES.get(_canonical(country), ())}
        named = {point.state for point in points if point.country == country} - {""}
        if named & known and (unknown := named - known):
            raise DataError(
                f"{path}: {country} has no state {min(unknown)!r}: choose among {', '.join(sorted(known))}, "
                "or give --anywhere to take all names as they are"
            )


def _check_countries(points: Sequence[Point], path: Path) -> None:
    for country in dict.fromkeys(point.country for point in points):
        own = [point for point in points if point.country == country]
        lat, lon = (np.array([getattr(point, name) for point in own]) for name in ("lat", "lon"))
        outside = ~_inside(country, lat, lon)
        if not outside.any():
            continue
        first = own[int(outside.argmax())]
        where = f"{path}: point {first.id + 1} ({first.lat:g}, {first.lon:g})"
        if _inside(country, lon[outside], lat[outside]).all():
            raise DataError(f"{where} is not in {country}: latitude and longitude look swapped")
        more = f", as are {outside.sum() - 1:,} more" if outside.sum() > 1 else ""
        raise DataError(
            f"{where} is outside {country}{more}: correct them, or give --anywhere if all is right"
        )


def _inside(country: str, lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """Whether points (degrees) may lie in a country, as far as discs tell: true where none does.

    The discs of ``STATES`` lie well inside their states, so a country reaches beyond them: 200 km and three
    times the largest radius are more than any of the five needs (Cape York in Australia: 980 km).
    """
    known = find(country)
    if known is None or known.name not in {*STATES, *_COMPACT}:
        return np.ones(lat.shape, bool)
    if states := STATES.get(known.name):
        margin = 200 + 3 * max(state.radius_km for state in states)
        discs = [haversine_km(lat, lon, state.lat, state.lon) - state.radius_km for state in states]
        return np.min(discs, axis=0) <= margin
    return haversine_km(lat, lon, known.lat, known.lon) <= _COMPACT_KM


def _canonical(country: str) -> str:
    known = find(country)
    return known.name if known else country
