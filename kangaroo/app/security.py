"""What the page lets in and out: the addresses it serves, how much it takes, and what browsers may load."""

import asyncio
import json
import math
import os
import re
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

API = "/gradio_api/"
SERVED = re.compile(
    r"/(?:(?:config|theme\.css|favicon\.ico|manifest\.json|robots\.txt)?|(?:assets|static)/[^?]*"
    r"|gradio_api/(?:(?:upload|upload_progress|startup-events|component_server|app_id|info|reset|cancel)/?"
    r"|queue/(?:join|data|status)|heartbeat/\w+|file=.*))"
)
"""Of all that Gradio would answer, what this page needs; not its proxy, monitoring or code editing."""
POLICY = (
    "default-src 'self'; script-src 'self' 'nonce-{nonce}' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; font-src 'self'; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
"""Gradio's templates are compiled in the browser ('unsafe-eval') and set styles there ('unsafe-inline')."""
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
FOREIGN = re.compile(rb'<meta\s+(?:property="og:|name="twitter:)[^>]*>')
UPLOADS_AT_ONCE = 10
"""A request may be as large as this many of the largest photos."""
TOO_MUCH = "this is too much at once: send fewer or smaller photos"
STORED = 100
"""Uploads that are not deleted yet may be as large, together, as this many of the largest photos."""
KEPT = 60.0
"""Seconds that an upload waits to be read; then it is deleted."""


@asynccontextmanager
async def swept(folder: Path) -> AsyncIterator[None]:
    """Delete what has lain in ``folder`` for too long, now and then, as long as the block lasts.

    Gradio's own way (delete_cache) ends at the first upload that comes while it looks.
    """

    async def again() -> None:
        while True:
            await asyncio.sleep(KEPT / 4)
            await asyncio.to_thread(sweep, folder)

    task = asyncio.create_task(again())
    try:
        yield
    finally:
        task.cancel()


def sweep(folder: Path) -> None:
    """Delete the files and empty folders below ``folder`` that are older than KEPT."""
    for path in _below(folder):
        with suppress(OSError):  # it is gone meanwhile, or not empty
            if path.stat().st_mtime < time.time() - KEPT:
                path.rmdir() if path.is_dir() else path.unlink()


class Guard:
    """ASGI middleware around Gradio: an allowlist of addresses, limits of size, and headers on every answer.

    ``folder`` is where Gradio keeps uploads and downloads: no other file is served. ``max_bytes`` is the
    largest photo.
    """

    def __init__(self, app: ASGIApp, folder: Path, max_bytes: int) -> None:
        self._app, self._folder, self._max = app, folder.resolve(), max_bytes
        self._coming = 0.0  # bytes that uploads under way may still bring

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer or pass on one request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        nonce = secrets.token_urlsafe(16)
        answer = self._refusal(scope)
        outwards = _Outwards(send, nonce)
        if answer:
            await answer(scope, receive, outwards)
            return
        incoming: Receive = _Limited(receive, self._room(scope["path"]))
        room = (_length(scope) or self._room(scope["path"])) if self._is_upload(scope["path"]) else 0
        self._coming += room
        try:
            if scope["method"] == "POST" and not self._is_upload(scope["path"]):
                incoming = await self._checked(incoming)
            await self._app(scope, incoming, outwards)
        except _Refused as error:
            if not outwards.begun:
                await error.answer(scope, receive, outwards)
        finally:
            self._coming -= room

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        path = scope["path"]
        if scope["method"] not in ("GET", "HEAD", "POST") or not SERVED.fullmatch(path):
            return _refused(404, "there is nothing here")
        if path.startswith(f"{API}file=") and not self._ours(path.removeprefix(f"{API}file=")):
            return _refused(404, "there is nothing here")
        if _length(scope) > self._room(path):
            return _refused(413, TOO_MUCH)
        if self._is_upload(path) and sum(_sizes(self._folder)) + self._coming > STORED * self._max:
            return _refused(503, "too many photos are waiting: try again in a minute")
        return None

    async def _checked(self, receive: Receive) -> Receive:
        """The JSON of a request, in which every file is one of our folder.

        A mounted Gradio doesn't look: it would hand any path to the page, and fetch any address. What goes on
        is written anew, so that both read the same.
        """
        try:
            values = json.loads(await _body(receive) or b"{}")
            good = self._names_ours(values)
        except (ValueError, RecursionError):
            good = False
        if not good:
            raise _Refused(400, "this request can't be used: reload the page")
        return _replay(json.dumps(values).encode(), receive)

    def _names_ours(self, values: Any) -> bool:
        if isinstance(values, list):
            return all(map(self._names_ours, values))
        if not isinstance(values, dict):
            return True
        path = values.get("path")
        return (path is None or self._ours(path)) and all(map(self._names_ours, values.values()))

    def _is_upload(self, path: str) -> bool:
        return path.rstrip("/") == f"{API}upload"

    def _room(self, path: str) -> int:
        """How large a request may be, in bytes; all but uploads are a few numbers and names."""
        return UPLOADS_AT_ONCE * self._max if self._is_upload(path) else 4_000_000

    def _ours(self, path: Any) -> bool:
        try:
            return Path(path).resolve().is_relative_to(self._folder)
        except (OSError, TypeError, ValueError):
            return False


class _Refused(Exception):
    """A request that isn't passed on, and what is answered instead."""

    def __init__(self, status: int, line: str) -> None:
        super().__init__(line)
        self.answer = _refused(status, line)


def _length(scope: Scope) -> float:
    """How many bytes a request says that it brings, 0 if it doesn't say; inf: no number."""
    text = dict(scope["headers"]).get(b"content-length", b"0")
    return int(text) if text.isdigit() else math.inf


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Gives a body in one piece, then what else comes, such as that the browser has gone."""
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return messages.pop() if messages else await receive()

    return again


class _Limited:
    """Counts what a request brings, whatever it announced."""

    def __init__(self, receive: Receive, room: int) -> None:
        self._receive, self._room = receive, room

    async def __call__(self) -> Message:
        message = await self._receive()
        self._room -= len(message.get("body", b""))
        if self._room < 0:
            raise _Refused(413, TOO_MUCH)
        return message


class _Outwards:
    """Puts headers on an answer, and into a page the nonce without which its scripts don't run."""

    def __init__(self, send: Send, nonce: str) -> None:
        self._send, self._nonce, self.begun = send, nonce, False
        self._start: Message | None = None  # that of a page waits for its changed length
        self._page = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            headers = MutableHeaders(scope=message)
            for name, value in (
                HEADERS | {"Content-Security-Policy": POLICY.format(nonce=self._nonce)}
            ).items():
                headers[name] = value
            if headers.get("content-type", "").startswith("text/html"):
                self._start = message
                return
        elif self._start is not None:
            self._page += message.get("body", b"")
            if message.get("more_body"):
                return
            page = FOREIGN.sub(b"", self._page).replace(
                b"<script", b'<script nonce="%s"' % self._nonce.encode()
            )
            if "content-length" in MutableHeaders(scope=self._start):
                MutableHeaders(scope=self._start)["content-length"] = str(len(page))
            await self._send(self._start)
            self._start, message = None, {"type": "http.response.body", "body": page}
        await self._send(message)


def _refused(status: int, line: str) -> PlainTextResponse:
    return PlainTextResponse(line, status_code=status)


def _sizes(folder: Path) -> Iterator[int]:
    for path in _below(folder):
        with suppress(OSError):  # it is gone meanwhile
            yield path.stat().st_size


def _below(folder: Path) -> Iterator[Path]:
    """Files, then the folders that hold them; unlike Path.rglob it doesn't mind that some go meanwhile."""
    for root, folders, names in os.walk(folder, topdown=False):
        yield from (Path(root, name) for name in (*names, *folders))
