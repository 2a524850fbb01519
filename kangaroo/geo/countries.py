"""Countries by name or code, and the states of the report's five countries."""

from collections.abc import Mapping
from dataclasses import dataclass
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


# Centroids: area-weighted, on the globe, of the polygons of Natural Earth 1:110m (Norway without Svalbard).
COUNTRIES: tuple[Country, ...] = (
    Country("Australia", "AU", "AUS", (), -25.78, 134.31, "left"),
    Country("Austria", "AT", "AUT", (), 47.62, 14.06, "right"),
    Country("Croatia", "HR", "HRV", (), 45.01, 16.57, "right"),
    Country("Czechia", "CZ", "CZE", ("Czech Republic",), 49.78, 15.34, "right"),
    Country("Greece", "GR", "GRC", (), 39.04, 22.72, "right"),
    Country("Hungary", "HU", "HUN", (), 47.20, 19.34, "right"),
    Country("Italy", "IT", "ITA", (), 42.67, 12.27, "right"),
    Country("New Zealand", "NZ", "NZL", ("Aotearoa",), -41.55, 172.95, "left"),
    Country("Norway", "NO", "NOR", (), 64.09, 12.38, "right"),
    Country("Slovakia", "SK", "SVK", ("Slovak Republic",), 48.73, 19.50, "right"),
    Country("United Kingdom", "GB", "GBR", ("UK", "Great Britain", "Britain"), 53.81, -2.76, "left"),
)

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
    """The country of this name, alias or ISO code, in any case of letters; None where the table has none."""
    wanted = name.strip().casefold()
    for country in COUNTRIES:
        keys = (country.name, country.alpha2, country.alpha3, *country.aliases)
        if wanted in (key.casefold() for key in keys):
            return country
    return None
