"""What a card's fields may be: each broken in several ways, cards of earlier versions, contradictions."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kangaroo.errors import ModelError
from kangaroo.models.card import Card, read_card, sentences

CARD = Card(
    classes=("Österreich", "New Zealand"),
    image_size=64,
    task="test",
    training={"epochs": 1},
    data={"drawn": True},
    metrics={"loss": 0.5},
    parameters=7,
    sha256="0123456789abcdef" * 4,
    versions={"keras": "3.12.0"},
    intended_use="tests",
    limits="none",
)
TEXTS, MAPPINGS = ("task", "intended_use", "limits"), ("training", "data", "metrics", "places", "calibration")
BROKEN: dict[str, list[Any]] = {
    "classes": [None, "ab", {"a": 1}, [], [1, 2], ["a", ""], ["a", "a"], ["a", None], ["a", ["b"]]],
    "image_size": [None, "64", 64.0, True, 0, 1, -64, 4097, [64], 10**30],
    "input": [None, "pixel", "", True, ["pixels"], {}],
    "antialias": [None, 1, 0, "true", []],
    "parameters": [None, -1, 1.0, True, "7"],
    "sha256": [None, "", "c0ffee", "g" * 64, "0" * 63, "0" * 65, "0" * 64 + "\n", 0],
    "versions": [None, [], "3", {"keras": 3}, {"keras": None}],
    **{name: [None, 1, ["a"]] for name in TEXTS},
    **{name: [None, [], ["a"], "a", 0] for name in MAPPINGS},
}
CASES = [pytest.param(name, value, id=f"{name}-{value!r}") for name in BROKEN for value in BROKEN[name]]


def write(path: Path, values: Any) -> Path:
    path.write_text(json.dumps(values), encoding="utf-8")
    return path


def refusal(path: Path) -> str:
    """The message, which must be one line that names the card, that reading ends with."""
    with pytest.raises(ModelError) as caught:
        read_card(path)
    assert len(str(caught.value).splitlines()) == 1
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("taken", ["pixels", "standardized"])
@pytest.mark.parametrize("antialias", [True, False])
def test_what_is_written_is_read(tmp_path: Path, taken: Any, antialias: bool) -> None:
    card = replace(CARD, input=taken, antialias=antialias)
    values = card.to_json()
    assert values["preprocessing"] == sentences(taken, antialias=antialias)
    assert read_card(write(tmp_path / "m.json", values)) == card


def test_every_field_is_broken_once() -> None:
    assert BROKEN.keys() == CARD.to_json().keys() - {"preprocessing"}


@pytest.mark.parametrize(("name", "value"), CASES)
def test_a_broken_field_is_named(tmp_path: Path, name: str, value: Any) -> None:
    found = refusal(write(tmp_path / "m.json", CARD.to_json() | {name: value}))
    assert f"m.json: {name} is " in found
    assert ", not " in found


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("image_size", True, "image_size is the bool True, not a whole number from 2 to 4096: get model and"),
        ("classes", "ab\n", r"classes is the str 'ab\n', not a list of names"),
        ("training", [1, 2], "training is a list of 2, not a mapping"),
        ("limits", None, "limits is null, not text"),
        ("calibration", "warm", "not a mapping: write {} in its place, then calibrate anew"),
        ("task", list("abc"), "task is a list of 3"),
        ("sha256", "x" * 500, f"sha256 is the str '{'x' * 36}..., not 64 hexadecimal digits"),
    ],
)
def test_the_value_is_described(tmp_path: Path, name: str, value: Any, message: str) -> None:
    assert message in refusal(write(tmp_path / "m.json", CARD.to_json() | {name: value}))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_are_finite(tmp_path: Path, number: str) -> None:
    values = json.dumps(CARD.to_json() | {"metrics": {"geo": [{"km": "HERE"}]}})
    (tmp_path / "m.json").write_text(values.replace('"HERE"', number), encoding="utf-8")
    assert "metrics holds a number that isn't finite" in refusal(tmp_path / "m.json")


@pytest.mark.parametrize("text", ["", "{", "\0", "[" * 100_000])
def test_what_is_no_json(tmp_path: Path, text: str) -> None:
    (tmp_path / "m.json").write_text(text, encoding="utf-8")
    assert "is not a model card" in refusal(tmp_path / "m.json")


@pytest.mark.parametrize("values", [None, 1, "card", [1], {}])
def test_what_is_no_card(tmp_path: Path, values: Any) -> None:
    assert "lacks classes, data, image_size" in refusal(write(tmp_path / "m.json", values))


def test_unknown_fields_are_refused(tmp_path: Path) -> None:
    values = CARD.to_json() | {"author": "me", "two\nlines": 1}
    assert refusal(write(tmp_path / "m.json", values)).endswith(r"has unknown author, 'two\nlines'")


@pytest.mark.parametrize("taken", ["pixels", "standardized"])
@pytest.mark.parametrize("antialias", [True, False])
def test_cards_of_earlier_versions_are_read(tmp_path: Path, taken: Any, antialias: bool) -> None:
    card = replace(CARD, input=taken, antialias=antialias)
    values = card.to_json()
    for name in ("input", "antialias", "places", "calibration"):
        del values[name]
        assert read_card(write(tmp_path / "m.json", values)) == card


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"input": "pixels"}, "input is 'pixels', but by its preprocessing it is 'standardized'"),
        ({"antialias": False}, "antialias is False, but by its preprocessing it is True"),
        ({"preprocessing": sentences("pixels", antialias=True)}, "input is 'standardized', but by"),
    ],
)
def test_fields_that_contradict_the_sentences(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    found = refusal(write(tmp_path / "m.json", CARD.to_json() | changed))
    assert "contradicts itself" in found
    assert message in found


@pytest.mark.parametrize("written", [None, [], {}, {"crop": "none"}, "bilinear", 1])
def test_sentences_that_are_not_known(tmp_path: Path, written: Any) -> None:
    found = refusal(write(tmp_path / "m.json", CARD.to_json() | {"preprocessing": written}))
    assert "asks for preprocessing that this version lacks" in found


def test_no_classes_where_there_are_places(tmp_path: Path) -> None:
    card = replace(CARD, classes=(), places={"kind": "sphere"})
    assert read_card(write(tmp_path / "m.json", card.to_json())) == card
