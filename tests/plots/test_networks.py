import numpy as np
import pandas as pd
import pytest

from kangaroo.plots.networks import network_map, points_map

STRETCHES = pd.DataFrame(
    [
        (10.0, 60.0, 10.0, 60.1, 11_140.0, "primary", False),
        (10.0, 60.1, 10.1, 60.1, 5_560.0, "primary", True),
        (10.0, 60.0, 10.1, 60.0, 5_570.0, "secondary", False),
    ],
    columns=["lon1", "lat1", "lon2", "lat2", "metres", "road", "tunnel"],
)
LENGTHS = {"primary": 16.7, "secondary": 5.57}


def test_every_stretch_is_drawn_under_its_class():
    (ax,) = network_map(STRETCHES, LENGTHS, "Toy, Norway", nodes=4).axes
    primary, secondary, tunnel = ax.collections
    assert [len(lines.get_segments()) for lines in (primary, secondary, tunnel)] == [2, 1, 1]
    np.testing.assert_array_equal(tunnel.get_segments()[0], [(10.0, 60.1), (10.1, 60.1)])
    assert ax.get_title() == "Toy, Norway\nnodes of the road network, n = 4"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("longitude (°)", "latitude (°)")
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend == ["primary, 17 km", "secondary, 6 km", "in a tunnel"]
    assert "OpenStreetMap" in ax.get_legend().get_title().get_text()  # which its licence asks for
    assert ax.get_aspect() == pytest.approx(2, rel=0.01)  # 1 / cos 60°


def test_points_lie_over_the_roads_of_their_country():
    points = pd.DataFrame({"lat": [60.0, 60.1], "lon": [10.05, 10.0], "country": ["Norway", "Atlantis"]})
    figure = points_map({("Norway", "Toy"): STRETCHES, ("Atlantis", "X"): STRETCHES[:1]}, points)
    atlantis, norway = figure.axes
    assert norway.get_title() == "Norway\npoints along roads, n = 1"
    np.testing.assert_array_equal(norway.lines[0].get_xydata(), [(10.05, 60.0)])
    assert [len(ax.collections[0].get_segments()) for ax in (atlantis, norway)] == [1, 3]
    figure.canvas.draw()
