import numpy as np
import pytest
from shapely.geometry import MultiPolygon, box

from kangaroo.collect.streets.geocoding import Place, misfit, places, strays
from kangaroo.errors import DataError
from kangaroo.geo.countries import STATES

SALZBURG = Place("Salzburg", "Austria")
STATE = box(12.6, 46.9, 13.4, 47.6)  # round the disc at 47.25 N, 13.05 E
CITY = box(12.98, 47.75, 13.13, 47.86)  # the state's capital lies in its north


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Tyrol", [Place("Tyrol", "Austria")]),
        (" tyrol ", [Place("Tyrol", "Austria")]),
        ("kosice", [Place("Košice", "Slovakia")]),
        ("northern_territory", [Place("Northern Territory", "Australia")]),
        ("Victoria, AU", [Place("Victoria", "Australia")]),
        ("Victoria, Canada", [Place("Victoria", "Canada")]),
        ("Graz, Austria", [Place("Graz", "Austria")]),
        ("Graz, Styria, Austria", [Place("Graz, Styria", "Austria")]),
        ("Graz", [Place("Graz")]),
        ("Hungary", [Place("Hungary", "Hungary")]),
    ],
)
def test_a_name_means(text, expected):
    assert places(text) == expected


def test_a_country_means_its_states():
    assert [place.name for place in places("Czech Republic")] == [s.name for s in STATES["Czechia"]]


@pytest.mark.parametrize("text", ["", " ", ", Austria", "--"])
def test_no_name(text):
    with pytest.raises(DataError, match="is no place"):
        places(text)


def test_labels_name_the_country_once():
    assert SALZBURG.label == "Salzburg, Austria"
    assert Place("Graz").label == "Graz"
    assert Place("Hungary", "Hungary").label == "Hungary"


def test_a_state_is_not_its_capital_nor_its_country():
    assert misfit(SALZBURG, STATE) == ""
    assert misfit(SALZBURG, CITY) == "does not cover Salzburg"
    assert misfit(SALZBURG, box(9, 46, 17.5, 49.2)) == "also covers Burgenland"
    assert misfit(SALZBURG, MultiPolygon([STATE, CITY])) == ""
    assert misfit(Place("Hungary", "Hungary"), box(16, 45.7, 23, 48.6)) == ""
    assert misfit(Place("Hungary", "Hungary"), CITY) == "does not cover the middle of Hungary"
    assert misfit(Place("Graz", "Austria"), CITY) == ""
    around_bosnia = MultiPolygon([box(13.5, 45.2, 19.4, 46.5), box(15.2, 42.4, 18.5, 43.5)])
    assert misfit(Place("Croatia", "Croatia"), around_bosnia) == ""
    assert misfit(Place("Croatia", "Croatia"), CITY) == "does not cover the middle of Croatia"


def test_a_state_may_surround_another():
    bohemia, prague = Place("Central Bohemia", "Czechia"), box(14.2, 49.95, 14.7, 50.2)
    around = box(14, 49.4, 15.2, 50.6)
    assert misfit(bohemia, around) == "also covers Prague"
    assert misfit(bohemia, around - prague) == ""


def test_nodes_of_a_file_must_lie_in_the_state():
    middle = np.array([13.05, 13.1]), np.array([47.25, 47.3])
    assert strays(SALZBURG, *middle) == ""
    assert strays(SALZBURG, np.array([13.05]), np.array([47.8])) == "has no road in the middle of Salzburg"
    assert strays(SALZBURG, np.append(middle[0], 15.05), np.append(middle[1], 47.35)) == "reaches into Styria"
    assert strays(Place("Graz", "Austria"), *middle) == ""
