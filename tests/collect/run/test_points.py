import pytest

from kangaroo.collect.run.points import Point, read_points
from kangaroo.errors import DataError
from kangaroo.geo.countries import STATES, find


def write(tmp_path, *rows, head="lat,lon,country,state"):
    path = tmp_path / "points.csv"
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return path


def test_points_are_numbered_in_all_and_within_their_state(tmp_path):
    rows = [
        "47.2,11.3,Austria,Tyrol",
        "48.2,16.4,Austria,Vienna",
        "47.1,11.0,Austria,Tyrol",
        "-9,-60,Brazil,",
    ]
    points = read_points(write(tmp_path, *rows))
    assert [(point.id, point.index, point.state) for point in points] == [
        (0, 0, "Tyrol"), (1, 0, "Vienna"), (2, 1, "Tyrol"), (3, 0, "")
    ]  # fmt: skip
    assert points[0] == Point(0, 0, "Austria", "Tyrol", 47.2, 11.3)
    assert points[0].folder.as_posix() == "Austria/Tyrol"
    assert points[3].folder.as_posix() == "Brazil"


def test_columns_may_stand_in_any_order_and_names_are_composed(tmp_path):
    path = write(tmp_path, "x,Zilina\u030c,Slovakia,19.1,49.1", head="note,state,country,lon,lat")
    (point,) = read_points(path)
    assert point.state == "Zilin\u01ce"
    assert (point.lat, point.lon) == (49.1, 19.1)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("-33.9,151.2,Austria,", "is outside Austria"),
        ("11.3,47.2,Austria,Tyrol", "look swapped"),
        ("147,-32,Australia,Victoria", "latitude 147 is beyond 90: latitude and longitude look swapped"),
        ("12.5,41.9,Italy,", "look swapped"),
        ("95,200,Austria,", "no place on Earth"),
        ("x,11,Austria,", "line 2: lat 'x' is not a number"),
        ("nan,11,Austria,", "lat 'nan' is not a number"),
        ("47,11,,", "no country"),
        ("47,11,../..,", "can't be the name of a folder"),
        ("47,11,.rejected,", "can't be the name of a folder"),
    ],
)
def test_bad_points_are_one_line_that_names_them(tmp_path, row, message):
    with pytest.raises(DataError, match=message) as caught:
        read_points(write(tmp_path, row))
    assert "points.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_how_many_points_are_outside_is_said(tmp_path):
    rows = ["47.2,11.3,Austria,Tyrol", "0,0,Austria,Tyrol", "1,1,Austria,Tyrol"]
    with pytest.raises(DataError, match=r"point 2 \(0, 0\) is outside Austria, as are 1 more"):
        read_points(write(tmp_path, *rows))
    assert len(read_points(write(tmp_path, *rows), anywhere=True)) == 3


def test_a_state_that_the_country_does_not_have(tmp_path):
    known, unknown = "47.2,11.3,Austria,Tyrol", "47.3,11.3,Austria,Atlantis"
    with pytest.raises(DataError, match="no state 'Atlantis': choose among Burgenland, Carinthia"):
        read_points(write(tmp_path, known, unknown))
    assert read_points(write(tmp_path, known, unknown), anywhere=True)[1].state == "Atlantis"
    assert read_points(write(tmp_path, unknown))[0].state == "Atlantis"  # all names are one's own


def test_a_file_that_is_no_table_of_points(tmp_path):
    with pytest.raises(DataError, match="no column 'country'"):
        read_points(write(tmp_path, head="lat,lon"))
    with pytest.raises(DataError, match="holds no points"):
        read_points(write(tmp_path))
    with pytest.raises(DataError, match="No such file"):
        read_points(tmp_path / "nowhere.csv")


# Extreme points of the countries, from their atlases: all of them must be let in.
EXTREMES = {
    "Austria": [(49.02, 15.02), (46.37, 14.57), (47.27, 9.53), (48.0, 17.16)],
    "Australia": [(-10.69, 142.53), (-43.64, 146.83), (-26.15, 113.16), (-28.64, 153.64), (-31.53, 159.08)],
    "New Zealand": [(-34.39, 173.0), (-47.29, 167.5), (-37.69, 178.55), (-45.8, 166.5)],
    "Norway": [(71.18, 25.78), (57.96, 7.05), (70.39, 31.16)],
    "United Kingdom": [(60.85, -0.9), (49.87, -6.45)],
    "Greece": [(41.75, 26.3), (34.8, 24.1), (36.15, 29.6)],
    "Italy": [(47.09, 12.18), (35.49, 12.6), (40.1, 18.52)],
}


@pytest.mark.parametrize("country", EXTREMES)
def test_every_corner_of_a_country_is_in_it(tmp_path, country):
    rows = [f"{lat},{lon},{country}," for lat, lon in EXTREMES[country]]
    assert len(read_points(write(tmp_path, *rows))) == len(rows)


@pytest.mark.parametrize(
    "country", [*STATES, "Croatia", "Greece", "Hungary", "Italy", "Norway", "United Kingdom"]
)
def test_swapped_coordinates_are_seen_in_every_country_of_the_reports(tmp_path, country):
    home = find(country)
    with pytest.raises(DataError, match="swapped"):
        read_points(write(tmp_path, f"{home.lon},{home.lat},{country},"))


# Kaliningrad and the Diomede Islands, Christmas Island and Tarawa, Hawaii and Attu: beyond any disc.
@pytest.mark.parametrize(
    "row",
    [
        "54.7,20.5,Russia,",
        "65.8,-169.0,Russia,",
        "1.9,-157.4,Kiribati,",
        "1.4,173.0,Kiribati,",
        "19.6,-155.5,United States,",
        "52.9,172.9,United States,",
        "1,2,Atlantis,",
    ],
)
def test_points_of_other_countries_are_taken_as_they_are(tmp_path, row):
    assert len(read_points(write(tmp_path, row))) == 1


def test_all_states_are_in_their_country(tmp_path):
    rows = [f"{s.lat},{s.lon},{country},{s.name}" for country, states in STATES.items() for s in states]
    assert len(read_points(write(tmp_path, *rows))) == len(rows)
