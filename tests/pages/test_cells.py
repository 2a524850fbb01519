import base64
import json
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
import shapely

from kangaroo.errors import DataError
from kangaroo.geo.boundary import Boundary, Plane
from kangaroo.geo.cells import square_cells
from kangaroo.pages.cells import write_page

# Three by three squares of 4 km, numbered row by row from the north-west, and how many photos each has.
PHOTOS = np.array([10, 1, 8, 7, 12, 6, 0, 9, 5])
INDEX = np.repeat(np.arange(9), PHOTOS)
NASTY = "<b>&'\"</script>"


@pytest.fixture(scope="module")
def cells():
    found = square_cells(Boundary(shapely.box(0, 0, 12, 12), Plane(48, 16)), 4)
    return replace(found, names=(*found.names[:8], NASTY))


@pytest.fixture(scope="module")
def probabilities():
    return np.random.default_rng(0).dirichlet(np.full(9, 0.5), len(INDEX))


@pytest.fixture(scope="module")
def means(probabilities):
    """By another way than the page's."""
    return [probabilities[i == INDEX].mean(axis=0) if n else np.zeros(9) for i, n in enumerate(PHOTOS)]


@pytest.fixture(scope="module")
def path(cells, probabilities, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "neighbourhood.html"
    write_page(path, cells, [*INDEX, -1], [*probabilities, np.eye(9)[0]], badge="drawn scenes")
    return path


class Page(HTMLParser):
    """The tags and the text of a page; what its element 'data' holds, and its policy."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text, self.inside = [], "", ""
        self.feed(html)
        self.text = re.sub(r"\s+", " ", self.text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append((tag, attributes))
        self.inside = attributes.get("id", tag)

    def handle_data(self, data):
        if self.inside == "data" and data.strip():
            self.data, self.inside = json.loads(data), ""
        elif self.inside not in ("style", "script"):
            self.text += f" {data}"


@pytest.fixture(scope="module")
def page(path):
    return Page(path.read_text(encoding="utf-8"))


def test_the_page_holds_the_mean_probabilities(page, means):
    k = len(PHOTOS)
    matrix = np.frombuffer(base64.b64decode(page.data["matrix"]), "<u2").reshape(k, k) / 65535
    np.testing.assert_allclose(matrix, means, atol=0.5 / 65535 + 1e-12)
    np.testing.assert_allclose(matrix.sum(axis=1), PHOTOS > 0, atol=k / 65535)
    assert page.data["photos"] == PHOTOS.tolist()  # the photo of no cell is left out
    assert page.data["steps"] == [0.05, 0.1, 0.2, 0.5]


def test_the_page_says_how_much_it_knows(page, means):
    kept = sum(n * row[i] for i, (n, row) in enumerate(zip(PHOTOS, means, strict=True))) / PHOTOS.sum()
    assert (
        f"Of the probability of 58 validation photos, the model puts {100 * kept:.3g} % into the cells "
        "they were taken in. Spread evenly over all 9 cells it would be 11.1 %. "
        "Cells with fewer than 5 of these photos, where chance decides much: 1. Cells without any: 1."
    ) in page.text
    assert "drawn scenes" in page.text
    others = np.argsort(-np.where(np.arange(9) == 1, -1, means[1]))[:3]
    row = ", ".join(f"{page.data['names'][j]} ({100 * means[1][j]:.3g} %)" for j in others)
    assert row in page.text  # the table says it without the map
    assert "cell 7 0 – no photo" in page.text


def test_the_outlines_are_those_of_the_cells(page):
    drawn = [attributes for tag, attributes in page.tags if attributes.get("class") == "cell"]
    assert drawn[0] == {
        "class": "cell",
        "role": "option",
        "tabindex": "-1",
        "aria-selected": "false",
        "aria-label": "cell 1, 10 photos",
        "d": drawn[0]["d"],
    }
    corners = np.array(
        [[int(x) for x in pair.split(",")] for pair in re.findall(r"-?\d+,-?\d+", drawn[0]["d"])]
    )
    corners = np.cumsum(corners, axis=0)  # a place, and steps from it
    assert sorted(map(tuple, corners.tolist())) == [(0, 0), (0, 3333), (3333, 0), (3333, 3333)]


def test_the_page_asks_for_nothing(path):
    html = path.read_text(encoding="utf-8")
    assert not re.search(r"https?:|//[a-z]|url\(|@import|\ssrc=|\shref=", html)
    policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-"
    assert policy in html
    assert html.index(policy) < html.index("<style>")


def test_what_cannot_be_a_page_is_said(cells, tmp_path):
    with pytest.raises(DataError, match=r"let it end in \.html"):
        write_page(tmp_path / "map.txt", cells, [0], np.eye(9)[:1])
    with pytest.raises(DataError, match=r"no photo for .*map\.html lies in a cell"):
        write_page(tmp_path / "map.html", cells, [-1], np.eye(9)[:1])
    assert not list(tmp_path.iterdir())


def test_three_hundred_cells_stay_small(tmp_path):
    shape = shapely.Point(0, 0).buffer(20, quad_segs=20_000)  # a border of 80,000 corners
    cells = square_cells(Boundary(shape, Plane(48, 16)), 2.05)
    k = len(cells.names)
    assert k >= 300
    rng = np.random.default_rng(0)
    write_page(tmp_path / "map.html", cells, rng.integers(0, k, 900), rng.dirichlet(np.ones(k), 900))
    assert (tmp_path / "map.html").stat().st_size < 1_000_000


@pytest.fixture(scope="module")
def browser():
    """A real browser; the tests are skipped, saying so, where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    program = next(filter(None, map(shutil.which, names)), None)
    if not program:
        pytest.skip("no Chromium is installed")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@pytest.fixture
def opened(browser, path):
    """Opens the page as a visitor does; it must have asked for nothing and complained of nothing."""
    asked, said, contexts = [], [], []

    def open_page(**settings):
        contexts.append(browser.new_context(**({"viewport": {"width": 1280, "height": 900}} | settings)))
        visited = contexts[-1].new_page()
        visited.on("request", lambda request: asked.append(request.url))
        visited.on("console", lambda message: said.append(message.text))
        visited.on("pageerror", lambda error: said.append(str(error)))
        visited.goto(path.as_uri())
        return visited

    yield open_page
    for context in contexts:
        context.close()
    assert set(asked) == {path.as_uri()}
    assert not said


def cell(visited, i):
    return visited.locator(".cell").nth(i)


def shown(visited):
    """The cell that the map is about, by its outline."""
    outline = visited.locator(".ring.line").get_attribute("d")
    drawn = visited.locator(".cell").evaluate_all("cells => cells.map(cell => cell.getAttribute('d'))")
    return drawn.index(outline)


def fills(visited):
    return visited.locator(".cell").evaluate_all("cells => cells.map(cell => getComputedStyle(cell).fill)")


def test_the_page_begins_with_the_cell_of_most_photos(opened):
    visited = opened()
    assert shown(visited) == 4
    assert "12 photos" in visited.locator("#said").inner_text()


def test_pointing_at_a_cell_colours_all_cells_and_says_why(opened, means):
    visited = opened()
    before = fills(visited)
    cell(visited, 0).hover()
    bins = [f"cell b{sum(p >= step for step in (0.05, 0.1, 0.2, 0.5))}" for p in means[0]]
    classes = visited.locator(".cell").evaluate_all("cells => cells.map(cell => cell.getAttribute('class'))")
    assert classes == bins
    assert fills(visited) != before
    legend = visited.locator(".legend span").evaluate_all(
        "all => all.map(swatch => getComputedStyle(swatch).backgroundColor)"
    )
    assert fills(visited) == [legend[int(name[-1])] for name in bins]
    others = sorted(range(1, 9), key=lambda j: -means[0][j])[:3]
    text = visited.locator("#said").inner_text()
    assert "cell 1\n" in text
    assert (
        f"10 photos. The model puts {100 * means[0][0]:.1f}\xa0% of the probability into this cell." in text
    )
    places = [  # row and column, from the first cell
        ("", "4.0 east", "8.0 east", "4.0 south", "5.7 south-east", "", "8.0 south", "", "11 south-east")[
            j
        ].split()
        for j in others
    ]
    items = visited.locator("#said li").all_inner_texts()
    for item, j, place in zip(items, others, places, strict=True):
        name = NASTY if j == 8 else f"cell {j + 1}"
        assert item.startswith(f"{name}, ")
        assert item.endswith(f": {100 * means[0][j]:.1f}\xa0%")
        if place:
            assert f"{place[0]}\xa0km to the {place[1]}:" in item
    marks = visited.locator(".mark").evaluate_all("all => all.map(mark => mark.getAttribute('transform'))")
    at = visited.evaluate("JSON.parse(document.getElementById('data').textContent).at")
    assert marks == [f"translate({at[j][0]},{at[j][1]})" for j in others]


def test_the_keyboard_reaches_every_cell_in_one_stop(opened):
    visited = opened()
    visited.keyboard.press("Tab")
    assert shown(visited) == 4
    trail = []
    for key in ("ArrowUp", "ArrowLeft", "ArrowLeft", "ArrowDown", "ArrowRight", "End", "ArrowUp", "Home"):
        visited.keyboard.press(key)
        focused = visited.evaluate("[...document.querySelectorAll('.cell')].indexOf(document.activeElement)")
        assert shown(visited) == focused
        trail.append(focused)
    assert trail == [1, 0, 0, 3, 4, 8, 5, 0]
    assert cell(visited, 0).get_attribute("aria-selected") == "true"
    widths = [visited.locator(".ring.line").evaluate("ring => getComputedStyle(ring).strokeWidth")]
    visited.keyboard.press("Tab")
    assert visited.evaluate("document.activeElement.tagName") == "SUMMARY"  # the map is one stop
    widths.append(visited.locator(".ring.line").evaluate("ring => getComputedStyle(ring).strokeWidth"))
    assert widths == ["5px", "2.5px"]  # where the focus is can be seen
    assert visited.locator(".cell[tabindex='0']").count() == 1
    assert visited.locator("#said").get_attribute("aria-live") == "polite"


def test_few_photos_are_greyed_and_none_are_said(opened):
    visited = opened()
    assert visited.locator("#map").get_attribute("class") == ""
    cell(visited, 1).hover()
    assert float(cell(visited, 0).evaluate("cell => getComputedStyle(cell).opacity")) < 0.5
    text = visited.locator("#said").inner_text()
    assert "1 photo. The model" in text
    assert "Few photos: chance decides much here" in text
    cell(visited, 6).hover()
    assert len(set(fills(visited))) == 1
    assert "No photo was judged here: nothing can be said" in visited.locator("#said").inner_text()
    assert not visited.locator(".mark").first.is_visible()
    cell(visited, 2).hover()
    assert float(cell(visited, 0).evaluate("cell => getComputedStyle(cell).opacity")) == 1


def test_a_phone(opened):
    visited = opened(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    assert visited.evaluate("document.documentElement.scrollWidth") == 390
    cell(visited, 5).tap()
    assert shown(visited) == 5
    assert "cell 6" in visited.locator("#said").inner_text()
    map_, said = visited.locator("#map").bounding_box(), visited.locator("#said").bounding_box()
    assert map_["y"] + map_["height"] <= said["y"]  # no finger lies on the text
    assert map_["height"] <= 0.6 * 844 + 1


def test_a_dark_page_has_its_colours_the_other_way_round(opened):
    legends = [
        opened(color_scheme=scheme)
        .locator(".legend span")
        .evaluate_all("all => all.map(swatch => getComputedStyle(swatch).backgroundColor)")
        for scheme in ("light", "dark")
    ]
    assert legends[0] == legends[1][::-1]
    assert len(set(legends[0])) == 5


def test_names_are_text(opened):
    visited = opened()
    cell(visited, 8).hover()
    assert visited.locator("#said .name").inner_text() == NASTY
    assert visited.locator("b").count() == 0
    assert cell(visited, 8).get_attribute("aria-label") == f"{NASTY}, 5 photos"


def test_the_policy_stops_whatever_else_would_run(browser, path):
    visited = browser.new_page()
    visited.goto(path.as_uri())
    stopped = visited.evaluate(
        """async () => {
            const stopped = [];
            const note = (event) => stopped.push(event.effectiveDirective);
            document.addEventListener("securitypolicyviolation", note);
            const script = document.createElement("script");
            script.textContent = "document.title = 'run'";
            document.head.append(script);
            const picture = new Image();
            picture.src = "http://127.0.0.1:9/picture.png";
            await fetch("http://127.0.0.1:9/").catch(() => {});
            await new Promise((done) => setTimeout(done, 200));
            return [document.title, ...stopped.sort()];
        }"""
    )
    assert stopped == ["Which places look alike?", "connect-src", "img-src", "script-src-elem"]
    visited.close()
