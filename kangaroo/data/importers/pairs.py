"""Pictures with a JSON file beside each: X.png and X.json, as the Lost & Found report keeps its photos.

Keys of the JSON object, in any case and with or without underscores: latitude by ``lat`` or ``latitude``,
longitude by ``lng``, ``lon``, ``long`` or ``longitude``, both at the top, in an object under ``coordinates``,
``location``, ``position`` or ``gps``, or as a list [latitude, longitude] there; ``country``, ``country_name``
or ``country_code``; ``state`` or ``region``; ``heading``, ``pano_id``, ``captured`` (ISO 8601), ``source``,
``licence`` or ``license``, ``attribution``. Others are passed over.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from kangaroo.data.folders import photo_files
from kangaroo.data.importers.base import Found, coordinates
from kangaroo.data.labels import nfc
from kangaroo.data.manifest import Rejected
from kangaroo.errors import DataError
from kangaroo.progress import progress

_KEYS = {
    "lat": ("lat", "latitude"),
    "lon": ("lng", "lon", "long", "longitude"),
    "country": ("country", "countryname", "countrycode"),
    "state": ("state", "region"),
    "heading": ("heading",),
    "pano_id": ("panoid",),
    "captured": ("captured",),
    "source": ("source",),
    "licence": ("licence", "license"),
    "attribution": ("attribution",),
}
_NESTS = ("coordinates", "location", "position", "gps")


def read_pairs(source: Path) -> Found:
    """All pictures below ``source`` whose JSON file lies beside them. DataError: one of a pair is gone."""
    if not source.is_dir():
        raise DataError(f"no folder {source}: give one with pictures and their JSON files")
    files, rejected = photo_files(source)
    tables = {path for path in source.rglob("*.json") if not path.name.startswith(".")}
    if orphans := tables - {file.with_suffix(".json") for file in files}:
        raise DataError(f"{min(orphans)}: its picture is gone: put it back or remove this file")
    alone = [file for file in files if file.with_suffix(".json") not in tables]
    pairs = [file for file in files if file.with_suffix(".json") in tables]
    rows = [_row(file, source) for file in progress(pairs, "reading JSON files", len(pairs), "file")]
    records = pd.DataFrame(rows, columns=["path", "folder", *_KEYS], index=[row["path"] for row in rows])
    degrees = coordinates(records, {"lat": "lat", "lon": "lon"}, "picture")
    records = records.assign(**degrees, archive="", member="").reset_index(drop=True)
    records["source"] = records["source"].fillna(source.resolve().name)
    bad = [Rejected(str(file), f"no {file.stem}.json beside it") for file in alone]
    return Found(records, (*rejected, *bad))


def _row(picture: Path, source: Path) -> dict[str, Any]:
    file = picture.with_suffix(".json")
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{file} can't be read as JSON: {error}") from error
    if not isinstance(value, dict):
        raise DataError(f"{file} holds no JSON object: it needs coordinates or a country")
    known = _flatten(value)
    found = {column: next((known[k] for k in keys if k in known), None) for column, keys in _KEYS.items()}
    parts = picture.relative_to(source).parts
    return {
        **{name: None if isinstance(item, dict | list) else item for name, item in found.items()},
        "captured": _iso(found["captured"]),
        "path": picture.as_posix(),
        "folder": nfc(parts[0]) if len(parts) > 1 else "",
    }


def _flatten(value: Mapping[str, Any]) -> dict[str, Any]:
    """Keys in lower case without underscores; coordinates out of the object or list that holds them."""
    plain = {key.lower().replace("_", ""): item for key, item in value.items()}
    for nest in _NESTS:
        inner = plain.get(nest)
        if isinstance(inner, dict):
            plain = {key.lower().replace("_", ""): item for key, item in inner.items()} | plain
        elif isinstance(inner, list) and len(inner) == 2:
            plain = {"lat": inner[0], "lng": inner[1]} | plain
    return plain


def _iso(text: object) -> str:
    try:
        datetime.fromisoformat(str(text))
    except ValueError:
        return ""
    return str(text)
