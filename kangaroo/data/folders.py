"""What photo folders hold, without opening a single picture."""

import math
import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from kangaroo.data.images import SUFFIXES, unsupported
from kangaroo.data.labels import Asked, Label, nfc, photo_number, read_coordinates, read_labels
from kangaroo.data.manifest import LOCATION_COLUMNS, PHOTO_COLUMNS, Manifest, Rejected
from kangaroo.errors import DataError

_SIDE_FILES = {"labels.csv", "coordinates.csv", "cues.csv", "scenes.json", "thumbs.db", "desktop.ini"}


def read_folders(roots: Sequence[Path], classes: Sequence[str] | None = None) -> Manifest:
    """List the photos ROOT/<Class>/**/*.{jpg,jpeg,png,webp} of all roots, merged by class folder.

    Places, latitudes and longitudes come from ROOT/labels.csv (``file,country,place,lat,lon``) or from a
    ``coordinates.csv`` (``i,lat,lng[,image_exists]``) beside the photos; the second folder is the state.
    ``classes`` chooses and orders; without it all class folders count, sorted. DataError: a folder that is
    missing or laid out otherwise, a class that no root has, a side file that can't be read.
    """
    roots = list({root.resolve(): root for root in roots}.values())
    folders = [(root, folder) for root in roots for folder in _class_folders(root)]
    names = choose(classes, class_names(roots), roots)
    listing = _Listing(roots)
    for name in names:
        for root, folder in folders:
            if nfc(folder.name) == name:
                listing.add_class(name, folder, root)
    listing.reject_unused(None if classes is None else names)
    return Manifest(
        tuple(names), listing.photos(), listing.locations(), tuple(listing.rejected), listing.drawn()
    )


def class_names(roots: Sequence[Path]) -> list[str]:
    """The names of all class folders, sorted. DataError: a root that is missing or laid out otherwise."""
    return sorted({nfc(folder.name) for root in roots for folder in _class_folders(root)})


def photo_files(folder: Path) -> tuple[list[Path], list[Rejected]]:
    """The photos below ``folder``, sorted, hidden ones left out; and what is named as a photo but is none."""
    listing = _Listing([])
    files = [path for _, found in listing.walk(folder) for path in found if path.suffix.lower() in SUFFIXES]
    faults = {path: _fault(path) for path in files}
    for path, fault in faults.items():
        if fault:
            listing.reject(path, fault)
    return [path for path in files if not faults[path]], listing.rejected


def files_of(paths: Iterable[Path]) -> tuple[list[Path], list[Rejected]]:
    """Files as given, folders as the photos below them, each once; and what was found but can't be read.

    DataError: a path that does not exist, or a folder without photos.
    """
    files: list[Path] = []
    rejected: list[Rejected] = []
    for path in paths:
        if not path.exists():
            raise DataError(f"no such file or folder: {path}")
        found, bad = photo_files(path) if path.is_dir() else ([path], [])
        if not found and not bad:
            raise DataError(f"no photos in {path}: they must end in jpg, jpeg, png or webp")
        files += found
        rejected += bad
    return list(dict.fromkeys(files)), rejected


class _Listing:
    """What was found so far, over all roots and classes."""

    def __init__(self, roots: Sequence[Path]) -> None:
        paths = {root: root / "labels.csv" for root in roots}
        self.labels = {root: read_labels(path) if path.is_file() else {} for root, path in paths.items()}
        self.found: list[dict[str, Any]] = []
        self.asked: list[dict[str, object]] = []
        self.rejected: list[Rejected] = []
        for root in roots:
            for path in sorted(root.iterdir()):
                if path.suffix.lower() in SUFFIXES and not path.name.startswith("."):
                    self.reject(path, "not in a class folder")

    def reject(self, path: Path, reason: str) -> None:
        name = os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")
        self.rejected.append(Rejected(name, reason))

    def add_class(self, name: str, top: Path, root: Path) -> None:
        for folder, files in self.walk(top):
            parts = folder.relative_to(top).parts
            state = nfc(parts[0]) if parts else ""
            table = folder / "coordinates.csv"
            asked = read_coordinates(table) if table.is_file() else {}
            stems = {photo_number(path.stem) for path in files if self._add(path, name, state, root, asked)}
            self._add_asked(asked, stems, name, state, folder)

    def _add(self, path: Path, name: str, state: str, root: Path, asked: dict[str, Asked]) -> bool:
        relative = nfc(path.relative_to(root).as_posix())
        label = self.labels[root].pop(relative, None)
        if reason := _fault(path):
            self.reject(path, reason)
            return False
        number = photo_number(path.stem)
        if label is None:
            label = asked[number].label if number in asked else Label()
        self.found.append(
            {
                "file": path.as_posix(),
                "class": name,
                "state": state,
                "place": label.place or spot(label.lat, label.lon),
                "lat": label.lat,
                "lon": label.lon,
                "relative": relative,
                "root": root,
                "asked": number in asked,
            }
        )
        return True

    def _add_asked(
        self, asked: dict[str, Asked], stems: set[str], name: str, state: str, folder: Path
    ) -> None:
        for number, row in asked.items():
            self.asked.append(
                {
                    "class": name,
                    "state": state,
                    "lat": row.label.lat,
                    "lon": row.label.lon,
                    "has_photo": number in stems,
                }
            )
            if row.image_exists and number not in stems:
                self.reject(folder / f"{number}.jpg", "coordinates.csv says that it exists, but it does not")

    def reject_unused(self, classes: Sequence[str] | None) -> None:
        """Reject the rows of labels.csv, of the wanted classes, to which no photo was found."""
        for root, labels in self.labels.items():
            for file in labels:
                if classes is None or file.partition("/")[0] in classes:
                    self.reject(root / file, "listed in labels.csv, but not there")

    def walk(self, top: Path) -> Iterator[tuple[Path, list[Path]]]:
        """Folders under ``top`` with the files to judge; symbolic links are followed, each folder once."""
        seen = set()
        for here, folders, files in os.walk(top, followlinks=True, onerror=self._unreadable):
            folder = Path(here)
            if folder.resolve() in seen:
                folders.clear()
                continue
            seen.add(folder.resolve())
            named_as_photo = [name for name in folders if Path(name).suffix.lower() in SUFFIXES]
            folders[:] = sorted(set(_visible(folders)) - set(named_as_photo))
            stems = {Path(name).stem for name in files if Path(name).suffix.lower() in SUFFIXES}
            kept = [name for name in files if not _beside_photos(Path(name), stems)]
            yield folder, [folder / name for name in sorted(_visible([*kept, *named_as_photo]))]

    def _unreadable(self, error: OSError) -> None:
        self.reject(Path(os.fsdecode(error.filename)), f"unreadable: {error.strerror}")

    def photos(self) -> pd.DataFrame:
        return self._frame()[PHOTO_COLUMNS]

    def drawn(self) -> bool:
        """Whether the photos are drawn scenes. DataError: only some are, or a drawing was not finished."""
        roots = list(dict.fromkeys(row["root"] for row in self.found))
        for root in roots:
            if (root / ".parts").is_dir() and not (root / "scenes.json").is_file():
                raise DataError(
                    f"the drawn scenes in {root} are not complete: run the command that draws them"
                )
        drawn = [root for root in roots if (root / "scenes.json").is_file()]
        if drawn and len(drawn) < len(roots):
            raise DataError(f"{drawn[0]} holds drawn scenes, other folders photos: give either, not both")
        return bool(drawn)

    def locations(self) -> pd.DataFrame:
        photos = self._frame()
        places = photos[~photos["asked"]].drop_duplicates(["class", "state", "place"]).assign(has_photo=True)
        rows = [*self.asked, *places[LOCATION_COLUMNS].to_dict("records")]
        types = {"lat": float, "lon": float, "has_photo": bool}
        return pd.DataFrame(rows, columns=LOCATION_COLUMNS).astype(types)

    def _frame(self) -> pd.DataFrame:
        """The photos found; one without place or coordinates is a place by itself, named by its path.

        The path counts from the root, so that a split survives a move. Where two roots hold the same path,
        the root's name tells them apart, with a number if that is the same too.
        """
        frame = pd.DataFrame(self.found, columns=[*PHOTO_COLUMNS, "relative", "root", "asked"])
        frame = frame.astype({"lat": float, "lon": float, "asked": bool})
        twice = frame["relative"].duplicated(keep=False)
        alone = frame["relative"].where(
            ~twice, frame["root"].map(_short_names(frame["root"])) + frame["relative"]
        )
        frame["place"] = frame["place"].where(frame["place"] != "", alone)
        return frame


def _short_names(roots: Iterable[Path]) -> dict[Path, str]:
    names: dict[Path, str] = {}
    for root in dict.fromkeys(roots):
        name, number = root.resolve().name, sum(r.resolve().name == root.resolve().name for r in names)
        names[root] = f"{name} ({number + 1})/" if number else f"{name}/"
    return names


def _class_folders(root: Path) -> list[Path]:
    if not root.is_dir():
        raise DataError(f"no folder {root}: give one that holds a folder of photos for each class")
    try:
        folders = sorted(path for path in root.iterdir() if path.is_dir() and _visible([path.name]))
    except OSError as error:
        raise DataError(f"folder {root} can't be read: {error.strerror}") from error
    if not folders:
        raise DataError(f"{root} holds no class folders: photos must lie as {root}/<Class>/<photo>.jpg")
    return folders


def _beside_photos(path: Path, stems: Collection[str]) -> bool:
    """Whether a file only tells of photos, whose ``stems`` are given: a known table, X.json beside X.jpg."""
    return path.name.lower() in _SIDE_FILES or (path.suffix.lower() == ".json" and path.stem in stems)


def choose(asked: Sequence[str] | None, there: Sequence[str], roots: Sequence[Path]) -> list[str]:
    """The classes asked for, each once, or all that are ``there``. DataError: one is not."""
    names = list(there) if asked is None else list(dict.fromkeys(nfc(name) for name in asked))
    for name in names:
        if name not in there:
            where = ", ".join(map(str, roots))
            raise DataError(f"no class {name!r} in {where}: choose among {', '.join(there)}")
    return names


def _visible(names: Sequence[str]) -> list[str]:
    return [name for name in names if not name.startswith(".")]


def _fault(path: Path) -> str | None:
    """Why a file can't be a photo, as far as that shows without opening it."""
    if path.suffix.lower() not in SUFFIXES:
        return unsupported(path)
    if path.is_dir():
        return "a folder, not a photo"
    if not path.is_file():
        return "a broken link" if path.is_symlink() else "not a regular file"
    try:
        path.as_posix().encode()
    except UnicodeEncodeError:  # bytes from a file system that speaks no UTF-8: no table could hold them
        return "its name is not valid UTF-8: rename it"
    return None


def spot(lat: float, lon: float) -> str:
    """Name equal coordinates alike, to 1e-5 degrees (a metre); '' where they are unknown."""
    if math.isnan(lat) or math.isnan(lon):
        return ""
    return f"{round(lat, 5) + 0.0:.5f},{round(lon, 5) + 0.0:.5f}"  # + 0.0: no minus zero
