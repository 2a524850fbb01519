"""One call, as often as it takes: within the limits, at the allowed pace, in the ledger before it is sent."""

import asyncio
import contextlib
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from kangaroo.collect.run.ledger import Ledger
from kangaroo.collect.run.prices import MICRO, Price
from kangaroo.collect.transport import AgainError, Answer, MissingError, Request, SourceError, Transport

_FIRST_PAUSE = 0.25  # seconds; each further one is twice as long
_LONGEST_PAUSE = 30.0

T = TypeVar("T")


class StoppedError(Exception):
    """The collection is coming to its end; the message says why, if it was this call's doing."""


@dataclass(frozen=True)
class Limits:
    """How fast and how far: ``rate`` in calls a second, ``timeout`` in seconds, ``micro_usd`` in 1e-6 USD."""

    workers: int
    rate: float
    timeout: float
    tries: int = 8
    calls: int | None = None
    micro_usd: int | None = None


class Caller:
    """Makes the calls of one run. ``stopping`` set: no further call begins, and nobody sleeps on."""

    def __init__(self, ledger: Ledger, transport: Transport, limits: Limits, price: Price):
        self._ledger, self._transport, self._limits, self._price = ledger, transport, limits, price
        self._lines = asyncio.Semaphore(limits.workers)
        self._slot = 0.0  # the loop's time at which the next call may be sent
        self.stopping = asyncio.Event()

    async def get(self, point: int, request: Request, read: Callable[[Answer], T]) -> T:
        """Make a call for a point (its id) and give what ``read`` makes of the answer.

        AgainError: it failed ``tries`` times; MissingError, SourceError: it makes no sense to try again;
        StoppedError: a limit is reached, or the run is ending; OSError: the ledger can't be written.
        """
        for attempt in range(self._limits.tries - 1):
            try:
                async with self._lines:
                    return await self._once(point, request, read)
            except AgainError as error:
                await self._pause(error, attempt)
        async with self._lines:
            return await self._once(point, request, read)

    async def _once(self, point: int, request: Request, read: Callable[[Answer], T]) -> T:
        await self._turn()
        price = self._price.micro_usd if request.kind == "image" else 0
        self._afford(price)
        number = await self._ledger.begin(request.kind, point, price)
        try:
            value = read(await self._transport.send(request))
        except AgainError as error:
            self._ledger.settle(number, str(error), refund=price if error.unpaid else 0)
            raise
        except (MissingError, SourceError) as error:
            self._ledger.settle(number, str(error), refund=price)
            if isinstance(error, SourceError) and request.elsewhere:  # not the source's own refusal
                raise AgainError(str(error), unpaid=True) from error
            raise
        self._ledger.settle(number, "ok")
        return value

    async def _turn(self) -> None:
        """Wait until the rate limit, and whoever asked everyone to wait, allow another call."""
        now = asyncio.get_running_loop().time()
        start = max(now, self._slot)
        self._slot = start + 1 / self._limits.rate
        await self._sleep(start - now)
        if self.stopping.is_set():
            raise StoppedError

    def _afford(self, price: int) -> None:
        totals, limits = self._ledger.totals, self._limits
        if limits.calls is not None and totals.calls >= limits.calls:
            raise StoppedError(f"--max-calls {limits.calls:,} is reached")
        if limits.micro_usd is not None and price and totals.micro_usd + price > limits.micro_usd:
            raise StoppedError(f"--max-usd {limits.micro_usd / MICRO:,.2f} is reached")

    async def _pause(self, error: AgainError, attempt: int) -> None:
        """Wait as long as the server asked for, else twice as long each time, with jitter."""
        wait = error.wait
        if wait is None:
            wait = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempt) * random.uniform(0.5, 1)
        if error.everyone:
            self._slot = max(self._slot, asyncio.get_running_loop().time() + wait)
        else:
            await self._sleep(wait)

    async def _sleep(self, seconds: float) -> None:
        if seconds > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), seconds)
