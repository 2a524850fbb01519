"""The game in a real browser: by mouse, by keyboard, by two at once, after a reload; what it never tells."""

import re
import socket
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("gradio", reason="Gradio is not installed")

from kangaroo.app.play_tab import host
from kangaroo.app.state import Settings, State
from kangaroo.errors import DataError
from kangaroo.game.results import Results
from kangaroo.geo.decoders import ClassPoints, Sphere

CLASSES = ("Austria", "Czechia", "Slovakia")
MIDDLES = {
    "Austria": (47.123456, 14.123456),
    "Czechia": (49.765432, 15.765432),
    "Slovakia": (48.654321, 19.654321),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Four photos a country, whose names, places and coordinates could not be overlooked."""
    root, rng = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    lines = ["file,country,place,lat,lon"]
    for name in CLASSES:
        for i in range(4):
            path = root / name / f"secretfile{name}{i}.jpg"
            path.parent.mkdir(exist_ok=True)
            exif = Image.Exif()
            exif[0x010E] = f"secretexif {name}"
            blocks = rng.integers(0, 256, (5, 5, 3), np.uint8)
            Image.fromarray(blocks).resize((96, 64)).save(path, exif=exif)
            lat, lon = MIDDLES[name]
            lines.append(f"{name}/{path.name},{name},secretplace{i}{name},{lat + i / 10},{lon}")
    (root / "labels.csv").write_text("\n".join(lines))
    return root


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return tmp_path_factory.mktemp("results") / "r.sqlite"


@pytest.fixture(scope="module")
def address(serving, classifier, folder, results):
    with serving(classifier, Settings(photos=folder, results=results)) as found:
        yield found


def begin(page, name, **choices):
    page.get_by_role("tab", name="Play").click()
    page.wait_for_selector("#game-nickname")
    page.fill("#game-nickname", name)
    for key, value in choices.items():
        page.select_option(f"select[name={key}]", value)
    page.click("#game-start")
    page.wait_for_selector("#game-guess")


def back_to_the_game(page):
    """A reload, once nothing is on its way any more."""
    page.wait_for_timeout(1000)
    page.reload()
    page.get_by_role("tab", name="Play").click()


def open_row(page, results):
    """The round that waits in a page, as the results know it."""
    return Results(results).round(page.locator("form[data-action=guess]").get_attribute("data-round"))


@pytest.mark.slow
def test_a_game_by_mouse(visit, address, results):
    page = visit(address).page
    begin(page, "Mouse <b>", rounds="5")
    for number in range(1, 6):
        row = open_row(page, results)
        assert page.locator(".where strong").inner_text() == f"Round {number} of 5"
        assert page.locator("#game-photo img").evaluate("image => image.naturalWidth") == 224
        wrong = next(name for name in CLASSES if name != row.name)
        page.fill("#game-guess", wrong)
        page.fill("#game-guess-2", row.name.upper())
        page.click("#game-submit")
        page.wait_for_selector("#game-next")
        answer = page.locator("#game-answer")
        data = {
            name: answer.get_attribute(f"data-{name}") for name in ("country", "lat", "lon", "round", "game")
        }
        lat, lon = row.point
        assert data == {
            "country": row.name,
            "lat": str(lat),
            "lon": str(lon),
            "round": str(number),
            "game": row.game,
        }
        assert answer.inner_text() == row.name
        you = page.locator("section.people").inner_text().replace("\n\n", "\n")
        assert f"{wrong}\nthen {row.name}\nright as guess 2," in you
        its = page.locator("section.model").inner_text().replace("\n\n", "\n")
        assert its.splitlines()[1].startswith(f"{row.model[0].names[0]} (")
        page.wait_for_selector("#game-heat img.photo", state="visible")
        marks = page.locator("#game-map .mark")
        assert marks.count() == 3
        assert page.locator("#game-map .mark.truth").text_content() == row.name
        page.click("#game-next")
        page.wait_for_selector("#game-guess" if number < 5 else "#game-over")
    assert "5 photos: you named 0 and the model" in page.locator("#game-over").inner_text()
    leaders = page.locator("#game-leaders table")
    assert leaders.inner_text().count("Mouse <b>") == 1  # as text
    assert page.locator("#game-leaders b").count() == 0
    other = visit(address).page
    other.get_by_role("tab", name="Play").click()
    assert "Mouse <b>" in other.locator("#game-leaders table").inner_text()  # also for who comes later
    page.click("#game-again")
    page.wait_for_selector("#game-nickname")
    assert len(Results(results).frame()) == 5


@pytest.mark.slow
def test_a_game_by_keyboard_alone_on_a_phone(visit, address, results):
    visited = visit(address, viewport={"width": 390, "height": 844})
    page, keys = visited.page, visited.page.keyboard
    page.get_by_role("tab", name="Play").focus()
    keys.press("Enter")
    page.wait_for_selector("#game-nickname")
    for _ in range(20):
        keys.press("Tab")
        if page.evaluate("document.activeElement.id") == "game-nickname":
            break
    keys.type("Keys")
    keys.press("Tab")
    keys.type("5")
    keys.press("Shift+Tab")
    keys.press("Enter")
    for number in range(1, 6):
        page.wait_for_function("document.activeElement.id === 'game-guess'")
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        row = open_row(page, results)
        keys.type("nowhere")
        keys.press("Enter")
        page.wait_for_selector("#game-refused:not([hidden])")
        assert "“nowhere” is not in this game" in page.locator("#game-refused").inner_text()
        assert page.evaluate("document.activeElement.value") == "nowhere"  # what was typed is still there
        keys.press("Control+A")
        keys.type(row.name.lower())
        keys.press("Enter")
        page.wait_for_function("document.activeElement.id === 'game-next'")
        assert page.locator("#game-answer").get_attribute("data-country") == row.name
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        keys.press("Enter")
        if number == 5:
            page.wait_for_selector("#game-over")
    assert page.evaluate("document.activeElement.id") == "game-again"
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_a_pin_alone_is_a_guess(visit, address, results):
    page = visit(address).page
    begin(page, "Pin")
    row = open_row(page, results)
    page.wait_for_selector("#game-map [data-ready]", state="attached")
    page.locator("#game-map svg").focus()
    for key in ("ArrowRight", "ArrowUp", "Enter"):
        page.keyboard.press(key)
    page.wait_for_selector("#game-map .mark.guess")
    page.click("#game-submit")
    page.wait_for_selector("#game-next")
    said, score = Results(results).round(row.id).person
    assert said.point is not None
    assert score.km > 0
    assert page.locator("section.people .big").inner_text() in (*CLASSES, "A place on the map")
    page.click("#game-next")
    page.wait_for_selector("#game-guess")
    assert page.locator("#game-map .mark").count() == 0  # the next round begins without a pin


@pytest.mark.slow
def test_two_play_at_once(visit, address, results):
    pages = [visit(address).page for _ in range(2)]
    for page, name in zip(pages, ("One", "Two"), strict=True):
        begin(page, name)
    rows = [open_row(page, results) for page in pages]
    assert rows[0].game != rows[1].game
    for page, row in zip(reversed(pages), reversed(rows), strict=True):
        page.fill("#game-guess", row.name)
        page.click("#game-submit")
    for page, row in zip(pages, rows, strict=True):
        page.wait_for_selector("#game-next")
        assert page.locator("#game-answer").get_attribute("data-game") == row.game
        assert Results(results).round(row.id).person[1].rank == 1
        assert Results(results).game(row.game).nickname == ("One" if row is rows[0] else "Two")


@pytest.mark.slow
def test_a_reload_goes_on_with_the_open_round_and_tells_nothing(visit, address, results):
    page = visit(address).page
    begin(page, "Reload")
    row, before = open_row(page, results), page.locator("#game-photo img").get_attribute("src")
    page.wait_for_selector("#game-map [data-ready]", state="attached")  # nothing else is on its way
    back_to_the_game(page)
    page.wait_for_selector("#game-guess")
    assert open_row(page, results).id == row.id
    assert page.locator("#game-photo img").get_attribute("src") == before
    assert page.locator("#game-answer").get_attribute("data-country") is None
    assert Results(results).round(row.id).shown == row.shown  # its time goes on
    page.fill("#game-guess", row.name)
    page.click("#game-submit")
    page.wait_for_selector("#game-next")
    page.wait_for_selector("#game-heat img.photo", state="visible")
    back_to_the_game(page)
    page.wait_for_selector("#game-next")  # the answer is still there, and no new round has begun
    page.wait_for_selector("#game-heat img.photo", state="visible")
    assert len(Results(results).rounds(row.game)) == 1
    page.evaluate("localStorage.setItem('kangaroo-game', 'a token of other days')")
    back_to_the_game(page)
    page.wait_for_selector("#game-nickname")
    page.wait_for_function("!localStorage.getItem('kangaroo-game')")


@pytest.mark.slow
def test_submitting_twice_counts_once(visit, address, results):
    page = visit(address).page
    begin(page, "Twice")
    row = open_row(page, results)
    page.fill("#game-guess", row.name)
    page.evaluate("for (let i = 0; i < 3; i++) document.querySelector('#game-submit').click()")
    page.wait_for_selector("#game-next")
    assert Results(results).round(row.id).person[1].rank == 1
    # A second window that still shows the round: the first guess counts, and it is told so.
    other = page.context.new_page()
    other.goto(address)
    other.get_by_role("tab", name="Play").click()
    other.wait_for_selector("#game-next")
    other.click("#game-next")
    other.wait_for_selector("#game-guess")
    page.click("#game-next")  # both windows are in the same round now
    page.wait_for_selector("#game-guess")
    assert open_row(page, results).id == open_row(other, results).id
    for window in (page, other):
        window.fill("#game-guess", "Austria")
        window.click("#game-submit")
        window.wait_for_selector("#game-next")
    assert "the first guess counts" in other.locator("#game .note").inner_text()


@pytest.mark.slow
def test_when_the_time_is_over_what_was_typed_is_sent(visit, address, results):
    page = visit(address).page
    begin(page, "Slow", seconds="10")
    row = open_row(page, results)
    assert re.fullmatch(r"(10|9) s left", page.locator("#game-left").inner_text(timeout=2000) or "10 s left")
    page.fill("#game-guess", "Austria")
    page.wait_for_selector("#game-next", timeout=20_000)
    said = Results(results).round(row.id)
    assert said.person[0].names == ("Austria",)
    assert 9 < said.seconds < 12


class Recorder:
    """Passes everything between browsers and the server on, and keeps all that browsers receive."""

    def __init__(self, address):
        self.target = int(address.rstrip("/").rpartition(":")[2])
        self.received = bytearray()
        self.server = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.server.getsockname()[1]}/"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            there = socket.create_connection(("127.0.0.1", self.target))
            threading.Thread(target=self._pump, args=(client, there, False), daemon=True).start()
            threading.Thread(target=self._pump, args=(there, client, True), daemon=True).start()

    def _pump(self, source, sink, keep):
        try:
            while data := source.recv(65536):
                if keep:
                    self.received += data
                sink.sendall(data)
        except OSError:
            pass
        finally:
            for end in (source, sink):
                end.close()


@pytest.fixture
def recorded(address):
    recorders = []

    def record():
        recorders.append(Recorder(address))
        return recorders[-1]

    yield record
    for recorder in recorders:
        recorder.server.close()


def plain(text):
    """A text of the page or the wire without the picture, tokens, times and numbers of requests."""
    text = re.sub(r"data:image/jpeg;base64,[\w+/=]+", "PICTURE", text)
    text = re.sub(r"(?<![\w-])[\w-]{22}(?![\w-])", "TOKEN", text)
    return re.sub(r"html-\w+|[0-9a-f]{32}|\d+\.\d+(e-\d+)?", "N", text)


@pytest.mark.slow
def test_nothing_gives_the_answer_away(visit, recorded, results):
    """Every byte that two browsers get until the guess, in rounds of two countries."""
    pages, countries, seen, texts = [], [], [], []
    for i in range(40):  # until two players were dealt different countries
        recorder = recorded()
        page = visit(recorder.address, extra_http_headers={"Accept-Encoding": "identity"}).page
        begin(page, f"Spy{i:02}")
        page.wait_for_selector("#game-map [data-ready]", state="attached")
        page.wait_for_timeout(300)
        country = open_row(page, results).name
        if country in countries:
            continue
        countries.append(country)
        pages.append(plain(page.locator("#game").inner_html()))
        raw = bytes(recorder.received).decode("utf-8", "replace")
        seen.append(raw)
        texts.append(
            [plain(line) for line in raw.splitlines() if "process_completed" in line and "game-photo" in line]
        )
        if len(countries) == 2:
            break
    assert pages[0] == pages[1]
    assert len(texts[0]) == 1
    assert texts[0] == texts[1]
    assert "game-answer" in seen[0]  # what was recorded is readable
    for raw, country in zip(seen, countries, strict=True):
        for secret in ("secretfile", "secretplace", "secretexif", *map(str, MIDDLES[country])):
            assert secret not in raw
        for number in MIDDLES[country]:
            assert f"{number:.3f}" not in raw
        assert "data-country" not in raw
        for other in set(CLASSES) - {country}:  # all classes are told, each as often as the others
            assert abs(raw.count(country) - raw.count(other)) <= abs(
                seen[0].count(country) - seen[0].count(other)
            )


def test_photos_of_the_game_are_not_served(address, folder):
    import httpx

    path = next(Path(folder).rglob("*.jpg"))
    for url in (f"gradio_api/file={path}", f"file={path}", f"gradio_api/file={folder}/labels.csv"):
        assert httpx.get(address + url).status_code in (403, 404)


def test_the_models_places_count(tiny, folder, tmp_path, jpeg):
    """The point of a class is the model's own; cells and coordinates name the country that they lie in."""
    points = ClassPoints(np.array([47.0, 50.0, np.nan]), np.array([15.0, 14.0, np.nan]))
    settings = Settings(photos=folder, results=tmp_path / "r.sqlite")
    found = host(State(tiny(places=points.to_json()), settings))
    assert found.options.points["Austria"] == (47, 15)
    assert found.options.points["Slovakia"] == pytest.approx((48.7, 19.5), abs=0.3)  # the country's middle
    said = found.judge(jpeg())
    assert len(said.names) == 3
    assert sum(said.probabilities) == pytest.approx(1)
    cells = tiny(
        ("cell 1", "cell 2", "cell 3"), places=ClassPoints(np.full(3, 47.3), np.full(3, 14.0)).to_json()
    )
    found = host(State(cells, settings))
    assert found.options.names == CLASSES
    assert found.judge(jpeg()).names == ("Austria",)
    found = host(State(tiny((), places=Sphere().to_json()), settings))  # coordinates
    said = found.judge(jpeg())
    assert said.names == tuple(found.options.at(said.point))
    assert said.probabilities == ()


def test_photos_of_other_classes_are_refused(tiny, folder, tmp_path):
    state = State(tiny(("Spain", "France", "Italy")), Settings(photos=folder, results=tmp_path / "r.sqlite"))
    with pytest.raises(DataError, match="the photos to play with are of Austria, Czechia, Slovakia"):
        host(state)
    assert not (tmp_path / "r.sqlite").exists()
