"""The map: its figures in Python, and picking in a real browser."""

import re

import numpy as np
import pytest

from kangaroo.app.worldmap import Mark, View, belief, paths, pin_of
from kangaroo.geo.outlines import outlines


def test_paths_are_the_outlines_on_mercators_map():
    found = {code: d for code, _, d in paths()}
    assert found.keys() == outlines().keys()
    for code in ("AT", "NZ", "RU"):
        rings = found[code].split("M")[1:]
        points = []
        for ring in rings:
            numbers = np.array(re.findall(r"-?\d+", ring), int).reshape(-1, 2)
            points.append(np.cumsum(numbers, axis=0))
        x, y = np.concatenate(points).T
        west, south, east, north = outlines()[code].bounds
        assert x.min() == pytest.approx(100 * west, abs=1)
        assert x.max() == pytest.approx(100 * east, abs=1)
        # Mercator's y by another formula: asinh(tan(lat)).
        assert -y.max() == pytest.approx(100 * np.degrees(np.arcsinh(np.tan(np.radians(south)))), abs=1)
        assert -y.min() == pytest.approx(100 * np.degrees(np.arcsinh(np.tan(np.radians(north)))), abs=1)


def test_belief_shades_countries_and_puts_dots_where_points_are():
    view = belief(
        ["Austria", "Tyrol", "nowhere"], [0.7, 0.2996, 0.0004], [(47, 14), (47.2, 11.3), (np.nan, 1)]
    )
    assert view.shades == {"AT": 0.7}
    assert [(dot.text, dot.share) for dot in view.dots] == [("Austria", 0.7), ("Tyrol", 0.2996)]
    assert view.fit == [(47, 14), (47.2, 11.3)]
    assert view.summary == "Austria 70 %, Tyrol 30 %"


@pytest.mark.parametrize(
    "value",
    [None, {}, {"pin": None}, {"pin": "ab"}, {"pin": [1]}, {"pin": [91, 0]}, {"pin": [0, "nan"]}, 7],
)  # fmt: skip
def test_whatever_a_browser_sends_is_no_pin(value):
    assert pin_of(value) is None


def test_a_pin():
    assert pin_of({"pin": [48.2, "16.4"]}) == (48.2, 16.4)
    assert pin_of(View(pin=(1.0, 2.0)).to_json()) == (1.0, 2.0)


@pytest.fixture(scope="module")
def address():
    import gradio as gr

    from kangaroo.app.worldmap import world_map

    def answer(value):
        pin = pin_of(value)
        truth = (48.2, 16.4)
        marks = [Mark(*truth, "truth", "<b>here</b>")]
        return View(marks=marks, lines=[(pin, truth)], pin=pin, locked=True, fit=[pin, truth]).to_json()

    with gr.Blocks(analytics_enabled=False) as blocks:
        world = world_map(label="Where?", pick=True, elem_id="m")
        said = gr.Textbox(elem_id="said")
        done = gr.Button("done", elem_id="done")
        world.select(lambda value: str(pin_of(value)), world, said)
        done.click(answer, world, world)
    _, url, _ = blocks.launch(
        prevent_thread_lock=True, quiet=True, theme=gr.themes.Base(font="serif", font_mono="serif")
    )
    yield url
    blocks.close()


@pytest.fixture
def world(visit, address):
    page = visit(address).page
    page.wait_for_selector("#m [data-ready], #m[data-ready]")
    return page


def said(page, old=""):
    page.wait_for_function(
        "old => ![old, ''].includes(document.querySelector('#said textarea').value)", arg=old
    )
    text = page.locator("#said textarea").input_value()
    return tuple(map(float, text.strip("()").split(", ")))


def test_a_click_sets_the_pin_where_it_is(world):
    map_ = world.locator("#m svg")
    west, north, width, height = map(float, map_.get_attribute("viewBox").split())
    box = map_.bounding_box()
    world.mouse.click(box["x"] + 0.6 * box["width"], box["y"] + 0.4 * box["height"])
    lat, lon = said(world)
    assert lon == pytest.approx((west + 0.6 * width) / 100, abs=0.3)
    y = -(north + 0.4 * height) / 100
    assert lat == pytest.approx(np.degrees(np.arctan(np.sinh(np.radians(y)))), abs=0.3)
    assert world.locator("#m .mark.guess").count() == 1
    assert f"{abs(lat):.1f}°" in world.locator("#m .said").inner_text()


def test_a_drag_moves_the_map_and_sets_no_pin(world):
    map_ = world.locator("#m svg")
    box = map_.bounding_box()
    world.locator("#m").get_by_label("Zoom in").click()
    before = map_.get_attribute("viewBox")
    world.mouse.move(box["x"] + 300, box["y"] + 200)
    world.mouse.down()
    world.mouse.move(box["x"] + 200, box["y"] + 200, steps=5)
    world.mouse.up()
    assert float(map_.get_attribute("viewBox").split()[0]) > float(before.split()[0])
    assert world.locator("#m .mark.guess").count() == 0


def test_keys_set_the_pin(world):
    world.locator("#m svg").focus()
    for key in ("+", "+", "ArrowRight", "ArrowUp", "Enter"):
        world.keyboard.press(key)
    lat, lon = said(world)
    assert lon > 0
    world.keyboard.press("ArrowLeft")
    world.keyboard.press("Enter")
    assert said(world, f"({lat}, {lon})")[1] < lon


def test_an_answer_locks_the_pin_and_names_are_text(world):
    map_ = world.locator("#m svg")
    box = map_.bounding_box()
    world.mouse.click(box["x"] + 0.8 * box["width"], box["y"] + 0.7 * box["height"])
    pin = said(world)
    world.locator("#done").click()
    world.wait_for_selector("#m .mark.truth")
    assert world.locator("#m .mark.truth text").text_content() == "<b>here</b>"
    assert world.locator("#m .line").count() == 1
    world.mouse.click(box["x"] + 0.3 * box["width"], box["y"] + 0.3 * box["height"])
    world.wait_for_timeout(300)
    assert said(world) == pin


def test_two_fingers_zoom(visit, address):
    visited = visit(address, viewport={"width": 390, "height": 844}, has_touch=True)
    page = visited.page
    page.wait_for_selector("#m [data-ready], #m[data-ready]")
    map_ = page.locator("#m svg")
    box, before = map_.bounding_box(), float(map_.get_attribute("viewBox").split()[2])
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch = visited.context.new_cdp_session(page)
    for kind, apart in (("touchStart", 20), ("touchMove", 40), ("touchMove", 60), ("touchEnd", None)):
        points = (
            [] if apart is None else [{"x": x - apart, "y": y, "id": 1}, {"x": x + apart, "y": y, "id": 2}]
        )
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    assert float(map_.get_attribute("viewBox").split()[2]) == pytest.approx(before / 3, rel=0.05)
    assert page.locator("#m .mark.guess").count() == 0
    page.touchscreen.tap(x, y)
    said(page)
