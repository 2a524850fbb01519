"""Country and state tables against published centres, against each other and against real networks."""

import os
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from kangaroo.geo.countries import STATES, State, countries, find
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


def test_all_of_iso_3166_and_kosovo() -> None:
    table = countries()
    assert len(table) == 250
    assert all(len(c.alpha2) == 2 and len(c.alpha3) == 3 and c.name for c in table)
    assert len({c.alpha2 for c in table}) == len({c.alpha3 for c in table}) == 250
    assert {c.alpha2 for c in table} >= {"AX", "BQ", "CW", "SS", "SX", "TL", "UM", "XK"}
    assert all(abs(c.lat) <= 90 and abs(c.lon) <= 180 for c in table)


def test_every_key_means_one_country() -> None:
    for country in countries():
        for key in (country.name, country.alpha2, country.alpha3, *country.aliases):
            found = find(key)
            assert found is not None
            assert (key, found.name) == (key, country.name)


@pytest.mark.parametrize(
    ("name", "alpha2"),
    [
        ("Bolivia (Plurinational State of)", "BO"), ("Viet Nam", "VN"), ("Türkiye", "TR"), ("TURKIYE", "TR"),
        ("Swaziland", "SZ"), ("U.S.A.", "US"), ("the united states", "US"), ("America", "US"), ("UK", "GB"),
        ("Macedonia", "MK"), ("Burma", "MM"), ("Holland", "NL"), ("Côte d'Ivoire", "CI"),
        ("Cote d’Ivoire", "CI"), ("Ivory Coast", "CI"), ("Cabo Verde", "CV"), ("Macau", "MO"),
        ("Réunion", "RE"), ("Reunion", "RE"), ("Curacao", "CW"), ("West Bank", "PS"),
        ("U.S. Virgin Islands", "VI"), ("South Georgia and South Sandwich Islands", "GS"),
        ("South_Korea", "KR"), ("south-korea", "KR"), ("Korea, South", "KR"), ("Republic of Korea", "KR"),
        ("St. Lucia", "LC"), ("Trinidad & Tobago", "TT"), ("Sao Tome and Principe", "ST"),
        ("The Gambia", "GM"), ("Congo", "CG"), ("Zaire", "CD"), ("Niger", "NE"), ("Nigeria", "NG"),
        ("Guinea", "GN"), ("Papua New Guinea", "PG"), ("Dominica", "DM"), ("Sudan", "SD"), ("Samoa", "WS"),
        ("Saint Martin (French part)", "MF"), ("Sint Maarten (Dutch part)", "SX"), ("Kosovo", "XK"),
    ],
)  # fmt: skip
def test_names_as_people_write_them(name: str, alpha2: str) -> None:
    country = find(name)
    assert country is not None
    assert country.alpha2 == alpha2


# The folders of Kaggle's 'Geolocation - Geoguessr Images (50K)'.
KAGGLE = """Aland, Albania, American Samoa, Andorra, Antarctica, Argentina, Armenia, Australia, Austria,
Bangladesh, Belarus, Belgium, Bermuda, Bhutan, Bolivia, Botswana, Brazil, Bulgaria, Cambodia, Canada, Chile,
China, Colombia, Costa Rica, Croatia, Curacao, Cyprus, Czechia, Denmark, Dominican Republic, Ecuador, Egypt,
Estonia, Eswatini, Faroe Islands, Finland, France, Germany, Ghana, Gibraltar, Greece, Greenland, Guam,
Guatemala, Hong Kong, Hungary, Iceland, India, Indonesia, Iraq, Ireland, Isle of Man, Israel, Italy, Japan,
Jersey, Jordan, Kenya, Kyrgyzstan, Laos, Latvia, Lebanon, Lesotho, Lithuania, Luxembourg, Macao, Madagascar,
Malaysia, Malta, Martinique, Mexico, Monaco, Mongolia, Montenegro, Mozambique, Myanmar, Nepal, Netherlands,
New Zealand, Nigeria, North Macedonia, Northern Mariana Islands, Norway, Pakistan, Palestine, Paraguay, Peru,
Philippines, Pitcairn Islands, Poland, Portugal, Puerto Rico, Qatar, Reunion, Romania, Russia, San Marino,
Senegal, Serbia, Singapore, Slovakia, Slovenia, South Africa, South Georgia and South Sandwich Islands,
South Korea, South Sudan, Spain, Sri Lanka, Svalbard and Jan Mayen, Sweden, Switzerland, Taiwan, Tanzania,
Thailand, Tunisia, Turkey, US Virgin Islands, Uganda, Ukraine, United Arab Emirates, United Kingdom,
United States, Uruguay, Venezuela, Vietnam"""


def test_every_folder_of_the_kaggle_set_is_a_country() -> None:
    names = KAGGLE.replace("\n", " ").split(", ")
    assert [name for name in names if find(name) is None] == []
    assert len({find(name) for name in names}) == len(names)


def test_driving_sides() -> None:
    left = {c.alpha2 for c in countries() if c.drives_on == "left"}
    assert left > {"AU", "GB", "IE", "NZ", "JP", "IN", "ID", "TH", "ZA", "KE", "CY", "MT", "HK", "WS", "VI"}
    assert left.isdisjoint({"US", "CA", "FR", "GI", "PH", "MM", "NG", "GH", "ET", "AO", "PR", "TW", "XK"})
    assert {c.drives_on for c in countries()} == {"left", "right"}
    assert len(left) == 76


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
        # Niederdorla; Belle Fourche, South Dakota, the centre of the 50 states, which the date line cuts;
        # Piątek; Upper Xingu; Kırşehir; Thaba-Tseka's district, in a hole of South Africa.
        ("Germany", 51.164, 10.454),
        ("United States", 44.967, -103.772),
        ("Poland", 52.069, 19.480),
        ("Brazil", -10.77, -53.1),
        ("Turkey", 39.02, 35.15),
        ("Lesotho", -29.6, 28.25),
    ],
)
def test_centroids_near_published_centres(name: str, lat: float, lon: float) -> None:
    country = find(name)
    assert country is not None
    assert haversine_km(country.lat, country.lon, lat, lon) < 30


@pytest.mark.parametrize(("name", "west", "east"), [("Russia", 90, 100), ("Fiji", 177, 180)])
def test_centroids_of_countries_across_the_date_line(name: str, west: float, east: float) -> None:
    country = find(name)
    assert country is not None
    assert west < country.lon < east


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
