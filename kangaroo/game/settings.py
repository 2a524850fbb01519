"""What a game is played with, and what players may call themselves."""

import unicodedata
from dataclasses import dataclass

from kangaroo.errors import KangarooError

LONGEST = 24
"""Characters of a nickname."""

GUESSES = 5
"""Classes that may be named for a photo."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One game; KangarooError for a number that can't be.

    rounds: photos a game. seconds: time for one, None: as long as people like. resolution: side of the square
    that is shown, in pixels.
    """

    rounds: int = 10
    seconds: float | None = None
    resolution: int = 224

    def __post_init__(self) -> None:
        """Check; raise KangarooError."""
        if self.rounds < 1:
            raise KangarooError(f"{self.rounds} rounds are no game: give 1 or more")
        if self.seconds is not None and not 1 <= self.seconds <= 3600:
            raise KangarooError(f"{self.seconds:g} seconds a round can't be: give 1 to 3600")
        if not 16 <= self.resolution <= 1024:
            raise KangarooError(f"a resolution of {self.resolution} pixels can't be: give 16 to 1024")


def nickname(text: str) -> str:
    """The nickname in ``text``, trimmed, spaces single. KangarooError: empty, too long, or not to be printed.

    A nickname is no identity: whoever gives the same one plays on under it.
    """
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not 1 <= len(name) <= LONGEST:
        raise KangarooError(f"A nickname has 1 to {LONGEST} characters, this one has {len(name)}.")
    if not name.isprintable() or all(unicodedata.category(x)[0] in "MZ" for x in name):
        raise KangarooError("A nickname is of letters, digits and signs that can be seen.")
    return name


def folded(name: str) -> str:
    """What is left of a nickname where case doesn't count: two players never share it."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
