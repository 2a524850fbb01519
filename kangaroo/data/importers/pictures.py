"""Pictures out of Parquet and zip files and out of panoramas, into files; and a look at every file."""

import hashlib
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from PIL import Image

from kangaroo.data.images import damage, open_picture
from kangaroo.data.panoramas import Cut, cut
from kangaroo.data.threads import in_threads
from kangaroo.errors import DataError, PhotoError
from kangaroo.files import atomic
from kangaroo.progress import progress

Row: TypeAlias = dict[str, Any]

CORRUPT = "corrupt"
_BATCH = 64
_LOOKED = ("sha256", "width", "height", "reject_reason")
_SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp"}
_ORIENTATION, _SIDEWAYS = 0x0112, (5, 6, 7, 8)  # EXIF


def extract(records: pd.DataFrame, folder: Path, how: Cut | None) -> pd.DataFrame:
    """Write the pictures that lie in archives below ``folder``; with ``how``, views of them in their place.

    A picture that is there already is left alone, so that a run that was killed goes on. Pictures that can't
    be decoded get the reject_reason 'corrupt'. DataError: an archive or a panorama that can't be used.
    """
    inside = records["archive"] != ""
    store = partial(_store_views, folder=folder, how=how) if how else partial(_store, folder=folder)
    stored = in_threads(store, _pictures(records[inside]))
    rows = [row for rows in progress(stored, "writing photos", int(inside.sum()), "photo") for row in rows]
    return pd.concat([records[~inside], pd.DataFrame(rows)], ignore_index=True) if rows else records


def inspect(records: pd.DataFrame) -> pd.DataFrame:
    """Read every file that is not rejected: its sha256, width and height, or the reject_reason 'corrupt'."""
    rows = np.flatnonzero((records["reject_reason"] == "").to_numpy())
    files = records["path"].iloc[rows].tolist()
    looks = list(progress(in_threads(_look, files), "reading photos", len(files), "photo"))
    seen = pd.DataFrame(looks, columns=list(_LOOKED))
    columns = {name: records[name].to_numpy(object, copy=True) for name in _LOOKED}
    for name, values in columns.items():
        values[rows] = seen[name]
    return records.assign(**columns)


def _look(file: str) -> tuple[str, int, int, str]:
    try:
        data = Path(file).read_bytes()
    except OSError:
        return "", 0, 0, CORRUPT
    digest = hashlib.sha256(data).hexdigest()
    try:
        with damage():
            picture = open_picture(data)
            size = picture.size
            sideways = picture.getexif().get(_ORIENTATION) in _SIDEWAYS
            picture.draft(None, (8, 8))  # JPEG: all is read, little of it is turned into pixels
            picture.load()
    except PhotoError:
        return digest, 0, 0, CORRUPT
    width, height = reversed(size) if sideways else size
    return digest, width, height, ""


def _pictures(records: pd.DataFrame) -> Iterator[tuple[Row, bytes]]:
    """Records and the bytes of their pictures, archive by archive."""
    names = [str(name) for name in records]
    for archive, group in records.groupby("archive", sort=False):
        named = (dict(zip(names, values, strict=True)) for values in group.itertuples(index=False, name=None))
        rows: dict[str, Row] = {row["member"]: row for row in named}
        read = _of_zip if str(archive).lower().endswith(".zip") else _of_parquet
        yield from read(Path(str(archive)), rows)


def _of_zip(archive: Path, rows: Mapping[str, Row]) -> Iterator[tuple[Row, bytes]]:
    try:
        with zipfile.ZipFile(archive) as file:
            for member, row in rows.items():
                try:
                    data = file.read(member)
                except (zipfile.BadZipFile, zlib.error):  # of this member alone
                    data = b""
                yield row, data
    except (zipfile.BadZipFile, OSError) as error:
        raise DataError(f"{archive} is no whole zip file: download it again") from error


def _of_parquet(archive: Path, rows: Mapping[str, Row]) -> Iterator[tuple[Row, bytes]]:
    number = 0
    with pq.ParquetFile(archive) as file:
        for batch in file.iter_batches(batch_size=_BATCH, columns=["image"]):
            for image in batch.column("image"):
                if row := rows.get(str(number)):
                    yield row, (image.as_py() or {}).get("bytes") or b""
                number += 1


def _store(picture: tuple[Row, bytes], folder: Path) -> list[Row]:
    row, data = picture
    try:
        suffix = _SUFFIXES[open_picture(data).format or ""]
    except PhotoError:
        suffix = ".jpg"  # as good as any: it is rejected, and kept to be looked at
    path = folder / f"{row['path']}{suffix}"
    if data and not (path.is_file() and path.read_bytes() == data):
        with atomic(path) as temporary:
            temporary.write_bytes(data)
    reason = row["reject_reason"] if data else CORRUPT
    return [{**row, "path": path.as_posix(), "archive": "", "member": "", "reject_reason": reason}]


def _store_views(picture: tuple[Row, bytes], folder: Path, how: Cut) -> list[Row]:
    row, data = picture
    digest = hashlib.sha256(data).hexdigest()[:8]  # so that views of another panorama are cut anew
    headings = how.headings(row["path"])
    start = folder / how.tag / f"{row['path']}-{digest}"
    paths = [start.with_name(f"{start.name}-{heading:05.1f}.jpg") for heading in headings]
    if not all(path.is_file() for path in paths):
        try:
            with damage():
                pixels = np.asarray(open_picture(data).convert("RGB"))
        except PhotoError:
            return [{**stored, "reject_reason": CORRUPT} for stored in _store(picture, folder)]
        _write_views(pixels, paths, row["path"], how)
    place = row["place"] or ("" if row["lat"] == row["lat"] else row["pano_id"])
    changed = {"archive": "", "member": "", "place": place}
    return [
        {**row, **changed, "path": path.as_posix(), "heading": heading}
        for path, heading in zip(paths, headings, strict=True)
    ]


def _write_views(panorama: "np.ndarray[Any, Any]", paths: Iterable[Path], name: str, how: Cut) -> None:
    try:
        views = cut(panorama, how, name)
    except PhotoError as error:
        raise DataError(f"panorama {name}: {error}") from error
    for path, (_, view) in zip(paths, views, strict=True):
        if path.is_file():
            continue
        with atomic(path) as temporary:
            Image.fromarray(view).save(temporary, quality=95, subsampling=0)
