"""What differs between game pages, in one TOML file: selectors, texts, and where the answer stands.

A file has these tables; what may be left out is marked so. Selectors are Playwright's (CSS, ``text=Play``),
those of the photo and of what to hide CSS::

    name = "example"

    [start]
    path = "/play"                          # below --url
    steps = [{ click = "text=New game" }]   # may be left out
    dismiss = ["#cookies button"]           # clicked wherever they appear; may be left out

    [login]                                 # may be left out where nobody logs in
    path = "/login"
    logged_in = "#account"                  # there once somebody is logged in
    logged_out = "#password"                # there when nobody is

    [game]
    id = { url = "/game/([a-z0-9]+)" }
    round = { selector = "#round", regex = "\\\\d+" }   # may be left out: then they are counted
    over = "#summary"                       # there when the game is over
    resume = true                           # whether a game's address opens it again; default false

    [photo]
    selector = "#photo"                     # an img, or whatever is drawn into
    hide = ["#map", ".banner"]              # default: all but the photo

    [guess]
    steps = [{ fill = "#guess", text = "{country}" }, { press = "#guess", key = "Enter" }]
    options = { selector = "#countries option", attribute = "value" }   # may be left out: any country

    [answer]                                # a country, latitude and longitude, or all three
    country = { selector = "#answer", attribute = "data-country" }
    lat = { response = "/api/guess", json = "answer.lat" }
    lon = { response = "/api/guess", json = "answer.lng" }

    [next]
    steps = [{ click = "#next" }]

A step clicks, fills a field, presses a key in an element, or clicks a point of a world map (``point``), which
is taken for equirectangular. Texts may hold ``{country}``, ``{lat}`` and ``{lon}`` of the guess. A value is
the text or an attribute of an element, a part of the address, or of the JSON of a response whose address
matches; ``regex`` takes a part of it, its first group if it has one.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

from kangaroo.errors import DataError

Action = Literal["click", "fill", "press", "point"]

_WORD = {"fill": "text", "press": "key"}
_FIELDS = {"country", "lat", "lon"}


@dataclass(frozen=True)
class Step:
    """One thing to do on the page; ``text`` is what ``fill`` types, or the key that ``press`` presses."""

    action: Action
    selector: str
    text: str = ""
    key: str = ""
    """Where the adapter has it, such as guess.steps[0]."""


@dataclass(frozen=True)
class Reader:
    """Where a value stands: exactly one of ``selector``, ``url`` and ``response`` is given."""

    selector: str = ""
    attribute: str = ""
    url: str = ""
    response: str = ""
    json: str = ""
    regex: str = ""

    def part(self, text: str) -> str | None:
        """What ``regex``, or for an address ``url``, takes of a text; None if it does not match."""
        pattern = self.url or self.regex
        if not pattern:
            return text.strip()
        found = re.search(pattern, text)
        return (found[1] if found.re.groups else found[0]) if found else None

    def item(self, value: Any) -> str | None:
        """The value below the dotted names and numbers of ``json``; None if it is not there."""
        for name in filter(None, self.json.split(".")):
            try:
                value = value[int(name) if isinstance(value, list) else name]
            except (KeyError, IndexError, TypeError, ValueError):
                return None
        return None if value is None else self.part(str(value))


@dataclass(frozen=True)
class Adapter:
    """One kind of game page, as the module's docstring describes its file."""

    file: str
    name: str
    path: str
    start: tuple[Step, ...]
    dismiss: tuple[str, ...]
    login: str
    logged_in: str
    logged_out: str
    game: Reader
    round: Reader | None
    over: str
    resume: bool
    photo: str
    hide: tuple[str, ...]
    guess: tuple[Step, ...]
    options: Reader | None
    country: Reader | None
    lat: Reader | None
    lon: Reader | None
    next: tuple[Step, ...]

    @property
    def values(self) -> Mapping[str, Reader]:
        """What is read when the answer is there, by name."""
        readers = {name: getattr(self, name) for name in ("game", "round", "country", "lat", "lon")}
        return MappingProxyType({name: reader for name, reader in readers.items() if reader})

    @property
    def patterns(self) -> tuple[str, ...]:
        """The addresses of responses that hold a value."""
        return tuple(dict.fromkeys(reader.response for reader in self.values.values() if reader.response))


def read_adapter(name: str) -> Adapter:
    """Read an adapter file, or the one that ships under this name. DataError names the file and the key."""
    shipped = files("kangaroo.collect.browser") / f"{name}.toml"
    source = shipped if re.fullmatch(r"\w+", name) and shipped.is_file() else Path(name)
    try:
        text = source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"adapter {name} can't be read: {reason}: give a TOML file, or kangaroo") from error
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"adapter {name} is not TOML: {error}") from error
    return _adapter(_Table(name, "", table))


def _adapter(top: "_Table") -> Adapter:
    start, photo, game = top.table("start"), top.table("photo"), top.table("game")
    login, guess, answer = top.table("login", optional=True), top.table("guess"), top.table("answer")
    following = top.table("next")
    adapter = Adapter(
        file=top.file,
        name=top.text("name"),
        path=start.text("path", "/"),
        start=start.steps("steps", optional=True),
        dismiss=start.texts("dismiss"),
        login=login.text("path", "/"),
        logged_in=login.text("logged_in", "") if login.empty else login.text("logged_in"),
        logged_out=login.text("logged_out", "") if login.empty else login.text("logged_out"),
        game=game.reader("id") or game.fail("id", "is missing"),
        round=game.reader("round"),
        over=game.text("over"),
        resume=game.boolean("resume"),
        photo=photo.text("selector"),
        hide=photo.texts("hide"),
        guess=guess.steps("steps"),
        options=guess.reader("options"),
        country=answer.reader("country"),
        lat=answer.reader("lat"),
        lon=answer.reader("lon"),
        next=following.steps("steps"),
    )
    for table in (top, start, login, game, photo, guess, answer, following):
        table.close()
    for table, path in ((start, adapter.path), (login, adapter.login)):
        if not path.startswith("/"):  # else it would be another port, or another host
            table.fail("path", "does not begin with /")
    if not adapter.country and not (adapter.lat and adapter.lon):
        answer.fail("country", "is missing, and lat and lon are not both there")
    if adapter.options and not adapter.options.selector:
        guess.fail("options", "needs a selector")
    if adapter.resume and not adapter.round:
        game.fail("round", "is missing: to resume a game its rounds must be read, not counted")
    return adapter


class _Table:
    """A table of the file; what is taken out of it is checked, and ``close`` finds what nobody took."""

    def __init__(self, file: str, name: str, values: Mapping[str, Any]):
        self.file, self._name, self._values, self._taken = file, name, values, set[str]()

    @property
    def empty(self) -> bool:
        return not self._values

    def fail(self, key: str, problem: str) -> Any:
        full = f"{self._name}.{key}" if self._name else key
        raise DataError(f"adapter {self.file}: {full} {problem}")

    def close(self) -> None:
        for key in self._values:
            if key not in self._taken:
                known = ", ".join(sorted(self._taken))
                self.fail(key, f"is no key of an adapter: choose among {known}")

    def table(self, key: str, *, optional: bool = False) -> "_Table":
        value = self._get(key, dict, "a table", {} if optional else None)
        return _Table(self.file, f"{self._name}.{key}".lstrip("."), value)

    def text(self, key: str, default: str | None = None) -> str:
        value = self._get(key, str, "a text", default)
        return value if value or default == "" else self.fail(key, "is empty")

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._get(key, list, "a list of texts", [])
        if not all(isinstance(item, str) and item for item in value):
            self.fail(key, "is not a list of texts")
        return tuple(value)

    def boolean(self, key: str) -> bool:
        return bool(self._get(key, bool, "true or false", False))

    def steps(self, key: str, *, optional: bool = False) -> tuple[Step, ...]:
        values = self._get(key, list, "a list of steps", [] if optional else None)
        names = [f"{self._name}.{key}[{i}]" for i in range(len(values))]
        return tuple(self._step(name, value) for name, value in zip(names, values, strict=True))

    def _step(self, name: str, value: object) -> Step:
        if not isinstance(value, dict):
            raise DataError(f'adapter {self.file}: {name} is not a step such as {{ click = "#next" }}')
        table = _Table(self.file, name, value)
        actions = [action for action in get_args(Action) if action in value]
        if len(actions) != 1:
            raise DataError(f"adapter {self.file}: {name} needs one of {', '.join(get_args(Action))}")
        action: Action = actions[0]
        selector = table.text(action)
        text = table.text(_WORD[action]) if action in _WORD else ""
        table.close()
        if unknown := set(re.findall(r"\{(\w*)\}", text)) - _FIELDS:
            table.fail(_WORD[action], f"has {{{min(unknown)}}}: choose among {', '.join(sorted(_FIELDS))}")
        return Step(action, selector, text, name)

    def reader(self, key: str) -> Reader | None:
        if key not in self._values:
            self._taken.add(key)
            return None
        table = self.table(key)
        reader = Reader(
            **{name: table.text(name, "") for name in ("selector", "attribute", "url", "response", "json")},
            regex=table.text("regex", ""),
        )
        table.close()
        if sum(map(bool, (reader.selector, reader.url, reader.response))) != 1:
            self.fail(key, "needs one of selector, url, response")
        for part, whole in (("attribute", "selector"), ("json", "response")):
            if getattr(reader, part) and not getattr(reader, whole):
                self.fail(key, f"has {part} without {whole}")
        for name in ("url", "response", "regex"):
            try:
                re.compile(getattr(reader, name))
            except re.error as error:
                table.fail(name, f"is no regular expression: {error}")
        return reader

    def _get(self, key: str, kind: type, words: str, default: Any) -> Any:
        self._taken.add(key)
        if key not in self._values and default is None:
            self.fail(key, "is missing")
        value = self._values.get(key, default)
        return value if isinstance(value, kind) else self.fail(key, f"is not {words}")
