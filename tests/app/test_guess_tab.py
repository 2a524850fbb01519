"""The tab Guess as a visitor meets it, in a real browser."""

import base64
import csv
import io
import re

import pytest

from kangaroo.app.state import Settings

PASTE = """async ([data]) => {
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  const blob = new Blob([bytes], { type: "image/png" });
  await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
}"""


@pytest.fixture(scope="module")
def address(classifier, serving):
    with serving(classifier, Settings()) as address:
        yield address


@pytest.fixture
def open_guess(visit, address):
    def open_page(**settings):
        visited = visit(address, **settings)
        visited.page.wait_for_selector("#guess-map [data-ready], #guess-map[data-ready]", timeout=20000)
        return visited

    return open_page


def as_shown(share):
    return f"{share:.{0 if share >= 0.0995 else 1}%}".replace("%", "\N{NO-BREAK SPACE}%")


def expected(classifier, data):
    """What the command line says of the same bytes."""
    from PIL import Image

    row = classifier.predict([Image.open(io.BytesIO(data))]).iloc[0]
    return row


def contains(page, text):
    """Waits until the answer holds a text."""
    page.wait_for_function(
        "text => document.querySelector('#guess-answer').textContent.includes(text)", arg=text
    )


def shares(page):
    """The ranking as it stands on the page."""
    rows = page.locator("#guess-answer .ranking li")
    rows.first.wait_for()
    return [tuple(row.split("\n")) for row in rows.all_inner_texts()]


def test_an_uploaded_photo_is_named_as_predict_names_it(open_guess, classifier, jpeg):
    page = open_guess().page
    for seed in (1, 2):
        data = jpeg(seed, (64, 64), kind="PNG")
        page.locator("#guess-photo input[type=file]").set_input_files(
            {"name": "../../etc/<b>x</b>.png", "mimeType": "image/png", "buffer": data}
        )
        row = expected(classifier, data)
        contains(page, as_shown(row["confidence"]))
        names = row["set"].split("; ")
        words = " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
        contains(page, f"With 90 % coverage: {words}.")
        page.wait_for_selector("#guess-heat .layer[src]", state="attached")
        assert page.locator("#guess-answer .answer strong").inner_text() == row["prediction"]
        for name, share in shares(page):
            assert share == as_shown(row[f"p_{name}"])
        assert ("Too unsure" in page.locator("#guess-answer").inner_text()) == row["abstain"]


def test_an_example_gives_answer_map_and_heat(open_guess, classifier):
    page = open_guess().page
    before = page.locator("#guess-heat .photo").get_attribute("src")
    page.locator("#guess-examples button").nth(5).click()
    page.wait_for_function("old => document.querySelector('#guess-heat .photo').src !== old", arg=before)
    page.wait_for_selector("#guess-heat .layer[src^='data:image/png']", state="attached")
    known = page.locator("#guess-map .country.known").evaluate_all("all => all.map((c) => c.id.slice(-2))")
    assert sorted(known) == ["AT", "CZ", "SK"]
    best = page.locator("#guess-answer .answer strong").inner_text()
    assert best in page.locator("#guess-map .said").inner_text()
    assert f"for {best}" in page.locator("#guess-heat .key").inner_text()


def test_polarity_and_opacity_are_the_browsers_own_work(open_guess):
    visited = open_guess()
    page = visited.page
    page.get_by_role("listbox", name="Explanation").or_(page.get_by_label("Explanation")).first.click()
    page.get_by_role("option", name="Gradient × input").click()
    page.wait_for_selector("#guess-heat .key .not")
    asked = len(visited.asked)
    supports, against = (page.locator("#guess-heat .layer").nth(i) for i in (0, 1))
    page.locator("#guess-heat label", has_text="against").click()
    assert supports.is_hidden()
    assert against.is_visible()
    page.get_by_label("Opacity of the heat").fill("20")
    assert against.evaluate("layer => getComputedStyle(layer).opacity") == "0.2"
    assert "linear at this photo" in page.locator("#guess-heat .words").inner_text()
    page.wait_for_timeout(300)
    assert [url for url in visited.asked[asked:] if not url.startswith(("data:", "blob:"))] == []


def test_a_photo_is_pasted(open_guess, classifier, jpeg, address):
    visited = open_guess()
    visited.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address.rstrip("/"))
    data = jpeg(7, (64, 64), kind="PNG")
    visited.page.evaluate(PASTE, [base64.b64encode(data).decode()])
    visited.page.locator("#guess-photo button[aria-label*='lipboard']").click()
    if visited.page.locator("#guess-photo button", has_text=re.compile("paste", re.I)).count():
        visited.page.locator("#guess-photo button", has_text=re.compile("paste", re.I)).click()
    contains(visited.page, as_shown(expected(classifier, data)["confidence"]))


def test_several_photos_become_a_table_to_download(open_guess, classifier, jpeg):
    page = open_guess().page
    page.get_by_role("button", name="Several photos at once").click()
    photos = {f"={i}+1.png": jpeg(20 + i, (64, 64), kind="PNG") for i in range(3)}
    files = [{"name": name, "mimeType": "image/png", "buffer": data} for name, data in photos.items()]
    files.append({"name": "notes.png", "mimeType": "image/png", "buffer": b"<svg onload=alert(1)>"})
    page.locator("#guess-files input[type=file]").set_input_files(files)
    page.wait_for_selector("#guess-table tbody tr")
    assert "notes.png: not a picture" in page.locator("#guess-refused").inner_text()
    with page.expect_download() as download:
        page.locator("#guess-download").click()
    with open(download.value.path(), encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == [f"'{name}" for name in photos]  # no spreadsheet's formula
    for row, data in zip(rows, photos.values(), strict=True):
        wanted = expected(classifier, data)
        assert row["prediction"] == wanted["prediction"]
        assert float(row["confidence"]) == pytest.approx(wanted["confidence"], abs=1e-6)
        assert row["set"] == wanted["set"]


def test_the_map_moves_by_mouse_and_by_keys(open_guess):
    page = open_guess().page
    map_ = page.locator("#guess-map svg")
    width = lambda: float(map_.get_attribute("viewBox").split()[2])  # noqa: E731
    start = width()
    page.locator("#guess-map").get_by_label("Zoom in").click()
    assert width() == pytest.approx(start / 1.6)
    map_.focus()
    page.keyboard.press("-")
    assert width() == pytest.approx(start, rel=0.01)
    map_.hover()
    page.mouse.wheel(0, -100)
    assert width() == pytest.approx(start / 1.25, rel=0.01)
    west = float(map_.get_attribute("viewBox").split()[0])
    page.keyboard.press("ArrowRight")
    assert float(map_.get_attribute("viewBox").split()[0]) > west


def test_a_model_of_coordinates_marks_its_guess(tiny, serving, visit):
    sphere = tiny((), places={"kind": "sphere"})
    with serving(sphere, Settings()) as address:
        page = visit(address).page
        page.wait_for_selector("#guess-map .mark.model")
        assert re.search(r"\d° [NS], .*\d° [EW]", page.locator("#guess-answer .answer").inner_text())
        assert page.locator("#guess-answer .ranking").count() == 0
        page.get_by_role("tab", name="Attack").click()
        assert "no class for an attack" in page.get_by_role("tabpanel").filter(visible=True).inner_text()


@pytest.mark.slow
def test_cells_are_dots_and_drawn_scenes_are_named(tiny, serving, visit):
    cells = {"kind": "classes", "lat": [47.0, 48.0, None], "lon": [13.0, 16.0, None], "rule": "best",
             "radius_km": 0.0, "boundary": None}  # fmt: skip
    model = tiny(("cell 1", "cell <2>", "cell 3"), places=cells, data={"drawn": True})
    with serving(model, Settings()) as address:
        page = visit(address).page
        page.wait_for_selector("#guess-map .dot", state="attached")
        assert 1 <= page.locator("#guess-map .dot").count() <= 2  # the third has no place
        assert "of real photos it knows nothing" in page.locator("#guess-answer").inner_text()
        assert "Not calibrated" in page.locator("#guess-answer").inner_text()
        assert "cell <2>" in page.locator("#guess-answer .ranking").inner_text()
        assert page.locator("#guess-examples p").inner_text() == "Drawn scenes to try"
