import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from kangaroo.plots import style


def test_headline_says_what_and_how_many():
    assert style.headline("Training", "drawn scenes", 12345) == "Training\ndrawn scenes, n = 12,345"


def test_dollar_signs_and_long_names_are_drawn(tmp_path):
    ax = style.new_axes(None, 2)
    ax.set_title(style.headline("from $5 to $\\frac " + 8 * "long name ", "photos", 1))
    style.save(ax.figure, tmp_path / "a.png")
    assert np.asarray(Image.open(tmp_path / "a.png")).min() < 128


def test_axes_that_are_given_are_used():
    ax = style.new_figure(2).subplots()
    assert style.new_axes(ax, 5) is ax


@pytest.mark.parametrize(
    ("least", "most", "names"),
    [
        (95, 141, {"105", "120", "135"}),
        (30, 410, {"50", "100", "200"}),
        (12, 410, {"30", "100", "300"}),
        (1, 20_000, {"1", "10", "100", "1,000", "10,000"}),
        (0.0006, 0.01, {"0.001", "0.002", "0.005", "0.01"}),
        (0.000003, 0.0002, {"3e−06", "1e−05", "3e−05", "0.0001"}),
    ],
)
@pytest.mark.parametrize("which", ["x", "y"])
def test_labels_of_a_logarithmic_axis_are_plain_and_apart(least, most, names, which):
    ax = style.new_figure(3, 5.8).subplots(1, 2)[0]  # the narrowest, as of a search
    ax.plot([least, most], [least, most])
    style.log_axis(ax, which)
    ax.figure.draw_without_rendering()
    axis, side = (ax.xaxis, "x1") if which == "x" else (ax.yaxis, "y1")
    low, high = axis.get_view_interval()
    ticks = sorted(axis.get_major_ticks() + axis.get_minor_ticks(), key=lambda tick: tick.get_loc())
    shown = [tick.label1 for tick in ticks if low <= tick.get_loc() <= high and tick.label1.get_text()]
    assert names <= {text.get_text() for text in shown}
    boxes = [text.get_window_extent() for text in shown]
    assert all(getattr(one, side) < getattr(two, side[0] + "0") for one, two in pairwise(boxes))


def test_saving_leaves_one_file_of_the_size_asked_for(tmp_path):
    style.save(style.new_figure(2), tmp_path / "a.png")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    assert Image.open(tmp_path / "a.png").size == (780, 300)  # 5.2 x 2 inches at 150 dots


def test_no_tensorflow_and_no_window():
    modules = "data, training, classification, examples"
    program = (
        f"import sys\nfrom kangaroo.plots import {modules}, style\nstyle.new_figure(2).subplots()\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)\n"
        "import matplotlib.pyplot as plt\nassert not plt.get_fignums()"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
