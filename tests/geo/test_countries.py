"""Country and state tables against published centres, against each other and against real networks."""

import os
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from kangaroo.geo.countries import COUNTRIES, STATES, State, find
from kangaroo.geo.distance import haversine_km

GRAPHML = "{http://graphml.graphdrawing.org/xmlns}"


@pytest.fixture(scope="module")
def networks() -> Path:
    folder = os.environ.get("KANGAROO_NETWORKS")
    if not folder:
        pytest.skip("KANGAROO_NETWORKS is not set")
    return Path(folder)


def state(country: str, name: str) -> State:
    return next(state for state in STATES[country] if state.name == name)


def nodes(graphml: Path) -> tuple[np.ndarray, np.ndarray]:
    """Latitudes and longitudes of a network's nodes."""
    tree = ElementTree.parse(graphml).getroot()
    declared = (key for key in tree.iter(f"{GRAPHML}key") if key.get("for") == "node")
    keys = {key.get("attr.name"): key.get("id") for key in declared}
    data = [
        {entry.get("key"): entry.text for entry in node.iter(f"{GRAPHML}data")}
        for node in tree.iter(f"{GRAPHML}node")
    ]
    lat, lon = (np.array([float(entry[keys[axis]]) for entry in data]) for axis in ("y", "x"))
    return lat, lon


@pytest.mark.parametrize("name", ["Czechia", "czechia", "Czech Republic", "CZ", "cze", " CZECH REPUBLIC "])
def test_find_by_name_alias_and_code(name: str) -> None:
    country = find(name)
    assert country is not None
    assert country.name == "Czechia"


def test_find_nothing() -> None:
    assert find("Atlantis") is None
    assert find("") is None


def test_every_key_means_one_country() -> None:
    keys = [key.casefold() for c in COUNTRIES for key in (c.name, c.alpha2, c.alpha3, *c.aliases)]
    assert len(keys) == len(set(keys))


def test_driving_sides() -> None:
    assert {c.alpha2 for c in COUNTRIES if c.drives_on == "left"} == {"AU", "GB", "NZ"}
    assert {c.drives_on for c in COUNTRIES} == {"left", "right"}


@pytest.mark.parametrize(
    ("name", "lat", "lon"),
    [
        # Geoscience Australia, Lambert gravitational centre; Číhošť; Pusztavacs; Ogndalsfjella (mainland);
        # Ordnance Survey's centre of Great Britain, to which Northern Ireland adds a step to the west.
        ("Australia", -25.610, 134.355),
        ("Czechia", 49.744, 15.339),
        ("Hungary", 47.180, 19.504),
        ("Norway", 63.991, 12.308),
        ("United Kingdom", 54.004, -2.548),
    ],
)
def test_centroids_near_published_centres(name: str, lat: float, lon: float) -> None:
    country = find(name)
    assert country is not None
    assert haversine_km(country.lat, country.lon, lat, lon) < 30


def test_the_states_of_the_report() -> None:
    assert {country: len(states) for country, states in STATES.items()} == {
        "Australia": 8,
        "Austria": 9,
        "Czechia": 8,
        "New Zealand": 16,
        "Slovakia": 8,
    }
    for country, states in STATES.items():
        assert find(country) is not None
        assert len({s.name for s in states}) == len(states)


def test_state_discs_do_not_overlap() -> None:
    everywhere = [state for states in STATES.values() for state in states]
    for a, b in combinations(everywhere, 2):
        assert haversine_km(a.lat, a.lon, b.lat, b.lon) > a.radius_km + b.radius_km, (a.name, b.name)


@pytest.mark.parametrize(
    ("country", "name", "city", "km"),
    [
        # Towns across the border, from GeoNames, and how far at least they must stay outside the disc.
        ("Austria", "Burgenland", (47.786, 17.136), 9),  # Jánossomorja, Hungary
        ("Austria", "Carinthia", (46.445, 14.018), 10),  # Hrušica, Slovenia
        ("Austria", "Tyrol", (47.442, 11.262), 8),  # Mittenwald, Bavaria
        ("Austria", "Vienna", (48.300, 16.350), 4),  # Langenzersdorf, Lower Austria
        ("Australia", "Australian Capital Territory", (-35.355, 149.232), 4),  # Queanbeyan, New South Wales
        ("Australia", "Victoria", (-36.114, 144.756), 10),  # Moama, New South Wales
        ("Czechia", "Northwest", (50.659, 13.343), 10),  # Olbernhau, Saxony
        ("New Zealand", "Nelson", (-41.333, 173.183), 5),  # Richmond, Tasman
        ("Slovakia", "Bratislava", (48.279, 16.909), 10),  # Marchegg, Austria
    ],
)
def test_towns_across_the_border_are_outside(
    country: str, name: str, city: tuple[float, float], km: float
) -> None:
    disc = state(country, name)
    assert haversine_km(disc.lat, disc.lon, *city) > disc.radius_km + km


@pytest.mark.parametrize(
    ("country", "name", "file"),
    [
        ("Australia", "Australian Capital Territory", "australian_capital_territory"),
        ("Australia", "Northern Territory", "northern_territory"),
        ("Austria", "Burgenland", "Burgenland"),
        ("Austria", "Vienna", "Vienna"),
        ("Austria", "Vorarlberg", "Vorarlberg"),
        ("New Zealand", "Gisborne", "Gisborne"),
        ("New Zealand", "Nelson", "Nelson"),
    ],
)
def test_discs_lie_among_the_nodes_of_their_networks(
    networks: Path, country: str, name: str, file: str
) -> None:
    disc = state(country, name)
    lat, lon = nodes(networks / country / f"{file}.graphml")
    up = np.degrees(disc.radius_km / 6371)
    across = up / np.cos(np.radians(disc.lat))
    assert lat.min() < disc.lat - up < disc.lat + up < lat.max()
    assert lon.min() < disc.lon - across < disc.lon + across < lon.max()
