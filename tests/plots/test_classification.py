import numpy as np

from kangaroo.evaluation.calibration import Reliability
from kangaroo.plots import classification, style

MATRIX = np.array([[3, 1, 0], [0, 2, 2], [0, 0, 0]])
CLASSES = ["Austria", "Manawatū-Whanganui", "none of it"]


def test_heatmap_shows_counts_and_row_percent():
    ax = classification.confusion_matrix(MATRIX, CLASSES, subject="drawn scenes")
    percent = [[75, 25, 0], [0, 50, 50], [0, 0, 0]]
    np.testing.assert_allclose(ax.collections[0].get_array().reshape(3, 3), percent)
    texts = [text.get_text() for text in ax.texts]
    assert texts == ["3\n75 %", "1\n25 %", "0\n0 %", "0\n0 %", "2\n50 %", "2\n50 %", *["0\n0 %"] * 3]
    names = [text.get_text().replace("\n", "") for text in ax.get_yticklabels()]
    assert names == CLASSES


def test_rows_are_labels():
    ax = classification.confusion_matrix(MATRIX, CLASSES, subject="drawn scenes")
    assert ax.get_title() == "Confusion matrix\ndrawn scenes, n = 8"
    assert ax.get_ylabel() == "label"
    assert ax.get_xlabel() == "prediction (number of photos, % of the row)"
    top, bottom = ax.get_ylim()
    assert top > bottom  # the first row stands at the top


def test_heatmap_goes_onto_the_axes_given():
    ax = style.new_figure(4).subplots()
    assert classification.confusion_matrix(MATRIX, CLASSES, ax=ax) is ax


def test_reliability_leaves_empty_bins_out():
    edges = np.linspace(0, 1, 6)
    count = np.array([0, 0, 1, 0, 3])
    confidence = np.array([np.nan, np.nan, 0.5, np.nan, 0.9])
    accuracy = np.array([np.nan, np.nan, 1.0, np.nan, 2 / 3])
    ece = (0.5 + 3 * (0.9 - 2 / 3)) / 4
    result = Reliability(edges, count, confidence, accuracy, ece)
    figure = classification.reliability(result, subject="drawn scenes")
    upper, lower = figure.axes
    np.testing.assert_allclose(upper.lines[1].get_xydata(), [[0.5, 1], [0.9, 2 / 3]])
    np.testing.assert_array_equal(upper.lines[0].get_xydata(), [[0, 0], [1, 1]])
    assert [bar.get_height() for bar in lower.patches] == list(count)
    np.testing.assert_allclose([bar.get_x() for bar in lower.patches], edges[:-1])
    assert upper.get_title() == "Reliability, ECE = 30.0 %\ndrawn scenes, n = 4"
    assert lower.get_xlabel() == "confidence (probability of the prediction)"
