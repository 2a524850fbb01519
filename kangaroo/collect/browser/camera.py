"""A photo of the photo: as the page shows it, whole, the next one and not the last, and nothing over it."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PIL import Image, ImageChops, ImageStat

from kangaroo.collect.run.inspection import inspect

if TYPE_CHECKING:
    from playwright.async_api import Page

_SHOT = 3000.0  # milliseconds for a screenshot, which waits for an element that has just gone
_NOISE = 0.5  # of 255, by which a drawing that holds still may flicker

# How the photo stands; ``took``: the source of the last one, which must not be taken for its late successor.
_STATE = """async ([selector, took]) => {
    const photo = document.querySelector(selector)
    if (!photo) return 'missing'
    const box = photo.getBoundingClientRect()
    if (!box.width || !box.height || !photo.checkVisibility({visibilityProperty: true})) return 'hidden'
    if (photo.tagName !== 'IMG') return 'drawn'
    if (!photo.complete || !photo.naturalWidth) return 'loading'
    if (photo.currentSrc === took) return 'the last one'
    await photo.decode()
    return 'ready'
}"""
_SOURCE = "selector => document.querySelector(selector)?.currentSrc || ''"


class Camera:
    """Takes what the CSS ``selector`` finds, without the elements of ``hide``, or without all others if none.

    ``state`` says in a word why there was no picture the last time.
    """

    def __init__(self, page: "Page", selector: str, hide: Sequence[str]):
        self._page, self._selector, self._style = page, selector, _hiding(selector, hide)
        self.forget()

    def forget(self) -> None:
        """The page is loaded anew: whatever it shows is new."""
        self.state, self._source, self._drawing = "missing", "", b""

    async def take(self) -> bytes | None:
        """A PNG of a photo that is there, is decoded and is not the last one; None if it is not so now."""
        self.state = await self._page.evaluate(_STATE, [self._selector, self._source])
        if self.state == "ready":
            return await self._shoot()
        return await self._drawn() if self.state == "drawn" else None

    async def _shoot(self) -> bytes | None:
        """A picture of the photo; None if it went away meanwhile."""
        from playwright.async_api import TimeoutError as Late

        await self._page.mouse.move(0, 0)  # nothing is hovered over
        target = self._page.locator(self._selector).first
        try:
            shot = await target.screenshot(style=self._style, animations="disabled", timeout=_SHOT)
        except Late:
            return None
        self._source = await self._page.evaluate(_SOURCE, self._selector)
        return shot

    async def _drawn(self) -> bytes | None:
        """A canvas, once it shows something new and holds still."""
        first, second = await self._shoot(), await self._shoot()
        if not first or not second or not _alike(first, second) or inspect(second).reason:
            return None
        if self._drawing and _alike(second, self._drawing):
            return None
        self._drawing = second
        return second


def _alike(one: bytes, other: bytes) -> bool:
    """Whether two pictures differ by less than ``_NOISE`` on average."""
    with Image.open(io.BytesIO(one)) as first, Image.open(io.BytesIO(other)) as second:
        if first.size != second.size:
            return False
        difference = ImageChops.difference(first.convert("RGB"), second.convert("RGB"))
    return max(ImageStat.Stat(difference).mean) < _NOISE


def _hiding(selector: str, hide: Sequence[str]) -> str:
    """A style sheet that hides what is named, or else all but the photo."""
    if hide:
        return f"{', '.join(hide)} {{ visibility: hidden !important }}"
    return (
        "* { visibility: hidden !important }"
        f":is({selector}), :is({selector}) * {{ visibility: visible !important }}"
    )
