"""The collection itself: several browsers at play, each begun anew when something goes wrong."""

import asyncio
import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from kangaroo.collect.browser.adapter import Adapter
from kangaroo.collect.browser.album import FAILED, Album, Answer
from kangaroo.collect.browser.faults import PageError
from kangaroo.collect.browser.player import Guess, Player
from kangaroo.collect.browser.session import keep
from kangaroo.collect.browser.window import Launch, asking, open_page
from kangaroo.errors import DataError, UnfinishedError
from kangaroo.geo.countries import Country, countries, find
from kangaroo.progress import progress

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0  # seconds; each pause is twice as long as the one before
_BARREN = 50  # rounds without a new picture, after which the game is taken to have no others
_STUBBORN = 3  # faults in a row, after which a game that can be opened again is given up
_ALIKE = 3  # times that games break off alike before any is over, after which the adapter is to blame
_BLAMED = ("changed page", "stalled photo", "late answer")  # faults that a wrong adapter may cause


@dataclass(frozen=True)
class Order:
    """What to collect: as many ``games`` played or ``photos`` kept, in the folder as a whole.

    ``interval`` and ``timeout`` in seconds, the first between the rounds of all ``instances`` together;
    ``tries``: faults in a row after which an instance gives up. ``country`` and ``point`` (latitude and
    longitude): what is guessed; where they are None, one drawn from ``seed``, and the country's middle.
    """

    url: str
    games: int | None = None
    photos: int | None = None
    instances: int = 2
    interval: float = 1.0
    timeout: float = 30.0
    tries: int = 5
    seed: int = 0
    country: Country | None = None
    point: tuple[float, float] | None = None


class Collector:
    """One run. ``session``: the file that holds the cookies of somebody who has logged in."""

    def __init__(self, adapter: Adapter, order: Order, album: Album, launch: Launch, session: Path):
        self._adapter, self._order, self._album, self._launch = adapter, order, album, launch
        self._session = session
        self._waiting = album.unfinished() if adapter.resume else {}
        self._playing = 0
        self._rounds = self._barren = self._over = 0  # of this run
        self._alike = Counter[tuple[str, int]]()  # faults: what they say, and after how many rounds of a game
        self._slot = 0.0  # the loop's time at which the next round may begin
        self._last: PageError | None = None
        total = order.photos if order.games is None else order.games
        self._bar: tqdm[None] = progress((), "collecting", total, "game" if order.games else "photo")
        self._bar.update(self._done())

    async def run(self) -> None:
        """Play until there is enough.

        DataError: no browser, no session, or an adapter that does not fit; UnfinishedError: it ended early.
        Whatever was collected by then is kept.
        """
        instances = [asyncio.create_task(self._instance(i)) for i in range(self._order.instances)]
        try:
            await asyncio.wait(instances, return_when=asyncio.FIRST_EXCEPTION)
        except asyncio.CancelledError:  # Ctrl-C ends Playwright too, and what it waited for is no news
            asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
            raise
        finally:
            for instance in instances:
                instance.cancel()
            ends = await asyncio.gather(*instances, return_exceptions=True)
            self._bar.close()
        for end in ends:
            if isinstance(end, Exception):
                raise end
        if not self._enough():
            raise UnfinishedError(
                f"every browser gave up, the last because of: {self._last}; try again later"
            )

    def _done(self) -> int:
        return self._album.photos if self._order.games is None else self._album.games

    def _enough(self, playing: int = 0) -> bool:
        """Whether there are as many games or photos as wanted, ``playing`` games counted as played."""
        if self._order.games is not None:
            return self._album.games + playing >= self._order.games
        return self._order.photos is not None and self._album.photos >= self._order.photos

    async def _instance(self, number: int) -> None:
        """Play with one browser after another, as long as not too many fail in a row."""
        rng = random.Random(f"{self._order.seed}/{number}")
        failed: list[PageError] = []
        while not self._enough(self._playing):
            rounds = self._rounds
            try:
                await self._browse(number, rng, stubborn=len(failed) >= _STUBBORN - 1)
            except PageError as fault:
                self._album.note(number, fault)
                self._last = fault
                failed = [fault] if self._rounds > rounds else [*failed, fault]
                self._judge(failed)
                if len(failed) >= self._order.tries:
                    return
                await asyncio.sleep(min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (len(failed) - 1)))

    def _judge(self, failed: list[PageError]) -> None:
        """Raise if it makes no sense to go on after these faults in a row."""
        kinds = [fault.kind for fault in failed[-2:]]
        if kinds[-1] == "lost session" and not self._session.is_file():
            raise DataError(f"{self._order.url} asks to log in: run the same command with --login once")
        if kinds == ["lost session"] * 2:
            raise UnfinishedError(
                f"{self._order.url} has ended the session: log in again with --login, then it goes on"
            )
        if kinds == ["changed page"] * 2 and not self._rounds:
            raise DataError(str(failed[-1]))
        for (reason, rounds), times in self._alike.items():
            if times >= _ALIKE and not self._over:
                over = f"game.over {self._adapter.over!r} of adapter {self._adapter.file} was never there"
                raise DataError(f"{reason}; so {times} times after {rounds} of a game's rounds, and {over}")

    async def _browse(self, number: int, rng: random.Random, *, stubborn: bool) -> None:
        """Play game after game in one browser."""
        state = self._session if self._session.is_file() else None
        async with open_page(self._launch, state, proven=self._rounds > 0) as page:
            order = self._order
            player = Player(page, self._adapter, order.url, order.timeout, self._album.folder / FAILED)
            while not self._enough(self._playing):
                game = next(iter(self._waiting), "")
                address = self._waiting.pop(game, "")
                self._playing += 1
                try:
                    await self._play(player, _Game(number, rng, stubborn, game), address)
                finally:
                    self._playing -= 1
                if state:
                    async with asking(order.timeout):
                        await keep(page.context, self._session)

    async def _play(self, player: Player, game: "_Game", address: str) -> None:
        """Play a game, a new one or that of an address, to its end."""
        await self._turn()
        try:
            await player.start(address)
            while not self._full() and await self._round(player, game):
                await self._turn()
        except PageError as fault:
            if game.rounds and fault.kind in _BLAMED:
                self._alike[str(fault), game.rounds] += 1
            if fault.kind == "stalled photo" or game.stubborn:
                self._album.end(game.id, "given up")
            elif game.id and self._adapter.resume:
                self._waiting |= {id: url for id, url in self._album.unfinished().items() if id == game.id}
            raise
        if not self._full():
            self._end(game)

    async def _round(self, player: Player, game: "_Game") -> bool:
        """Take a photo, guess, and keep the answer; whether another round follows."""
        picture = await self._photo(player, game)
        if picture is None:
            return False
        before, address = await player.values(), player.address
        if before["game"]:
            self._begin(game, before["game"], address)
        part = self._album.put(game.instance, picture)
        try:
            await player.guess(draw_guess(self._order, game.rng, await player.options()))
            values = await player.answer(before)
            self._begin(game, values["game"], address)
            number = values.get("round") or str(self._album.rounds(game.id) + 1)
            answer = Answer(address, game.id, number, values.get("country", ""), *self._degrees(values))
            game.rounds += 1
            self._count(self._album.add(part, answer))
        finally:
            self._album.drop(part)
        return await player.following()

    async def _photo(self, player: Player, game: "_Game") -> bytes | None:
        """The photo; a page on which it stalls is loaded anew, once."""
        try:
            return await player.photo()
        except PageError as fault:
            if fault.kind != "stalled photo":
                raise
            self._album.note(game.instance, fault)
            await player.reload()
            return await player.photo()

    def _begin(self, game: "_Game", name: str, address: str) -> None:
        game.id = name
        self._album.begin(name, address)

    def _end(self, game: "_Game") -> None:
        if not game.id:
            raise PageError("no round", "the game was over before its first photo")
        self._album.end(game.id, "over")
        self._over += 1
        if self._order.games is not None:
            self._bar.update()

    def _count(self, reason: str) -> None:
        """Count a round, and end the run when the game has nothing new to show."""
        self._rounds += reason != "same round"  # a game that can't go on shows its last round again
        self._barren = self._barren + 1 if reason else 0
        if not reason and self._order.games is None:
            self._bar.update()
        if self._barren >= _BARREN and not self._full():
            raise UnfinishedError(
                f"{self._order.url} has shown nothing new in {_BARREN} rounds: it may have no other photos"
            )

    def _degrees(self, values: Mapping[str, str]) -> tuple[float, float]:
        """Latitude and longitude; NaN where the page tells none."""
        lat, lon = (values.get(name) or "nan" for name in ("lat", "lon"))
        try:
            degrees = float(lat), float(lon)
        except ValueError:
            degrees = math.inf, math.inf
        if abs(degrees[0]) > 90 or abs(degrees[1]) > 180:
            where = f"answer.lat and answer.lon of adapter {self._adapter.file}"
            raise PageError("changed page", f"{where} give {lat!r} and {lon!r}, which are no degrees")
        return degrees

    def _full(self) -> bool:
        return self._order.photos is not None and self._album.photos >= self._order.photos

    async def _turn(self) -> None:
        """Wait until another round may begin."""
        now = asyncio.get_running_loop().time()
        start = max(now, self._slot)
        self._slot = start + self._order.interval
        await asyncio.sleep(start - now)


def draw_guess(order: Order, rng: random.Random, options: Sequence[str]) -> Guess:
    """The country that was asked for, else one drawn; where the page offers ``options``, one of these."""
    country, name = order.country, ""
    if options:
        name = next((text for text in options if country and find(text) == country), rng.choice(options))
        country = find(name) or country
    country = country or rng.choice(countries())
    return Guess(name or country.name, *(order.point or (country.lat, country.lon)))


@dataclass
class _Game:
    """A game at play; its ``id`` is '' until the page tells it; ``stubborn``: another fault ends it.

    ``rounds`` were played since it was opened.
    """

    instance: int
    rng: random.Random
    stubborn: bool
    id: str
    rounds: int = 0
