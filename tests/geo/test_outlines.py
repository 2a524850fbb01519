import json
from importlib.resources import files

import numpy as np
import pytest
import shapely

from kangaroo.errors import DataError
from kangaroo.geo.countries import countries, find
from kangaroo.geo.distance import EARTH_RADIUS_KM
from kangaroo.geo.outlines import country_at, outlines

# Land and inland water in thousand km2, as the countries themselves give them.
AREAS = {"AT": 84, "CZ": 79, "AU": 7741, "NZ": 268, "DE": 357, "FR": 551, "ZA": 1219, "BR": 8516, "RU": 17098,
         "IS": 103, "LU": 2.6, "SJ": 62, "FJ": 18, "US": 9525}  # fmt: skip
CITIES = {"Vienna": (48.21, 16.37, "AT"), "Bratislava": (48.15, 17.11, "SK"), "Prague": (50.08, 14.44, "CZ"),
          "Auckland": (-36.85, 174.76, "NZ"), "Monaco": (43.735, 7.42, "MC"), "Suva": (-18.1, 178.3, "FJ"),
          "Cayenne": (4.92, -52.31, "GF"), "Saint-Denis": (-20.93, 55.45, "RE"), "Paris": (48.86, 2.35, "FR"),
          "Longyearbyen": (78.22, 15.65, "SJ"), "Oslo": (59.91, 10.75, "NO"),
          "Maseru": (-29.31, 27.48, "LS"), "Hong Kong": (22.40, 114.15, "HK"),
          "Uelen": (66.16, -170.2, "RU"), "Anadyr": (64.73, 177.5, "RU"), "South Pole": (-90, 0, "AQ"),
          "McMurdo": (-77.85, 166.7, "AQ"), "Hargeisa": (9.56, 44.06, "SO"), "Kyrenia": (35.33, 33.32, "CY"),
          "Pristina": (42.66, 21.16, "XK"),
          "Singapore": (1.33, 103.82, "SG"), "Honolulu": (21.4, -157.95, "US")}  # fmt: skip


def km2(area):
    """On the sphere, by Lambert's cylinder: x cos(lat) dlat is d(sin lat)."""
    flat = shapely.transform(
        area, lambda p: np.column_stack([np.radians(p[:, 0]), np.sin(np.radians(p[:, 1]))])
    )
    return flat.area * EARTH_RADIUS_KM**2


@pytest.mark.parametrize("code", AREAS)
def test_countries_are_as_large_as_they_are(code):
    share = {"LU": 0.1, "FJ": 0.1, "SJ": 0.05}.get(code, 0.04)  # of a sphere, at a scale of 1:50 million
    assert km2(outlines()[code]) == pytest.approx(1000 * AREAS[code], rel=share)


@pytest.mark.parametrize("name", CITIES)
def test_cities_lie_in_their_countries(name):
    lat, lon, code = CITIES[name]
    assert country_at(lat, lon).alpha2 == code


def test_areas_are_valid_and_on_the_map():
    for code, area in outlines().items():
        west, south, east, north = area.bounds
        assert area.is_valid, code
        assert -180 <= west < east <= 180, code
        assert -90 <= south < north <= 90, code
        assert find(code).alpha2 == code


def test_only_what_is_too_small_lacks():
    assert {c.alpha2 for c in countries()} - set(outlines()) == {"BV", "GI", "TK", "TV", "UM"}


def test_neighbours_share_their_border():
    both = outlines()["AT"] & outlines()["DE"]
    assert both.area < 1e-3
    assert shapely.intersection(outlines()["AT"].boundary, outlines()["DE"].boundary).length > 5  # degrees


def test_land_covers_what_it_covers():
    together = sum(km2(area) for area in outlines().values())
    assert together == pytest.approx(148.9e6, rel=0.03)  # the land of the Earth in km2
    assert km2(shapely.union_all(list(outlines().values()))) == pytest.approx(
        together, rel=1e-3
    )  # no overlap


def test_a_click_off_the_coast_counts_for_the_coast():
    assert country_at(43.0, 16.0, within_km=60).alpha2 == "HR"
    assert country_at(45.0, -30.0) is None
    near = (-33.85, 151.4)  # ten km east of Sydney's heads
    assert country_at(*near).alpha2 == "AU"
    assert country_at(*near, within_km=2) is None


def test_the_coast_may_lie_beyond_the_antimeridian():
    east = max(p[0] for p in shapely.get_coordinates(outlines()["FJ"]))
    assert east == pytest.approx(180, abs=0.05)
    assert country_at(-16.85, -179.98, within_km=30).alpha2 == "FJ"
    assert country_at(68.9, -179.99, within_km=300).alpha2 == "RU"


@pytest.mark.parametrize(("lat", "lon"), [(91, 0), (0, 181), (float("nan"), 0)])
def test_points_off_the_globe(lat, lon):
    with pytest.raises(DataError, match="is no point"):
        country_at(lat, lon)


def test_the_file_is_small():
    text = (files("kangaroo.geo") / "outlines.json").read_bytes()
    assert len(text) < 400_000
    assert json.loads(text)["type"] == "Topology"
