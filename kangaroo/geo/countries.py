"""Countries by name or code, and the states of the report's five countries."""

import csv
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Literal


@dataclass(frozen=True)
class Country:
    """A country: ISO 3166-1 codes, other English names, centroid in degrees, the side to drive on."""

    name: str
    alpha2: str
    alpha3: str
    aliases: tuple[str, ...]
    lat: float
    lon: float
    drives_on: Literal["left", "right"]


@dataclass(frozen=True)
class State:
    """A state or region, with a disc that lies inside it: centre in degrees, radius in km."""

    name: str
    lat: float
    lon: float
    radius_km: float


# The discs stay clear of borders and coasts; the Czech regions are the NUTS-2 ones, as in the report.
STATES: Mapping[str, tuple[State, ...]] = MappingProxyType(
    {
        "Australia": (
            State("Australian Capital Territory", -35.30, 149.10, 8),
            State("New South Wales", -32.20, 147.00, 280),
            State("Northern Territory", -19.50, 133.40, 400),
            State("Queensland", -22.50, 144.50, 350),
            State("South Australia", -30.00, 135.50, 230),
            State("Tasmania", -42.10, 146.60, 70),
            State("Victoria", -36.90, 144.30, 80),
            State("Western Australia", -26.00, 121.50, 500),
        ),
        "Austria": (
            State("Burgenland", 47.85, 16.94, 5),
            State("Carinthia", 46.72, 14.10, 18),
            State("Lower Austria", 48.35, 15.75, 30),
            State("Salzburg", 47.25, 13.05, 15),
            State("Styria", 47.35, 15.05, 28),
            State("Tyrol", 47.22, 11.30, 15),
            State("Upper Austria", 48.15, 14.00, 28),
            State("Vienna", 48.21, 16.38, 6),
            State("Vorarlberg", 47.25, 9.90, 12),
        ),
        "Czechia": (
            State("Central Bohemia", 49.80, 14.75, 14),
            State("Central Moravia", 49.45, 17.35, 15),
            State("Moravia-Silesia", 49.75, 17.95, 12),
            State("Northeast", 50.25, 15.80, 22),
            State("Northwest", 50.35, 13.45, 15),
            State("Prague", 50.08, 14.44, 6),
            State("Southeast", 49.20, 16.20, 28),
            State("Southwest", 49.25, 14.00, 22),
        ),
        "New Zealand": (
            State("Auckland", -36.89, 174.77, 4),
            State("Bay of Plenty", -38.20, 176.80, 14),
            State("Canterbury", -43.40, 171.80, 30),
            State("Gisborne", -38.45, 177.90, 16),
            State("Hawke's Bay", -39.40, 176.60, 16),
            State("Manawatū-Whanganui", -39.70, 175.50, 22),
            State("Marlborough", -41.70, 173.50, 18),
            State("Nelson", -41.30, 173.27, 2),
            State("Northland", -35.50, 173.80, 16),
            State("Otago", -45.30, 169.55, 30),
            State("Southland", -45.90, 168.00, 30),
            State("Taranaki", -39.30, 174.30, 18),
            State("Tasman", -41.55, 172.75, 15),
            State("Waikato", -38.00, 175.60, 20),
            State("Wellington", -41.10, 175.45, 18),
            State("West Coast", -42.45, 171.50, 12),
        ),
        "Slovakia": (
            State("Banská Bystrica", 48.55, 19.40, 25),
            State("Bratislava", 48.32, 17.18, 8),
            State("Košice", 48.68, 21.65, 10),
            State("Nitra", 48.20, 18.20, 18),
            State("Prešov", 49.10, 21.40, 18),
            State("Trenčín", 48.80, 18.20, 12),
            State("Trnava", 48.45, 17.62, 10),
            State("Žilina", 49.15, 19.10, 18),
        ),
    }
)


def find(name: str) -> Country | None:
    """The country of this name, alias or ISO code; None where the table has none.

    Case, accents, punctuation, spaces, 'the' and '&' for 'and' don't matter, nor 'St.' for 'Saint'.
    """
    return _by_key().get(_key(name))


@cache
def countries() -> tuple[Country, ...]:
    """All 249 countries of ISO 3166-1 and Kosovo (XK, a code that ISO leaves to its users), by name.

    Names and codes are those of pycountry 26.2 (Debian's iso-codes) with the common short name in English,
    and former and colloquial names besides. Centroids are area-weighted, on the globe, of the polygons of
    Natural Earth 1:50m (public domain): France, the Netherlands and Norway without their parts overseas; of
    the eleven countries of the reports those of 1:110m; of what is too small for polygons, its main island.
    The side to drive on is that of most roads.
    """
    text = (files("kangaroo.geo") / "countries.csv").read_text(encoding="utf-8")
    return tuple(_country(row) for row in csv.DictReader(text.splitlines()))


def _country(row: dict[str, str]) -> Country:
    aliases = tuple(filter(None, row["aliases"].split(";")))
    side: Literal["left", "right"] = "left" if row["drives_on"] == "left" else "right"
    return Country(
        row["name"], row["alpha2"], row["alpha3"], aliases, float(row["lat"]), float(row["lon"]), side
    )


@cache
def _by_key() -> Mapping[str, Country]:
    return {
        _key(text): country
        for country in countries()
        for text in (country.name, country.alpha2, country.alpha3, *country.aliases)
    }


@cache
def _key(name: str) -> str:
    """What is left of a name where spelling can differ no more."""
    decomposed = unicodedata.normalize("NFKD", name.casefold().replace("&", " and "))
    letters = (letter for letter in decomposed if not unicodedata.combining(letter))
    plain = "".join(x if x.isalnum() else "" if x in "'’‘`." else " " for x in letters)
    return "".join("saint" if word == "st" else word for word in plain.split() if word != "the")
