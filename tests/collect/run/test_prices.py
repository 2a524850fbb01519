from datetime import date

import pytest

from kangaroo.collect.run.prices import MICRO, PRICES, Price, read_prices
from kangaroo.errors import DataError


def test_google_costs_seven_dollars_a_thousand_and_the_price_has_a_day():
    price = PRICES["google"]
    assert 1000 * price.micro_usd == 7 * MICRO
    assert date.fromisoformat(price.as_of) > date(2024, 1, 1)
    assert set(PRICES) == {"google"}


def test_a_file_of_ones_own(tmp_path):
    path = tmp_path / "prices.json"
    path.write_text('{"google": {"usd_per_1000": 5.6, "as_of": "2026-11-01"}}')
    assert read_prices(path) == {"google": Price(5600, "2026-11-01")}


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"google": 7}', '{"google": {"usd_per_1000": "x", "as_of": ""}}',
     '{"google": {"usd_per_1000": -1, "as_of": ""}}', '{"google": {"usd_per_1000": NaN, "as_of": ""}}'],
)  # fmt: skip
def test_no_price_list(tmp_path, text):
    path = tmp_path / "prices.json"
    path.write_text(text)
    with pytest.raises(DataError, match=r"prices\.json is no price list such as"):
        read_prices(path)
