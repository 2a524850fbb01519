"""The files of a data list, from a server or from a folder, each checked against its SHA-256."""

import shutil
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import quote, urlsplit
from urllib.request import url2pathname

from kangaroo.collect.downloads import Remote, download, open_client
from kangaroo.collect.transport import MissingError, SourceError, check_endpoint
from kangaroo.data.lists import locate
from kangaroo.data.threads import in_threads
from kangaroo.errors import DataError
from kangaroo.files import atomic, sha256
from kangaroo.progress import progress


def fetch_listed(
    entries: Sequence[tuple[str, str]], base: str, root: Path, *, nested: int = 0, workers: int = 8
) -> dict[str, str]:
    """Fetch files, (SHA-256, path) each, from ``base`` to ``root``; gives those that can't be had, and why.

    ``base`` is an address (http, https, file) or a folder; there a file lies at its path, or ``nested``.
    UnfinishedError: the server doesn't answer any more; DataError: there is no such folder or address.
    """
    folder = _folder(base)
    if folder is None:
        check_endpoint(base)
    elif not folder.is_dir():
        raise DataError(f"no folder {folder}: give the address or folder that holds the files")
    with open_client() as client:

        def fetch(entry: tuple[str, str]) -> str:
            digest, file = entry
            target, there = locate(root, file), nest(file, nested)
            try:
                if folder:
                    _copy(locate(folder, there), target, digest)
                else:
                    download(client, Remote(f"{base.rstrip('/')}/{quote(there)}", digest), target)
            except (MissingError, SourceError) as error:
                return str(error)
            return ""

        fetched = in_threads(fetch, entries, workers=workers)
        reasons = list(progress(fetched, "fetching", len(entries), "file"))
    return {file: reason for (_, file), reason in zip(entries, reasons, strict=True) if reason}


def nest(file: str, letters: int) -> str:
    """Where a file lies that is kept by the first letters of its name: a/b/ab/cd/abcdef.jpg for 4 letters."""
    path = PurePosixPath(file)
    first = path.stem[:letters]
    return str(path.parent.joinpath(*(first[i : i + 2] for i in range(0, len(first), 2)), path.name))


def _copy(source: Path, target: Path, digest: str) -> None:
    if not source.is_file():
        raise MissingError(f"no file {source}")
    if sha256(source) != digest:
        raise SourceError(f"another file is there: {source} has another SHA-256")
    with atomic(target) as temporary:
        shutil.copyfile(source, temporary)


def _folder(base: str) -> Path | None:
    """The folder that ``base`` names; None where it is an address."""
    parts = urlsplit(base)
    if parts.scheme == "file":
        return Path(url2pathname(parts.path))
    return None if "://" in base else Path(base)
