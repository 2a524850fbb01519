"""A browser of one's own: each instance drives its own, so that none takes another one down with it."""

import asyncio
import contextlib
import os
import re
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kangaroo import __version__
from kangaroo.collect.browser.faults import PageError
from kangaroo.errors import DataError

if TYPE_CHECKING:
    from playwright.async_api import Page, Playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_HUNG = 15.0  # seconds beyond its limit after which a browser that answers nothing is given up
_STARTING = 60.0  # seconds that a browser may take to show an empty page
_CLOSING = 10.0  # seconds that a browser may take to close before it is left to its driver


@dataclass(frozen=True)
class Launch:
    """How browsers are started: the program (None: found), a visible window, with Chromium's own sandbox."""

    program: Path | None = None
    headed: bool = False
    sandbox: bool = True


@asynccontextmanager
async def open_page(launch: Launch, state: Path | None, *, proven: bool = False) -> "AsyncIterator[Page]":
    """A page in a browser started for it; ``state``: the file of a stored session, if there is one.

    Its user agent is the browser's own with kangaroo's name added. DataError: there is no browser, or it
    can't be started. PageError: it was lost while it started, or is ``proven`` to start at other times.
    """
    from playwright.async_api import Error

    async with AsyncExitStack() as stack:
        program: object = "driver"
        try:
            driver = await _start_driver()
            stack.push_async_callback(_close, driver.stop)
            program = _find(launch.program, driver)
            browser = await driver.chromium.launch(
                executable_path=program,
                headless=not launch.headed,
                chromium_sandbox=launch.sandbox and getattr(os, "geteuid", lambda: 1)() != 0,
            )
        except (Error, OSError) as error:
            problem = f"the browser {program} can't be started: {_reason(error)}"
            if proven:
                raise PageError("crashed browser", problem) from error
            raise DataError(f"{problem}: choose --browser") from error
        stack.push_async_callback(_close, browser.close)
        async with asking(_STARTING):
            blank = await browser.new_page()
            agent = f"{await blank.evaluate('navigator.userAgent')} kangaroo/{__version__}"
            await blank.close()
            context = await browser.new_context(user_agent=agent, storage_state=state)
            page = await context.new_page()
        yield page


@asynccontextmanager
async def asking(timeout: float) -> AsyncIterator[None]:
    """Raise PageError for what Playwright says of a browser, a page or an address that is gone.

    Where it says nothing at all, as of a page whose script hangs, its limits don't count: so this ends by
    itself a while after ``timeout`` seconds.
    """
    from playwright.async_api import Error

    try:
        async with asyncio.timeout(timeout + _HUNG):
            yield
    except TimeoutError as error:
        raise PageError("crashed browser", "the page does not react any more") from error
    except Error as error:
        reason = _reason(error)
        if "net::" in reason or "Timeout" in reason:
            raise PageError("server error", reason) from error
        if "selector" in reason:  # one that is none
            raise PageError("changed page", reason) from error
        raise PageError("crashed browser", reason) from error


@contextmanager
def passing_over_navigation() -> Iterator[None]:
    """Overlook a page that is just being replaced by the next: it is looked at again."""
    from playwright.async_api import Error

    try:
        yield
    except Error as error:
        if not re.search("context was destroyed|navigat|not attached|EncodingError", str(error)):
            raise


def _find(given: Path | None, driver: "Playwright") -> Path:
    """The browser that was asked for, else Playwright's own, else one on the PATH."""
    own = Path(driver.chromium.executable_path)
    found = given or (own if own.is_file() else None) or next(filter(None, map(shutil.which, _NAMES)), None)
    if not found:
        raise DataError("no browser is installed: install chromium, or run playwright install chromium")
    if not shutil.which(found):
        raise DataError(f"no browser {found}: give the program of a Chromium or Chrome with --browser")
    return Path(found)


async def _start_driver() -> "Playwright":
    """Start Playwright; where this is cancelled midway, no process is left behind."""
    from playwright.async_api import async_playwright

    starting = asyncio.ensure_future(async_playwright().start())
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        await _close((await starting).stop)
        raise


async def _close(close: Callable[[], Awaitable[Any]]) -> None:
    """Wait for the end of something that may be dead already, even where this is cancelled."""
    closing = asyncio.ensure_future(_quietly(close))
    try:
        await asyncio.wait({closing}, timeout=_CLOSING)
    except asyncio.CancelledError:
        await asyncio.wait({closing}, timeout=_CLOSING)
        raise


async def _quietly(close: Callable[[], Awaitable[Any]]) -> None:
    with contextlib.suppress(Exception):
        await close()


def _reason(error: Exception) -> str:
    """The first line of what Playwright says, without the method's name."""
    first = str(error).partition("\n")[0]
    return first.partition(": ")[2] or first
