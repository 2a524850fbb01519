"""The results of all games in one SQLite file, which any number of processes and threads may use at once.

What a player sees and does is one transaction each, on the disk before the page says so: a process that is
killed loses nothing of it, and what must not happen twice is forbidden by a constraint of the file.
"""

import json
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pandas as pd

from kangaroo.errors import DataError
from kangaroo.game.answers import Answer, Score
from kangaroo.game.pool import Photo
from kangaroo.game.records import Game, Row, Terms, row_of
from kangaroo.game.settings import folded

PERSON, MODEL = "person", "model"
_APPLICATION, _VERSION = 0x6B616E67, 1  # 'kang', in the file's header
_HEADER = b"SQLite format 3\0"
_SCHEMA = f"""
CREATE TABLE players (id INTEGER PRIMARY KEY, nickname TEXT NOT NULL, folded TEXT NOT NULL UNIQUE);
CREATE TABLE games (id TEXT PRIMARY KEY, player INTEGER NOT NULL REFERENCES players, model TEXT NOT NULL,
    classes TEXT NOT NULL, rounds INTEGER NOT NULL, seconds REAL, resolution INTEGER NOT NULL,
    begun REAL NOT NULL, UNIQUE (id, player));
CREATE TABLE rounds (id TEXT PRIMARY KEY, game TEXT NOT NULL, player INTEGER NOT NULL,
    number INTEGER NOT NULL, photo TEXT NOT NULL, turn INTEGER NOT NULL, name TEXT NOT NULL,
    place TEXT NOT NULL, lat REAL, lon REAL, shown REAL NOT NULL, UNIQUE (game, number),
    UNIQUE (player, photo, turn), FOREIGN KEY (game, player) REFERENCES games (id, player));
CREATE TABLE answers (round TEXT NOT NULL REFERENCES rounds, who TEXT NOT NULL, names TEXT NOT NULL,
    probabilities TEXT NOT NULL, lat REAL, lon REAL, rank INTEGER, km REAL, points REAL, seconds REAL,
    given REAL NOT NULL, PRIMARY KEY (round, who), CHECK (who IN ('{PERSON}', '{MODEL}')));
PRAGMA application_id = {_APPLICATION};
PRAGMA user_version = {_VERSION};
"""


class Results:
    """The file of results, made with what is first written. DataError: it can't be, or is something else."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.exists():
            self._check_folder()
        elif path.is_file() and path.stat().st_size and not _begins(path, _HEADER):
            raise DataError(
                f"{path} is no database: give another file for the results"
            )  # SQLite overwrites short ones
        with self._reading():
            pass

    def player(self, nickname: str) -> int:
        """The number of the player of this nickname, in whatever case; a new one where there is none."""
        with self._writing() as db:
            values = (nickname, folded(nickname))
            db.execute("INSERT INTO players (nickname, folded) VALUES (?, ?) ON CONFLICT DO NOTHING", values)
            return db.execute("SELECT id FROM players WHERE folded = ?", values[1:]).fetchone()[0]

    def add_game(self, token: str, player: int, terms: Terms) -> None:
        """Begin a game."""
        classes = json.dumps(terms.classes, ensure_ascii=False)
        row = (
            token,
            player,
            terms.model,
            classes,
            terms.rounds,
            terms.seconds,
            terms.resolution,
            time.time(),
        )
        with self._writing() as db:
            db.execute("INSERT INTO games VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)

    def game(self, token: str) -> Game | None:
        """The game of this token."""
        with self._reading() as db:
            query = (
                "SELECT games.*, nickname FROM games JOIN players ON players.id = player WHERE games.id = ?"
            )
            row = db.execute(query, (token,)).fetchone()
            places = db.execute(
                "SELECT place FROM rounds WHERE game = ? ORDER BY number", (token,)
            ).fetchall()
        if row is None:
            return None
        classes = tuple(json.loads(row["classes"]))
        terms = Terms(row["model"], classes, row["rounds"], row["seconds"], row["resolution"])
        return Game(token, row["player"], row["nickname"], terms, tuple(place for (place,) in places))

    def seen(self, player: int) -> dict[str, int]:
        """How often the player was shown each photo."""
        with self._reading() as db:
            return dict(
                db.execute("SELECT photo, count(*) FROM rounds WHERE player = ? GROUP BY photo", (player,))
            )

    def add_round(
        self, token: str, game: Game, photo: Photo, turn: int, answer: Answer, score: Score
    ) -> bool:
        """Open the game's next round on a photo that the model has answered; its time begins.

        False, and nothing is changed: this game's round, or the player's turn of this photo, exists already.
        """
        now = time.time()
        row = (token, game.id, game.player, len(game.places) + 1, photo.key, turn, photo.name, photo.place)
        try:
            with self._writing() as db:
                values = (*row, photo.lat, photo.lon, now)
                db.execute("INSERT INTO rounds VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
                _add_answer(db, token, MODEL, answer, score, None, now)
        except sqlite3.IntegrityError:
            return False
        return True

    def add_guess(self, token: str, answer: Answer, score: Score, seconds: float) -> bool:
        """Write down what a person says of a round. False: something was said before, and that counts."""
        try:
            with self._writing() as db:
                _add_answer(db, token, PERSON, answer, score, seconds, time.time())
        except sqlite3.IntegrityError:
            return False
        return True

    def round(self, token: str) -> Row | None:
        """The round of this token."""
        return next(iter(self._rounds("rounds.id = ?", token)), None)

    def rounds(self, game: str) -> list[Row]:
        """The rounds of a game so far, in order."""
        return self._rounds("game = ?", game)

    def frame(self) -> pd.DataFrame:
        """All answered rounds, one row each, in the order of the answers.

        player, game (a number from 1, not the token), round, photo, name, place, lat, lon, model (SHA-256),
        classes (a list), resolution, limit (seconds), turn, given (seconds since 1970), seconds; and of both,
        after ``person_`` and ``model_``: names (a list), lat, lon, rank, km, points.
        """
        both = ", ".join(
            f"{who}.{column} AS {who}_{column}"
            for who in (PERSON, MODEL)
            for column in ("names", "lat", "lon", "rank", "km", "points")
        )
        query = f"""SELECT nickname AS player, games.rowid AS game, number AS round, photo, name, place,
            rounds.lat, rounds.lon, games.model, classes, resolution, games.seconds AS "limit", turn,
            person.given, person.seconds, {both} {_JOINED} JOIN games ON games.id = game
            JOIN players ON players.id = games.player
            WHERE person.round IS NOT NULL ORDER BY person.given, rounds.id"""
        with self._reading() as db:
            found = db.execute(query)
            table = pd.DataFrame(found.fetchall(), columns=[column[0] for column in found.description])
        for column in ("classes", "person_names", "model_names"):
            table[column] = table[column].map(json.loads)
        degrees = [name for name in table if str(name).endswith(("lat", "lon", "rank", "km", "points"))]
        return table.astype(dict.fromkeys([*degrees, "limit", "seconds"], float))

    def _rounds(self, where: str, value: str) -> list[Row]:
        answers = ", ".join(
            f"{who}.{column}"
            for who in (PERSON, MODEL)
            for column in ("names", "probabilities", "lat", "lon", "rank", "km", "points")
        )
        query = f"""SELECT rounds.id, game, number, photo, turn, name, rounds.lat, rounds.lon, shown,
            person.seconds, {answers} {_JOINED} WHERE {where} ORDER BY number"""
        with self._reading() as db:
            return [row_of(tuple(row)) for row in db.execute(query, (value,))]

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """A connection to read; where nothing was written yet, to an empty database in memory."""
        with ExitStack() as stack:
            db = stack.enter_context(self._connected(self.path)) if self.path.exists() else None
            if db is None or _is_new(db):
                db = stack.enter_context(self._connected(Path(":memory:")))
                _make_tables(db)
            yield db

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction; it waits for that of another writer, and what fails in it leaves nothing."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._connected(self.path) as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                if _is_new(db):
                    _make_tables(db)
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    @contextmanager
    def _connected(self, path: Path) -> Iterator[sqlite3.Connection]:
        """A connection of this call's own: nothing is shared between threads or processes."""
        try:
            with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as db:
                db.row_factory = sqlite3.Row
                db.execute("PRAGMA foreign_keys = ON")
                db.execute("PRAGMA synchronous = FULL")
                self._check(db)
                yield db
        except sqlite3.IntegrityError:
            raise
        except sqlite3.Error as error:
            raise DataError(
                f"{self.path} can't be used for results ({error}): give another file, or repair its disk"
            ) from error

    def _check_folder(self) -> None:
        """Raise DataError if the file couldn't be made, before anybody has played."""
        folder = next(parent for parent in self.path.absolute().parents if parent.exists())
        if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
            raise DataError(f"{self.path} can't be made, {folder} takes no files: give another file")

    def _check(self, db: sqlite3.Connection) -> None:
        """Raise DataError unless the file is new or of this very kind."""
        if _is_new(db):
            return
        (kind,), (version,) = (
            db.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version")
        )
        if kind != _APPLICATION:
            raise DataError(f"{self.path} is a database of something else: give another file for the results")
        if version != _VERSION:
            raise DataError(
                f"{self.path} has results of version {version}, this kangaroo knows {_VERSION}: install the "
                "kangaroo that wrote it, or give another file"
            )


def existing(path: Path) -> Results:
    """The results in a file that is there. DataError: it isn't, or it is something else."""
    if not path.is_file():
        raise DataError(f"no results {path}: give the file that kangaroo app has written (--results)")
    return Results(path)


_JOINED = f"""FROM rounds JOIN answers AS model ON model.round = rounds.id AND model.who = '{MODEL}'
    LEFT JOIN answers AS person ON person.round = rounds.id AND person.who = '{PERSON}'"""


def _make_tables(db: sqlite3.Connection) -> None:
    for statement in _SCHEMA.split(";"):  # executescript would end the transaction
        db.execute(statement)


def _begins(path: Path, header: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(header)) == header


def _is_new(db: sqlite3.Connection) -> bool:
    return db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0


def _add_answer(
    db: sqlite3.Connection,
    token: str,
    who: str,
    answer: Answer,
    score: Score,
    seconds: float | None,
    now: float,
) -> None:
    names, probabilities = json.dumps(answer.names, ensure_ascii=False), json.dumps(answer.probabilities)
    lat, lon = answer.point or (None, None)
    row = (token, who, names, probabilities, lat, lon, score.rank, score.km, score.points, seconds, now)
    db.execute("INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
