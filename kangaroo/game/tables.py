"""Results as tables: the leaderboard, and a CSV file that a spreadsheet may open."""

import json
from pathlib import Path

import pandas as pd

from kangaroo.files import atomic

TERMS = ["model", "classes", "resolution"]
"""What must be the same for answers to be compared."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_LISTS = ("classes", "person_names", "model_names")


def counted(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of :meth:`kangaroo.game.results.Results.frame` that count: a player's first sight of a photo.

    Whoever sees a photo again has been told its answer before, be it in another game in the meantime.
    """
    told = frame.duplicated(["player", "photo"])  # rows are in the order of the answers
    return frame[(frame["turn"] == 0) & ~told]


def by_terms(frame: pd.DataFrame) -> list[pd.DataFrame]:
    """The rows of each set of TERMS, those with most rows first."""
    if frame.empty:
        return []
    keys = [frame[name].map(json.dumps) for name in TERMS]
    return sorted((rows for _, rows in frame.groupby(keys, sort=True)), key=len, reverse=True)


def leaderboard(frame: pd.DataFrame, *, minimum: int = 1) -> pd.DataFrame:
    """Players with ``minimum`` rounds that count, best mean of GeoGuessr points first.

    Columns: player, rounds, points (mean), top1 (share), seconds (median), and model_points, the model's mean
    on the same photos: between players, who had other photos each, the difference of the two says more.
    """
    own = counted(frame).assign(top1=lambda rows: rows["person_rank"] == 1).groupby("player")
    table = own.agg(
        rounds=("round", "size"),
        points=("person_points", "mean"),
        top1=("top1", "mean"),
        seconds=("seconds", "median"),
        model_points=("model_points", "mean"),
    ).reset_index()
    table = table[table["rounds"] >= minimum]
    return table.sort_values(["points", "top1", "player"], ascending=[False, False, True], ignore_index=True)


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write rows of :meth:`kangaroo.game.results.Results.frame`, UTF-8, lists joined by '; '."""
    table = frame.assign(
        given=pd.to_datetime(frame["given"], unit="s", utc=True).dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    )
    for name in _LISTS:
        table[name] = table[name].map("; ".join)
    ranks = {name: table[name].astype("Int64") for name in ("person_rank", "model_rank")}
    with atomic(path) as temporary:
        spreadsheet_safe(table.assign(**ranks)).to_csv(temporary, index=False)


def spreadsheet_safe(table: pd.DataFrame) -> pd.DataFrame:
    """The table with an apostrophe before each text that a spreadsheet would take for a formula.

    As OWASP's page on CSV injection advises: nicknames and file names are what strangers typed.
    """
    texts = [str(name) for name in table if not pd.api.types.is_numeric_dtype(table[name])]
    return table.assign(
        **{
            name: table[name].map(lambda text: f"'{text}" if str(text).startswith(_FORMULA) else text)
            for name in texts
        }
    )
