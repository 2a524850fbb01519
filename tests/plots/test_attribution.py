import numpy as np
import pandas as pd

from kangaroo.explain.display import Explained
from kangaroo.plots.attribution import explained, gaps, overlay, path, side_by_side

PHOTO = np.full((8, 8, 3), 100, np.uint8)


def signed() -> Explained:
    supports, against = np.zeros((2, 8, 8))
    supports[0, 0] = against[7, 7] = 1
    return Explained(PHOTO, supports, against, "photo")


def test_blue_speaks_for_and_orange_against():
    shown = overlay(signed()).astype(int)
    assert shown[0, 0, 2] > shown[0, 0, 0]
    assert shown[7, 7, 0] > shown[7, 7, 2]
    np.testing.assert_array_equal(shown[4, 4], [130, 130, 130])


def test_one_photo_is_a_square_and_two_stand_side_by_side():
    one, two = explained([signed()], "title", name="Austria"), explained([signed(), signed()], "title")
    assert [ax.get_title().replace("\n", " ") for ax in one.axes] == [
        "photo",
        "for Austria (blue), against (orange)",
        "as far as it speaks for Austria",
        "as far as it speaks against",
    ]
    assert len(two.axes) == 8


def test_maps_without_a_sign_have_no_against():
    figure = explained([Explained(PHOTO, np.ones((8, 8)), None)], "title")
    assert [ax.get_title() for ax in figure.axes] == [
        "photo",
        "for the class (blue)",
        "as far as it speaks for\nthe class",
    ]


def test_methods_stand_beside_the_photo():
    figure = side_by_side([[signed(), signed()]] * 3, "Methods", subject="drawn scenes")
    assert len(figure.axes) == 9
    assert figure.get_suptitle() == "Methods\ndrawn scenes, n = 3"


def test_the_path_shows_its_scores():
    nodes = np.linspace(0, 1, 11)
    figure = path([PHOTO] * 4, nodes, nodes**2, "title", ylabel="probability of Austria")
    assert [ax.get_title() for ax in figure.axes[:4]] == ["0%", "33%", "67%", "100%"]
    np.testing.assert_allclose(figure.axes[4].lines[0].get_ydata(), nodes**2)


def test_gaps_are_medians_by_setting():
    rows = [(rule, n, photo, n, gap * (photo + 1)) for rule in ("midpoint", "adaptive")
            for n, gap in ((10, 0.1), (20, 0.05)) for photo in range(3)]  # fmt: skip
    table = pd.DataFrame(rows, columns=["rule", "setting", "photo", "evaluations", "gap"])
    ax = gaps(table, 0.01, subject="photos")
    np.testing.assert_allclose(ax.lines[0].get_xdata(), [10, 20])
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [20, 10])
    assert ax.get_title().endswith("photos, n = 3")
