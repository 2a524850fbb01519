"""The folder of a download of OSV-5M: what was chosen, what has come, and at the end the manifest."""

import csv
import io
import json
import zlib
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
from PIL import Image

from kangaroo.collect.downloads import patiently, read_range
from kangaroo.collect.osv5m.download import LICENCE, Settings
from kangaroo.collect.osv5m.remote_zip import Member, extract
from kangaroo.collect.run.inspection import DAMAGED, inspect
from kangaroo.data.manifest import write_manifest
from kangaroo.data.threads import in_threads
from kangaroo.errors import DataError
from kangaroo.files import atomic, write_json, write_text
from kangaroo.geo.countries import find
from kangaroo.progress import progress

_STATE = ".osv5m"  # hidden, because the visible folders are classes


@dataclass(frozen=True)
class Folder:
    """A download to ``out``; its state lies in a hidden folder there.

    Once the photos are chosen, their list is kept and nothing but them is asked for.
    """

    out: Path
    settings: Settings

    def __post_init__(self) -> None:
        """Check. DataError: the folder holds something else, or a download with other settings."""
        file = self.out / _STATE / "settings.json"
        if not file.is_file():
            if self.out.is_dir() and any(path.name != _STATE for path in self.out.iterdir()):
                raise DataError(f"{self.out} holds something else: choose another --out, or an empty folder")
            return
        before, now = json.loads(file.read_text(encoding="utf-8")), _plain(self.settings)
        if others := [name for name in now if now[name] != before.get(name)]:
            what = ", ".join(f"--{name.replace('_', '-')} {_shown(before.get(name))}" for name in others)
            raise DataError(f"{self.out} was begun with {what}: give that again, or choose another --out")

    @property
    def manifest(self) -> Path:
        """The file that is written last."""
        return self.out / "manifest.parquet"

    def chosen(self) -> pd.DataFrame | None:
        """The photos that were chosen, None until then."""
        file = self.out / _STATE / "photos.parquet"
        return pd.read_parquet(file) if file.is_file() else None

    def keep(self, photos: pd.DataFrame) -> None:
        """Write down what was chosen: from now on the same command goes on from there."""
        write_json(self.out / _STATE / "settings.json", _plain(self.settings))
        with atomic(self.out / _STATE / "photos.parquet") as temporary:
            photos.to_parquet(temporary, index=False)

    def missing(self, photos: pd.DataFrame) -> pd.DataFrame:
        """Those of the photos that have not come, or are not as they came."""
        pairs = list(zip(photos["file"], photos["crc"], strict=True))
        there = progress(in_threads(self._is_there, pairs), "checking", len(pairs), "photo")
        return photos[[not known for known in there]]

    def fetch(self, client: httpx.Client, photos: pd.DataFrame, workers: int) -> None:
        """Fetch photos, ``workers`` at a time. UnfinishedError: the hub doesn't answer any more."""
        rows = photos.to_dict("records")
        fetched = in_threads(partial(self._fetch, client), rows, workers=workers)
        for _ in progress(fetched, "fetching", len(rows), "photo"):
            pass

    def finish(self, photos: pd.DataFrame) -> pd.DataFrame:
        """Write labels.csv and, last, the manifest; gives its records."""
        for left in self.out.glob("*/.*.part*"):  # of a run that was killed
            left.unlink()
        files = photos["file"].tolist()
        facts = pd.DataFrame(list(progress(in_threads(self._facts, files), "reading", len(files), "photo")))
        records = _records(photos, self.out).assign(**facts)
        again = records["sha256"].duplicated() & (records["reject_reason"] == "")
        records.loc[again, "reject_reason"] = "duplicate"
        write_text(self.out / "labels.csv", _labels(photos[(facts["reject_reason"] == "").to_numpy()]))
        write_manifest(self.manifest, records)
        return records

    def _fetch(self, client: httpx.Client, row: dict[str, Any]) -> None:
        """Fetch one photo; a picture that was damaged before it was put in is kept aside."""
        member = Member(**{field.name: row[field.name] for field in fields(Member)})
        data = patiently(
            lambda: extract(read_range(client, row["url"], member.start, member.end), member),
            f"{row['url']}, {member.name}",
        )
        seen = inspect(data)
        whole = seen.reason != DAMAGED and seen.suffix == ".jpg"
        with atomic(self.out / row["file"] if whole else self._aside(row["file"])) as temporary:
            temporary.write_bytes(data)

    def _aside(self, file: str) -> Path:
        return self.out / _STATE / "rejected" / file

    def _is_there(self, photo: tuple[str, int]) -> bool:
        file, crc = photo
        for path in (self.out / file, self._aside(file)):
            if path.is_file() and zlib.crc32(path.read_bytes()) == crc:
                return True
        return False

    def _facts(self, file: str) -> dict[str, Any]:
        path = self.out / file
        if not path.is_file():
            return {"sha256": "", "width": 0, "height": 0, "reject_reason": "damaged"}
        data = path.read_bytes()
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
            width, height = image.size
        digest = sha256(data).hexdigest()
        return {"sha256": digest, "width": width, "height": height, "reject_reason": ""}


def _records(photos: pd.DataFrame, out: Path) -> pd.DataFrame:
    link = "https://www.mapillary.com/app/?pKey=" + photos["id"].astype(str)
    return pd.DataFrame(
        {
            "path": out.as_posix() + "/" + photos["file"],
            "class": photos["class"],
            "country": photos["class"].where(photos["class"].map(find).notna(), ""),
            "place": photos["sequence"],
            "sequence": photos["sequence"],
            "lat": photos["latitude"],
            "lon": photos["longitude"],
            "source": "OSV-5M",
            "licence": LICENCE,
            "captured": photos["captured_at"].map(_date),
            "pano_id": photos["id"].astype(str),
            "attribution": photos["creator_username"].replace("", "unknown") + ", Mapillary, " + link,
        }
    )


def _labels(photos: pd.DataFrame) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "country", "place", "lat", "lon"])
    columns = ["file", "class", "sequence", "latitude", "longitude"]
    writer.writerows(photos[columns].itertuples(index=False))
    return text.getvalue()


def _date(captured: str) -> str:
    """The day, in UTC, of a time in milliseconds since 1970; anything else as it is."""
    try:
        return datetime.fromtimestamp(float(captured) / 1000, UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return captured


def _plain(settings: Settings) -> dict[str, Any]:
    return {**asdict(settings), "classes": list(settings.classes)}


def _shown(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
