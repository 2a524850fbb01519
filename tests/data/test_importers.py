"""Every layout in small, in its real file formats, and what is wrong with them."""

import io
import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from kangaroo.data.importers import LAYOUTS, Settings, detect, import_photos
from kangaroo.data.manifest import read_manifest, write_manifest
from kangaroo.data.panoramas import Cut, cut
from kangaroo.errors import DataError

COORDINATES = {"report": "i,lat,lng,image_exists\n0,47.1,11.2,True\n1,47.3,11.4,True\n"}


def pixels(seed: int, width: int = 16, height: int = 12) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def picture(seed: int, width: int = 16, height: int = 12, kind: str = "JPEG", **more) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels(seed, width, height)).save(file, kind, **more)
    return file.getvalue()


def put(path: Path, data: bytes | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def run(*sources: Path, **settings) -> pd.DataFrame:
    return import_photos(sources, Settings(**settings)).records


@pytest.fixture
def report(tmp_path) -> Path:
    root = tmp_path / "images"
    for i in range(2):
        put(root / f"Austria/Tyrol/{i}.jpg", picture(i))
    put(root / "Austria/Tyrol/coordinates.csv", COORDINATES["report"])
    put(root / "Czech Republic/0.png", picture(2, kind="PNG"))
    return root


@pytest.fixture
def kaggle(tmp_path) -> Path:
    for i, country in enumerate(("Austria", "Czechia", "Czechia", "Aland", "US Virgin Islands")):
        name = f"kaggle/compressed_dataset/{country}/canvas_16299978{i}.jpg"
        put(tmp_path / name, picture(10 + i, 1536 // 16, 662 // 16))
    return tmp_path / "kaggle"


ROWS = (("AT", 47.5, 13.5), ("AT", 47.6, 13.6), ("NA", -22.5, 17.0))


@pytest.fixture
def streetview(tmp_path) -> Path:
    """Two shards: three panoramas of three colours a pixel, as the `datasets` library writes them."""
    images = [{"bytes": picture(20 + i, 200, 37), "path": None} for i in range(3)]
    for shard, part in enumerate((slice(0, 2), slice(2, 3))):
        country, lat, lon = zip(*ROWS[part], strict=True)
        table = pa.table(
            {
                "image": pa.array(images[part], pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
                "country_iso_alpha2": country,
                "latitude": lat,
                "longitude": lon,
                "address": ["somewhere"] * len(country),
            }
        )
        file = tmp_path / f"panos/data/train-0000{shard}-of-00002.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, file)
    return tmp_path / "panos"


OSV5M = """id,latitude,longitude,thumb_original_url,country,sequence,captured_at,region,city,creator_username
385,-22.56,17.08,,NA,s1,1577934245000,Khomas,Windhoek,roadroid
386,47.26,11.39,,AT,s2,1577934245999.0,Tyrol,Innsbruck,
387,47.26,11.39,,AT,s2,,Tyrol,"Inns,bruck",someone
388,1,2,,FR,s3,,,,
"""


@pytest.fixture
def osv5m(tmp_path) -> Path:
    root = tmp_path / "osv5m"
    put(root / "train.csv", OSV5M)
    put(root / "images/train/00/385.jpg", picture(30))
    with zipfile.ZipFile(root / "images/train/01.zip", "w") as file:
        file.writestr("01/386.jpg", picture(31))
        file.writestr("01/387.jpg", picture(32))
        file.writestr("01/999.jpg", picture(33))
    return root


@pytest.fixture
def pairs(tmp_path) -> Path:
    root = tmp_path / "pairs"
    values = [
        {"coordinates": [47.26, 11.39], "countryCode": "AT"},
        {"location": {"Lat": "48.2", "lng": 16.37}, "country": "austria", "captured": "2024-05-06"},
        {
            "latitude": -37.8,
            "longitude": 144.9,
            "COUNTRY": "AU",
            "panoId": "x",
            "heading": 12,
            "captured": "?",
        },
        {"lat": 1, "lon": 2},
    ]
    for i, value in enumerate(values):
        put(root / f"{i}.png", picture(40 + i, kind="PNG"))
        put(root / f"{i}.json", json.dumps(value))
    put(root / "4.png", picture(44, kind="PNG"))
    return root


@pytest.fixture
def phone(tmp_path) -> Path:
    root = tmp_path / "phone"
    exif = Image.Exif()
    exif[0x0112], exif[0x013B], exif[0x8298] = 6, "A. Photographer", "CC0"
    exif.get_ifd(0x8769).update({0x9003: "2024:05:06 07:08:09", 0x9011: "+02:00"})
    exif.get_ifd(0x8825).update({1: "S", 2: (37.0, 48.0, 36.0), 3: "E", 4: (144.0, 57.0, 36.0), 17: 271.5})
    put(root / "1.jpg", picture(50, exif=exif))
    put(root / "2.jpg", picture(51))
    put(root / "3.jpg", b"\xff\xd8\xff\xe1 not whole")
    return root


def test_every_layout_is_found_out(report, kaggle, streetview, osv5m, pairs, phone, tmp_path):
    write_manifest(tmp_path / "m.parquet", run(report))
    wanted = {
        report: "report",
        kaggle: "kaggle-50k",
        kaggle / "compressed_dataset": "kaggle-50k",
        streetview: "streetview-panoramas",
        streetview / "data": "streetview-panoramas",
        streetview / "data/train-00000-of-00002.parquet": "streetview-panoramas",
        osv5m: "osv5m",
        pairs: "json",
        phone: "exif",
        tmp_path / "m.parquet": "folders",
    }
    assert {source: detect(source) for source in wanted} == wanted
    (report / "Austria/Tyrol/coordinates.csv").unlink()
    assert detect(report) == "folders"
    put(report / "labels.csv", "file\n")
    assert detect(report) == "folders"


def test_one_spelling_of_a_country_from_all_sources(report, kaggle):
    records = run(report, kaggle)
    assert records["class"].value_counts().to_dict() == {
        "Austria": 3, "Czechia": 3, "Åland Islands": 1, "US Virgin Islands": 1
    }  # fmt: skip
    assert records["country"].tolist() == records["class"].tolist()
    assert records["source"].tolist() == ["images"] * 3 + ["kaggle-50k"] * 5
    first = records.iloc[0]
    assert (first["state"], first["lat"], first["place"]) == ("Tyrol", 47.1, "47.10000,11.20000")
    assert records[["width", "height"]].to_numpy().tolist() == [[16, 12]] * 3 + [[96, 41]] * 5
    assert records["sha256"].str.len().eq(64).all()


def test_classes_by_folder_and_by_state(report):
    assert run(report, class_by="folder")["class"].tolist() == ["Austria", "Austria", "Czech Republic"]
    by_state = run(report, class_by="state", class_name="elsewhere")
    assert by_state["class"].tolist() == ["Tyrol", "Tyrol", "elsewhere"]
    assert by_state["country"].tolist() == ["Austria", "Austria", "Czechia"]
    done = import_photos([report], Settings(class_by="state"))
    assert len(done.records) == 2
    assert done.rejected[-1].reason == "nothing says its state: give --class NAME, or another --class-by"


def test_only_classes_of_the_first_source(report, kaggle):
    done = import_photos([report, kaggle], Settings(classes_from=report))
    assert set(done.records["class"]) == {"Austria", "Czechia"}
    assert done.left_out == {"Åland Islands": 1, "US Virgin Islands": 1}
    done = import_photos([kaggle, report], Settings(classes_from=report))
    assert set(done.records["class"]) == {"Austria", "Czechia"}
    with pytest.raises(DataError, match="is not one of the sources"):
        import_photos([kaggle], Settings(classes_from=report))


def test_panoramas_whole(streetview, tmp_path):
    photos = tmp_path / "photos"
    records = run(streetview, photos=photos)
    assert records["class"].tolist() == ["Austria", "Austria", "Namibia"]
    assert records["lat"].tolist() == [47.5, 47.6, -22.5]
    assert records["pano_id"].tolist() == [
        "train-00000-of-00002-000000", "train-00000-of-00002-000001", "train-00001-of-00002-000000"
    ]  # fmt: skip
    for i, file in enumerate(records["path"]):
        assert Path(file).read_bytes() == picture(20 + i, 200, 37)
        assert Path(file).parent == photos / "panos"
    assert set(records["width"]) == {200}
    assert records["licence"].str.contains("MIT").all()


def test_panoramas_cut_into_views(streetview, tmp_path):
    how = Cut(n=3, fov=80, width=32, seed=7)
    records = run(streetview, photos=tmp_path / "photos", cut=how)
    assert len(records) == 9
    assert records["pano_id"].value_counts().tolist() == [3, 3, 3]
    assert records[["width", "height"]].drop_duplicates().to_numpy().tolist() == [[32, 18]]
    whole = np.array(Image.open(io.BytesIO(picture(20, 200, 37))))
    name = records["pano_id"][0]
    for (heading, wanted), row in zip(cut(whole, how, name), records.itertuples(), strict=False):
        assert row.heading == heading
        assert np.abs(np.array(Image.open(row.path)).astype(int) - wanted).mean() < 4  # JPEG
    assert records.groupby("pano_id")["lat"].nunique().eq(1).all()


def test_an_import_goes_on_where_it_was_killed(streetview, tmp_path):
    how = Cut(n=2, width=32)
    first = run(streetview, photos=tmp_path / "photos", cut=how)
    before = {file: os.stat(file).st_mtime_ns for file in first["path"]}
    gone, *kept = before
    Path(gone).unlink()
    assert run(streetview, photos=tmp_path / "photos", cut=how).equals(first)
    assert {file: os.stat(file).st_mtime_ns for file in kept} == {file: before[file] for file in kept}
    assert Path(gone).is_file()
    other = run(streetview, photos=tmp_path / "photos", cut=Cut(n=2, width=32, fov=70))
    assert set(other["path"]).isdisjoint(first["path"])
    assert not list(tmp_path.rglob("*.part*"))


def test_bad_pictures_of_an_archive_keep_a_row(streetview, tmp_path):
    file = streetview / "data/train-00000-of-00002.parquet"
    table = pq.read_table(file)
    images = [{"bytes": picture(20, 200, 37)[:300], "path": None}, {"bytes": None, "path": None}]
    pq.write_table(table.set_column(0, "image", pa.array(images, table.schema.field("image").type)), file)
    for how in (None, Cut(n=2, width=32)):
        records = run(streetview, photos=tmp_path / "photos", cut=how)
        assert records["reject_reason"].tolist()[:2] == ["corrupt", "corrupt"]
        assert set(records["reject_reason"][2:]) == {""}
        write_manifest(tmp_path / "m.parquet", records)
        assert len(read_manifest(tmp_path / "m.parquet")) == len(records)


def test_osv5m(osv5m, tmp_path):
    done = import_photos([osv5m], Settings(photos=tmp_path / "photos"))
    records = done.records.sort_values("pano_id").reset_index(drop=True)
    assert records["pano_id"].tolist() == ["385", "386", "387"]
    assert records["class"].tolist() == ["Namibia", "Austria", "Austria"]
    assert records["captured"].tolist() == ["2020-01-02T03:04:05Z", "2020-01-02T03:04:05Z", ""]
    assert records["attribution"].tolist() == ["roadroid, Mapillary", "Mapillary", "someone, Mapillary"]
    assert records["state"].tolist() == ["Khomas", "Tyrol", "Tyrol"]
    assert records["sequence"].tolist() == ["s1", "s2", "s2"]
    assert set(records["licence"]) == {"CC BY-SA 4.0"}
    assert [Path(file).read_bytes() for file in records["path"]] == [picture(30 + i) for i in range(3)]
    assert done.notes == (f"{osv5m}/train.csv: 1 of 4 photos are not here, and are left out",)


def test_a_damaged_member_of_a_zip_file_keeps_a_row(osv5m, tmp_path):
    archive = osv5m / "images/train/01.zip"
    put(archive, archive.read_bytes().replace(picture(31)[-40:-10], bytes(30)))
    records = run(osv5m, photos=tmp_path / "photos")
    assert dict(zip(records["pano_id"], records["reject_reason"], strict=True)) == {
        "385": "", "386": "corrupt", "387": ""
    }  # fmt: skip


def test_pictures_with_json(pairs):
    done = import_photos([pairs], Settings())
    records = done.records
    assert records["class"].tolist() == ["Austria", "Austria", "Australia"]
    assert records[["lat", "lon"]].to_numpy().tolist() == [[47.26, 11.39], [48.2, 16.37], [-37.8, 144.9]]
    assert records["captured"].tolist() == ["", "2024-05-06", ""]
    assert records.loc[2, ["pano_id", "heading"]].tolist() == ["x", 12]
    assert {Path(bad.file).name: bad.reason for bad in done.rejected} == {
        "4.png": "no 4.json beside it",
        "3.png": "nothing says its country: give --class NAME, or another --class-by",
    }
    assert run(pairs, class_name="France")["class"].tolist()[-1] == "France"


def test_exif(phone):
    records = run(phone, class_name="australia")
    assert records["class"].tolist() == ["Australia"] * 3
    first = records.iloc[0]
    assert (first["lat"], first["lon"]) == pytest.approx((-37.81, 144.96))
    assert first["heading"] == 271.5
    assert first["captured"] == "2024-05-06T07:08:09+02:00"
    assert (first["attribution"], first["licence"]) == ("A. Photographer", "CC0")
    assert (first["width"], first["height"]) == (12, 16)  # it stands upright
    assert records["lat"].isna().tolist() == [False, True, True]
    assert records["reject_reason"].tolist() == ["", "", "corrupt"]
    with pytest.raises(
        DataError, match="gives no photo with a class: nothing says its country: give --class"
    ):
        run(phone)


def test_exif_in_class_folders(phone, tmp_path):
    (tmp_path / "own/Austria").mkdir(parents=True)
    (phone / "1.jpg").rename(tmp_path / "own/Austria/1.jpg")
    records = run(tmp_path / "own", layout="exif")
    assert records.loc[0, ["class", "lat"]].tolist() == ["Austria", pytest.approx(-37.81)]


def test_unknown_countries_are_named_or_skipped(kaggle):
    (kaggle / "compressed_dataset/Aland").rename(kaggle / "compressed_dataset/Atlantis")
    with pytest.raises(
        DataError, match=r"'Atlantis' is no country \(.*/Atlantis/canvas_162999783.jpg\): corr"
    ):
        run(kaggle)
    done = import_photos([kaggle], Settings(skip_unknown=True))
    assert len(done.records) == 4
    assert done.unknown == {"Atlantis": 1}
    assert "Atlantis" in set(run(kaggle, class_by="folder")["class"])


def test_one_picture_under_two_classes(report, tmp_path):
    put(tmp_path / "more/Slovakia/9.jpg", picture(0))
    with pytest.raises(DataError, match=r"one picture has two classes: .*Austria.*Slovakia"):
        run(report, tmp_path / "more")
    put(tmp_path / "same/Austria/9.jpg", picture(0))
    assert len(run(report, tmp_path / "same")) == 4


def test_a_manifest_is_a_source(report, kaggle, tmp_path):
    write_manifest(tmp_path / "m.parquet", run(report))
    merged = run(tmp_path / "m.parquet", kaggle)
    assert merged[["class", "sha256"]].equals(run(report, kaggle)[["class", "sha256"]])
    (report / "Austria/Tyrol/0.jpg").unlink()
    with pytest.raises(DataError, match=r"row 1 \(.*0.jpg\): the photo is gone"):
        run(tmp_path / "m.parquet")


def test_sources_of_one_name_do_not_mix(streetview, tmp_path):
    (tmp_path / "other").mkdir()
    second = streetview.rename(tmp_path / "other/panos")
    third = Path(os.fspath(tmp_path / "again/panos"))
    third.parent.mkdir()
    third.symlink_to(second)
    table = second / "data/train-00001-of-00002.parquet"
    records = run(table, third / "data/train-00001-of-00002.parquet", photos=tmp_path / "p")
    assert [Path(file).parent.name for file in records["path"]] == [table.stem, f"{table.stem} (2)"]


@pytest.mark.parametrize(
    ("layout", "change", "message"),
    [
        (
            "osv5m",
            ("train.csv", "47.26", "95"),
            r"train.csv, line 3: latitude 95 is not a number from -90 to",
        ),
        ("osv5m", ("train.csv", "17.08", "x"), r"train.csv, line 2: longitude x is not a number"),
        ("osv5m", ("train.csv", "sequence", "s"), r"train.csv has no column 'sequence'"),
        ("osv5m", ("train.csv", "38", "48"), r"images holds no photo of train.csv"),
        ("osv5m", ("images/train/01.zip", None, None), r"01.zip is no whole zip file"),
        ("json", ("0.json", "47.26", "95"), r"picture .*0.png: lat 95 is not a number from -90"),
        ("json", ("2.json", "12", '"x"'), r"2.png: heading 'x' is not a number"),
        ("json", ("0.json", "}", ""), r"0.json can't be read as JSON"),
        ("json", ("0.png", None, None), r"0.json: its picture is gone"),
        ("streetview-panoramas", ("data/train-00000-of-00002.parquet", None, None), r"is no Parquet file"),
    ],
)
def test_damaged_sources_are_named(request, tmp_path, layout, change, message):
    source = request.getfixturevalue(
        {"json": "pairs", "streetview-panoramas": "streetview"}.get(layout, layout)
    )
    file, old, new = change
    if old is not None:
        put(source / file, (source / file).read_text().replace(old, new))
    elif file.endswith(".png"):
        (source / file).unlink()
    else:
        put(source / file, b"PK not whole")
    with pytest.raises(DataError, match=message) as caught:
        run(source, layout=layout, photos=tmp_path / "photos")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "photos").exists()


def test_panoramas_with_wrong_coordinates_or_without_a_column(streetview, tmp_path):
    file = streetview / "data/train-00001-of-00002.parquet"
    table = pq.read_table(file)
    pq.write_table(table.set_column(2, "latitude", pa.array([95.0])), file)
    with pytest.raises(DataError, match=r"00001-of-00002.parquet, row 1: latitude 95.0 is not a number"):
        run(streetview, photos=tmp_path / "photos")
    pq.write_table(table.drop_columns("country_iso_alpha2"), file)
    with pytest.raises(DataError, match="has no column 'country_iso_alpha2'"):
        run(streetview, photos=tmp_path / "photos")


def test_views_that_a_panorama_does_not_show(streetview, tmp_path):
    with pytest.raises(DataError, match=r"panorama train-00000-of-00002-000000: it shows 67 degrees"):
        run(streetview, photos=tmp_path / "photos", cut=Cut(aspect=1))


def test_what_is_missing_is_said(streetview, tmp_path):
    with pytest.raises(DataError, match=r"pictures lie in .*00000-of-00002.parquet: give a folder with --ph"):
        run(streetview)
    with pytest.raises(DataError, match=r"no folder .*nowhere"):
        run(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="has none of the known layouts: choose --layout report, folders"):
        run(tmp_path / "empty")
    with pytest.raises(DataError, match="no folder and no Parquet file"):
        run(put(tmp_path / "x.zip", b""))
    with pytest.raises(ValueError, match="no layout 'other'"):
        Settings(layout="other")


def test_every_layout_can_be_named():
    assert set(LAYOUTS) == {
        "report", "folders", "kaggle-50k", "streetview-panoramas", "osv5m", "json", "exif"
    }  # fmt: skip


def test_real_photos(photos):
    records = run(photos / "oceania")
    assert records["class"].value_counts().to_dict() == {"Australia": 484, "New Zealand": 32}
    assert records["reject_reason"].eq("").all()
    for row in records.iloc[::100].itertuples():
        with Image.open(row.path) as image:
            assert image.size == (row.width, row.height)
