import numpy as np
import pytest

from kangaroo.plots.sheets import contact_sheet


@pytest.mark.parametrize(
    ("n", "columns", "expected"), [(11, 8, 16), (8, 8, 8), (1, 8, 4), (0, 8, 4), (9, 5, 10)]
)
def test_pictures_stand_in_rows_with_their_captions(n, columns, expected):
    pictures = [np.full((10 + i, 12, 3), i, np.uint8) for i in range(n)]
    captions = [f"photo {i}\nsharpness {i}" for i in range(n)]
    figure = contact_sheet(pictures, captions, title="blurred: the worst", columns=columns)
    assert len(figure.axes) == expected
    assert [ax.images[0].get_array()[0, 0, 0] for ax in figure.axes[:n]] == list(range(n))
    assert [ax.texts[0].get_text() for ax in figure.axes[:n]] == captions
    assert not any(ax.images for ax in figure.axes[n:])
    assert figure.get_suptitle() == "blurred: the worst"


def test_a_dollar_sign_is_no_formula():
    figure = contact_sheet([np.zeros((4, 4, 3), np.uint8)], ["a$b$c"], title="$1$")
    figure.canvas.draw()
    assert figure.axes[0].texts[0].get_text() == r"a\$b\$c"
