import csv

import numpy as np
import pandas as pd
import pytest

from kangaroo.game.tables import by_terms, counted, leaderboard, write_csv


def frame(rows):
    """Rows of player, photo, turn, rank and points of the person, and points of the model."""
    columns = ["player", "photo", "turn", "person_rank", "person_points", "model_points"]
    table = pd.DataFrame(rows, columns=columns)
    n = len(table)
    return table.assign(
        game=1, round=np.arange(n) + 1, name="Austria", place=table["photo"], lat=48.0, lon=np.nan, model="m",
        classes=[["Austria", "Czechia"]] * n, resolution=224, limit=np.nan, given=np.arange(n) * 1.0,
        seconds=np.arange(n) * 1.0, person_names=[["Austria", "Czechia"]] * n, model_names=[["Czechia"]] * n,
        model_rank=np.nan, person_km=1.5, model_km=np.nan, person_lat=np.nan, person_lon=np.nan,
        model_lat=np.nan, model_lon=np.nan,
    )  # fmt: skip


@pytest.fixture
def table():
    return frame(
        [
            ("Ada", "a", 0, 1, 5000, 1000),
            ("Ada", "b", 0, 2, 2000, 3000),
            ("Ada", "a", 1, 1, 5000, 1000),  # seen before: it doesn't count
            ("Bob", "a", 0, np.nan, 0, 1000),
            ("=HYPERLINK(1)", "c", 0, 1, 4000, 4000),
        ]
    )


def test_the_leaderboard_by_hand(table):
    assert len(counted(table)) == 4
    assert leaderboard(table).to_dict("records") == [
        {
            "player": "=HYPERLINK(1)",
            "rounds": 1,
            "points": 4000,
            "top1": 1,
            "seconds": 4,
            "model_points": 4000,
        },
        {"player": "Ada", "rounds": 2, "points": 3500, "top1": 0.5, "seconds": 0.5, "model_points": 2000},
        {"player": "Bob", "rounds": 1, "points": 0, "top1": 0, "seconds": 3, "model_points": 1000},
    ]
    assert leaderboard(table, minimum=2)["player"].tolist() == ["Ada"]
    assert leaderboard(frame([])).empty


def test_only_what_was_played_alike_is_compared(table):
    other = table.iloc[:2].assign(resolution=64)
    groups = by_terms(pd.concat([other, table], ignore_index=True))
    assert [(len(rows), rows["resolution"].iloc[0]) for rows in groups] == [(5, 224), (2, 64)]
    assert by_terms(frame([])) == []


def test_the_csv_is_safe_to_open(table, tmp_path):
    nasty = ["=1+1", "+1", "-1", "@x", "\tx"]
    write_csv(table.assign(player=nasty), tmp_path / "r.csv")
    with (tmp_path / "r.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["player"] for row in rows] == [f"'{name}" for name in nasty]
    first = rows[0]
    assert first["given"] == "1970-01-01T00:00:00Z"
    assert first["person_names"] == first["classes"] == "Austria; Czechia"
    assert (first["person_rank"], first["model_rank"], first["model_km"]) == ("1", "", "")
    assert not any(value.startswith(("=", "+", "-", "@")) for row in rows for value in row.values())
    write_csv(table.assign(lon=-12.5), tmp_path / "r.csv")
    assert pd.read_csv(tmp_path / "r.csv")["lon"].tolist() == [-12.5] * 5  # a number is no formula


def test_an_answer_told_in_another_game_is_no_first_sight(table):
    told = frame(
        [("Ada", "a", 1, 1, 5000, 1000), ("Ada", "a", 0, 1, 5000, 1000), ("Bob", "a", 0, 1, 5000, 1)]
    )
    assert counted(told)["player"].tolist() == ["Bob"]
