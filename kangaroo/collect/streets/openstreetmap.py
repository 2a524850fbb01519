"""OpenStreetMap's two services: Nominatim for boundaries, Overpass for roads. Politely, and with an end.

OSMnx asks Overpass. Left to itself it waits 55 seconds and asks again for ever where the server is busy,
takes an answer that the server broke off for a whole one, and caches in the working directory; here it
does not.
"""

import json
import re
import shutil
import socket
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Never, TypeVar

import geopandas as gpd
import networkx as nx
import osmnx
import requests
import shapely
from shapely.geometry import shape
from tqdm import tqdm

from kangaroo import __version__
from kangaroo.collect.streets.geocoding import Place, misfit
from kangaroo.errors import DataError
from kangaroo.progress import progress

NOMINATIM = "https://nominatim.openstreetmap.org"
OVERPASS = "https://overpass-api.de/api"
LIMIT_KM2 = 100_000  # the area of one query; all states but the six largest of Australia are smaller
TILE_KM2 = 10_000
TIMEOUT = 180  # seconds, for the server's query as for our patience
_AGENT = f"kangaroo/{__version__} (street networks, through OSMnx)"
_WAITS = (5, 15, 60)  # seconds before each new try where a busy server names no time
_BUSY = {429, 502, 503, 504}
_DAY = 24 * 3600

T = TypeVar("T")


class _BusyError(requests.RequestException):
    """The server asks to come back later, in so many seconds if it says so."""

    def __init__(self, status: int, seconds: float | None) -> None:
        super().__init__(f"HTTP {status}")
        self.seconds = seconds


class _BrokenOffError(requests.RequestException):
    """Overpass gave up in the middle: out of time or memory."""


@dataclass(frozen=True, eq=False)
class Boundary:
    """A place's boundary: (multi)polygon of longitude and latitude in degrees, and the geocoder's name."""

    place: Place
    polygon: shapely.Geometry
    found: str

    @property
    def area_km2(self) -> float:
        """Area on the globe, by an equal-area projection."""
        return float(gpd.GeoSeries([self.polygon], crs=4326).to_crs(6933).area.iloc[0] / 1e6)


def geocode(place: Place, *, endpoint: str = NOMINATIM) -> Boundary:
    """The boundary of a place; its country is the geocoder's where ``place`` has none.

    A state is first asked for as a state, as in the report, then as any place; the first answer that is a
    boundary and lies where the state does is taken. DataError: none is, or the service fails.
    """
    refused = []
    for query in _queries(place):
        for answer in _patiently(partial(_search, endpoint, query), f"the geocoder {endpoint}"):
            fault, polygon = _judge(place, answer)
            if not fault:
                country = place.country or answer.get("address", {}).get("country", "")
                return Boundary(Place(place.name, country), polygon, _describe(answer))
            refused.append(f"{_describe(answer)} {fault}")
    found = "; ".join(dict.fromkeys(refused[:3])) or "no such place"
    raise DataError(f"no boundary of {place.label} (the geocoder: {found}): name it otherwise or give --file")


def fetch_roads(
    boundary: Boundary, roads: Sequence[str], *, endpoint: str = OVERPASS, tiles: bool = False, scratch: Path
) -> nx.MultiDiGraph:
    """The roads of these classes, with their links, inside a boundary: an OSMnx graph, not yet simplified.

    One query, or with ``tiles`` one for each square of 100 km. Answers are kept in ``scratch`` for a day, so
    that a call that failed in between goes on where it was; the folder goes when all are there. DataError:
    the area is too large, nothing is found, or the service fails.
    """
    place, area = boundary.place, boundary.area_km2
    advice = "divide it with --tiles or give --file (.osm, .pbf)"
    if area > LIMIT_KM2 and not tiles:
        raise DataError(f"{place.label} is too large for one Overpass query ({area:,.0f} km²): {advice}")
    _forget(scratch)
    bar: tqdm[Never] = progress((), f"fetching {place.name}", unit=" queries")

    def ask() -> nx.MultiDiGraph:
        with _osmnx(endpoint, TILE_KM2 if tiles else None, scratch, bar.update):
            return osmnx.graph_from_polygon(
                boundary.polygon, custom_filter=way_filter(roads), simplify=False, retain_all=True
            )

    try:
        graph = _patiently(ask, f"Overpass {endpoint}")
        if not graph.number_of_edges():
            raise ValueError
    except _BrokenOffError as error:
        raise DataError(f"{place.label} is too large for Overpass ({error}): {advice}") from error
    except DataError:
        raise
    except ValueError as error:  # also OSMnx's, where it has no node inside the boundary
        raise DataError(f"no road of class {', '.join(roads)} in {place.label}: ask for others") from error
    finally:
        bar.close()
    shutil.rmtree(scratch, ignore_errors=True)
    return graph


def way_filter(roads: Sequence[str]) -> str:
    """Overpass's filter for the ways of these classes and their links."""
    return f'["highway"~"^({"|".join(roads)})(_link)?$"]["area"!~"yes"]'


def _queries(place: Place) -> list[dict[str, str]]:
    if place.state:
        return [{"state": place.name, "country": place.country}, {"q": place.label}]
    return [{"country": place.name}] if place.name == place.country else [{"q": place.label}]


def _search(endpoint: str, query: dict[str, str]) -> list[dict[str, Any]]:
    """Nominatim's answers; it allows one request a second."""
    time.sleep(1)
    fixed: dict[str, str | int] = {"format": "jsonv2", "polygon_geojson": 1, "addressdetails": 1, "limit": 10}
    response = requests.get(
        f"{endpoint.rstrip('/')}/search",
        params={**query, **fixed},
        headers={"User-Agent": _AGENT, "Accept-Language": "en"},
        timeout=60,
        hooks={"response": _refuse},
    )
    answers = response.json()
    if not isinstance(answers, list):
        raise requests.RequestException("the answer is no list of places")
    return answers


def _judge(place: Place, answer: dict[str, Any]) -> tuple[str, shapely.Geometry]:
    """Why an answer is not the place's boundary ('' where it is), and its geometry."""
    polygon = shapely.make_valid(shape(answer.get("geojson", {"type": "Point", "coordinates": ()})))
    if polygon.geom_type not in ("Polygon", "MultiPolygon"):
        return "has no boundary", polygon
    return misfit(place, polygon), polygon


def _describe(answer: dict[str, Any]) -> str:
    return f"{answer.get('display_name', '?')} ({answer.get('addresstype') or answer.get('type', '?')})"


def _patiently(ask: Callable[[], T], service: str) -> T:
    """Ask, and again where the server is busy, four times at most; every other failure is a DataError."""
    for wait in (*_WAITS, None):
        try:
            return ask()
        except _BusyError as busy:
            if wait is None:
                raise DataError(f"{service} is busy ({busy}, {len(_WAITS) + 1} times): try later") from busy
            time.sleep(min(wait if busy.seconds is None else busy.seconds, 120))
        except _BrokenOffError:
            raise
        except requests.Timeout as error:
            raise DataError(f"{service} did not answer in time: try later or a smaller place") from error
        except requests.ConnectionError as error:
            raise DataError(f"{service} can't be reached: check the connection and the address") from error
        except requests.RequestException as error:
            raise DataError(f"{service} refused ({error}): check the address") from error
    raise AssertionError


def _refuse(response: requests.Response, *_: Any, **__: Any) -> None:
    """Response hook: raise for everything that is not a whole answer."""
    if response.url.endswith("/status"):
        return
    if response.status_code in _BUSY:
        after = response.headers.get("Retry-After", "")
        raise _BusyError(response.status_code, float(after) if after.isdecimal() else None)
    if not response.ok:
        raise requests.RequestException(f"HTTP {response.status_code} {response.reason}")
    body = response.content.strip()
    if body[:1] + body[-1:] not in (b"{}", b"[]"):
        raise requests.RequestException("the answer is not JSON, or not whole")
    if remark := re.search(rb'"remark":\s*"(.*?)"', body[-2000:]):
        raise _BrokenOffError(remark[1].decode(errors="replace"))


def _forget(scratch: Path) -> None:
    """Drop kept answers that are old or were cut off by a kill."""
    for file in scratch.glob("*.json"):
        try:
            json.loads(file.read_text(encoding="utf-8"))
            old = time.time() - file.stat().st_mtime > _DAY
        except ValueError:
            old = True
        if old:
            file.unlink()


@contextmanager
def _osmnx(
    endpoint: str, tile_km2: float | None, scratch: Path, answered: Callable[[], object]
) -> Iterator[None]:
    """OSMnx's settings, which are globals of its module, for one call; the name lookup that it bends too."""

    def hook(response: requests.Response, *_: Any, **__: Any) -> None:
        _refuse(response)
        answered()

    values = {
        "overpass_url": endpoint,
        "max_query_area_size": 1e6 * tile_km2 if tile_km2 else float("inf"),
        "cache_folder": scratch,
        "use_cache": True,
        "doh_url_template": None,
        "http_user_agent": _AGENT,
        "requests_timeout": TIMEOUT,
        "requests_kwargs": {"hooks": {"response": hook}},
    }
    before = {name: getattr(osmnx.settings, name) for name in values}
    lookup = socket.getaddrinfo
    try:
        for name, value in values.items():
            setattr(osmnx.settings, name, value)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "This area is", UserWarning)
            yield
    finally:
        for name, value in before.items():
            setattr(osmnx.settings, name, value)
        socket.getaddrinfo = lookup
