"""Logged in once: the session's cookies in a file that nobody else can read."""

import asyncio
import contextlib
import json
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import platformdirs

from kangaroo.collect.browser.adapter import Adapter
from kangaroo.collect.browser.faults import PageError
from kangaroo.collect.browser.window import Launch, asking, open_page
from kangaroo.errors import DataError

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Page

_PATIENCE = 600.0  # seconds to log in


def session_file(url: str) -> Path:
    """Where the session of an address is kept: by host and port, in the user's state folder."""
    address = urlsplit(url).netloc.rpartition("@")[2].replace(":", "_").replace("/", "_")
    return platformdirs.user_state_path("kangaroo") / "sessions" / f"{address}.json"


async def keep(context: "BrowserContext", path: Path) -> None:
    """Write a browser's cookies and local storage to ``path``, atomically and never readable by others."""
    text = json.dumps(await context.storage_state())
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.part")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


async def log_in(adapter: Adapter, url: str, launch: Launch, path: Path) -> None:
    """Open the page to log in and keep the session, once its mark appears or somebody presses Enter.

    DataError: the adapter knows of no login, or nobody logs in.
    """
    if not adapter.logged_in:
        raise DataError(f"adapter {adapter.file} has no [login]: leave out --login")
    try:
        async with open_page(launch, None) as page, asking(_PATIENCE):
            await page.goto(url.rstrip("/") + adapter.login)
            await _logged_in(page, adapter.logged_in)
            await keep(page.context, path)
    except PageError as fault:
        raise DataError(f"nobody logged in at {url}: {fault}") from fault


async def _logged_in(page: "Page", selector: str) -> None:
    """Wait for the first of two: the mark of a session, or Enter in the console."""
    print("log in in the browser's window, then press Enter here", file=sys.stderr)
    marked = asyncio.ensure_future(page.locator(selector).first.wait_for(timeout=1000 * _PATIENCE))
    entered = _enter(asyncio.get_running_loop())
    await asyncio.wait((marked, entered), return_when=asyncio.FIRST_COMPLETED)
    if marked.done():
        marked.result()
    marked.cancel()
    with contextlib.suppress(asyncio.CancelledError, Exception):
        await marked


def _enter(loop: asyncio.AbstractEventLoop) -> "asyncio.Future[None]":
    """Done when Enter is pressed; never where nobody sits at a terminal."""
    pressed: asyncio.Future[None] = loop.create_future()

    def wait() -> None:
        sys.stdin.readline()
        with contextlib.suppress(RuntimeError):  # the loop may have ended meanwhile
            loop.call_soon_threadsafe(pressed.set_result, None)

    if sys.stdin and sys.stdin.isatty():
        threading.Thread(target=wait, daemon=True).start()
    return pressed
