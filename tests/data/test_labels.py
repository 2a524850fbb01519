import math
import re

import pytest

from kangaroo.data.labels import Label, read_coordinates, read_labels
from kangaroo.errors import DataError


def test_labels_with_extra_columns_blank_cells_and_a_byte_order_mark(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text(
        "\ufefffile,heading,country,place,lat,lon\n./A/1.jpg,90,A,x 1,-41.5,174\nA/2.jpg,,,,,\nA/3.jpg\n"
        '"A/a, b.jpg",0,NA,NA,nan,0\n',
        encoding="utf-8",
    )
    labels = read_labels(path)
    assert labels["A/1.jpg"] == Label("x 1", -41.5, 174)
    assert [labels[file].place for file in labels] == ["x 1", "", "", "NA"]
    assert math.isnan(labels["A/2.jpg"].lat)
    assert math.isnan(labels["A/a, b.jpg"].lat)
    assert labels["A/a, b.jpg"].lon == 0


def test_only_the_column_file_is_needed(tmp_path):
    (tmp_path / "labels.csv").write_text("file\nA/1.jpg\n")
    assert list(read_labels(tmp_path / "labels.csv")) == ["A/1.jpg"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "has no column 'file'"),
        (b"name,lat\n", "has no column 'file': its first line is 'name,lat'"),
        (b"file;lat;lon\n", "its first line is 'file;lat;lon'"),
        (b"file,lat,lon\na.jpg,1,2\nb.jpg,north,2\n", "line 3: lat 'north' is not a number from -90 to 90"),
        (b"file,lat,lon\na.jpg,90.5,2\n", "line 2: lat '90.5'"),
        (b"file,lat,lon\na.jpg,inf,2\n", "line 2: lat 'inf'"),
        (b"file,lat,lon\na.jpg,5,-181\n", "line 2: lon '-181' is not a number from -180 to 180"),
        (b"file,lat\n ,5\n", "line 2: no file is named"),
        (b"file,lat\na.jpg,5\na.jpg,5\n", "line 3: 'a.jpg' is listed twice"),
        (b"file\nNieder\xf6sterreich.jpg\n", "can't be read as CSV in UTF-8"),
    ],
)
def test_malformed_labels_name_the_file_and_the_line(tmp_path, text, message):
    path = tmp_path / "labels.csv"
    path.write_bytes(text)
    with pytest.raises(DataError, match=re.escape(message)) as raised:
        read_labels(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_coordinates_as_the_report_writes_them(tmp_path):
    path = tmp_path / "coordinates.csv"
    path.write_text(",i,lat,lng,image_exists\n0,0,48.1,16.3,True\n1,1.0,48.2,16.4,False\n2,7,,,1\n")
    asked = read_coordinates(path)
    assert list(asked) == ["0", "1", "7"]
    assert [row.image_exists for row in asked.values()] == [True, False, True]
    assert asked["1"].label == Label("", 48.2, 16.4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("i,lat\n", "has no column 'lng'"),
        ("i,lat,lng\nx,1,2\n", "line 2: i 'x' is not a whole number"),
        ("i,lat,lng\n1.7,1,2\n", "line 2: i '1.7'"),
        ("i,lat,lng\n01,1,2\n1,1,2\n", "line 3: i '1' is listed twice"),
    ],
)
def test_malformed_coordinates(tmp_path, text, message):
    (tmp_path / "coordinates.csv").write_text(text)
    with pytest.raises(DataError, match=re.escape(message)):
        read_coordinates(tmp_path / "coordinates.csv")
