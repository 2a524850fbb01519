import base64
import csv
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from kangaroo.errors import DataError
from kangaroo.pages.run import HOW_TO_USE, write_report

NASTY = "<b>&Ö"
METRICS = {
    "n": 10,
    "classes": ["Austria", NASTY],
    "accuracy": 0.8,
    "balanced_accuracy": 0.7875,
    "top3_accuracy": 1.0,
    "loss": 0.4567,
    "confusion_matrix": [[4, 1], [1, 4]],
    "per_class": {
        "Austria": {"precision": 0.812, "recall": 0.823, "f1": 0.834, "n": 5},
        NASTY: {"precision": 0.712, "recall": 0.723, "f1": 0.734, "n": 5},
    },
    "confidence": {"mean": 0.911, "correct": 0.922, "wrong": None},
    "ece": 0.0333,
    "brier": 0.1414,
    "accuracy_ci95": [0.555, 0.966],
    "rejected": [{"file": f"{NASTY}/näher.jpg", "reason": "truncated JPEG"}],
}
EXTRAS = {
    "geo": {
        "n": 7,
        "mean_km": 1234.5,
        "median_km": 321.4,
        "geoscore": 3456.7,
        "accuracy_at_km": {"25": 0.123},
    },
    "ideal_observer": {"expected_accuracy": 0.971, "accuracy": 0.962},
    "warnings": [f"{NASTY} has only 5 photos: its figures say little."],
}
GEO = {
    "n": 8,
    "mean_km": 87.654,
    "median_km": 9.876,
    "accuracy_at_km": {"1": 0.01, "25": 0.625, "200": 0.875, "750": 1.0, "2500": 1.0},
    "geoscore": 4321.0,
    "geoscore_scale_km": 33.33,
    "median_km_ci95": [3.21, 45.67],
    "trivial": {
        "commonest_class": {
            "mean_km": 222.2,
            "median_km": 211.1,
            "accuracy_at_km": {"1": 0.0, "25": 0.111, "200": 0.222, "750": 1.0, "2500": 1.0},
            "geoscore": 1111.0,
        },
        "mean_point": {
            "mean_km": 122.2,
            "median_km": 133.3,
            "accuracy_at_km": {"1": 0.0, "25": 0.122, "200": 0.333, "750": 1.0, "2500": 1.0},
            "geoscore": 2222.0,
        },
    },
    "weighted_km": 55.55,
}
CARD = {
    "classes": ["Austria", NASTY],
    "image_size": 256,
    "parameters": 98537,
    "sha256": "c0ffee",
    "preprocessing": {"crop": "centre square"},
    "limits": "Knows two countries.",
    "task": "country",
    "data": {"name": "scenes", "drawn": True, "licence": "MIT", "counts": {NASTY: {"training": 20}}},
    "training": {"epochs": 2, "learning_rate": 0.001, "command": "python -m experiments.x --classes '<b>&Ö'"},
}
VOID = {"meta", "img"}


class Page(HTMLParser):
    """Checks that tags close in order; keeps the tags, their attributes and the text of a page."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.texts = [], [], []
        self.feed(html)
        assert not self.open
        self.text = re.sub(r"\s+", " ", " ".join(self.texts))

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.texts.append(data)

    def attributes(self, wanted):
        return [attributes for tag, attributes in self.tags if tag == wanted]


def table(path, head, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([head, *rows])


@pytest.fixture
def bare(tmp_path):
    """A run folder with metrics.json alone."""
    (tmp_path / "metrics.json").write_text(json.dumps(METRICS), encoding="utf-8")
    return tmp_path


@pytest.fixture
def full(bare):
    """A run folder with everything."""
    (bare / "metrics.json").write_text(json.dumps(METRICS | EXTRAS), encoding="utf-8")
    (bare / "model.json").write_text(json.dumps(CARD), encoding="utf-8")
    table(bare / "history.csv", ["epoch", "loss", "seconds"], [[1, 0.69314718, 12.3], [2, 0.51234, 11]])
    table(bare / "predictions.csv", ["file", "place"], [["a", "p1"], ["b", "p1"], ["c", "p2"]])
    split = [[NASTY, "p1", "training"], [NASTY, "p1", "training"], ["Austria", "p2", "validation"]]
    table(bare / "split.csv", ["class", "place", "split"], split)
    (bare / "figures").mkdir()
    stems = [".unfinished.part", "wrong", "confusion_matrix", "own_idea", f"examples_{NASTY}"]
    for i, stem in enumerate(stems):
        Image.fromarray(np.full((10, 20 + i, 3), i, np.uint8)).save(bare / "figures" / f"{stem}.png")
    return bare


@pytest.fixture
def cells(full):
    """A run whose model names cells, and knows where they are."""
    (full / "metrics.json").write_text(json.dumps(METRICS | {"geo": GEO}), encoding="utf-8")
    places = {"kind": "classes", "lat": [48.1234, 47.0], "lon": [16.0, 15.0]}
    (full / "model.json").write_text(json.dumps(CARD | {"places": places}), encoding="utf-8")
    return full


@pytest.fixture
def coordinates(cells):
    """A run whose model gives coordinates, and has no classes."""
    geo = {key: value for key, value in GEO.items() if key != "weighted_km"}
    geo = geo | {"n": 10, "trivial": {"mean_point": GEO["trivial"]["mean_point"]}}
    metrics = {"n": 10, "geo": geo, "rejected": METRICS["rejected"]}
    (cells / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    (cells / "model.json").write_text(json.dumps(CARD | {"classes": [], "places": {"kind": "sphere"}}))
    table(cells / "history.csv", ["epoch", "loss", "km", "seconds"], [[1, 0.5, 512.34, 12.3]])
    (cells / "figures" / "confusion_matrix.png").unlink()
    return cells


def read(folder):
    path = write_report(folder)
    assert path == folder / "report.html"
    return Page(path.read_text(encoding="utf-8"))


def test_the_sentence(full):
    assert (
        "On 10 drawn validation scenes of 2 places it has not seen, the model names the right country for "
        "80.0 % (95 % interval over places: 55.5 % to 96.6 %). Always naming the commonest class would give "
        "50.0 %."
    ) in read(full).text


@pytest.mark.parametrize(
    "value",
    [
        "80.0 %",
        "78.8 %",
        "0.457",
        "0.141",
        "3.3 %",
        "92.2 %",
        "91.1 %",
        "–",  # metrics, the last undefined
        "81.2 %",
        "82.3 %",
        "83.4 %",
        "71.2 %",
        "72.3 %",
        "73.4 %",  # by class
        "321 km",
        "1,234 km",
        "3,457",
        "12.3 %",
        "within 25 km",
        "97.1 %",
        "96.2 %",  # geo, ideal observer
        "98,537",
        "c0ffee",
        "0.001",
        "0.6931",
        "Knows two countries.",
        "crop: centre square",
        "truncated JPEG",
        f"{NASTY}/näher.jpg",
        f"{NASTY} has only 5 photos",
        f"{NASTY} (training: 20)",
        CARD["training"]["command"],
        "drawn scenes, not photos",
    ],
)
def test_every_number_and_name_is_there(full, value):
    assert value in read(full).text


def test_counts_by_class_and_split(full):
    assert f"class training validation places Austria 0 1 1 {NASTY} 2 0 1" in read(full).text


def test_figures_are_embedded_whole_in_reading_order(full):
    images = read(full).attributes("img")
    stems = ["confusion_matrix", "wrong", f"examples_{NASTY}", "own_idea"]
    for image, stem in zip(images, stems, strict=True):
        kind, data = image["src"].split(",")
        path = full / "figures" / f"{stem}.png"
        assert kind == "data:image/png;base64"
        assert base64.b64decode(data) == path.read_bytes()
        assert (int(image["width"]), int(image["height"])) == Image.open(path).size
    assert [image["alt"].split(".")[0] for image in images] == [
        "Confusion matrix",
        "Wrong",
        f"Examples: {NASTY}",
        "Own idea",
    ]


def test_nothing_comes_from_outside(full):
    page = read(full)
    html = (full / "report.html").read_text(encoding="utf-8")
    assert "http:" not in html
    assert "https:" not in html
    assert "url(" not in html
    assert not {"script", "link", "iframe", "b>&Ö"} & {tag for tag, _ in page.tags}
    assert all(image["src"].startswith("data:") for image in page.attributes("img"))


def test_semantics(full):
    page = read(full)
    assert page.attributes("html") == [{"lang": "en"}]
    assert [tag for tag, _ in page.tags if re.fullmatch(r"h\d", tag)] == ["h1", *["h2"] * 7]
    assert page.attributes("meta")[1]["content"] == "width=device-width, initial-scale=1"
    boxes = [box for box in page.attributes("div") if box.get("class") == "scroll"]
    assert len(boxes) == len(page.attributes("table")) > 0


@pytest.mark.parametrize("missing", ["model.json", "history.csv", "predictions.csv", "split.csv"])
def test_each_part_may_be_missing(full, missing):
    (full / missing).unlink()
    assert "80.0 %" in read(full).text


def test_metrics_alone_are_enough(bare):
    page = read(bare)
    assert "On 10 validation photos of places it has not seen" in page.text
    assert "drawn" not in page.text
    assert "The model file" not in page.text
    assert "truncated JPEG" in page.text


def test_no_distances_without_coordinates(bare):
    page = read(bare)
    assert "Distances" not in page.text
    assert "GeoGuessr" not in page.text
    assert "Which country is it? Austria" in page.text


def test_distances_beside_the_trivial_answers(cells):
    text = read(cells).text
    assert (
        "8 photos with coordinates. distance from the truth model commonest class mean point median" in text
    )
    assert "always guessing the commonest class or the mean point of the training photos" in text
    assert "median 9.88 km 211 km 133 km mean 87.7 km 222 km 122 km" in text
    assert "within 25 km 62.5 % 11.1 % 12.2 % within 200 km 87.5 % 22.2 % 33.3 %" in text
    assert "mean GeoGuessr score 4,321 1,111 2,222 right to wrong class 55.5 km – –" in text
    assert "5,000 exp(−distance / 33.3 km)" in text


def test_cells_are_named_and_placed(cells):
    page = read(cells)
    assert page.text.count("Where is it?") == 2
    assert "Which country" not in page.text
    assert (
        "the model names the right class for 80.0 % (95 % interval over places: 55.5 % to 96.6 %). Always "
        "naming the commonest class would give 50.0 %. Half of its guesses are within 9.88 km of the truth, "
        "for the 8 photos with coordinates (95 % interval over places: 3.21 km to 45.7 km). Always guessing "
        "the commonest class or the mean point would give 211 km or 133 km."
    ) in page.text
    assert "median distance error (95 % interval 3.21 km to 45.7 km) 9.88 km" in page.text
    assert "guessed within 200 km 87.5 %" in page.text
    assert "48.1234" not in page.text


def test_where_most_are_right_to_the_metre_the_mean_tells_more(cells):
    metrics = json.loads((cells / "metrics.json").read_text(encoding="utf-8"))
    metrics["geo"]["median_km"] = 0.0
    (cells / "metrics.json").write_text(json.dumps(metrics))
    text = read(cells).text
    assert (
        "On average its guesses are 87.7 km from the truth, for the 8 photos with coordinates. Always "
        "guessing the commonest class or the mean point would give 222 km or 122 km."
    ) in text
    assert "median distance error" not in text
    assert "mean distance error 87.7 km" in text


def test_a_run_without_classes(coordinates):
    page = read(coordinates)
    assert (
        "On 10 drawn validation scenes of 2 places it has not seen, half of the model's guesses are within "
        "9.88 km of the truth (95 % interval over places: 3.21 km to 45.7 km). Always guessing the mean "
        "point would give 133 km."
    ) in page.text
    assert [
        title for title in ("Where is it?", "By class", "precision", "accuracy") if title in page.text
    ] == ["Where is it?"]
    assert "Loss, mean distance in km, time in seconds. epoch loss km seconds 1 0.5 512.3 12.3" in page.text
    assert f"class training validation places {NASTY} 2 0 1 Austria 0 1 1" in page.text
    assert "truncated JPEG" in page.text


def test_in_a_city_a_narrower_circle_tells_more(coordinates):
    metrics = json.loads((coordinates / "metrics.json").read_text(encoding="utf-8"))
    metrics["geo"]["accuracy_at_km"]["200"] = 1.0
    (coordinates / "metrics.json").write_text(json.dumps(metrics))
    text = read(coordinates).text
    assert "guessed within 25 km 62.5 %" in text
    assert "guessed within 200 km" not in text


def test_figures_of_places_are_explained_in_reading_order(coordinates):
    stems = ["augmentation", "belief", "belief_7", "cells", "error_map", "errors", "losses", "history"]
    for stem in stems:
        Image.new("RGB", (20, 10)).save(coordinates / "figures" / f"{stem}.png")
    titles = [image["alt"].split(".")[0] for image in read(coordinates).attributes("img")]
    assert titles == [
        "Distance errors",
        "Map of errors",
        "Belief",
        "Belief: 7",
        "Cells",
        "Losses",
        "Training",
        "Wrong",
        "Augmentation",
        f"Examples: {NASTY}",
        "Own idea",
    ]


def test_the_neighbourhood_is_linked_where_it_lies_beside_the_page(cells):
    assert not read(cells).attributes("a")
    (cells / "neighbourhood.html").write_text("<p>")
    page = read(cells)
    assert page.attributes("a") == [{"href": "neighbourhood.html"}]
    assert "a map to explore" in page.text


def test_many_classes_open_on_demand(bare):
    names = [f"cell {i}" for i in range(60)]
    scores = METRICS["per_class"]["Austria"]
    metrics = METRICS | {"classes": names, "per_class": dict.fromkeys(names, scores)}
    (bare / "metrics.json").write_text(json.dumps(metrics | {"confusion_matrix": np.eye(60).tolist()}))
    table(bare / "split.csv", ["class", "place", "split"], [[name, "p", "training"] for name in names])
    page = read(bare)
    assert "All 60 classes" in page.text
    assert "Photos of 60 classes" in page.text
    assert "in numbers" not in page.text
    assert len(page.attributes("tr")) < 150


def test_how_to_use_is_python():
    compile(HOW_TO_USE, "report", "exec")
    assert HOW_TO_USE.count("\n") == 2


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(DataError, match=r"no metrics\.json in .*: give the folder"):
        write_report(tmp_path)
    (tmp_path / "metrics.json").write_text('{"n": ')
    with pytest.raises(DataError, match=r"metrics\.json is not a JSON object") as caught:
        write_report(tmp_path)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "report.html").exists()


def luminance(colour):
    values = [
        int(colour[1:][i * len(colour[1:]) // 3 : (i + 1) * len(colour[1:]) // 3], 16) for i in range(3)
    ]
    values = [v * 17 if len(colour) == 4 else v for v in values]
    linear = [v / 255 / 12.92 if v / 255 <= 0.04045 else ((v / 255 + 0.055) / 1.055) ** 2.4 for v in values]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_text_contrast_is_wcag_aa_in_both_schemes(bare):
    html = write_report(bare).read_text(encoding="utf-8")
    pairs = [("text", "page"), ("text", "box"), ("soft", "page"), ("soft", "box"), ("warn-text", "warn")]
    light, dark = (dict(re.findall(r"--([\w-]+): (#\w+);", block)) for block in html.split(":root {")[1:3])
    for scheme in (light, dark):
        for text, ground in pairs:
            low, high = sorted((luminance(scheme[text]), luminance(scheme[ground])))
            assert (high + 0.05) / (low + 0.05) >= 4.5, (text, ground)
