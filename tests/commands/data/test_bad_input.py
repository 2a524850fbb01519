"""Every command that takes a manifest refuses the same bad input: one line, exit 2, no file left."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from kangaroo.cli import main
from kangaroo.data.manifest import COLUMNS, complete
from kangaroo.files import sha256

SQUARE = [[-180, -80], [180, -80], [180, 80], [-180, 80], [-180, -80]]
COMMANDS = {
    "import": ["import", "SOURCE", "--out", "OUT.parquet"],
    "check": ["check", "SOURCE", "--out", "OUT.parquet"],
    "regions": ["regions", "SOURCE", "--regions", "REGIONS", "--out", "OUT.parquet"],
    "balance": ["balance", "SOURCE", "--to", "uniform", "--out", "OUT.parquet"],
    "split": ["split", "SOURCE", "--out", "OUT.csv"],
    "lock": ["lock", "SOURCE", "--out", "OUT.list"],
    "show": ["show", "SOURCE", "--out", "OUT.html"],
}
ANYWHERE = pytest.mark.parametrize("command", COMMANDS)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KANGAROO_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def records(tmp_path):
    """Twelve photos of two countries, three at each of four places, 200 km and more apart."""
    rows = []
    for i in range(12):
        file = tmp_path / "photos" / f"{i:02}.jpg"
        file.parent.mkdir(exist_ok=True)
        Image.fromarray(np.random.default_rng(i).integers(0, 256, (64, 64, 3), np.uint8)).save(file)
        name, place = ("Austria", "Italy")[i // 6], i // 3
        digest = sha256(file)
        rows.append((f"photos/{file.name}", name, name, 48.0 - 2 * place, 11.0, digest, digest[:16]))
    columns = ["path", "class", "country", "lat", "lon", "sha256", "phash"]
    return complete(pd.DataFrame(rows, columns=columns))


@pytest.fixture
def refused(capsys, tmp_path):
    """Call a command with a source; gives its error, once all else is as it should be."""

    def call(command, source, out="out", flags=()):
        regions = tmp_path / "regions.geojson"
        shape = {"type": "Polygon", "coordinates": [SQUARE]}
        area = {"type": "Feature", "properties": {"name": "R"}, "geometry": shape}
        regions.write_text(json.dumps({"type": "FeatureCollection", "features": [area]}))
        given = {"SOURCE": str(source), "REGIONS": str(regions)}
        argv = [given.get(word, word.replace("OUT", str(tmp_path / out))) for word in COMMANDS[command]]
        before = files(tmp_path)
        code = main(["data", *argv, *flags])
        printed, error = capsys.readouterr()
        assert (code, printed, error.count("\n")) == (2, "", 1), error
        assert error.startswith("error: ")
        assert "Traceback" not in error
        assert files(tmp_path) == before
        return error

    return call


def files(folder):
    return sorted(path for path in folder.rglob("*") if "cache" not in path.parts)


def write(tmp_path, records):
    """As somebody else's program may have written it."""
    records.to_parquet(tmp_path / "m.parquet", index=False)
    return tmp_path / "m.parquet"


@ANYWHERE
def test_good_input_is_taken(capsys, tmp_path, records, command, refused):
    source = write(tmp_path, records)
    with pytest.raises(AssertionError):
        refused(command, source)
    assert list(tmp_path.glob("out.*"))


MISSING = [*(("split", name) for name in COLUMNS), *((command, "lat") for command in COMMANDS)]


@pytest.mark.parametrize(("command", "column"), dict.fromkeys(MISSING))
def test_missing_column(tmp_path, records, refused, command, column):
    error = refused(command, write(tmp_path, records.drop(columns=column)))
    assert f"m.parquet has no column '{column}'" in error


ROWS = {
    "unknown country": ({"country": "Atlantis"}, "country 'Atlantis' is unknown"),
    "latitude": ({"lat": 95.0}, "lat 95 is not between -90 and 90"),
    "longitude": ({"lon": -181.0}, "lon -181 is not between -180 and 180"),
    "half a coordinate": ({"lon": np.nan}, "has only one of lat and lon"),
    "heading": ({"heading": 361.0}, "heading 361"),
    "side": ({"split": "held out"}, "split 'held out' is not one of"),
    "no class": ({"class": ""}, "has no class"),
    "no path": ({"path": ""}, "has no path"),
    "gone": ({"path": "photos/gone.jpg"}, "the photo is gone"),
}


@ANYWHERE
@pytest.mark.parametrize(("change", "message"), ROWS.values(), ids=ROWS)
def test_bad_row_is_named(tmp_path, records, refused, command, change, message):
    for column, value in change.items():
        records.loc[7, column] = value
    error = refused(command, write(tmp_path, records))
    assert message in error
    assert "m.parquet, row 8 (" in error


@ANYWHERE
def test_one_photo_twice(tmp_path, records, refused, command):
    records.loc[7, "path"] = records.loc[2, "path"]
    assert "row 8 (photos/02.jpg): the path stands there twice" in refused(command, write(tmp_path, records))


@ANYWHERE
def test_two_classes_for_one_picture_names_both(tmp_path, records, refused, command):
    records.loc[7, "sha256"] = records.loc[2, "sha256"]
    error = refused(command, write(tmp_path, records))
    for part in ("one picture has two classes", "02.jpg is Austria", "07.jpg is Italy"):
        assert part in error


@ANYWHERE
@pytest.mark.parametrize("content", [b"", b"path,class\na.jpg,A\n", b"PAR1 and then nothing PAR1"])
def test_not_a_parquet_file(tmp_path, refused, command, content):
    (tmp_path / "m.parquet").write_bytes(content)
    assert "m.parquet" in refused(command, tmp_path / "m.parquet")


@ANYWHERE
@pytest.mark.parametrize("name", ["nowhere", "nowhere.parquet"])
def test_nothing_there(tmp_path, refused, command, name):
    assert name in refused(command, tmp_path / name)


@ANYWHERE
def test_empty_folder(tmp_path, refused, command):
    (tmp_path / "empty").mkdir()
    assert "empty" in refused(command, tmp_path / "empty")


@ANYWHERE
def test_manifest_without_a_row(tmp_path, records, refused, command):
    assert "photo" in refused(command, write(tmp_path, records[:0]))


@ANYWHERE
@pytest.mark.parametrize("folder", ["m.parquet", "photos/00.jpg"])
def test_output_below_a_file(tmp_path, records, refused, command, folder):
    source = write(tmp_path, records)
    assert Path(folder).name in refused(command, source, out=f"{folder}/out")


@ANYWHERE
def test_output_is_a_folder(tmp_path, records, refused, command):
    suffix = Path(COMMANDS[command][-1]).suffix
    (tmp_path / f"out{suffix}").mkdir()
    assert f"out{suffix}" in refused(command, write(tmp_path, records))


@pytest.mark.parametrize("command", ["import", "check", "regions", "balance", "show"])
def test_output_of_another_kind(tmp_path, records, refused, command):
    flags = ["--out", str(tmp_path / "out.txt")]  # the last one counts
    assert "out.txt" in refused(command, write(tmp_path, records), flags=flags)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--total", "13"], "13"),
        (["--to", "TARGET", "--total", "12"], "12"),
        (["--minimum", "7"], "7"),
        (["--total", "0"], "0"),
        (["--slack", "0.5"], "0.5"),
        (["--to", "nowhere.csv"], "nowhere.csv"),
    ],
)
def test_balance_asks_for_more_than_there_is(tmp_path, records, refused, flags, message):
    (tmp_path / "target.csv").write_text("class,share\nAustria,0.9\nItaly,0.1\n")
    flags = [str(tmp_path / "target.csv") if flag == "TARGET" else flag for flag in flags]
    assert message in refused("balance", write(tmp_path, records), flags=flags)


def test_balance_to_classes_that_are_not_there(tmp_path, records, refused):
    (tmp_path / "target.csv").write_text("class,share\nAtlantis,1\n")
    error = refused("balance", write(tmp_path, records), flags=["--to", str(tmp_path / "target.csv")])
    assert "of the target" in error


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--validation", "1.5"], "1.5"),
        (["--validation", "0.6", "--test", "0.5"], "0.5"),
        (["--min-gap-km", "5000"], "Austria"),
    ],
)
def test_split_asks_for_more_than_there_is(tmp_path, records, refused, flags, message):
    assert message in refused("split", write(tmp_path, records), flags=flags)


@pytest.mark.parametrize(
    ("command", "flag", "name"),
    [
        ("split", "--manifest", "more.txt"),
        ("split", "--manifest", "photos/00.jpg/more.parquet"),
        ("balance", "--figure", "more.txt"),
        ("balance", "--figure", "photos/00.jpg/more.png"),
        ("check", "--sheets", "photos/00.jpg/more"),
    ],
)
def test_second_output_that_cannot_be_written_leaves_no_first(
    tmp_path, records, refused, command, flag, name
):
    error = refused(command, write(tmp_path, records), flags=[flag, str(tmp_path / name)])
    assert "more.txt" in error or "00.jpg" in error


TYPES = {
    "degrees as words": ("lat", "north"),
    "headings as words": ("heading", "north"),
    "pixels as words": ("width", "wide"),
    "endless degrees": ("lat", "inf"),
}


@pytest.mark.parametrize(("column", "value"), TYPES.values(), ids=TYPES)
def test_values_of_another_type(tmp_path, records, refused, column, value):
    records[column] = records[column].astype(object).astype(str)
    records.loc[7, column] = value
    error = refused("show", write(tmp_path, records))
    assert f"{column} {value!r}" in error or f"{column} {value}" in error
    assert "07.jpg" in error
