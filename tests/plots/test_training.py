import numpy as np
import pandas as pd
import pytest

from kangaroo.plots import training

HISTORY = pd.DataFrame(
    {
        "epoch": [1, 2, 3],
        "loss": [0.7, 0.4, 0.2],
        "accuracy": [0.5, 0.8, 0.9],
        "val_loss": [0.8, 0.5, 0.6],
        "val_accuracy": [0.4, 0.7, 0.6],
        "seconds": [9.0, 8.0, 8.0],
    }
)


@pytest.mark.parametrize("epochs", [1, 3])
def test_curves_are_the_history(epochs):
    history = HISTORY[:epochs]
    figure = training.history(history, 1, subject="drawn scenes", n_training=80, n_validation=20)
    for ax, metric in zip(figure.axes, ("accuracy", "loss"), strict=True):
        for line, column in zip(ax.lines, (metric, f"val_{metric}"), strict=False):
            np.testing.assert_array_equal(line.get_xydata(), history[["epoch", column]])
    figure.canvas.draw()


def test_words():
    figure = training.history(HISTORY, 2, subject="drawn scenes", n_training=1500, n_validation=20)
    upper, lower = figure.axes
    assert upper.get_title() == "Training\ndrawn scenes, n = 1,520"
    assert (upper.get_ylabel(), lower.get_ylabel()) == ("accuracy (share of photos)", "loss (nats)")
    assert {upper.get_xlabel(), lower.get_xlabel()} == {"epoch"}
    legend = [text.get_text() for text in upper.get_legend().get_texts()]
    assert legend == ["training, n = 1,500", "validation, n = 20", "kept: epoch 2"]
    assert list(upper.lines[2].get_xdata()) == [2, 2]


def test_distances_have_their_own_words():
    history = HISTORY.rename(columns={"accuracy": "km", "val_accuracy": "val_km"})
    figure = training.history(history, 2, n_training=80, n_validation=20, loss_unit="1,000 km")
    upper, lower = figure.axes
    np.testing.assert_array_equal(upper.lines[1].get_xydata(), history[["epoch", "val_km"]])
    assert (upper.get_ylabel(), lower.get_ylabel()) == ("mean distance (km)", "loss (1,000 km)")
    plain = training.history(history, 2, n_training=80, n_validation=20, loss_unit="")
    assert plain.axes[1].get_ylabel() == "loss"
