"""What a page tells, and what it does not."""

import asyncio

import pytest

from kangaroo.collect.browser.adapter import read_adapter
from kangaroo.collect.browser.faults import PageError
from kangaroo.collect.browser.player import Guess, Player
from kangaroo.collect.browser.window import Launch, open_page

COUNTRY = 'country = { selector = "#game-answer", regex = "It is (.+)" }'
LAT = 'lat = { selector = "#game-answer", attribute = "data-lat" }'
LON = 'lon = { response = "/api/guess", json = "answer.lng" }'
ROUND = 'round = { selector = "#game-answer", attribute = "data-round" }'
OPTIONS = 'options = { selector = "#game-classes option", attribute = "value" }'
WAYS = {
    "values": Player.values,
    "options": Player.options,
    "keeping": lambda player: player._changed("next.steps[0]", "#gone", "finds nothing"),
}


@pytest.mark.parametrize(
    "way", ["values", *(pytest.param(way, marks=pytest.mark.slow) for way in WAYS if way != "values")]
)
def test_a_page_that_hangs_is_given_up(game_page, needs_browser, write_adapter, tmp_path, monkeypatch, way):
    monkeypatch.setattr("kangaroo.collect.browser.window._HUNG", 1.0)
    adapter = read_adapter(str(write_adapter(("[guess]", f"[guess]\n{OPTIONS}"))))

    async def hang():
        async with open_page(Launch(), None) as page:
            player = Player(page, adapter, game_page().url, 2.0, tmp_path)
            await player.start()
            assert await player.photo()
            await page.evaluate("setTimeout(() => { for (;;); })")
            async with asyncio.timeout(10):
                await WAYS[way](player)

    with pytest.raises(PageError, match="the page does not react any more") as fault:
        asyncio.run(hang())
    assert fault.value.kind == "crashed browser"


def test_no_photo_is_taken_beside_the_last_answer(game_page, needs_browser, write_adapter, tmp_path):
    """Of which the response, that told its longitude, is gone by then."""
    adapter = read_adapter(str(write_adapter()))

    async def play():
        async with open_page(Launch(), None) as page:
            player = Player(page, adapter, game_page().url, 2.0, tmp_path)
            await player.start()
            assert await player.photo()
            before = await player.values()
            await player.guess(Guess("Chad", 0, 0))
            assert (await player.answer(before))["lon"] == "20.0"
            await page.evaluate("document.querySelector('#game-photo img').src = '/photo/7.png'")
            await player.photo()

    with pytest.raises(PageError, match="it stayed beside the last answer"):
        asyncio.run(play())


@pytest.mark.slow
def test_what_the_loading_tells_is_remembered(game_page, play, write_adapter):
    """The game's id comes once a round, with the photo."""
    adapter = write_adapter(('{ url = "/game/(g[0-9]+)" }', '{ response = "/api/state", json = "game" }'))
    code, figures, err = play(game_page(), "--games", 2, adapter=adapter, timeout=4)
    assert (code, figures["photos"], figures["faults"]) == (0, 6, {}), err


@pytest.mark.slow
def test_the_same_answer_twice_is_two_answers(game_page, play, write_adapter):
    """Nothing on the page itself changes from round to round, and two of three countries begin alike."""
    response = 'country = { response = "/api/guess", json = "country", regex = "A|C" }'
    changes = ((COUNTRY, response), (LAT, ""), (LON, ""), (ROUND, ""), ("resume = true", ""))
    code, figures, err = play(game_page(), "--games", 2, adapter=write_adapter(*changes), timeout=4)
    assert (code, figures["photos"], figures["faults"]) == (0, 6, {}), err


def test_an_answer_that_is_looked_for_where_nothing_is(game_page, play, write_adapter, out):
    country = COUNTRY.replace("#game-answer", "#gone")
    adapter = write_adapter((COUNTRY, country), (LAT, ""), (LON, ""))
    code, figures, err = play(game_page(), "--games", 1, adapter=adapter, timeout=2)
    assert (code, figures["faults"]) == (2, {"changed page": 2}), err
    assert "answer.country '#gone' of adapter" in err
    assert "finds nothing; the page is kept as" in err
    assert "It is Austria" in (out / ".failed" / "answer_country.html").read_text(encoding="utf-8")


def test_an_answer_that_is_there_but_empty_is_late(game_page, play, write_adapter):
    adapter = write_adapter((COUNTRY, COUNTRY.replace("It is", "Here is")), (LAT, ""), (LON, ""))
    code, figures, err = play(game_page(), "--games", 1, "--tries", 2, adapter=adapter, timeout=2)
    assert (code, figures["faults"]) == (1, {"late answer": 2})
    assert "because of: no answer within 2 s, no country; try again later" in err


@pytest.mark.slow
def test_a_response_that_does_not_come_is_named(game_page, play, write_adapter):
    response = 'country = { response = "/api/answer$", json = "country" }'
    adapter = write_adapter((COUNTRY, response), (LAT, ""), (LON, ""))
    code, figures, err = play(game_page(), "--games", 1, "--tries", 2, adapter=adapter, timeout=2)
    assert (code, figures["faults"]) == (1, {"late answer": 2})
    assert "no country: no JSON came from an address that matches answer.country '/api/answer$'" in err
