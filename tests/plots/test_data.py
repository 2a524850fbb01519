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
