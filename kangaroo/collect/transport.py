"""Bytes over HTTP: one call at a time is sent, timed, limited in size and judged; retrying is others' work.

The key is added on the last step to the wire, is in no exception or log line, and is struck out of every
answer before anybody reads it.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from types import MappingProxyType, TracebackType
from typing import Any, Literal
from urllib.parse import quote, quote_plus, urlencode
from urllib.request import getproxies, proxy_bypass

import httpx

from kangaroo import __version__
from kangaroo.collect.run.inspection import looks_like_picture
from kangaroo.errors import KangarooError

MAX_BYTES = 2**26
"""The largest answer that is read."""

Authorize = Callable[[str], tuple[str, Mapping[str, str]]]
_HEADERS = MappingProxyType({"User-Agent": f"kangaroo/{__version__}", "Accept-Encoding": "gzip"})


class SourceError(KangarooError):
    """A source of photos can't be asked, or refuses to answer."""


class AgainError(Exception):
    """A call failed in passing. ``unpaid``: the source has surely not charged it.

    ``wait``: the seconds to wait that the server asked for; ``everyone``: all calls should wait, not just
    this one.
    """

    def __init__(self, reason: str, *, unpaid: bool, wait: float | None = None, everyone: bool = False):
        super().__init__(reason)
        self.unpaid, self.wait, self.everyone = unpaid, wait, everyone


class MissingError(Exception):
    """What was asked for is not there, and asking again would not change that."""


@dataclass(frozen=True)
class Request:
    """A GET below the endpoint (a path) or elsewhere (a whole address, which gets no key)."""

    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    kind: Literal["metadata", "image"] = "metadata"

    @property
    def target(self) -> str:
        """Path and query."""
        return f"{self.path}?{urlencode(self.params)}" if self.params else self.path

    @property
    def elsewhere(self) -> bool:
        """Whether it goes to another server than the source's own."""
        return "://" in self.path


@dataclass(frozen=True)
class Answer:
    """What came back, the key struck out."""

    status: int
    body: bytes
    content_type: str = ""
    retry_after: str = ""

    def object(self) -> dict[str, Any]:
        """The body as a JSON object, whatever the status; empty if it is none."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    def json(self) -> dict[str, Any]:
        """The body as a JSON object. AgainError: it is none; and what ``check`` raises."""
        self.check()
        if not (value := self.object()):
            raise AgainError(f"{self.content_type or 'something'} in place of JSON", unpaid=True)
        return value

    def picture(self) -> bytes:
        """The body as a picture's bytes, whatever its type is said to be.

        AgainError: it is none; and what ``check`` raises.
        """
        self.check()
        if not looks_like_picture(self.body):
            raise AgainError(f"{self.content_type or 'something'} in place of a picture", unpaid=True)
        return self.body

    def check(self) -> None:
        """Raise AgainError, MissingError or SourceError unless the HTTP status is 200."""
        if self.status == 200:
            return
        reason = f"HTTP {self.status}"
        if self.status in (404, 410):
            raise MissingError(reason)
        if self.status in (408, 425, 429) or self.status >= 500:
            wait, everyone = _seconds(self.retry_after), self.status == 429
            raise AgainError(reason, unpaid=True, wait=wait, everyone=everyone)
        said = " ".join(self.body[:200].decode(errors="replace").split()) if self.body else ""
        raise SourceError(f"{reason}{': ' if said else ''}{said}")


class Transport:
    """HTTP to one endpoint, up to ``workers`` calls at a time; ``timeout`` (seconds) is that of a whole call.

    ``authorize`` adds the key to path and query, and gives further headers; ``secrets`` are struck out of
    answers. httpx's client stays out of it: it would log the addresses, key and all.
    """

    def __init__(
        self, endpoint: str, authorize: Authorize, secrets: tuple[str, ...], *, workers: int, timeout: float
    ):
        self._endpoint, self._authorize, self._timeout = check_endpoint(endpoint), authorize, timeout
        forms = {form(text) for text in secrets for form in (str, quote_plus, partial(quote, safe=""))}
        self._secrets = [form.encode() for form in forms if form]
        ssl, proxy = httpx.create_ssl_context(), _proxy(httpx.URL(self._endpoint))
        # A pool for each call at a time: one pool of many connections polls all of them on every call.
        self._pools = [httpx.AsyncHTTPTransport(verify=ssl, proxy=proxy) for _ in range(workers)]
        self._idle = list(self._pools)

    async def __aenter__(self) -> "Transport":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pool in self._pools:
            await pool.aclose()

    async def send(self, request: Request) -> Answer:
        """Send one call. AgainError: no whole answer came, so it may have been charged if it got through."""
        pool = self._idle.pop()
        try:
            async with asyncio.timeout(self._timeout):
                response = await pool.handle_async_request(self._wired(request))
                try:
                    body = await _read(response)
                finally:
                    await response.aclose()
        except TimeoutError:
            raise AgainError(f"no whole answer within {self._timeout:g} s", unpaid=False) from None
        except (httpx.ConnectError, httpx.InvalidURL, httpx.UnsupportedProtocol):
            raise AgainError("no connection", unpaid=True) from None
        except httpx.HTTPError as error:
            raise AgainError(f"broken connection ({type(error).__name__})", unpaid=False) from None
        finally:
            self._idle.append(pool)
        for secret in self._secrets:
            body = body.replace(secret, b"***")
        headers = response.headers
        kind = headers.get("content-type", "").partition(";")[0]
        return Answer(response.status_code, body, kind, headers.get("retry-after", ""))

    def _wired(self, request: Request) -> httpx.Request:
        """The request as it goes to the wire, with the key if it goes to the endpoint."""
        if request.elsewhere:
            return httpx.Request("GET", request.target, headers=_HEADERS)
        target, headers = self._authorize(request.target)
        return httpx.Request("GET", self._endpoint + target, headers={**_HEADERS, **headers})


def check_endpoint(endpoint: str) -> str:
    """The address without a slash at its end. SourceError: it is no address of the web."""
    try:
        url = httpx.URL(endpoint)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host:
        raise SourceError(
            f"endpoint {endpoint!r} is no address: give one such as https://maps.googleapis.com"
        )
    return endpoint.rstrip("/")


async def _read(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAX_BYTES:
            raise httpx.DecodingError("too long")
    return bytes(body)


def _seconds(retry_after: str) -> float | None:
    """A Retry-After header, seconds or a date, as seconds from now; None if there is none."""
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _proxy(url: httpx.URL) -> str | None:
    """The proxy that the environment names for an address; httpx asks it only without a transport of ours."""
    if url.host in ("localhost", "127.0.0.1", "::1") or proxy_bypass(url.host):
        return None
    return getproxies().get(url.scheme)
