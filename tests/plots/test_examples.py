import numpy as np
import pandas as pd
import pytest

from kangaroo.plots import examples

PREDICTIONS = pd.DataFrame(
    {
        "label": ["Austria", "Austria", "Australia", "Australia", "Austria"],
        "prediction": ["Austria", "Australia", "Australia", "Austria", "Austria"],
        "confidence": [0.84684, 0.6, 0.95, 0.99, 0.55],
    }
)


def pictures(n):
    return [np.full((8, 8, 3), i, np.uint8) for i in range(n)]


def test_correct_and_wrong_share_out_all_rows():
    correct = examples.pick_correct(PREDICTIONS, seed=0)
    wrong = examples.pick_wrong(PREDICTIONS, seed=0)
    assert set(correct) == {0, 2, 4}
    assert set(wrong) == {1, 3}


def test_unsure_is_under_the_threshold_most_unsure_first():
    assert list(examples.pick_unsure(PREDICTIONS)) == [4, 1, 0]
    assert list(examples.pick_unsure(PREDICTIONS, 1)) == [4]
    assert list(examples.pick_unsure(PREDICTIONS, below=0.6)) == [4]


def test_the_seed_decides_and_nothing_is_drawn_twice():
    many = pd.DataFrame({"label": ["a"] * 100, "prediction": ["a"] * 100})
    first, again, other = (examples.pick_correct(many, seed=seed) for seed in (1, 1, 2))
    assert list(first) == list(again) != list(other)
    assert len(set(first)) == 9


def test_groups_are_positions_whatever_the_index():
    photos = pd.DataFrame({"state": ["b", "a", "b", "a", "a"]}, index=[10, 11, 12, 13, 14])
    groups = examples.pick_groups(photos, "state", 2, seed=0)
    assert list(groups) == ["a", "b"]
    assert set(groups["b"]) == {0, 2}
    assert len(groups["a"]) == 2
    assert set(groups["a"]) < {1, 3, 4}


def test_captions_name_label_and_prediction():
    expected = ["Austria: 84.68 %", "Austria called Australia: 60.00 %", "Australia: 95.00 %"]
    assert examples.captions(PREDICTIONS[:3]) == expected


def test_grid_shows_the_pictures_in_order():
    figure = examples.photo_grid(pictures(4), list("abcd"), "Wrong", subject="drawn scenes")
    shown = [ax for ax in figure.axes if ax.images]
    assert [int(ax.images[0].get_array()[0, 0, 0]) for ax in shown] == [0, 1, 2, 3]
    assert [ax.get_title() for ax in shown] == list("abcd")
    assert len(figure.axes) == 6
    assert figure.get_suptitle() == "Wrong\ndrawn scenes, n = 4"


def test_an_empty_grid_says_so():
    figure = examples.photo_grid([], [], "Wrong")
    assert [text.get_text() for text in figure.axes[0].texts] == ["none"]
    figure.canvas.draw()


def test_rows_carry_their_names():
    rows = {"Manawatū-Whanganui": pictures(3), "": pictures(1)}
    figure = examples.photo_rows(rows, "New Zealand", subject="drawn scenes")
    assert figure.get_suptitle() == "New Zealand\ndrawn scenes, n = 4"
    names = [text.get_text().replace("\n", "") for ax in figure.axes for text in ax.texts]
    assert names == ["Manawatū-Whanganui", "(unknown)"]
    assert [len(ax.images) for ax in figure.axes] == [1, 1, 1, 1, 0, 0]


def test_pictures_must_be_bytes():
    with pytest.raises(TypeError, match="float64"):
        examples.photo_grid([np.zeros((8, 8, 3))], ["a"], "Wrong")
