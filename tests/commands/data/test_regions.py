import json

import geopandas
import pytest
from PIL import Image
from shapely.geometry import box

from kangaroo.cli import main
from kangaroo.collect import downloads
from kangaroo.data.manifest import read_manifest, write_manifest


@pytest.fixture
def polygons(tmp_path):
    columns = {"name": ["West", "East"], "admin": "Land", "adm1_code": ["L-1", "L-2"]}
    shapes = [box(0, 40, 10, 50), box(10, 40, 20, 50)]
    geopandas.GeoDataFrame(columns, geometry=shapes, crs="EPSG:4326").to_file(tmp_path / "r.geojson")
    return tmp_path / "r.geojson"


def folder(root, *files):
    for i, file in enumerate(files):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (i, 99, 0)).save(root / file)
    return root


@pytest.fixture
def photos(tmp_path):
    labels = "file,place,lat,lon\nA/S/1.jpg,p,45,1\nA/2.jpg,q,45,15\nB/3.jpg,r,45,21\n"
    root = folder(tmp_path / "photos", "A/S/1.jpg", "A/2.jpg", "B/3.jpg", "B/4.jpg")
    (root / "labels.csv").write_text(labels)
    return root


def run(capsys, *argv):
    code = main(["data", "regions", *map(str, argv)])
    return code, *capsys.readouterr()


def test_regions_are_written_and_the_rest_stays(capsys, photos, polygons, tmp_path):
    out = tmp_path / "m.parquet"
    code, text, _ = run(capsys, photos, "--regions", polygons, "--out", out, "--json")
    found = json.loads(text)
    assert code == 0
    farthest = found.pop("farthest_km")
    assert found == {"file": str(out), "regions": 2, "inside": 2, "nearest": 1, "no_coordinates": 1}
    assert 450 < farthest < 490  # six degrees of longitude on the 45th parallel
    records = read_manifest(out).sort_values("path")
    assert records["region"].tolist() == ["East, Land, L-2", "West, Land, L-1", "East, Land, L-2", ""]
    assert records["state"].tolist() == ["East", "S", "East", ""]
    assert records["class"].tolist() == ["A", "A", "B", "B"]


def test_regions_as_classes(capsys, photos, polygons, tmp_path):
    out = tmp_path / "m.parquet"
    code, text, _ = run(capsys, photos, "--regions", polygons, "--out", out, "--class-by-region")
    assert code == 0
    assert text.startswith("2 photos lie in 2 of 2 regions, 1 outside of all")
    records = read_manifest(out).sort_values("path")
    assert records["class"].tolist() == ["East, Land, L-2", "West, Land, L-1", "East, Land, L-2", "B"]
    assert records["reject_reason"].tolist() == ["", "", "", "no_coordinates"]


def test_natural_earth_is_fetched_by_the_collector(capsys, photos, polygons, tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "natural_earth", lambda: polygons)
    code, _, _ = run(capsys, photos, "--natural-earth", "--out", tmp_path / "m.parquet")
    assert code == 0
    assert (tmp_path / "m.parquet").exists()


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["PHOTOS", "--regions", "nowhere.gpkg"], "no file nowhere.gpkg"),
        (["BARE", "--regions", "POLYGONS"], "no photo has coordinates"),
        (["PHOTOS", "--regions", "PHOTOS/labels.csv"], "labels.csv"),
        (["PHOTOS", "--regions", "POLYGONS", "--name-column", "x"], "no column 'x'"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(capsys, photos, polygons, tmp_path, argv, message):
    given = {"PHOTOS": photos, "POLYGONS": polygons, "BARE": folder(tmp_path / "bare", "A/1.jpg")}
    given["PHOTOS/labels.csv"] = photos / "labels.csv"
    code, out, err = run(capsys, *(given.get(arg, arg) for arg in argv), "--out", tmp_path / "m.parquet")
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert message in err
    assert not (tmp_path / "m.parquet").exists()


def test_a_manifest_goes_in_and_out(capsys, photos, polygons, tmp_path):
    run(capsys, photos, "--regions", polygons, "--out", tmp_path / "a.parquet")
    write_manifest(tmp_path / "b.parquet", read_manifest(tmp_path / "a.parquet").assign(licence="CC0"))
    code, _, _ = run(capsys, tmp_path / "b.parquet", "--regions", polygons, "--out", tmp_path / "c.parquet")
    assert code == 0
    assert set(read_manifest(tmp_path / "c.parquet")["licence"]) == {"CC0"}
