"""``kangaroo runs``: the trainings in run folders, side by side."""

import argparse
import re
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kangaroo.console import print_json
from kangaroo.errors import KangarooError

if TYPE_CHECKING:
    from kangaroo.runs.catalogue import Run

SUMMARY = "compare trainings: the settings that differ, and what came of them"
EXAMPLE = "kangaroo runs runs --sort accuracy"

RESULTS = (
    "name",
    "state",
    "epochs",
    "kept",
    "accuracy",
    "interval",
    "median_km",
    "mean_km",
    "geoscore",
    "seconds",
)
"""The columns before those of the settings; 'epochs' are those trained."""
LAST_TO_GO = ("name", "accuracy", "median_km", "mean_km", "state", "epochs", "interval", "geoscore")
"""In a narrow window these are kept first, then settings, then the others."""
BEST_FIRST = ("accuracy", "geoscore")
LONGEST = 28  # letters of a setting
SHA256 = re.compile("[0-9a-f]{64}")
FORMATS = {"accuracy": ".3f", "median_km": ",.0f", "mean_km": ",.0f", "geoscore": ",.0f", "seconds": ",.0f"}

Row = Mapping[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    add = parser.add_argument
    add("folders", type=Path, nargs="+", metavar="DIR", help="folders in and below which runs are looked for")
    add(
        "--sort",
        default="name",
        metavar="COLUMN",
        help="any column; accuracy and geoscore from above, others from below (default: %(default)s)",
    )
    add("--json", action="store_true", help="print JSON, with all columns")
    add("--csv", type=Path, metavar="FILE", help="also write a CSV file, with all columns")


def run(args: argparse.Namespace) -> None:
    """Print the table; a run folder that can't be read is named on stderr."""
    from kangaroo.runs.catalogue import differing, find_runs

    runs, damaged = find_runs(args.folders)
    settings = differing(runs)
    rows = _sorted([_row(run, settings) for run in runs], [*RESULTS, *settings], args.sort)
    for item in damaged:
        print(f"damaged: {item.folder}: {item.reason}", file=sys.stderr)
    if args.csv:
        _write_csv(args.csv, rows)
    if args.json:
        whole = [_nested(row, settings) for row in rows]
        print_json(
            {"runs": whole, "damaged": [asdict(item) | {"folder": str(item.folder)} for item in damaged]}
        )
    elif rows:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize
        print("\n".join(_table(rows, settings, width)))


def _row(run: "Run", settings: Sequence[str]) -> Row:
    """The results, the settings that differ, and where the run is."""
    found = asdict(run)
    return {
        **{name: found[name] for name in RESULTS},
        **{name: run.settings.get(name) for name in settings},
        "wanted": run.wanted,
        "folder": str(run.folder),
    }


def _nested(row: Row, settings: Sequence[str]) -> dict[str, Any]:
    """A row of the JSON."""
    own = {name: row[name] for name in settings}
    return {**{name: value for name, value in row.items() if name not in own}, "settings": own}


def _sorted(rows: list[Row], columns: Sequence[str], wanted: str) -> list[Row]:
    """The rows in the order of a column, those without a value last."""
    if wanted not in columns:
        raise KangarooError(f"no column {wanted!r} to sort by: choose from {', '.join(columns)}")

    def place(row: Row) -> tuple[bool, bool, Any]:
        value = row[wanted]
        if isinstance(value, int | float):
            return False, False, -value if wanted in BEST_FIRST else value
        return value is None, True, _text(wanted, value)

    return sorted(rows, key=place)


def _write_csv(path: Path, rows: list[Row]) -> None:
    import pandas as pd

    from kangaroo.files import atomic

    with atomic(path) as temporary:
        pd.DataFrame(rows).to_csv(temporary, index=False)


def _table(rows: list[Row], settings: Sequence[str], width: int) -> Iterable[str]:
    """The lines of a table that is no wider than ``width``; what it leaves out is said below."""
    columns = [name for name in (*RESULTS, *settings) if any(row[name] is not None for row in rows)]
    cells = {name: [name, *(_cell(name, row) for row in rows)] for name in columns}
    cells["name"] = [_end(text, max(20, width // 3)) for text in cells["name"]]
    widths = {name: max(map(len, texts)) for name, texts in cells.items()}
    shown: list[str] = []
    for name in sorted(columns, key=lambda name: _importance(name, settings)):
        if sum(widths[other] + 2 for other in shown) + widths[name] <= width:
            shown.append(name)
    right = {name for name in columns if all(_is_number(name, row) for row in rows)}
    shown.sort(key=columns.index)
    for texts in zip(*(cells[name] for name in shown), strict=True):
        padded = (
            text.rjust(widths[name]) if name in right else text.ljust(widths[name])
            for name, text in zip(shown, texts, strict=True)
        )
        yield "  ".join(padded).rstrip()
    if hidden := [name for name in columns if name not in shown]:
        yield f"(too wide for this window, in --json and --csv: {', '.join(hidden)})"


def _importance(name: str, settings: Sequence[str]) -> int:
    order = [*LAST_TO_GO, *settings]
    return order.index(name) if name in order else len(order)


def _is_number(name: str, row: Row) -> bool:
    return name == "epochs" or row[name] is None or isinstance(row[name], int | float)


def _cell(name: str, row: Row) -> str:
    if name == "epochs" and row["wanted"] not in (None, row["epochs"]):
        return f"{row['epochs']} of {row['wanted']}"
    return _text(name, row[name])


def _text(name: str, value: Any) -> str:
    """A value as somebody would write it."""
    if value is None:
        return "–"
    if name == "interval":
        return f"{value[0]:.3f} to {value[1]:.3f}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return format(value, FORMATS.get(name, "g" if isinstance(value, float) else ""))
    if isinstance(value, list):
        value = ", ".join(_text("", item) for item in value)
    text = str(value)[:8] if SHA256.fullmatch(str(value)) else str(value)
    return text if name == "name" or len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _end(text: str, length: int) -> str:
    """The end of a name that is too long: runs beside each other mostly begin alike."""
    return text if len(text) <= length else f"…{text[1 - length :]}"
