from itertools import permutations

import pandas as pd
import pytest

from kangaroo.data.manifest import Rejected, complete
from kangaroo.data.summary import SECTORS, Source, pick, summarize, usable

ROWS = pd.DataFrame(
    [
        ("1.jpg", "Austria", "Tyrol", "p", "training", "Mapillary", "CC BY-SA 4.0", "E", "2019-05", 7.0, ""),
        ("2.jpg", "Austria", "Tyrol", "p", "training", "Mapillary", "CC BY-SA 4.0", "", "2019", 353.0, ""),
        ("3.jpg", "Austria", "Vienna", "q", "test", "drawn scenes", "", "", "", None, ""),
        ("4.jpg", "Fiji", "", "", "", "Mapillary", "CC BY-SA 4.0", "", "2021-01-01T10:00:00Z", 180.0, ""),
        ("5.jpg", "Fiji", "", "", "", "Mapillary", "CC BY-SA 4.0", "", "20210101", 90.0, "dark"),
        ("6.jpg", "Chad", "", "", "", "Mapillary", "CC BY-SA 4.0", "", "", None, "dark"),
    ],
    columns=[
        "path", "class", "state", "place", "split", "source", "licence", "attribution", "captured", "heading",
        "reject_reason",
    ],
)  # fmt: skip
RECORDS = complete(ROWS.assign(lat=[47, 47, 48, None, None, None], lon=[11, 11, 16, None, None, None]))


def test_counts_by_hand():
    summary = summarize(RECORDS, [Rejected("a.gif", "unsupported"), Rejected("b", "dark")])
    assert (summary.photos, summary.drawn, summary.places, summary.located) == (4, 1, 3, 3)
    assert list(summary.classes.items()) == [("Austria", 3), ("Fiji", 1), ("Chad", 0)]
    assert summary.states == {"Austria": {"Tyrol": 2, "Vienna": 1}}
    assert summary.split == {"training": {"Austria": 2}, "test": {"Austria": 1}}
    assert summary.sources == (
        Source("Mapillary", "CC BY-SA 4.0", 3, 2, 1),
        Source("drawn scenes", "", 1, 1, 0),
    )
    assert summary.years == {2019: 2, 2021: 1}
    assert sum(summary.headings) == 3
    assert (summary.headings[0], summary.headings[SECTORS // 2]) == (2, 1)  # 353° and 7° are north
    assert list(summary.rejected.items()) == [("dark", 3), ("unsupported", 1)]


def test_of_rejected_photos_alone_there_is_nothing_to_count():
    summary = summarize(RECORDS[4:].reset_index(drop=True))
    assert (summary.photos, summary.places, summary.sources, summary.split) == (0, 0, (), {})
    assert summary.classes == {"Chad": 0, "Fiji": 0}


def test_coordinates_are_a_place_where_none_is_named():
    assert usable(RECORDS.assign(place=""))["place"].tolist() == [
        "47.00000,11.00000",
        "47.00000,11.00000",
        "48.00000,16.00000",
        "4.jpg",
    ]


def many():
    rows = [
        (f"{name}{place}{i}.jpg", name, f"{name}{place}")
        for name in "AB"
        for place in "xyz"
        for i in range(3)
    ]
    return complete(pd.DataFrame(rows, columns=["path", "class", "place"]))


def test_chosen_are_photos_of_different_places_first():
    for number, places in ((2, 2), (3, 3), (5, 3), (100, 3)):
        chosen = pick(many(), number, seed=1)
        assert chosen.groupby("class").size().tolist() == [min(number, 9)] * 2
        assert chosen.groupby("class")["place"].nunique().tolist() == [places] * 2


def test_the_choice_depends_on_the_seed_alone():
    first = pick(many(), 4, seed=0)["path"].tolist()
    assert pick(many().sample(frac=1, random_state=3), 4, seed=0)["path"].tolist() == first
    assert pick(many()[9:].reset_index(drop=True), 4, seed=0)["path"].tolist() == first[4:]
    assert any(pick(many(), 4, seed=seed)["path"].tolist() != first for seed in range(1, 4))


def test_known_bytes_are_chosen_wherever_the_files_lie():
    here = many().assign(sha256=[f"{i:064x}" for i in range(18)])
    there = here.assign(path="/elsewhere/" + here["path"])
    assert pick(there, 4, seed=0)["sha256"].tolist() == pick(here, 4, seed=0)["sha256"].tolist()


@pytest.mark.parametrize("order", list(permutations(range(3)))[1:3])
def test_equal_counts_are_in_the_order_of_names(order):
    records = complete(pd.DataFrame({"path": list("abc"), "class": list("xyz")})).iloc[list(order)]
    assert list(summarize(records.reset_index(drop=True)).classes) == ["x", "y", "z"]
