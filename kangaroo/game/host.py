"""The side of the game that knows the answers: it begins games, shows photos, takes guesses, counts."""

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kangaroo.errors import KangarooError, PhotoError
from kangaroo.game.answers import Answer, Options, Point, Score
from kangaroo.game.pool import Pool, picture
from kangaroo.game.records import Game, Row, Terms
from kangaroo.game.results import Results
from kangaroo.game.settings import GUESSES, Settings, folded, nickname

GRACE = 2.0
"""Seconds that a guess may take from the browser to here, beyond the limit."""


@dataclass(frozen=True)
class Round:
    """An open round, as far as its player may know it: the ``picture`` is a JPEG, ``left`` seconds or None.

    ``id`` is a token that tells nothing of the photo; whoever has it may guess.
    """

    id: str
    game: str
    number: int
    rounds: int
    picture: bytes
    left: float | None


@dataclass(frozen=True)
class Outcome:
    """A round that is over: the truth, what person and model said, and what that was worth.

    ``late``: the time was over, nothing counts. ``again``: the photo was one that the player had seen before,
    so the round counts neither on the leaderboard nor in the comparison. ``note``: a word to the player.
    """

    id: str
    game: str
    number: int
    rounds: int
    photo: str
    name: str
    point: Point | None
    person: Answer
    score: Score
    model: Answer
    model_score: Score
    seconds: float
    late: bool
    again: bool
    note: str = ""


@dataclass(frozen=True, eq=False)
class Host:
    """Games on the photos of ``pool`` against ``model``, the SHA-256 of its file.

    ``judge`` is the model itself: it answers to a JPEG, the very one that people are shown, so that neither
    side sees more than the other. ``seed`` orders the photos. Any number of threads may use a host at once,
    and any number of hosts one file of results.
    """

    pool: Pool
    options: Options
    results: Results
    model: str
    judge: Callable[[bytes], Answer]
    seed: int = 0

    def begin(self, name: str, settings: Settings) -> str:
        """Begin a game under a nickname; gives its token. KangarooError: the name can't be one."""
        token = secrets.token_urlsafe(16)
        rounds = min(settings.rounds, self.pool.places)
        terms = Terms(self.model, self.options.names, rounds, settings.seconds, settings.resolution)
        self.results.add_game(token, self.results.player(nickname(name)), terms)
        return token

    def open_round(self, token: str) -> Round | None:
        """The round of a game that waits for its guess, its photo again; its time goes on."""
        game = self._game(token)
        last = self._last(game)
        if last is None or last.person or self._over(game, last):
            return None
        limit = game.terms.seconds
        left = None if limit is None else max(0.0, limit - (time.time() - last.shown))
        shown = self._shown(last.photo, game)
        return Round(last.id, token, last.number, game.terms.rounds, shown, left)

    def next_round(self, token: str) -> Round | None:
        """The open round, else a new one; None after the last. One whose time is over is closed."""
        game = self._game(token)
        last = self._last(game)
        if last and not last.person:
            if not self._over(game, last):
                return self.open_round(token)
            self._close(last, game)
        if len(game.places) >= game.terms.rounds:
            return None
        if (game.terms.model, game.terms.classes) != (self.model, self.options.names):
            raise KangarooError("This game was begun against another model: start a new one.")
        return self._new_round(game)

    def guess(self, token: str, texts: Sequence[str], point: Point | None = None) -> Outcome:
        """Take the guess of an open round: typed classes, likeliest first, or a point, or both.

        Of a round that is over, the first guess counts, and its outcome comes with a note. KangarooError, and
        the round stays open: no such round, or texts that the game doesn't know.
        """
        row = self.results.round(token)
        if row is None:
            raise KangarooError("This round doesn't exist: start a new game.")
        game = self._game(row.game)
        if row.person:
            return _outcome(row, game, "This round was over already: the first guess counts.")
        if self._over(game, row):
            self._close(row, game)
        else:
            answer = self.options.answer(texts[:GUESSES], point)
            score = self.options.score(answer, row.name, row.point)
            if not self.results.add_guess(token, answer, score, time.time() - row.shown):
                return self.guess(token, texts, point)  # another window was quicker
        done = self.results.round(token)
        assert done
        return _outcome(done, game)

    def outcomes(self, token: str) -> list[Outcome]:
        """The rounds of a game that are over, in order."""
        game = self._game(token)
        return [_outcome(row, game) for row in self.results.rounds(token) if row.person]

    def picture(self, outcome: Outcome) -> bytes:
        """The JPEG that was shown in a round that is over. KangarooError: its photo is gone."""
        return self._shown(outcome.photo, self._game(outcome.game))

    def _shown(self, key: str, game: Game) -> bytes:
        photo = self.pool.photos.get(key)
        if photo is None:
            raise KangarooError("The photo of this round is gone: start a new game.")
        try:
            return picture(photo.path, game.terms.resolution)
        except PhotoError as error:
            raise KangarooError(
                "The photo of this round can't be read any more: start a new game."
            ) from error

    def _new_round(self, game: Game) -> Round | None:
        """Open a round on the first photo that can be read, once the model has said what it sees there.

        The time runs from then on.
        """
        bad: set[str] = set()
        while True:
            seen = self.results.seen(game.player)
            photo = self.pool.choose(folded(game.nickname), seen, game.places, bad, self.seed)
            try:
                shown = picture(photo.path, game.terms.resolution)
            except PhotoError:
                bad.add(photo.key)
                continue
            answer = self.judge(shown)
            point = None if photo.lat is None or photo.lon is None else (photo.lat, photo.lon)
            score = self.options.score(answer, photo.name, point)
            token, number, terms = secrets.token_urlsafe(16), len(game.places) + 1, game.terms
            if self.results.add_round(token, game, photo, seen.get(photo.key, 0), answer, score):
                return Round(token, game.id, number, terms.rounds, shown, terms.seconds)
            return self.next_round(game.id)  # another window of this player was quicker

    def _game(self, token: str) -> Game:
        game = self.results.game(token)
        if game is None:
            raise KangarooError("This game doesn't exist: start a new one.")
        return game

    def _last(self, game: Game) -> Row | None:
        return next(iter(self.results.rounds(game.id)[-1:]), None)

    def _over(self, game: Game, row: Row) -> bool:
        limit = game.terms.seconds
        return limit is not None and time.time() - row.shown > limit + GRACE

    def _close(self, row: Row, game: Game) -> None:
        """End a round without a guess, at the time that was given for it."""
        assert game.terms.seconds is not None
        score = self.options.score(Answer(), row.name, row.point)
        self.results.add_guess(row.id, Answer(), score, game.terms.seconds)


def _outcome(row: Row, game: Game, note: str = "") -> Outcome:
    assert row.person
    assert row.seconds is not None
    person, score = row.person
    model, model_score = row.model
    late = person == Answer()
    return Outcome(
        row.id, row.game, row.number, game.terms.rounds, row.photo, row.name, row.point, person, score, model,
        model_score, row.seconds, late, row.turn > 0, note or ("The time was over." if late else ""),
    )  # fmt: skip
