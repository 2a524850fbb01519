"""Any mix of photo folders and manifest files as one data set."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from kangaroo.data.folders import choose, class_names, read_folders, spot
from kangaroo.data.manifest import (
    LOCATION_COLUMNS,
    PHOTO_COLUMNS,
    Manifest,
    Rejected,
    check_records,
    complete,
    read_manifest,
)
from kangaroo.errors import DataError
from kangaroo.geo.countries import find

DRAWN = "drawn scenes"
COLLECTED = "manifest.csv"
"""What ``kangaroo collect`` writes beside its photos: ``file`` and columns of a manifest."""


def read_records(
    sources: Sequence[Path], *, photos: bool = True
) -> tuple[pd.DataFrame, tuple[Rejected, ...]]:
    """Records of all photo folders and manifest files, in their order, and the files that are no photos.

    ``photos``: those of manifests must be there. DataError: a source that can't be used, or one photo in two
    of them.
    """
    parts: list[pd.DataFrame] = []
    rejected: list[Rejected] = []
    for source in sources:
        if _is_manifest(source):
            parts.append(read_manifest(source, photos=photos))
        else:
            manifest = read_folders([source])
            parts.append(folder_records(source, manifest))
            rejected += manifest.rejected
    records = pd.concat(parts, ignore_index=True)
    if records.empty:
        raise DataError(
            f"no photo in {', '.join(map(str, sources))}: give folders or manifests that hold some"
        )
    return check_records(complete(records), ", ".join(map(str, sources))), tuple(rejected)


def folder_records(root: Path, manifest: Manifest) -> pd.DataFrame:
    """The records of one photo folder, with what ``manifest.csv`` of a collection knows besides."""
    photos = manifest.photos
    countries = {name: find(name) for name in manifest.classes}
    records = photos.rename(columns={"file": "path"}).assign(
        country=[country.name if (country := countries[name]) else "" for name in photos["class"]],
        source=DRAWN if manifest.drawn else root.resolve().name,
    )
    table = root / COLLECTED
    if table.is_file():
        records = _with_collected(records, root, table)
    return complete(records)


def _with_collected(records: pd.DataFrame, root: Path, table: Path) -> pd.DataFrame:
    try:
        known = pd.read_csv(table, keep_default_na=False, dtype=str)
        known.index = pd.Index([(root / file).as_posix() for file in known.pop("file")])
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{table} is not the table of a collection: {error}") from error
    wanted = ("source", "licence", "attribution", "captured", "pano_id", "heading", "width", "height")
    for column in (name for name in wanted if name in known):
        found = records["path"].map(known[column])
        records[column] = found.fillna(records.get(column, ""))
    return records


def read_dataset(sources: Sequence[Path], classes: Sequence[str] | None = None) -> Manifest:
    """The usable photos of all sources, of ``classes`` (in this order) or of all classes, sorted.

    Photo folders alone are read as :func:`kangaroo.data.folders.read_folders` does; of a manifest, the rows
    without ``reject_reason`` count. DataError: a source or a class that is not there, drawn scenes beside
    photos.
    """
    files = [source for source in sources if _is_manifest(source)]
    folders = [source for source in sources if not _is_manifest(source)]
    if not files:
        return read_folders(folders, classes)
    listed = pd.concat([read_manifest(file) for file in files], ignore_index=True)
    listed = with_places(listed[listed["reject_reason"] == ""].reset_index(drop=True))
    names = choose(classes, sorted({*listed["class"], *(class_names(folders) if folders else ())}), sources)
    drawn = listed["source"].eq(DRAWN)
    photos = listed.rename(columns={"path": "file"})[PHOTO_COLUMNS]
    photos = photos[photos["class"].isin(names)].reset_index(drop=True)
    places = photos.drop_duplicates(["class", "state", "place"]).assign(has_photo=True)
    own = Manifest(
        tuple(names), photos, places[LOCATION_COLUMNS].reset_index(drop=True), (), bool(drawn.all())
    )
    if not folders:
        return own
    other = read_folders(folders, [name for name in names if name in class_names(folders)])
    if drawn.any() or other.drawn:
        raise DataError(f"{sources[0]} and others hold drawn scenes beside photos: give either, not both")
    return Manifest(
        tuple(names),
        pd.concat([own.photos, other.photos], ignore_index=True),
        pd.concat([own.locations, other.locations], ignore_index=True),
        other.rejected,
    )


def source_classes(sources: Sequence[Path]) -> list[str]:
    """The names of the classes of all sources, sorted."""
    folders = [source for source in sources if not _is_manifest(source)]
    names = set(class_names(folders)) if folders else set()
    for source in sources:
        if _is_manifest(source):
            records = read_manifest(source, photos=False)
            names |= set(records.loc[records["reject_reason"] == "", "class"])
    return sorted(names)


def with_places(records: pd.DataFrame) -> pd.DataFrame:
    """Records without a place get one: their coordinates' if known, else each photo is a place by itself."""
    spots = [spot(lat, lon) for lat, lon in zip(records["lat"], records["lon"], strict=True)]
    found = pd.Series(spots, records.index).where(lambda text: text != "", records["path"])
    return records.assign(place=records["place"].where(records["place"] != "", found))


def _is_manifest(source: Path) -> bool:
    return source.suffix.lower() == ".parquet" and not source.is_dir()
