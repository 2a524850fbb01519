import numpy as np
import pytest

from kangaroo.data.augmentation import PRESETS, Augmentation
from kangaroo.plots.augmentation import preview


def test_a_row_a_photo_first_as_it_is():
    photos = [np.full((8, 8, 3), 10 * i, np.uint8) for i in range(3)]
    changed = [[photo + 1, photo + 2] for photo in photos]
    figure = preview(photos, changed, Augmentation(rotation=5), subject="drawn scenes")
    shown = [int(ax.images[0].get_array()[0, 0, 0]) for ax in figure.axes]
    assert shown == [0, 1, 2, 10, 11, 12, 20, 21, 22]
    assert [ax.get_title() for ax in figure.axes[:3]] == ["as it is", "in training", ""]
    assert figure.get_suptitle() == "Pictures as training sees them\ndrawn scenes, n = 3\nrotation 5°"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("none", "nothing changes"),
        ("cnn-plays-geoguessr", "flip 0.5, crop 0.08 to 1, rotation 5°"),
        ("london", "perspective 0.3, perspective probability 0.4, brightness 0.2, saturation 0.05, hue 0.1"),
    ],
)
def test_the_title_says_what_is_on(name, words):
    photo = np.zeros((4, 4, 3), np.uint8)
    title = preview([photo], [[photo]], PRESETS[name]).get_suptitle()
    assert title.split("\n", 2)[2].replace("\n", " ") == words
