import pytest

from kangaroo.errors import KangarooError
from kangaroo.game.settings import Settings, folded, nickname


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Ada", "Ada"),
        ("  Ada \t Lovelace ", "Ada Lovelace"),
        ("x" * 24, "x" * 24),
        ("=1+1", "=1+1"),
        ("ß", "ß"),
    ],
)
def test_nicknames_are_trimmed(text, name):
    assert nickname(text) == name


@pytest.mark.parametrize(
    "text", ["", "   ", "x" * 25, "a\0b", "\u200b", "a\u202eb", "\u3164\ud800", "\u0301"]
)
def test_what_is_no_nickname(text):
    with pytest.raises(KangarooError, match="nickname"):
        nickname(text)


def test_case_does_not_tell_players_apart():
    assert folded("STRASSE") == folded("Straße")
    assert folded("Ａda") == folded("ada")
    assert folded("ada") != folded("adb")


@pytest.mark.parametrize(
    "bad", [{"rounds": 0}, {"seconds": 0.5}, {"seconds": float("nan")}, {"resolution": 8}]
)
def test_settings_that_cannot_be(bad):
    with pytest.raises(KangarooError, match="give"):
        Settings(**bad)
