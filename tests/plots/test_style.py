import subprocess
import sys

import numpy as np
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
