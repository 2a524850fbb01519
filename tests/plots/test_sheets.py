import numpy as np
import pytest

from kangaroo.plots.sheets import contact_sheet


@pytest.mark.parametrize(("n", "columns", "rows"), [(11, 8, 2), (8, 8, 1), (1, 8, 1), (0, 8, 0), (9, 5, 2)])
def test_pictures_stand_in_rows_with_their_captions(n, columns, rows):
    pictures = [np.full((10 + i, 12, 3), i, np.uint8) for i in range(n)]
    captions = [f"photo {i}\nsharpness {i}" for i in range(n)]
    figure = contact_sheet(pictures, captions, title="blurred: the worst", columns=columns)
    assert len(figure.axes) == n
    corners = [tuple(np.round(ax.get_position(original=True).bounds[:2], 6)) for ax in figure.axes]
    assert len({bottom for _, bottom in corners}) == rows
    assert len({left for left, _ in corners}) == min(n, columns)
    assert corners == sorted(corners, key=lambda corner: (-corner[1], corner[0]))
    assert all(0 < place < 1 for corner in corners for place in corner)
    assert [ax.images[0].get_array()[0, 0, 0] for ax in figure.axes[:n]] == list(range(n))
    assert [ax.texts[0].get_text() for ax in figure.axes[:n]] == captions
    assert figure.get_suptitle() == "blurred: the worst"


def test_a_dollar_sign_is_no_formula():
    figure = contact_sheet([np.zeros((4, 4, 3), np.uint8)], ["a$b$c"], title="$1$")
    figure.canvas.draw()
    assert figure.axes[0].texts[0].get_text() == r"a\$b\$c"
