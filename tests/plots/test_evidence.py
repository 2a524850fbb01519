import numpy as np

from kangaroo.plots.examples import evidence
from kangaroo.plots.style import colours


def test_only_the_masked_pixels_are_coloured_and_each_cue_is_in_the_legend():
    photo = np.full((8, 8, 3), 120, np.uint8)
    masks = {"trees": np.zeros((8, 8), bool), "bollard": np.zeros((8, 8), bool)}
    masks["trees"][:2], masks["bollard"][5:6] = True, True
    ax = evidence(photo, masks, "drawn scene")
    shown = np.asarray(ax.images[0].get_array())
    gray = shown.max(axis=2) == shown.min(axis=2)
    assert (gray == ~(masks["trees"] | masks["bollard"])).all()
    expected = 0.35 * 120 + 0.65 * 255 * np.array(colours(2)[1])
    np.testing.assert_allclose(shown[5, 0], expected, atol=1)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["trees", "bollard"]
