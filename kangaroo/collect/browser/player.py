"""One page of a game, played as its adapter says: what is waited for is a state of the page, never a time."""

import asyncio
import contextlib
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from kangaroo.collect.browser.adapter import Adapter, Reader, Step
from kangaroo.collect.browser.camera import Camera
from kangaroo.collect.browser.faults import PageError
from kangaroo.collect.browser.window import asking, passing_over_navigation
from kangaroo.files import atomic, write_text

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page, Request, Response

_POLL = 0.05  # seconds between two looks at the page
_TRY = 1000.0  # milliseconds that a button may be covered before popups are looked for again

_ALL = """(found, attribute) => found.map(
    element => (attribute ? element.getAttribute(attribute) : element.textContent) || ''
)"""
_READ = """(found, attribute) => {
    if (attribute) return found.length ? found[0].getAttribute(attribute) : null
    const seen = found.find(element => element.checkVisibility({visibilityProperty: true}))
    return seen ? seen.innerText : null
}"""

T = TypeVar("T")


@dataclass(frozen=True)
class Guess:
    """What is guessed: a country's name, and a point in degrees."""

    country: str
    lat: float
    lon: float

    def fill(self, text: str) -> str:
        """The text with the guess in place of {country}, {lat} and {lon}."""
        values = {"country": self.country, "lat": f"{self.lat:.6f}", "lon": f"{self.lon:.6f}"}
        return re.sub(r"\{(\w+)\}", lambda found: values[found[1]], text)


class Player:
    """Plays on one page. ``timeout`` (seconds) is for each thing that is waited for.

    Every method raises PageError where the page does not do what it should; what an adapter's selector did
    not find is kept in the folder ``failed``, as the page's HTML and a picture.
    """

    def __init__(self, page: "Page", adapter: Adapter, url: str, timeout: float, failed: Path):
        self._page, self._adapter, self._url = page, adapter, url.rstrip("/")
        self._timeout, self._failed = timeout, failed
        self._camera = Camera(page, adapter.photo, adapter.hide)
        self._refused = ""
        self._responses: dict[str, Any] = {}
        self._told: Mapping[str, str] = {}  # what the page shows of the last answer
        page.set_default_timeout(1000 * timeout)
        page.on("response", self._note_response)
        page.on("requestfailed", self._note_failure)

    async def start(self, address: str = "") -> None:
        """Begin a new game, or open the one at ``address`` again."""
        async with asking(self._timeout):
            self._forget()
            self._responses.clear()
            await self._page.goto(address or self._url + self._adapter.path, wait_until="domcontentloaded")
        for step in () if address else self._adapter.start:
            await self._do(step)

    async def reload(self) -> None:
        """Load the page anew."""
        async with asking(self._timeout):
            self._forget()
            await self._page.reload(wait_until="domcontentloaded")

    def _forget(self) -> None:
        """What the page showed before it is loaded."""
        self._refused, self._told = "", {}
        self._camera.forget()

    async def photo(self) -> bytes | None:
        """The photo as it is shown, a PNG without anything that covers it; None when the game is over."""
        camera = self._camera

        async def ready() -> bytes | None:
            if await self._sees(self._adapter.over):
                return b""
            if self._told and self._told.items() <= (await self._values()).items():
                camera.state = "beside the last answer"
                return None
            return await camera.take()

        shot = await self._until(ready)
        if shot is None and camera.state == "missing":
            raise await self._changed("photo.selector", self._adapter.photo, "finds nothing")
        if shot is None:
            raise PageError("stalled photo", f"no photo within {self._timeout:g} s: it stayed {camera.state}")
        return shot or None

    async def guess(self, guess: Guess) -> None:
        """Take the guess's steps."""
        self._forget_answer()
        for step in self._adapter.guess:
            await self._do(step, guess)

    async def options(self) -> list[str]:
        """What may be guessed, as far as the page offers a choice."""
        offered = self._adapter.options
        if not offered:
            return []
        async with asking(self._timeout):
            texts = await self._page.locator(offered.selector).evaluate_all(_ALL, offered.attribute)
        return sorted({part for text in texts if (part := offered.part(text))})

    async def values(self) -> Mapping[str, str]:
        """What the adapter's readers find now, by name; empty for what is not there."""
        async with asking(self._timeout):
            return await self._values()

    async def answer(self, before: Mapping[str, str]) -> Mapping[str, str]:
        """Wait for values that are complete, have settled, and are others than those ``before`` the guess."""
        seen: Mapping[str, str] = before

        async def ready() -> Mapping[str, str] | None:
            nonlocal seen
            last, seen = seen, await self._values()
            told = seen.get("country") or (seen.get("lat") and seen.get("lon"))
            named = seen["game"] and (not self._adapter.round or seen["round"])
            return seen if told and named and seen != before and seen == last else None

        found = await self._until(ready)
        if found:
            readers = self._adapter.values
            self._told = {
                name: found[name] for name in found if name != "game" and not readers[name].response
            }
            self._forget_answer()
            return found
        raise await self._unanswered([name for name, value in seen.items() if not value])

    async def following(self) -> bool:
        """Go on to the next round; False when the game is over."""
        for step in self._adapter.next:
            if not await self._do(step):
                return False
        return True

    @property
    def address(self) -> str:
        """Where the page is now."""
        return self._page.url

    async def _do(self, step: Step, guess: Guess | None = None) -> bool:
        """Take a step as soon as its element is there and nothing covers it; False when the game is over."""
        from playwright.async_api import TimeoutError as Late

        target = self._page.locator(step.selector).first
        there = False

        async def ready() -> bool | None:
            nonlocal there
            if guess is None and await self._sees(self._adapter.over):
                return False
            there = there or await target.count() > 0
            if not await target.is_visible():
                return None
            with contextlib.suppress(Late):
                await target.click(trial=True, timeout=_TRY)
                return True
            return None

        able = await self._until(ready)
        if able is None:
            problem = "finds something that is covered, hidden or disabled" if there else "finds nothing"
            raise await self._changed(step.key, step.selector, problem)
        if able:
            async with asking(self._timeout):
                await _act(target, step, guess or Guess("", 0, 0))
        return able

    async def _until(self, ready: Callable[[], Awaitable[T | None]]) -> T | None:
        """Ask again and again until there is a value; None if there is none in time.

        On the way popups are clicked away, and what ends all waiting is raised: a lost session, a refusal.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + self._timeout
        async with asking(self._timeout):
            while loop.time() < end:
                with passing_over_navigation():
                    await self._look_around()
                    if (value := await ready()) is not None:
                        return value
                await asyncio.sleep(_POLL)
        return None

    async def _look_around(self) -> None:
        from playwright.async_api import TimeoutError as Late

        if self._adapter.logged_out and await self._sees(self._adapter.logged_out):
            raise PageError("lost session", "the page asks to log in")
        if self._refused:
            raise PageError("server error", self._refused)
        for selector in self._adapter.dismiss:
            if await self._sees(selector):
                with contextlib.suppress(Late):  # it went by itself, or another one covers it
                    await self._page.locator(selector).first.click(timeout=_TRY)

    async def _sees(self, selector: str) -> bool:
        return await self._page.locator(selector).first.is_visible()

    async def _values(self) -> Mapping[str, str]:
        return {name: await self._read(reader) or "" for name, reader in self._adapter.values.items()}

    async def _read(self, reader: Reader) -> str | None:
        if reader.url:
            return reader.part(self._page.url)
        if reader.response:
            return reader.item(self._responses.get(reader.response))
        text = await self._page.locator(reader.selector).evaluate_all(_READ, reader.attribute)
        return None if text is None else reader.part(text)

    async def _note_response(self, response: "Response") -> None:
        """Keep the JSON that values are read from, and what the server says instead of the page."""
        request = response.request
        if request.is_navigation_request() and response.frame == self._page.main_frame:
            self._refused = f"HTTP {response.status}" if response.status >= 400 else ""
        for pattern in self._adapter.patterns:
            if re.search(pattern, response.url):
                with contextlib.suppress(Exception):  # no JSON, or the page is gone
                    self._responses[pattern] = json.loads(await response.body())

    def _note_failure(self, request: "Request") -> None:
        failure = request.failure or ""
        with contextlib.suppress(Exception):  # a frame that is gone with its page
            if request.is_navigation_request() and request.frame == self._page.main_frame:
                self._refused = "" if "ABORTED" in failure else failure

    def _forget_answer(self) -> None:
        """Forget what responses told of an answer: it is not the next one. Others may come only once."""
        for reader in (self._adapter.country, self._adapter.lat, self._adapter.lon):
            if reader:
                self._responses.pop(reader.response, None)

    async def _unanswered(self, missing: Sequence[str]) -> PageError:
        """The error of an answer that did not come, or that the adapter looks for where nothing is."""
        problem = f"no answer within {self._timeout:g} s"
        for name in missing:
            reader = self._adapter.values[name]
            async with asking(self._timeout):
                nothing = reader.selector and not await self._page.locator(reader.selector).count()
            if nothing:
                return await self._changed(_key(name), reader.selector, "finds nothing")
        if missing:
            pattern = self._adapter.values[missing[0]].response
            problem += f", no {missing[0]}"
            if pattern and pattern not in self._responses:
                problem += f": no JSON came from an address that matches {_key(missing[0])} {pattern!r}"
        return PageError("late answer", problem)

    async def _changed(self, key: str, selector: str, problem: str) -> PageError:
        """The error of an adapter that does not fit its page, which is kept to be looked at."""
        path = self._failed / f"{re.sub(r'[^a-z0-9]+', '_', key).strip('_')}.html"
        async with asking(self._timeout):
            html, picture = await self._page.content(), await self._page.screenshot(full_page=True)
        write_text(path, html)
        with atomic(path.with_suffix(".png")) as temporary:  # no waiting in here: others keep theirs too
            temporary.write_bytes(picture)
        reason = f"{key} {selector!r} of adapter {self._adapter.file} {problem}; the page is kept as {path}"
        return PageError("changed page", reason)


def _key(name: str) -> str:
    """Where the adapter has a value."""
    return {"game": "game.id", "round": "game.round"}.get(name, f"answer.{name}")


async def _act(target: "Locator", step: Step, guess: Guess) -> None:
    text = guess.fill(step.text)
    if step.action == "fill":
        await target.fill(text)
    elif step.action == "press":
        await target.press(text, no_wait_after=True)
    elif step.action == "click":
        await target.click(no_wait_after=True)
    elif box := await target.bounding_box():
        x, y = (guess.lon + 180) / 360 * box["width"], (90 - guess.lat) / 180 * box["height"]
        await target.click(position={"x": x, "y": y}, no_wait_after=True)
