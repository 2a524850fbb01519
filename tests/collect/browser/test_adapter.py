from importlib.resources import files

import pytest

from kangaroo.collect.browser.adapter import Reader, Step, read_adapter
from kangaroo.errors import DataError


def test_an_adapter_is_read(write_adapter):
    adapter = read_adapter(str(write_adapter()))
    assert adapter.name == "stand-in"
    assert adapter.start[1] == Step("click", "#game-start", "", "start.steps[1]")
    assert adapter.guess[0] == Step("fill", "#game-guess", "{country}", "guess.steps[0]")
    assert adapter.game == Reader(url="/game/(g[0-9]+)")
    assert list(adapter.values) == ["game", "round", "country", "lat", "lon"]
    assert adapter.patterns == ("/api/guess",)
    assert not adapter.logged_out
    assert not adapter.hide


def test_the_example_of_the_docstring_is_an_adapter(tmp_path):
    from kangaroo.collect.browser import adapter

    lines = adapter.__doc__.partition("CSS::\n")[2].partition("\nA step clicks")[0].splitlines()
    (tmp_path / "example.toml").write_text("\n".join(line[4:] for line in lines), encoding="utf-8")
    example = read_adapter(str(tmp_path / "example.toml"))
    assert (example.name, example.resume, example.logged_out) == ("example", True, "#password")
    assert example.round.part("round 3 of 5") == "3"
    assert example.guess[1] == Step("press", "#guess", "Enter", "guess.steps[1]")


def test_what_ships_is_an_adapter():
    shipped = [
        path.name for path in files("kangaroo.collect.browser").iterdir() if path.name.endswith(".toml")
    ]
    assert shipped == ["kangaroo.toml"]
    assert read_adapter("kangaroo").photo == "#game-photo img"


@pytest.mark.parametrize(
    ("exchanged", "message"),
    [
        (('name = "stand-in"', ""), "name is missing"),
        (('name = "stand-in"', "name = 3"), "name is not a text"),
        (('name = "stand-in"', "name = 'a'\nnam = 'b'"), "nam is no key of an adapter: choose among "),
        (("[next]", "[after]"), "next is missing"),
        (('path = "/"', 'path = "play"'), "start.path does not begin with /"),
        (("[photo]", "[photo]\nshow = 'x'"), "photo.show is no key of an adapter: choose among hide"),
        (('selector = "#game-photo img"', "selector = ''"), "photo.selector is empty"),
        (('{ click = "#game-next" }', '{ tap = "#game-next" }'), "next.steps[0] needs one of click"),
        (('{ click = "#game-next" }', '"#game-next"'), "next.steps[0] is not a step such as"),
        (('{ click = "#game-next" }', '{ press = "#game-next" }'), "next.steps[0].key is missing"),
        (("{country}", "{city}"), "guess.steps[0].text has {city}: choose among country, lat, lon"),
        (('{ url = "/game/(g[0-9]+)" }', '{ url = "/game/(" }'), "game.id.url is no regular expression"),
        (('{ url = "/game/(g[0-9]+)" }', "{ }"), "game.id needs one of selector, url, response"),
        (('id = { url = "/game/(g[0-9]+)" }', ""), "game.id is missing"),
        (('response = "/api/guess", ', "url = 'x', "), "answer.lon has json without response"),
        (('round = { selector = "#game-answer", attribute = "data-round" }', ""), "game.round is missing"),
        (("resume = true", 'resume = "yes"'), "game.resume is not true or false"),
        (("dismiss = []", "dismiss = [1]"), "start.dismiss is not a list of texts"),
        (("[game]", "[login]\npath = '/login'\n[game]"), "login.logged_in is missing"),
        (('name = "stand-in"', "name = "), "is not TOML"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(write_adapter, exchanged, message):
    path = write_adapter(exchanged)
    with pytest.raises(DataError) as error:
        read_adapter(str(path))
    assert str(error.value).startswith(f"adapter {path}")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_an_answer_needs_a_country_or_both_coordinates(write_adapter):
    lines = ('lat = { selector = "#game-answer", attribute = "data-lat" }',
             'country = { selector = "#game-answer", regex = "It is (.+)" }')  # fmt: skip
    assert read_adapter(str(write_adapter((lines[0], "")))).lat is None
    with pytest.raises(DataError, match=r"answer\.country is missing, and lat and lon are not both there"):
        read_adapter(str(write_adapter(*((line, "") for line in lines))))


@pytest.mark.parametrize("name", ["nothing.toml", "nothing", "../kangaroo"])
def test_a_file_that_is_not_there(name):
    with pytest.raises(DataError, match="give a TOML file, or kangaroo"):
        read_adapter(name)


def test_parts_of_texts_and_of_json():
    assert Reader(selector="x").part("  Austria \n") == "Austria"
    assert Reader(selector="x", regex=r"lat ([-.\d]+)").part("lat -47.5, lon 3") == "-47.5"
    assert Reader(selector="x", regex=r"\d+").part("round 12") == "12"
    assert Reader(selector="x", regex=r"\d+").part("round one") is None
    told = {"rounds": [{"lat": 1.5}, {"lat": None}], "n": 0}
    assert Reader(response="x", json="rounds.0.lat").item(told) == "1.5"
    assert Reader(response="x", json="n").item(told) == "0"
    for missing in ("rounds.1.lat", "rounds.2.lat", "rounds.lat", "n.lat"):
        assert Reader(response="x", json=missing).item(told) is None
    assert Reader(response="x", json="n").item(None) is None
