"""Manifest files: what is written is read, and what can't be is named."""

import math
from pathlib import Path

import pandas as pd
import pytest

from kangaroo.data.manifest import (
    COLUMNS,
    OPTIONAL,
    check_name,
    check_records,
    complete,
    read_manifest,
    write_manifest,
)
from kangaroo.errors import DataError


@pytest.fixture
def records(make_folder) -> pd.DataFrame:
    root = make_folder("data", "A/1.jpg", "A/2.jpg", "B/3.jpg")
    return complete(
        pd.DataFrame(
            {
                "path": [f"{root}/A/1.jpg", f"{root}/A/2.jpg", f"{root}/B/3.jpg"],
                "class": ["Austria", "Austria", "Czechia"],
                "country": ["AT", "austria", "Czech Republic"],
                "lat": [47.0, None, -90],
                "lon": [11.0, None, 180],
                "heading": [0, 360, None],
                "sha256": ["x", "x", "y"],
                "width": [8, None, 8],
            }
        )
    )


def test_what_is_written_is_read(records, tmp_path):
    write_manifest(tmp_path / "m.parquet", records)
    read = read_manifest(tmp_path / "m.parquet")
    assert tuple(read) == COLUMNS
    assert read["country"].tolist() == ["Austria", "Austria", "Czechia"]
    assert read["path"].map(Path.cwd().joinpath).tolist() == records["path"].map(Path).tolist()
    assert read["lat"].tolist() == pytest.approx([47, math.nan, -90], nan_ok=True)
    assert read["width"].tolist() == [8, 0, 8]
    assert read["licence"].tolist() == [""] * 3
    write_manifest(tmp_path / "again.parquet", read)
    assert read_manifest(tmp_path / "again.parquet").equals(read)


def test_a_data_set_moves_with_its_manifest(records, tmp_path):
    write_manifest(tmp_path / "data/m.parquet", records)
    assert pd.read_parquet(tmp_path / "data/m.parquet")["path"].tolist() == ["A/1.jpg", "A/2.jpg", "B/3.jpg"]
    moved = (tmp_path / "data").rename(tmp_path / "elsewhere")
    assert read_manifest(moved / "m.parquet")["path"].tolist()[0] == (moved / "A/1.jpg").as_posix()
    write_manifest(tmp_path / "other/m.parquet", read_manifest(moved / "m.parquet"))
    assert pd.read_parquet(tmp_path / "other/m.parquet")["path"][0] == (moved / "A/1.jpg").as_posix()
    assert len(read_manifest(tmp_path / "other/m.parquet")) == 3


def test_a_relative_path_stays_where_it_is(records, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_manifest(
        Path("data/m.parquet"), records.assign(path=["data/A/1.jpg", "data/A/2.jpg", "data/B/3.jpg"])
    )
    assert read_manifest(Path("data/m.parquet"))["path"].tolist()[0] == "data/A/1.jpg"
    monkeypatch.chdir(tmp_path / "data")
    assert read_manifest(Path("m.parquet"))["path"].tolist()[0] == "A/1.jpg"


def test_links_in_the_folder_s_path_do_no_harm(records, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "data")
    paths = [file.replace("/data/", "/link/") for file in records["path"]]
    write_manifest(tmp_path / "link/m.parquet", records.assign(path=paths))
    assert len(read_manifest(tmp_path / "data/m.parquet")) == 3
    moved = (tmp_path / "data").rename(tmp_path / "moved")
    assert len(read_manifest(moved / "m.parquet")) == 3


def test_unknown_columns_go_and_optional_ones_stay(records, tmp_path):
    more = records.assign(region="r", phash="00ff", information=[1.5, None, 2], other=1)
    write_manifest(tmp_path / "m.parquet", more)
    read = read_manifest(tmp_path / "m.parquet")
    assert tuple(read) == (*COLUMNS, "region", "phash", "information")
    assert set(read) <= {*COLUMNS, *OPTIONAL}
    assert read["information"].tolist() == pytest.approx([1.5, math.nan, 2], nan_ok=True)


def test_an_empty_table_is_whole(tmp_path):
    write_manifest(tmp_path / "m.parquet", complete(pd.DataFrame()))
    read = read_manifest(tmp_path / "m.parquet")
    assert (len(read), tuple(read)) == (0, COLUMNS)
    assert read["lat"].dtype == float


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("path", "", r"row 2 \(\): has no path"),
        ("class", "", r"row 2 \(.*2.jpg\): has no class"),
        ("lat", 95, "lat 95 is not between -90 and 90 degrees"),
        ("lon", -181, "lon -181 is not between -180 and 180 degrees"),
        ("lat", 1, "has only one of lat and lon"),
        ("heading", 361, "heading 361 is not between 0 and 360 degrees"),
        ("heading", -1, "heading -1 is not between 0 and 360 degrees"),
        ("split", "train", "split 'train' is not one of training, validation, test"),
        ("country", "Atlantis", "country 'Atlantis' is unknown: use an ISO 3166 name or code"),
        ("sha256", "y", "one picture has two classes: .*2.jpg is Austria, .*3.jpg is Czechia: remove one"),
    ],
)
def test_bad_records_are_named_and_nothing_is_written(records, tmp_path, column, value, message):
    bad = records.astype({column: object})
    bad.loc[1, column] = value
    with pytest.raises(DataError, match=message) as caught:
        write_manifest(tmp_path / "m.parquet", bad)
    assert str(caught.value).startswith(f"{tmp_path}/m.parquet")
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("*m.parquet"))


@pytest.mark.parametrize("column", ["lat", "heading", "width"])
def test_a_text_for_a_number_is_named(records, tmp_path, column):
    bad = records.astype({column: object})
    bad.loc[1, column] = "north"
    with pytest.raises(DataError, match=f"2.jpg: {column} 'north' is not a number$"):
        write_manifest(tmp_path / "m.parquet", bad)
    bad.loc[1, column] = " "
    assert complete(bad)[column].notna().tolist() == [True, column == "width", column != "heading"]


def test_a_path_twice(records):
    with pytest.raises(DataError, match=r"m, row 2 \(.*1.jpg\): the path stands there twice"):
        check_records(records.assign(path=records["path"][0]), "m")


def test_a_rejected_row_may_show_another_class_s_picture(records):
    records = records.assign(sha256="x", reject_reason=["", "", "duplicate"])
    assert len(check_records(records, "m")) == 3


def test_a_photo_that_is_gone(records, tmp_path):
    write_manifest(tmp_path / "m.parquet", records)
    Path(records["path"][1]).unlink()
    with pytest.raises(DataError, match=r"row 2 \(.*2.jpg\): the photo is gone: put it back or import anew"):
        read_manifest(tmp_path / "m.parquet")
    assert len(read_manifest(tmp_path / "m.parquet", photos=False)) == 3
    write_manifest(tmp_path / "m.parquet", records.assign(reject_reason=["", "corrupt", ""]))
    assert len(read_manifest(tmp_path / "m.parquet")) == 3


def test_files_that_are_no_manifests(records, tmp_path):
    with pytest.raises(DataError, match=r"no manifest .*none.parquet: make one"):
        read_manifest(tmp_path / "none.parquet")
    (tmp_path / "x.parquet").write_bytes(b"no")
    with pytest.raises(DataError, match=r"x.parquet is no Parquet file: give a manifest"):
        read_manifest(tmp_path / "x.parquet")
    records.drop(columns="pano_id").to_parquet(tmp_path / "x.parquet")
    with pytest.raises(DataError, match="has no column 'pano_id': a manifest has path, sha256"):
        read_manifest(tmp_path / "x.parquet")
    with pytest.raises(DataError, match=r"m.csv is no name for a manifest: let it end in .parquet"):
        write_manifest(tmp_path / "m.csv", records)
    check_name(Path("m.PARQUET"))
