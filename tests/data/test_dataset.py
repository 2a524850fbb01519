"""Folders and manifests as one data set."""

from pathlib import Path

import pandas as pd
import pytest

from kangaroo.data.dataset import (
    DRAWN,
    folder_records,
    read_dataset,
    read_records,
    source_classes,
    with_places,
)
from kangaroo.data.folders import read_folders
from kangaroo.data.manifest import COLUMNS, complete, write_manifest
from kangaroo.errors import DataError


@pytest.fixture
def folder(make_folder) -> Path:
    labels = "file,place,lat,lon\nAustria/1.jpg,,47,11\nAustria/2.jpg,p,,\n"
    return make_folder("own", "Austria/1.jpg", "Austria/2.jpg", "Narnia/x/3.jpg", "4.gif", labels=labels)


@pytest.fixture
def manifest(make_folder, tmp_path) -> Path:
    root = make_folder("listed", "1.jpg", "2.jpg", "3.jpg")
    records = pd.DataFrame(
        {
            "path": [f"{root}/{i}.jpg" for i in (1, 2, 3)],
            "class": ["Austria", "Czechia", "Austria"],
            "country": ["AT", "CZ", "AT"],
            "state": ["Tyrol", "", ""],
            "lat": [47, None, None],
            "lon": [11, None, None],
            "source": "elsewhere",
            "reject_reason": ["", "", "dark"],
        }
    )
    write_manifest(tmp_path / "m.parquet", complete(records))
    return tmp_path / "m.parquet"


def test_records_of_folders_and_manifests(folder, manifest):
    (folder / "Austria/bad.gif").touch()
    records, rejected = read_records([folder, manifest])
    assert tuple(records) == COLUMNS
    assert records["class"].tolist() == ["Austria", "Austria", "Narnia", "Austria", "Czechia", "Austria"]
    assert records["country"].tolist() == ["Austria", "Austria", "", "Austria", "Czechia", "Austria"]
    assert records["source"].tolist() == ["own"] * 3 + ["elsewhere"] * 3
    assert records["place"].tolist()[:3] == ["47.00000,11.00000", "p", "Narnia/x/3.jpg"]
    assert records["reject_reason"].tolist()[-1] == "dark"
    assert [Path(bad.file).name for bad in rejected] == ["bad.gif"]
    with pytest.raises(DataError, match="the path stands there twice"):
        read_records([folder, folder])


def test_photos_of_a_manifest_must_be_there(manifest, tmp_path):
    (tmp_path / "listed/2.jpg").unlink()
    with pytest.raises(DataError, match=r"m.parquet, row 2 .*gone"):
        read_records([manifest])
    assert len(read_records([manifest], photos=False)[0]) == 3


def test_what_a_collection_knows_of_its_photos(folder):
    table = "file,source,licence,attribution,captured,pano_id,heading,width,height,lat\n"
    table += "Austria/1.jpg,mapillary,CC BY-SA 4.0,somebody,2024-05,abc,12.5,640,480,1\n"
    (folder / "manifest.csv").write_text(table)
    records = folder_records(folder, read_folders([folder]))
    first, second = records.iloc[0], records.iloc[1]
    assert first[["source", "licence", "attribution", "captured", "pano_id"]].tolist() == [
        "mapillary", "CC BY-SA 4.0", "somebody", "2024-05", "abc"
    ]  # fmt: skip
    assert first[["heading", "width", "height", "lat"]].tolist() == [12.5, 640, 480, 47]
    assert second[["source", "licence", "width"]].tolist() == ["own", "", 0]
    (folder / "manifest.csv").write_text("photo\n")
    with pytest.raises(DataError, match=r"manifest.csv is not the table of a collection"):
        read_records([folder])


def test_drawn_scenes_say_so(folder, manifest, tmp_path):
    (folder / "scenes.json").write_text("{}")
    records, _ = read_records([folder])
    assert set(records["source"]) == {DRAWN}
    write_manifest(tmp_path / "drawn.parquet", records)
    assert read_dataset([tmp_path / "drawn.parquet"]).drawn
    with pytest.raises(DataError, match="drawn scenes beside photos: give either, not both"):
        read_dataset([manifest, folder])


def test_the_data_set_of_an_experiment(folder, manifest):
    both = read_dataset([manifest, folder])
    assert both.classes == ("Austria", "Czechia", "Narnia")
    assert both.counts == {"Austria": 3, "Czechia": 1, "Narnia": 1}
    assert not both.drawn
    spots = both.photos.loc[both.photos["lat"] == 47, "place"]  # one in the folder, one in the manifest
    assert spots.tolist() == ["47.00000,11.00000"] * 2
    assert read_dataset([folder]).photos.equals(read_folders([folder]).photos)
    chosen = read_dataset([manifest, folder], ["Narnia", "Czechia"])
    assert chosen.classes == ("Narnia", "Czechia")
    assert chosen.counts == {"Narnia": 1, "Czechia": 1}
    with pytest.raises(DataError, match="no class 'Atlantis'"):
        read_dataset([manifest, folder], ["Atlantis"])


def test_classes_of_sources(folder, manifest):
    assert source_classes([folder, manifest]) == ["Austria", "Czechia", "Narnia"]
    assert source_classes([manifest]) == ["Austria", "Czechia"]


def test_places_of_photos_without():
    table = {"path": ["a", "b", "c"], "place": ["", "p", ""], "lat": [1, 1, None], "lon": [2, 2, None]}
    assert with_places(complete(pd.DataFrame(table)))["place"].tolist() == ["1.00000,2.00000", "p", "c"]
