"""The collection itself: many workers ask and fetch, to a result that does not depend on their pace."""

import asyncio
import contextlib
import errno
import shutil
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from kangaroo.collect.run.assignment import Chooser
from kangaroo.collect.run.caller import Caller, Limits, StoppedError
from kangaroo.collect.run.ledger import Ledger, as_oserror
from kangaroo.collect.run.ledger_reader import Photo
from kangaroo.collect.run.photo_files import ARRIVED, Shot, adopt, arrive, keep, unrecorded
from kangaroo.collect.run.points import Point
from kangaroo.collect.run.prices import Price
from kangaroo.collect.sources.base import Source
from kangaroo.collect.transport import AgainError, MissingError, SourceError, Transport
from kangaroo.errors import UnfinishedError
from kangaroo.progress import progress

_PURCHASES = 3  # at most, of a picture that arrives damaged
_FREE_BYTES = 2**24  # that the disk must have left before another picture is asked for
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextlib.contextmanager
def telling_of_full_disks(folder: Path) -> Iterator[None]:
    """Raise UnfinishedError for what a system, or SQLite, says of a disk that takes no more."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        cause = error if isinstance(error, OSError) else as_oserror(error, folder)
        if cause.errno not in _FULL:
            raise
        raise UnfinishedError(
            f"the disk takes no more for {folder}: make space, then run the same command again"
        ) from error


class Collector:
    """One run over a ledger's points.

    Pictures are fetched as soon as all points before theirs are answered, because the first of the points
    that share a picture gets it. ``stopped`` says after the run which limit ended it early, if one did.
    """

    def __init__(self, ledger: Ledger, source: Source, transport: Transport, limits: Limits, price: Price):
        self._ledger, self._source, self._limits = ledger, source, limits
        self._caller = Caller(ledger, transport, limits, price)
        state = ledger.state
        self._points, self._found, self._photos = state.points, dict(state.found), set(state.photos)
        self._lookups = deque(point for point in state.points if point.id not in state.found)
        self._looking = 0
        self._looked = asyncio.Event()
        self._shots: deque[Shot] = deque()
        self._decided = 0  # the points before this one have been given their picture, or none
        self._chooser = Chooser(state.job.min_distance)
        self._owners = {point for point, _ in state.photos}
        for point in sorted(self._owners):
            if found := self._found.get(point):
                self._chooser.claim(found)
        self._there = unrecorded(ledger.folder, state.photos.values())
        self._failed = self._failed_in_a_row = 0
        self._last_fault = ""
        self._error: Exception | None = None
        self.stopped = ""

    async def run(self) -> None:
        """Ask for every open point, and fetch every photo that is wanted and not there yet.

        SourceError: the source refuses; UnfinishedError: calls failed over and over; OSError: a full disk.
        Whatever was received by then is kept, and in the ledger.
        """
        self._decide()
        with progress(list[Point](), "collecting", len(self._points), "point") as bar:
            bar.update(len(self._found))
            # Twice as many as there may be calls: while some pictures are checked, others are on their way.
            await asyncio.gather(*(self._work(bar.update) for _ in range(2 * self._limits.workers)))
        with self._faults():
            await self._ledger.flush()
        if self._error:
            raise self._error
        shutil.rmtree(self._ledger.folder / ARRIVED, ignore_errors=True)
        if self._failed and not self.stopped:
            raise UnfinishedError(
                f"{self._failed:,} points are still open, the last because of: {self._last_fault}; "
                "run the same command again"
            )

    async def _work(self, progressed: Callable[[], object]) -> None:
        while not self._caller.stopping.is_set():
            if self._shots:
                with self._faults():
                    await self._take(self._shots.popleft())
            elif self._lookups:
                await self._look(self._lookups.popleft())
                progressed()
            elif self._looking:  # which may lead to photos
                await self._looked.wait()
            else:
                return

    async def _look(self, point: Point) -> None:
        """Ask what there is for a point."""
        self._looking += 1
        with self._faults():
            found = await self._source.find(point, partial(self._caller.get, point.id))
            self._ledger.answer(point.id, found)
            self._found[point.id] = found
            self._failed_in_a_row = 0
        self._looking -= 1
        self._decide()
        self._looked.set()
        self._looked = asyncio.Event()

    def _decide(self) -> None:
        """Give pictures to the points whose turn it is; those that stay open are passed over at the end."""
        while self._decided < len(self._points):
            point = self._points[self._decided]
            if point.id not in self._found and (self._lookups or self._looking):
                return
            self._decided += 1
            found = self._found.get(point.id)
            if found and (point.id in self._owners or self._chooser.takes(found)):
                views = self._source.views(point, found)
                shots = (Shot(point, found, nth, view, len(views)) for nth, view in enumerate(views))
                self._shots += [shot for shot in shots if (point.id, shot.nth) not in self._photos]

    async def _take(self, shot: Shot) -> None:
        """Fetch a photo, unless a killed run has left it without writing it down."""
        folder, size = self._ledger.folder, self._source.size
        photo = adopt(folder, shot, size, self._there) or await self._buy(shot)
        self._ledger.add(photo)
        self._failed_in_a_row = 0

    async def _buy(self, shot: Shot) -> Photo:
        folder, get = self._ledger.folder, partial(self._caller.get, shot.point.id)
        for attempt in range(_PURCHASES):
            if shutil.disk_usage(folder).free < _FREE_BYTES:
                raise OSError(errno.ENOSPC, "no space left", str(folder))
            try:
                data = await self._source.picture(shot.found, shot.view, get)
            except MissingError as error:
                return shot.photo(reason=f"no picture: {error}")
            arrive(folder, shot, data)
            last = attempt == _PURCHASES - 1
            photo = await asyncio.to_thread(keep, folder, shot, self._source.size, damaged=last)
            if photo:
                return photo
        raise AssertionError("the last purchase is kept in any case")

    @contextlib.contextmanager
    def _faults(self) -> Iterator[None]:
        """Note what goes wrong in one task, and end the run if no other would fare better."""
        try:
            yield
        except StoppedError as error:
            self.stopped = self.stopped or str(error)
            self._caller.stopping.set()
        except SourceError as error:
            variable = self._source.key_variable
            way_out = f"check the key in {variable}" if variable else "try again later"
            self._end(SourceError(f"{self._source.name}: {error}: {way_out}"))
        except MissingError as error:
            self._end(SourceError(f"{self._source.name}: {error}: check the address in --endpoint"))
        except OSError as error:
            self._end(error)
        except (AgainError, KeyError, ValueError, TypeError, AttributeError) as error:
            self._last_fault = (
                str(error) if isinstance(error, AgainError) else f"an answer out of form ({error!r})"
            )
            self._failed += 1
            self._failed_in_a_row += 1
            if self._failed_in_a_row >= 4 * self._limits.workers:
                self._end(UnfinishedError(f"{self._source.name} doesn't answer any more: {self._last_fault}"))

    def _end(self, error: Exception) -> None:
        self._error = self._error or error
        self._caller.stopping.set()
