import numpy as np
import pandas as pd
import pytest

from kangaroo.plots import imagenet

PHOTOS = pd.DataFrame(
    {
        "label": ["alp, mountain", "dam", "alp, mountain", "valley", "dam", "alp, mountain"],
        "confidence": [0.2, 0.9, 0.8, 0.5, 0.95, 0.8],
    },
    index=range(10, 16),
)


def test_the_commonest_come_first_and_ties_go_by_name():
    assert imagenet.commonest(PHOTOS) == ["alp, mountain", "dam", "valley"]
    assert imagenet.commonest(PHOTOS[1:4], 2) == ["alp, mountain", "dam"]


def test_confident_rows_are_positions_most_confident_first():
    rows = imagenet.pick_confident(PHOTOS, ["dam", "alp, mountain"], 2)
    assert {name: list(found) for name, found in rows.items()} == {"dam": [4, 1], "alp, mountain": [2, 5]}


def test_shares_have_a_bar_for_each_class_and_no_synonyms():
    shares = pd.DataFrame({"Austria": [0.5, 0.25], "Australia": [0.0, 0.125]}, index=["alp, mountain", "dam"])
    figure = imagenet.label_shares(shares, {"Austria": 8, "Australia": 16}, subject="drawn scenes")
    (ax,) = figure.axes
    assert [bar.get_width() for bar in ax.patches] == pytest.approx([50, 25, 0, 12.5])
    assert [text.get_text() for text in ax.get_yticklabels()] == ["alp", "dam"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "Austria, n = 8",
        "Australia, n = 16",
    ]
    assert ax.get_title() == "The 2 commonest ImageNet labels\ndrawn scenes, n = 24"


def test_rows_of_photos_carry_label_class_and_confidence():
    pictures = [(np.full((8, 8, 3), i, np.uint8), f"Austria {i} %") for i in range(3)]
    figure = imagenet.confident_photos({"alp, mountain": pictures, "dam": pictures[:1]}, n=40)
    figure.canvas.draw()
    shown = [ax for ax in figure.axes if ax.images]
    assert [ax.get_title() for ax in shown] == ["Austria 0 %", "Austria 1 %", "Austria 2 %", "Austria 0 %"]
    assert [text.get_text() for ax in figure.axes for text in ax.texts] == ["alp", "dam"]
    assert figure.get_suptitle() == "Most confident photos of each label\nphotos, n = 40"
