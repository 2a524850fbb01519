import numpy as np
import pandas as pd
import pytest

from kangaroo.plots import search

NAN = float("nan")
TRIALS = pd.DataFrame(
    {
        "trial": [1, 2, 3, 4, 5],
        "state": ["finished", "pruned", "finished", "failed", "finished"],
        "value": [0.5, NAN, 0.8, NAN, 0.6],
        "best": [0.5, 0.5, 0.8, 0.8, 0.8],
        "rate": [1e-4, 1e-3, 1e-2, 1e-5, 2e-3],
        "size": ["16", "128", "128", "32", "16"],
        "alpha": [0.0, 1.0, 2.5, 5.0, 3.0],
    }
)
DONE = TRIALS[TRIALS["value"].notna()].assign(is_best=[False, True, False])
ABOUT = {"subject": "finished trials on drawn scenes", "n": 3}


def test_values_and_the_best_so_far_are_those_of_the_table():
    ax = search.history(TRIALS, "accuracy (share of photos)", **ABOUT)
    lines = {line.get_label(): line for line in ax.lines}
    np.testing.assert_array_equal(lines["finished"].get_ydata(), TRIALS["value"])
    np.testing.assert_array_equal(lines["best so far"].get_ydata(), TRIALS["best"])
    assert (list(lines["pruned"].get_xdata()), list(lines["failed"].get_xdata())) == ([2], [4])
    assert ax.get_title() == "Trials\nfinished trials on drawn scenes, n = 3"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("trial", "accuracy (share of photos)")
    ax.figure.canvas.draw()


def test_a_search_without_lost_trials_names_none():
    ax = search.history(DONE, "km", subject="trials", n=3)
    assert [line.get_label() for line in ax.lines] == ["finished", "best so far"]


def test_importances_are_bars_in_per_cent_the_largest_on_top():
    ax = search.importances({"alpha": 0.2, "rate": 0.7, "size": 0.1}, **ABOUT)
    assert [bar.get_width() for bar in ax.patches] == pytest.approx([10, 20, 70])
    assert [text.get_text() for text in ax.get_yticklabels()] == ["size", "alpha", "rate"]
    assert [text.get_text() for text in ax.texts] == ["10 %", "20 %", "70 %"]
    ax.figure.canvas.draw()


def test_each_setting_has_a_panel_as_it_was_searched():
    scales = {"rate": "log", "size": "choice", "alpha": "linear"}
    figure = search.slices(DONE, scales, "accuracy", **ABOUT)
    figure.canvas.draw()
    rate, size, alpha = figure.axes
    assert [ax.get_xlabel() for ax in figure.axes] == ["rate", "size", "alpha"]
    assert (rate.get_xscale(), alpha.get_xscale()) == ("log", "linear")
    assert [text.get_text() for text in size.get_xticklabels()] == ["16", "128"]  # by number, not by letter
    expected = {"rate": [1e-4, 1e-2, 2e-3], "size": [0, 1, 0], "alpha": [0.0, 2.5, 3.0]}
    for ax in figure.axes:
        points, best = ax.collections
        where = expected[ax.get_xlabel()]
        np.testing.assert_allclose(points.get_offsets(), np.column_stack([where, [0.5, 0.8, 0.6]]))
        np.testing.assert_allclose(best.get_offsets(), [[where[1], 0.8]])


def test_words_that_are_no_numbers_come_last():
    done = DONE.assign(size=["none", "2", "10"])
    (ax,) = search.slices(done, {"size": "choice"}, "accuracy", **ABOUT).axes
    assert [text.get_text() for text in ax.get_xticklabels()] == ["2", "10", "none"]
