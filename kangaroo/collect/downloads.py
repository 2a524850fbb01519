"""Files over HTTP, known by their SHA-256: fetched in parts, tried again, resumed, whole or not there."""

import os
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Never, TypeVar

import httpx
from tqdm import tqdm

from kangaroo import __version__
from kangaroo.collect.transport import MAX_BYTES, AgainError, Answer, MissingError, SourceError
from kangaroo.errors import UnfinishedError
from kangaroo.files import cache_folder, sha256
from kangaroo.progress import progress

_CHUNK = 2**20
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 30.0  # seconds; each pause is twice as long as the one before

T = TypeVar("T")


@dataclass(frozen=True)
class Remote:
    """A file on the web that must have this SHA-256 (hexadecimal) and size (bytes; 0: unknown)."""

    url: str
    sha256: str
    size: int = 0


NATURAL_EARTH = Remote(
    "https://raw.githubusercontent.com/nvkelso/natural-earth-vector/v5.1.2/geojson/"
    "ne_10m_admin_1_states_provinces.geojson",
    "22d0e3ad85eb3e27f17cabf8ba2d50e554fbc27a87796ff891d958185da62fb5",
    40_726_851,
)
"""Natural Earth 5.1.2, admin-1 states and provinces at 1:10m: GeoJSON in degrees, public domain."""


def natural_earth(remote: Remote = NATURAL_EARTH) -> Path:
    """Natural Earth's states and provinces, in the cache folder; fetched the first time, checked every time.

    UnfinishedError: it can't be fetched now; what came is kept.
    """
    path = cache_folder() / "natural_earth" / remote.url.rpartition("/")[2]
    if path.is_file() and sha256(path) == remote.sha256:
        return path
    with open_client() as client, byte_bar("Natural Earth", remote.size) as bar:
        try:
            download(client, remote, path, bar.update)
        except (MissingError, SourceError) as error:
            raise SourceError(
                f"{remote.url}: {error}: download it in another way and give the file with --regions"
            ) from error
    return path


def byte_bar(description: str, size: int) -> "tqdm[Never]":
    """A progress bar of ``size`` bytes, in megabytes and so on."""
    bar: tqdm[Never] = progress((), description, size, "B")
    bar.unit_scale = True
    return bar


def open_client(headers: Mapping[str, str] | None = None, timeout: float = 30) -> httpx.Client:
    """A client for several threads; ``timeout`` is the longest silence, in seconds.

    ``headers``, such as a token, go to the addresses asked for, not to other servers that these redirect to.
    """
    fixed = {"User-Agent": f"kangaroo/{__version__}", "Accept-Encoding": "identity"}
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=64)
    return httpx.Client(
        headers={**fixed, **(headers or {})}, timeout=timeout, follow_redirects=True, limits=limits
    )


def download(
    client: httpx.Client, remote: Remote, path: Path, advance: Callable[[int], Any] = lambda count: None
) -> None:
    """Fetch a file to ``path``; what came of it before is kept beside it, and only the rest is asked for.

    ``advance`` is told of every piece of so many bytes. UnfinishedError: it failed again and again;
    MissingError: it is not there; SourceError: the server refuses, or holds another file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")  # not kangaroo.files.atomic: its name is the process's
    for _ in range(2):
        resumed = _size(part) > 0
        if not remote.size or _size(part) != remote.size:
            patiently(
                lambda: _append(client, remote, part, advance), remote.url, position=lambda: _size(part)
            )
        found = sha256(part)
        if found == remote.sha256:
            with part.open("rb") as written:
                os.fsync(written.fileno())
            part.replace(path)
            return
        part.unlink()
        if not resumed:  # else the pieces may be of two versions
            break
    raise SourceError(f"another file is there: its SHA-256 is {found}, not {remote.sha256}")


def read_range(client: httpx.Client, url: str, start: int, end: int) -> bytes:
    """The bytes from ``start`` to before ``end``. AgainError, MissingError, SourceError: they don't come."""
    if not 0 <= start < end <= start + MAX_BYTES:
        raise SourceError(f"bytes {start} to {end} of {url} can't be asked for")
    with _asked(client, url, {"Range": f"bytes={start}-{end - 1}"}) as response:
        if response.status_code == 200:  # the whole file, perhaps gigabytes: not read
            raise SourceError(f"{url}: the server gives whole files only, parts are needed: ask another one")
        _check(response, start)
        body = response.read()
    if len(body) != end - start:
        raise AgainError(f"{len(body)} bytes in place of {end - start}", unpaid=True)
    return body


def patiently(ask: Callable[[], T], what: str, tries: int = 7, position: Callable[[], int] = lambda: 0) -> T:
    """Ask until an answer comes, with growing pauses or those that the server wants.

    ``position``: how far it got; from there it counts anew. UnfinishedError names ``what`` failed ``tries``
    times.
    """
    failed, last = 0, position()
    while True:
        try:
            return ask()
        except AgainError as error:
            here = position()
            failed, last = failed + 1 if here == last else 1, here
            if failed == tries:
                raise UnfinishedError(
                    f"{what}: {error}, {tries} times: run the same command again later, it goes on"
                ) from error
            pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (failed - 1)) * random.uniform(0.5, 1)
            time.sleep(pause if error.wait is None else min(error.wait, 10 * _LONGEST_PAUSE))


def _append(client: httpx.Client, remote: Remote, part: Path, advance: Callable[[int], Any]) -> None:
    """Ask for what ``part`` lacks and write it there as it comes."""
    have = _size(part)
    if remote.size and have > remote.size:  # what is there is of another file
        have = 0
    with _asked(client, remote.url, {"Range": f"bytes={have}-"} if have else {}) as response:
        if response.status_code == 416:  # there is no rest: it was whole, or is of another file
            return
        if response.status_code == 200:
            have = 0
        _check(response, have)
        with part.open("r+b" if have else "wb") as file:
            file.seek(have)
            for chunk in response.iter_raw(_CHUNK):
                have += file.write(chunk)
                if remote.size and have > remote.size:
                    raise SourceError(f"another file is there: longer than {remote.size:,} bytes")
                advance(len(chunk))
    if remote.size and have < remote.size:
        raise AgainError(f"{have:,} of {remote.size:,} bytes came", unpaid=True)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _check(response: httpx.Response, start: int) -> None:
    """Raise AgainError, MissingError or SourceError unless it holds the bytes from ``start`` on."""
    limit = re.search(r"\bt\s*=\s*(\d+)", response.headers.get("ratelimit", ""))  # the Hugging Face hub's
    retry_after = response.headers.get("retry-after") or (limit[1] if limit else "")
    if response.status_code != 206:
        Answer(response.status_code, b"", retry_after=retry_after).check()
    elif not response.headers.get("content-range", "").startswith(f"bytes {start}-"):
        raise AgainError("other bytes than asked for", unpaid=True)


@contextmanager
def _asked(client: httpx.Client, url: str, headers: Mapping[str, str]) -> Iterator[httpx.Response]:
    """The answer to a GET, its body unread; what goes wrong with the connection is an AgainError."""
    try:
        with client.stream("GET", url, headers=headers) as response:
            yield response
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise SourceError(f"{url!r} is no address of the web: give one that begins with https://") from error
    except httpx.TooManyRedirects as error:
        raise SourceError(f"{url} redirects for ever: give another address") from error
    except httpx.HTTPError as error:
        raise AgainError(f"no connection, or a broken one ({type(error).__name__})", unpaid=True) from error
