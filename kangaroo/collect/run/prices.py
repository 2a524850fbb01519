"""What pictures cost, as a dated table that a file of the user's own replaces."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from kangaroo.errors import DataError

MICRO = 1_000_000
"""Money is counted in whole millionths of a US dollar, so that sums and limits are exact."""


@dataclass(frozen=True)
class Price:
    """What one picture of a source costs, in millionths of a US dollar, and the day that the price is of."""

    micro_usd: int
    as_of: str


# Google: the first and dearest step of "SKU: Static Street View", 7.00 USD per 1,000; neither the free calls
# of each month nor the discount above 100,000 are counted. Metadata calls are free.
PRICES: Mapping[str, Price] = MappingProxyType({"google": Price(7_000, "2025-08-29")})
FREE = Price(0, "")


def read_prices(path: Path) -> dict[str, Price]:
    """Read a price list, ``{"google": {"usd_per_1000": 5.6, "as_of": "2026-11-01"}}``, or raise DataError."""
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        prices = {
            source: Price(round(float(row["usd_per_1000"]) * MICRO / 1000), str(row["as_of"]))
            for source, row in table.items()
        }
        if any(price.micro_usd < 0 for price in prices.values()):
            raise ValueError("a price is below zero")
    except (OSError, ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        form = '{"google": {"usd_per_1000": 5.6, "as_of": "2026-11-01"}}'
        raise DataError(f"{path} is no price list such as {form}: {error}") from error
    return prices
