"""What a collection says of itself: its figures, manifest.csv, and a coordinates.csv for each state."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from kangaroo.collect.run.assignment import choose
from kangaroo.collect.run.ledger_reader import State
from kangaroo.collect.run.prices import MICRO
from kangaroo.collect.sources import SOURCES
from kangaroo.files import write_text

MANIFEST_COLUMNS = (
    "file", "sha256", "country", "state", "lat", "lon", "source", "licence", "attribution", "captured",
    "pano_id", "heading", "width", "height",
)  # fmt: skip

Outcome = Literal["open", "no coverage", "already taken", "taken", "rejected"]


def outcomes(state: State) -> list[Outcome]:
    """What became of each point: ``taken`` if it has a photo, ``open`` if anything is still to be asked."""
    reasons = _reasons(state)
    chosen = choose(state.found, reasons, state.job.min_distance)

    def outcome(point: int) -> Outcome:
        if point not in state.found:
            return "open"
        if state.found[point] is None:
            return "no coverage"
        if point not in chosen:
            return "already taken"
        if len(reasons.get(point, ())) < state.job.n_views:
            return "open"
        return "taken" if "" in reasons[point] else "rejected"

    return [outcome(point.id) for point in state.points]


def summary(state: State) -> dict[str, int | float]:
    """The figures of the whole folder, over all runs: counts, and dollars."""
    rejected = sum(bool(photo.reason) for photo in state.photos.values())
    return {
        "points": len(state.points),
        "no_coverage": sum(found is None for found in state.found.values()),
        "photos": len(state.photos) - rejected,
        "rejected": rejected,
        "calls": state.totals.calls,
        "paid_calls": state.totals.paid_calls,
        "usd": state.totals.micro_usd / MICRO,
    }


def write_tables(folder: Path, state: State) -> None:
    """Write manifest.csv and each state's coordinates.csv (``i,lat,lng,image_exists``) from the ledger."""
    write_csv(folder / "manifest.csv", MANIFEST_COLUMNS, manifest_rows(state))
    n_views = state.job.n_views
    tables: dict[Path, list[Sequence[object]]] = {}
    for point in state.points:
        rows = tables.setdefault(folder / point.folder / "coordinates.csv", [])
        for nth in range(n_views):
            photo = state.photos.get((point.id, nth))
            there = photo is not None and not photo.reason
            rows.append((point.index * n_views + nth, point.lat, point.lon, there))
    for path, rows in tables.items():
        write_csv(path, ("i", "lat", "lng", "image_exists"), rows)


def manifest_rows(state: State) -> Iterator[Sequence[object]]:
    """The rows of manifest.csv: the photos that count, in the order of the points."""
    job = state.job
    for photo in state.photos.values():
        found, point = state.found.get(photo.point), state.points[photo.point]
        if photo.reason or found is None:
            continue
        yield (
            photo.file, photo.sha256, point.country, point.state, found.lat, found.lon, job.source,
            SOURCES[job.source].licence, found.attribution, found.captured, found.id, photo.heading,
            photo.width, photo.height,
        )  # fmt: skip


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table atomically, in UTF-8."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    write_text(path, text.getvalue())


def _reasons(state: State) -> dict[int, list[str]]:
    """The reasons of each point's photos, '' for one that counts."""
    reasons: dict[int, list[str]] = {}
    for photo in state.photos.values():
        reasons.setdefault(photo.point, []).append(photo.reason)
    return reasons
