from itertools import pairwise

import pandas as pd

from kangaroo.plots.balance import before_and_after

TABLE = pd.DataFrame(
    {"source": [60, 1000, 8], "kept": [60, 250, 0]},
    index=pd.Index(["Austria", "Chile", "A$b$c"], name="class"),
)


def test_dots_are_the_counts_the_largest_class_first():
    figure = before_and_after(TABLE, subject="drawn scenes")
    figure.canvas.draw()
    (ax,) = figure.axes
    lines, before, after, gone = ax.collections
    assert before.get_offsets().tolist() == [[1000, 0], [60, 1], [8, 2]]
    assert after.get_offsets().tolist() == [[250, 0], [60, 1]]
    assert gone.get_offsets().tolist() == [[8, 2]]
    assert [segment[:, 0].tolist() for segment in lines.get_segments()] == [[250, 1000], [60, 60]]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["Chile", "Austria", r"A\$b\$c"]
    assert ax.get_title() == "Before and after balancing\ndrawn scenes, n = 1,068"
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["before, 1,068", "after, 310 in 2 classes", "dropped, 8 in 1 classes"]


def test_250_classes_can_be_read():
    many = pd.DataFrame(
        {"source": range(1, 251), "kept": range(1, 251)}, index=[f"country {i}" for i in range(250)]
    )
    figure = before_and_after(many)
    figure.canvas.draw()
    labels = figure.axes[0].get_yticklabels()
    boxes = [text.get_window_extent() for text in labels]
    assert all(low.y1 <= high.y0 + 1 for high, low in pairwise(boxes))
