"""The page as a whole: looks, keys, narrow screens, many people at once, and how it ends."""

import socket
import threading
import time
from pathlib import Path

import httpx
import numpy as np
import pytest

from kangaroo.app.server import serve
from kangaroo.app.state import Settings
from kangaroo.errors import DataError, KangarooError

CONTRAST = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")
WIDTHS = [pytest.param(390, id="phone"), pytest.param(1280, id="desk")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, jpeg):
    """Photos to play with: one a place, none of them small."""
    root = tmp_path_factory.mktemp("photos")
    for number, name in enumerate(("Austria", "Czechia", "Slovakia")):
        (root / name).mkdir()
        for seed in range(4):
            (root / name / f"{seed}.jpg").write_bytes(jpeg(10 * number + seed, (320, 240)))
    return root


@pytest.fixture(scope="module")
def address(classifier, serving, folder, tmp_path_factory):
    results = tmp_path_factory.mktemp("results") / "games.sqlite"
    with serving(classifier, Settings(photos=folder, results=results)) as address:
        yield address


def tabs(page):
    page.wait_for_selector("#guess-map [data-ready], #guess-map[data-ready]")
    names = page.get_by_role("tab").all_inner_texts()
    assert names == ["Guess", "Attack", "Play", "Compare"]
    for name in names:
        page.get_by_role("tab", name=name).click()
        page.wait_for_timeout(300)
        yield name


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_every_text_has_the_contrast_of_wcag_aa(visit, address, width, scheme):
    page = visit(address, viewport={"width": width, "height": 844}, color_scheme=scheme).page
    for name in tabs(page):
        found = page.evaluate(CONTRAST)
        assert found["weak"] == [], name
        assert found["seen"] > 5, name


def test_the_check_of_contrast_finds_weak_text(visit, address):
    page = visit(address).page
    page.wait_for_selector("#guess-answer .answer")
    page.locator("#guess-answer .answer strong").evaluate("e => { e.style.color = '#a0a0a0' }")
    page.locator("#guess-answer .line").first.evaluate("e => { e.style.background = '#303030' }")
    weak = page.evaluate(CONTRAST)["weak"]
    assert [line.split()[0] for line in weak] == ["2.61", "1.24"]  # by WCAG's formula, by hand


@pytest.mark.parametrize("width", WIDTHS)
def test_no_tab_scrolls_sideways_and_nothing_of_gradio_is_left(visit, address, width):
    page = visit(address, viewport={"width": width, "height": 844}).page
    for name in tabs(page):
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        for text in ("Gradio", "Use via API", "Settings"):
            assert page.get_by_text(text).filter(visible=True).count() == 0


@pytest.mark.slow
def test_everything_can_be_reached_and_worked_by_keyboard(visit, address):
    page = visit(address).page
    page.wait_for_selector("#guess-map [data-ready], #guess-map[data-ready]")
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                """() => {
          const e = document.activeElement, style = getComputedStyle(e);
          const marked = style.outlineStyle !== "none" || style.boxShadow !== "none" ||
            ["radio", "file"].includes(e.type);
          const owner = e.closest("[id^=guess-], [role=tablist]");
          return `${owner?.id || owner?.getAttribute("role") || "other"} ${marked}`; }"""
            )
        )
    owners = {text.split()[0] for text in reached}
    assert owners >= {
        "guess-photo",
        "guess-examples",
        "guess-method",
        "guess-heat",
        "guess-map",
        "guess-many",
    }
    assert not [text for text in reached if text.startswith("guess") and text.endswith("false")]
    before = page.locator("#guess-heat .photo").get_attribute("src")
    page.locator("#guess-examples button").nth(2).focus()
    page.keyboard.press("Enter")
    page.wait_for_function("old => document.querySelector('#guess-heat .photo').src !== old", arg=before)


def test_every_picture_and_control_has_a_name(visit, address):
    page = visit(address).page
    for name in tabs(page):
        unnamed = page.evaluate(
            """() => [...document.querySelectorAll("img, button, input, svg[tabindex]")]
              .filter((e) => e.checkVisibility() && !e.closest("[aria-hidden=true]"))
              .filter((e) => !(e.getAttribute("alt") !== null || e.getAttribute("aria-label") || e.title ||
                e.innerText?.trim() || e.labels?.length || e.placeholder || e.type === "file"))
              .map((e) => e.outerHTML.slice(0, 200))"""
        )
        assert unnamed == [], name


@pytest.mark.slow
def test_twenty_people_guess_at_once(classifier, address):
    failures, seconds = [], []

    def person(number):
        from benchmarks.app_load import Visitor

        try:
            with Visitor(address, number) as visitor:
                for _ in range(3):
                    start = time.perf_counter()
                    assert "answer" in visitor.guess()
                    seconds.append(time.perf_counter() - start)
        except Exception as error:
            failures.append(repr(error))

    people = [threading.Thread(target=person, args=(number,)) for number in range(20)]
    for one in people:
        one.start()
    for one in people:
        one.join(60)
    assert failures == []
    assert len(seconds) == 60
    assert np.max(seconds) < 20


def test_a_full_queue_is_said(classifier, serving):
    from benchmarks.app_load import Visitor

    with serving(classifier, Settings(queue=1)) as address, Visitor(address, 0) as visitor:
        answers = [visitor.join(f"s{i}") for i in range(40)]
    refused = [answer for answer in answers if answer.status_code == 503]
    assert refused
    assert "Queue is full" in refused[0].text


def test_a_port_in_use_is_one_line(classifier):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(KangarooError, match=rf"^port {port} of 127.0.0.1 can't be had .*--port$"):
            serve(classifier, Settings(), host="127.0.0.1", port=port, open_browser=False)
    with pytest.raises(KangarooError, match="can't be had"):
        serve(classifier, Settings(), host="no such host", port=0, open_browser=False)


def test_examples_that_are_none_are_one_line(classifier, serving, tmp_path):
    (tmp_path / "x.jpg").write_text("no photo")
    with pytest.raises(DataError, match="no photo in"), serving(classifier, Settings(examples=tmp_path)):
        pass
    with pytest.raises(DataError, match="no folder"), serving(classifier, Settings(examples=tmp_path / "y")):
        pass


def test_the_first_answer_of_a_page_needs_no_request(classifier, serving):
    with serving(classifier, Settings()) as address:
        page = httpx.get(address).text
    assert '<ol class=\\"ranking\\">' in page or "\\u003col class=" in page
