"""Data lists: one text file that says exactly which photos, ``sha256  path`` a line, as sha256sum writes it.

The lines are sorted by path; paths are relative to the list's folder, in NFC and with forward slashes. A JSON
file beside a photo, X.json beside X.jpg, has a line of its own.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

import pandas as pd

from kangaroo.data.labels import nfc
from kangaroo.data.splits import rank
from kangaroo.data.threads import in_threads
from kangaroo.errors import DataError
from kangaroo.files import sha256, write_text
from kangaroo.progress import progress

_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")


@dataclass(frozen=True)
class Verified:
    """The paths of a list whose files are fine, missing or different, each in the list's order."""

    fine: tuple[str, ...]
    missing: tuple[str, ...]
    different: tuple[str, ...]


def read_list(path: Path) -> list[tuple[str, str]]:
    """The lines of a list, as (SHA-256, path). DataError names the line that can't be used.

    A path that leads out of the list's folder can't, nor one that stands there twice.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").rstrip().split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"list {path} can't be read as text in UTF-8: {error}") from error
    entries: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        match = _LINE.fullmatch(line.rstrip("\r"))
        if not match:
            raise DataError(f"{path} line {number}: not a SHA-256, two spaces and a path: make it with lock")
        file = nfc(match[2])
        if file in entries or not _is_inside(file):
            problem = "stands there twice" if file in entries else "leads out of the list's folder"
            raise DataError(f"{path} line {number}: {file!r} {problem}: remove the line")
        entries[file] = match[1]
    return [(digest, file) for file, digest in entries.items()]


def list_sha256(path: Path) -> str:
    """What names a list: SHA-256 over its lines, sorted by path, whatever they are sorted by in the file."""
    entries = sorted(read_list(path), key=lambda entry: entry[1])
    return hashlib.sha256(_text(entries).encode()).hexdigest()


def write_list(path: Path, entries: Iterable[tuple[str, str]]) -> None:
    """Write (SHA-256, path) pairs, sorted by path."""
    write_text(path, _text(sorted(entries, key=lambda entry: entry[1])))


def lock(files: Sequence[Path], root: Path) -> list[tuple[str, str]]:
    """The entries of photos and of the JSON files beside them, relative to ``root``, sorted by path.

    DataError: a file lies outside ``root``, or its name can't stand in a list.
    """
    beside = (file.with_suffix(".json") for file in files)
    everything = [*files, *dict.fromkeys(file for file in beside if file.is_file())]
    names = [_name(file, root) for file in everything]
    twice = pd.Series(names).duplicated()
    if twice.any():
        name = names[int(twice.argmax())]
        raise DataError(f"two files are named {name}, but for Unicode's form: rename one")
    digests = list(progress(in_threads(_hash, everything), "hashing", len(everything), "file"))
    if "" in digests:
        raise DataError(f"{everything[digests.index('')]} can't be read: let it be read, or leave it out")
    return sorted(zip(digests, names, strict=True), key=lambda entry: entry[1])


def select(
    names: Sequence[str],
    classes: Sequence[str],
    *,
    seed: int,
    limit: int | None = None,
    per_class: int | None = None,
) -> list[int]:
    """Which photos, by number: at most ``per_class`` of each class, then at most ``limit`` of all.

    They are taken in the order of SHA-256(seed, name), so neither their order nor where they lie matters.
    """
    ranks = [rank(seed, name) for name in names]
    order = pd.Series(sorted(range(len(names)), key=lambda i: ranks[i]), dtype=int)
    if per_class is not None:
        order = order[order.groupby([classes[i] for i in order]).cumcount() < per_class]
    return sorted(order.head(len(order) if limit is None else limit))


def verify(entries: Sequence[tuple[str, str]], root: Path, workers: int | None = None) -> Verified:
    """Compare the files below ``root`` with a list, ``workers`` (default: the processors) at a time."""
    paths = [locate(root, file) for _, file in entries]
    found = list(progress(in_threads(_hash, paths, workers=workers), "verifying", len(paths), "file"))
    pairs = list(zip(found, entries, strict=True))
    return Verified(
        tuple(file for digest, (wanted, file) in pairs if digest == wanted),
        tuple(file for digest, (_, file) in pairs if not digest),
        tuple(file for digest, (wanted, file) in pairs if digest and digest != wanted),
    )


def only_listed(
    photos: pd.DataFrame, path: Path, root: Path | None = None, *, column: str = "file"
) -> pd.DataFrame:
    """The rows whose photo (``column``: a path that opens) a list names; each must be what it was.

    ``root``: where the list's paths begin (default: its folder). DataError: a listed photo is not there or
    differs, or none is among the rows; listed photos of classes that were not chosen don't matter.
    """
    entries = [(digest, file) for digest, file in read_list(path) if not file.endswith(".json")]
    folder = path.parent if root is None else root
    numbers = {os.path.abspath(locate(folder, file)): i for i, (_, file) in enumerate(entries)}
    found = photos[column].map(lambda file: numbers.get(os.path.abspath(file), -1))
    taken = [entries[i] for i in found[found >= 0]]
    absent = [file for _, file in entries if not locate(folder, file).is_file()]
    bad = absent or verify(taken, folder).different
    if bad or not taken:
        fault = f"{bad[0]} {'is missing' if absent else 'differs'}" if bad else "none of its photos is here"
        raise DataError(f"{path}: {fault}: see kangaroo data verify {path}, or fetch it anew")
    return photos[found >= 0]


def locate(root: Path, file: str) -> Path:
    """The file below ``root`` of this name, whatever Unicode form the file system keeps it in."""
    path = root / file
    if path.exists() or file.isascii():
        return path
    folder = root
    for part in PurePosixPath(file).parts:
        exact = folder / part
        alike = () if exact.exists() or not folder.is_dir() else folder.iterdir()
        folder = next((other for other in alike if nfc(other.name) == part), exact)
    return folder


def _hash(path: Path) -> str:
    """SHA-256 of a file, '' where it can't be read."""
    try:
        return sha256(path)
    except OSError:
        return ""


def _name(file: Path, root: Path) -> str:
    path, folder = Path(os.path.abspath(file)), Path(os.path.abspath(root))
    if not path.is_relative_to(folder):
        raise DataError(f"{file} lies outside {root}: give a folder that holds all photos with --root")
    name = nfc(path.relative_to(folder).as_posix())
    if set(name) & set("\n\r\\"):
        raise DataError(f"{name!r} has a character that can't stand in a list: rename the file")
    return name


def _is_inside(file: str) -> bool:
    windows = PureWindowsPath(file)
    return not (file.startswith("/") or windows.drive or windows.root or ".." in windows.parts)


def _text(entries: Iterable[tuple[str, str]]) -> str:
    return "".join(f"{digest}  {file}\n" for digest, file in entries)
