import numpy as np
import pandas as pd
import pytest

from kangaroo.plots.coverage import coverage

POINTS = pd.DataFrame(
    [
        ("Austria", 47.0, 11.0, "taken"),
        ("Austria", 47.5, 11.5, "taken"),
        ("Austria", 47.1, 12.0, "no coverage"),
        ("Austria", 47.2, 12.1, "rejected"),
        ("Austria", 47.3, 12.2, "already taken"),
        ("Norway", 60.0, 10.0, "open"),
        ("Norway", 60.0, 11.0, "taken"),
    ],
    columns=["class", "lat", "lon", "outcome"],
)


def test_every_point_is_drawn_once_as_what_became_of_it():
    austria, norway = coverage(POINTS).axes
    drawn = {line.get_label(): sorted(map(tuple, line.get_xydata())) for line in austria.lines}
    assert drawn == {
        "asked, no photo, 2": [(12.0, 47.1), (12.1, 47.2)],
        "photo taken, 2": [(11.0, 47.0), (11.5, 47.5)],
        "photo already taken, 1": [(12.2, 47.3)],
    }
    assert [line.get_label() for line in norway.lines] == ["photo taken, 1", "still open, 1"]
    assert austria.get_title() == "Austria: coverage\npoints, n = 5"
    assert (austria.get_xlabel(), austria.get_ylabel()) == ("longitude (°)", "latitude (°)")
    looks = {(line.get_marker(), line.get_color()) for line in austria.lines}
    assert len(looks) == 3  # told apart by shape as well as by colour
    assert len({marker for marker, _ in looks}) == 3


def test_a_kilometre_is_as_long_in_both_directions():
    _, norway = coverage(POINTS).axes
    assert norway.get_aspect() == pytest.approx(1 / np.cos(np.radians(60)))
