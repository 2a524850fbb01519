from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from kangaroo.plots import data

NAN = float("nan")
PHOTOS = pd.DataFrame(
    [
        ("a", "Austria", "Tyrol", "1", 47.0, 11.0),
        ("b", "Austria", "Vienna", "2", 48.0, 16.0),
        ("c", "Austria", "Vienna", "2", 48.0, 16.0),
        ("d", "Croatia", "", "3", NAN, NAN),
        ("e", "Croatia", "", "3", NAN, NAN),
    ],
    columns=["file", "class", "state", "place", "lat", "lon"],
)
LOCATIONS = pd.DataFrame(
    [
        ("Austria", "Tyrol", 47.0, 11.0, True),
        ("Austria", "Vienna", 48.0, 16.0, True),
        ("Austria", "Styria", 47.0, 15.0, False),
        ("Croatia", "", NAN, NAN, True),
    ],
    columns=["class", "state", "lat", "lon", "has_photo"],
)
NO_LOCATIONS = LOCATIONS[:0]


def widths(container):
    return [bar.get_width() for bar in container]


def test_bars_are_the_counts():
    figure = data.photos_by_state(PHOTOS, LOCATIONS, subject="drawn scenes")
    austria, rest = figure.axes
    assert [text.get_text() for text in austria.get_yticklabels()] == ["Vienna", "Tyrol", "Styria"]
    photos, missing = austria.containers
    assert widths(photos) == [2, 1, 0]
    assert widths(missing) == [0, 0, 1]
    assert [bar.get_x() for bar in missing] == widths(photos)  # stacked
    assert [widths(container) for container in rest.containers] == [[2], [1]]  # photos, places
    assert austria.get_title() == "Austria\ndrawn scenes, n = 3"
    assert rest.get_title() == "By class\ndrawn scenes, n = 2"
    assert austria.get_xlabel() == rest.get_xlabel() == "number"
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["photos", "locations without a photo", "places"]


@pytest.mark.parametrize("classes", [["Austria"], ["Croatia"]])
def test_bars_without_locations_and_with_one_kind_of_class(classes):
    figure = data.photos_by_state(PHOTOS[PHOTOS["class"].isin(classes)], NO_LOCATIONS)
    assert len(figure.axes) == 1
    figure.canvas.draw()


def test_a_photo_without_a_state_among_others_is_not_lost():
    photos = pd.concat([PHOTOS[:3], PHOTOS[3:].assign(**{"class": "Austria"})])
    (ax,) = data.photos_by_state(photos, NO_LOCATIONS).axes
    assert sum(widths(ax.containers[0])) == 5
    assert "(state unknown)" in [text.get_text() for text in ax.get_yticklabels()]


def test_sixteen_long_names_do_not_overlap():
    states = [f"Australian Capital Territory {i}" for i in range(16)]
    photos = pd.DataFrame({"file": states, "class": "Australia", "state": states, "place": states})
    figure = data.photos_by_state(photos, NO_LOCATIONS)
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in figure.axes[0].get_yticklabels()]
    assert all(low.y1 <= high.y0 + 1 for high, low in pairwise(boxes))
    assert min(box.x0 for box in boxes) >= 0


def test_map_draws_every_location_once():
    (ax,) = data.locations_map(LOCATIONS, subject="drawn scenes").axes
    drawn = np.concatenate([line.get_xydata() for line in ax.lines])
    assert sorted(map(tuple, drawn)) == [(11, 47), (15, 47), (16, 48)]
    assert ax.get_title() == "Austria\nlocations of drawn scenes, n = 3"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("longitude (°)", "latitude (°)")
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend == ["Tyrol, 1", "Vienna, 1", "without a photo, 1"]


def test_a_kilometre_is_as_long_in_both_directions():
    at_60_degrees = LOCATIONS[:2].assign(lat=60.0)
    (ax,) = data.locations_map(at_60_degrees).axes
    assert ax.get_aspect() == pytest.approx(2)  # 1 / cos 60°


def test_many_states_share_one_colour():
    many = pd.DataFrame(
        {
            "class": "New Zealand",
            "state": [f"s{i}" for i in range(16)],
            "lat": -40.0,
            "lon": np.arange(16.0),
            "has_photo": True,
        }
    )
    (ax,) = data.locations_map(many).axes
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["with a photo, 16"]


def test_no_coordinates_no_map():
    assert data.locations_map(LOCATIONS[3:]) is None
    assert data.locations_map(NO_LOCATIONS) is None


def counts(number):
    return pd.DataFrame(
        {"training": np.arange(number, 0, -1) * 10, "test": 3}, [f"c{i}" for i in range(number)]
    )


def test_forty_names_have_a_bar_each_and_stacked_sides_add_up():
    figure = data.counts_bars(counts(40), what="class")
    (ax,) = figure.axes
    training, test = ax.containers
    assert widths(training) == list(range(400, 0, -10))
    assert [bar.get_x() for bar in test] == widths(training)
    assert [text.get_text() for text in ax.texts][:2] == ["403", "393"]
    assert ax.get_title() == "By class\nphotos, n = 8,320"  # 10 * 40 * 41 / 2 + 40 * 3
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["training", "test"]


def test_the_last_bar_of_many_names_is_the_average_of_the_others():
    (ax,) = data.counts_bars(counts(250), what="class", subject="drawn scenes").axes
    *sides, others = ax.containers
    assert [len(side) for side in sides] == [39, 39]
    assert widths(others) == [pytest.approx(1063)]  # the mean of 10 * (1 to 211), and 3
    assert ax.texts[-1].get_text() == "1,063 (211 others, 224,293 in all)"
    assert ax.get_ylabel() == "class"


def test_names_of_forty_bars_do_not_overlap():
    figure = data.counts_bars(
        counts(250).rename(lambda name: f"South Georgia and so on {name}"), what="class"
    )
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in figure.axes[0].get_yticklabels()]
    assert len(boxes) == 40
    assert all(low.y1 <= high.y0 + 1 for high, low in pairwise(boxes))


def points(lat, lon, name="A"):
    return pd.DataFrame({"class": name, "lat": lat, "lon": lon})


def test_a_map_of_few_classes_shows_every_photo_as_a_point_of_its_class():
    photos = pd.concat([points([50.0, 70.0], [10.0, 20.0]), points([60.0], [15.0], "B")])
    figure = data.photo_map(photos)
    (ax,) = figure.axes
    first, second = ax.lines
    assert sorted(map(tuple, first.get_xydata())) == [(10, 50), (20, 70)]
    assert list(map(tuple, second.get_xydata())) == [(15, 60)]
    assert first.get_marker() != second.get_marker()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["A, 2", "B, 1"]
    assert ax.get_aspect() == pytest.approx(2)  # 1 / cos 60°
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("longitude (°)", "latitude (°)")


def test_a_map_across_the_antimeridian_is_in_one_piece():
    (ax,) = data.photo_map(points([-17.0, -18.0, -44.0], [179.0, -179.0, -176.0])).axes
    assert sorted(ax.lines[0].get_xdata()) == [179, 181, 184]
    assert [ax.xaxis.get_major_formatter()(lon, 0) for lon in (170, 180, 190)] == ["170", "180", "−170"]


@pytest.mark.parametrize("lon", [[-179.0, 0.0, 179.0], [-170.0, -10.0, 100.0], [5.0, 6.0, 7.0]])
def test_other_maps_are_cut_there(lon):
    (ax,) = data.photo_map(points([0.0, 1.0, 2.0], lon)).axes
    assert list(ax.lines[0].get_xdata()) == lon


def test_of_many_photos_and_of_many_classes_a_map_shows_how_many_there_are():
    rng = np.random.default_rng(0)
    lat, lon = rng.uniform(-60, 60, data.DENSE + 1), rng.uniform(-180, 180, data.DENSE + 1)
    for photos in (points(lat, lon), points(lat[:11], lon[:11], [str(i) for i in range(11)])):
        figure = data.photo_map(photos)
        figure.canvas.draw()
        ax, bar = figure.axes
        assert not ax.lines
        assert ax.collections[0].get_array().sum() == len(photos)
        assert bar.get_xlabel() == "photos in a cell"


def test_a_map_of_one_photo_can_be_drawn():
    figure = data.photo_map(points([90.0], [0.0]))
    figure.canvas.draw()
    assert list(map(tuple, figure.axes[0].lines[0].get_xydata())) == [(0, 90)]


def test_years_and_headings():
    (ax,) = data.photos_by_year({2009: 3, 2012: 5}).axes
    assert [(bar.get_x() + bar.get_width() / 2, bar.get_height()) for bar in ax.patches] == [
        (pytest.approx(2009), 3),
        (pytest.approx(2012), 5),
    ]
    assert ax.get_title() == "By year\nphotos whose date is known, n = 8"
    (ax,) = data.photos_by_heading([4, 0, 1, 0, 2, 0, 0, 0]).axes
    found = {round(bar.get_x() + bar.get_width() / 2): bar.get_height() for bar in ax.patches}
    assert {heading: n for heading, n in found.items() if n} == {0: 4, 90: 1, 180: 2}
    ticks = dict(zip(ax.get_xticks(), [text.get_text() for text in ax.get_xticklabels()], strict=True))
    assert (ticks[0], ticks[90], ticks[180], ticks[270]) == ("N", "E", "S", "W")
