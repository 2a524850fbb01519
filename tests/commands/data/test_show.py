import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from kangaroo.cli import main
from kangaroo.data.manifest import write_manifest

NASTY = "<b>&Ö"


def noise(path, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 60, 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def folder(tmp_path):
    """A folder of two classes, 20 photos each."""
    for i in range(40):
        noise(tmp_path / "photos" / ("Austria", NASTY)[i % 2] / f"{i}.jpg", i)
    return tmp_path / "photos"


def manifest(path, photos, **columns):
    files = sorted(photos.rglob("*.jpg"))
    records = pd.DataFrame({"path": [str(file) for file in files], "class": [f.parent.name for f in files]})
    write_manifest(path, records.assign(**columns))
    return path


def show(capsys, *argv):
    code = main(["data", "show", *map(str, argv)])
    out, err = capsys.readouterr()
    return code, out, err


class Page(HTMLParser):
    """The pictures, tags and visible text of a page."""

    def __init__(self, path):
        super().__init__()
        self.images, self.tags, self.texts = [], set(), []
        self.feed(path.read_text(encoding="utf-8"))
        self.text = re.sub(r"\s+", " ", " ".join(self.texts))

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        if tag == "img":
            self.images.append(dict(attributes))

    def handle_data(self, data):
        self.texts.append(data)


def test_json_is_the_counts(capsys, folder):
    (folder / "Austria" / "note.txt").write_text("no photo")
    code, out, err = show(capsys, folder, "--json")
    counts = json.loads(out)
    assert code == 0
    assert (counts["photos"], counts["places"], counts["drawn"], counts["located"]) == (40, 40, 0, 0)
    assert counts["classes"] == {NASTY: 20, "Austria": 20}
    assert sum(counts["rejected"].values()) == 1
    assert "note.txt" in err


def test_without_a_page_the_counts_are_lines(capsys, folder):
    code, out, _ = show(capsys, folder)
    assert code == 0
    assert out.splitlines() == [
        "photos: 40; classes: 2; places: 40; with coordinates: 0",
        f"{NASTY} 20, Austria 20",
    ]


def test_page_of_a_manifest(capsys, folder, tmp_path):
    columns = {
        "state": "Tyrol",
        "lat": 47.0,
        "lon": np.linspace(10, 12, 40),
        "source": "Mapillary",
        "licence": "CC BY-SA 4.0",
        "attribution": f"Eva {NASTY}",
        "captured": "2019-05-01",
        "heading": 90.0,
        "split": ["training"] * 30 + ["test"] * 10,
        "reject_reason": ["dark"] * 3 + [""] * 37,
    }
    file = manifest(tmp_path / "m.parquet", folder, **columns)
    code, out, _ = show(capsys, file, "--out", tmp_path / "m.html")
    page = Page(tmp_path / "m.html")
    assert code == 0
    assert out.splitlines()[-3:] == ["test: 10 photos", "rejected: dark: 3", f"page: {tmp_path / 'm.html'}"]
    assert not {"b>&Ö", "script", "link", "iframe"} & page.tags
    assert all(image["src"].startswith("data:image/") for image in page.images)
    figures = [image for image in page.images if image["src"].startswith("data:image/png")]
    assert [image["alt"].split(".")[0] for image in figures] == [
        "Photos by class",
        "Where the photos were taken",
        "Photos by state",
        "Photos by year of capture",
        "Photos by direction of view",
    ]
    assert len(page.images) - len(figures) == 24  # 12 photos of each class
    for text in (
        "37 photos of 2 classes, at 37 places. 3 more were rejected",
        f"class training test in all states Austria 10 10 20 1 {NASTY} 17 0 17 1",
        f"Eva {NASTY}, CC BY-SA 4.0",  # beside each photo
        "Mapillary (CC BY-SA 4.0) 37 2 37",
        "dark 3",
        "11.jpg dark",
    ):
        assert text in page.text, text


def test_nothing_known_is_left_out(capsys, folder, tmp_path):
    show(capsys, folder, "--out", tmp_path / "page.html")
    page = Page(tmp_path / "page.html")
    figures = [image["alt"] for image in page.images if image["src"].startswith("data:image/png")]
    assert [figure.split(".")[0] for figure in figures] == ["Photos by class"]
    assert "photos (licence unknown) 40 2 0" in page.text
    assert "drawn" not in page.text
    html = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert not re.search("https?:|url\\(", html)


def test_the_seed_chooses_the_photos(capsys, folder, tmp_path):
    pages = []
    for seed in (0, 0, 1):
        show(capsys, folder, "--out", tmp_path / "page.html", "--seed", seed)
        pages.append((tmp_path / "page.html").read_bytes())
    assert pages[0] == pages[1]
    assert pages[0] != pages[2]


def test_drawn_scenes_are_marked(capsys, tmp_path):
    main(
        [
            "scenes",
            "--out",
            str(tmp_path / "s"),
            "--n",
            "20",
            "--size",
            "48",
            "--classes",
            "Austria",
            "Australia",
        ]
    )
    capsys.readouterr()
    _, out, _ = show(capsys, tmp_path / "s", "--out", tmp_path / "s.html")
    page = Page(tmp_path / "s.html")
    assert "drawn scenes: 20" in out
    assert "drawn scenes, not photos" in page.text
    assert "20 drawn scenes of 2 classes" in page.text


def test_drawn_scenes_beside_photos_are_marked(capsys, folder, tmp_path):
    file = manifest(tmp_path / "m.parquet", folder, source=["drawn scenes"] * 20 + ["Mapillary"] * 20)
    show(capsys, file, "--out", tmp_path / "m.html")
    page = Page(tmp_path / "m.html")
    assert "partly drawn scenes" in page.text
    assert "40 photos and drawn scenes" in page.text
    assert "Not every source has every class" in page.text


def test_a_photo_that_cannot_be_decoded_is_named_and_left_out(capsys, folder, tmp_path):
    bad = sorted(folder.rglob("*.jpg"))[0]
    bad.write_bytes(bad.read_bytes()[:500])
    for other in sorted(bad.parent.glob("*.jpg"))[5:]:
        other.unlink()
    code, _, err = show(capsys, folder, "--out", tmp_path / "page.html")
    page = Page(tmp_path / "page.html")
    assert code == 0
    assert err == f"rejected: {bad}: truncated or damaged\n"
    assert f"{bad} truncated or damaged" in page.text
    assert len([image for image in page.images if "jpeg" in image["src"]]) == 4 + 12


def test_all_photos_rejected(capsys, folder, tmp_path):
    file = manifest(tmp_path / "m.parquet", folder, reject_reason="dark")
    code, _, _ = show(capsys, file, "--out", tmp_path / "m.html")
    page = Page(tmp_path / "m.html")
    assert code == 0
    assert "Without a usable photo: <b>&Ö, Austria." in page.text
    assert not page.images


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["nowhere", "--out", "OUT/p.html"], "no folder nowhere"),
        (["PHOTOS", "--out", "OUT/p.parquet"], "p.parquet is no name for a page"),
        (["NONE", "--out", "OUT/p.html"], "none.parquet: give folders or manifests"),
        (["PHOTOS", "--out", "PHOTOS/Austria/0.jpg/p.html"], "0.jpg: File exists"),
    ],
)
def test_bad_input(capsys, folder, tmp_path, argv, message):
    write_manifest(tmp_path / "none.parquet", pd.DataFrame({"path": [], "class": []}))
    given = {"PHOTOS": str(folder), "OUT": str(tmp_path), "NONE": str(tmp_path / "none.parquet")}
    code, out, err = show(capsys, *(re.sub("PHOTOS|OUT|NONE", lambda m: given[m[0]], arg) for arg in argv))
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert message in err
    assert not list(tmp_path.glob("p.*"))


@pytest.mark.parametrize(("classes", "limit"), [(8, 5e6), (250, 15e6)])
def test_pages_stay_small(capsys, tmp_path, classes, limit):
    """Noise is the worst that JPEG can be given."""
    files = [noise(tmp_path / "photos" / f"{i}.jpg", i) for i in range(12)]
    Path(tmp_path / "links").mkdir()
    rows = []
    for i in range(12 * classes):
        link = tmp_path / "links" / f"{i}.jpg"
        link.symlink_to(files[i % 12])
        rows.append(
            (str(link), f"class {i // 12}", "a state of some length", i % 90, i % 180, "2020", i % 360)
        )
    names = ["path", "class", "state", "lat", "lon", "captured", "heading"]
    write_manifest(tmp_path / "m.parquet", pd.DataFrame(rows, columns=names))
    code, _, err = show(capsys, tmp_path / "m.parquet", "--out", tmp_path / "m.html")
    assert (code, err) == (0, "")
    assert (tmp_path / "m.html").stat().st_size < limit
    pictures = [image for image in Page(tmp_path / "m.html").images if "jpeg" in image["src"]]
    assert len(pictures) == {8: 8 * 12, 250: 250 * 4}[classes]


def test_real_photos(capsys, photos, tmp_path):
    code, out, err = show(capsys, *sorted(photos.iterdir()), "--json", "--out", tmp_path / "p.html")
    assert (code, err) == (0, "")
    counts = json.loads(out)
    assert counts["photos"] == 4931
    assert counts["classes"]["New Zealand"] == 32
    assert counts["located"] == 584 + 484 + 32
    assert (tmp_path / "p.html").stat().st_size < 5e6


@pytest.mark.slow
def test_a_hundred_thousand_photos_in_twenty_seconds(tmp_path):
    file = noise(tmp_path / "0.jpg", 0)
    (tmp_path / "links").mkdir()
    rng, n = np.random.default_rng(0), 100_000
    for i in range(n):
        (tmp_path / "links" / f"{i}.jpg").symlink_to(file)
    records = pd.DataFrame(
        {
            "path": [f"{tmp_path}/links/{i}.jpg" for i in range(n)],
            "class": rng.integers(0, 250, n).astype(str),
            "lat": rng.uniform(-80, 80, n),
            "lon": rng.uniform(-180, 180, n),
        }
    )
    write_manifest(tmp_path / "m.parquet", records)
    before = os.times()
    call = [sys.executable, "-m", "kangaroo", "data", "show", "m.parquet", "--out", "m.html"]
    subprocess.run(call, cwd=tmp_path, check=True, capture_output=True)
    after = os.times()  # of the processor: other work on the machine does not count
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    assert spent < 20
