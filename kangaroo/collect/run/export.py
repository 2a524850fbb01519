"""What of a collection may be passed on, in a folder of its own."""

import shutil
from pathlib import Path

from kangaroo.collect.run.ledger_reader import State
from kangaroo.collect.run.tables import outcomes, write_csv, write_tables
from kangaroo.collect.sources import SOURCES
from kangaroo.errors import DataError
from kangaroo.files import write_text
from kangaroo.progress import progress


def export(folder: Path, state: State, out: Path) -> int:
    """Write what may be passed on of the collection in ``folder`` to ``out``; gives the number of pictures.

    Photos under a free licence go with attribution.txt. Of Google only panoramas.csv is written, which
    ``run --points`` reads again: its coordinates are those that were asked for, not Google's. DataError: the
    source allows nothing, or ``out`` exists.
    """
    source = SOURCES[state.job.source]
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"{out} exists: give the name of a new folder")
    if source.name == "google":
        return _panoramas(state, out)
    if not source.shareable:
        raise DataError(
            f"the photos in {folder} come from a local folder, and kangaroo does not know their licence: "
            "ask whoever took them and pass on the originals"
        )
    return _photos(folder, state, out)


def _panoramas(state: State, out: Path) -> int:
    rows = []
    for point, outcome in zip(state.points, outcomes(state), strict=True):
        if (found := state.found.get(point.id)) and outcome == "taken":
            rows.append((point.lat, point.lon, point.country, point.state, found.id))
    write_csv(out / "panoramas.csv", ("lat", "lon", "country", "state", "pano_id"), rows)
    return len(rows)


def _photos(folder: Path, state: State, out: Path) -> int:
    partial = out.with_name(f".{out.name}.part")
    shutil.rmtree(partial, ignore_errors=True)
    photos = [photo for photo in state.photos.values() if not photo.reason]
    for photo in progress(photos, "copying", unit="photo"):
        (partial / photo.file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / photo.file, partial / photo.file)
    write_tables(partial, state)
    write_text(partial / "attribution.txt", _attribution(state))
    if out.is_dir():
        out.rmdir()
    partial.rename(out)
    return len(photos)


def _attribution(state: State) -> str:
    source = SOURCES[state.job.source]
    lines = [
        f"Photos from {source.name} under {source.licence}, https://creativecommons.org/licenses/by-sa/4.0/.",
        "Name the photographer and the source wherever you show one, and share what you make of it alike.",
        "",
    ]
    for photo in state.photos.values():
        if not photo.reason and (found := state.found.get(photo.point)):
            lines.append(f"{photo.file}: {found.attribution}")
    return "\n".join(lines) + "\n"
