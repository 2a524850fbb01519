import pandas as pd
import pytest

from kangaroo.plots.baselines import accuracies


def summary(*samplings):
    rows = [
        {
            "sampling": sampling,
            "model": f"model {i}",
            "size": 256,
            "n_training": 5000,
            "n_validation": 1250,
            "training_mean": 0.9,
            "training_min": 0.9 + 1e-16,
            "training_max": 0.9,
            "validation_mean": 0.6 - 0.1 * (sampling != "a"),
            "validation_min": 0.5,
            "validation_max": 0.7,
            "draws": 5,
            "not_converged": 2 * (i == 1 and sampling == "b"),
        }
        for sampling in samplings
        for i in range(3)
    ]
    return pd.DataFrame(rows)


@pytest.fixture
def figure():
    figure = accuracies(summary("a", "b"), {"a": "one", "b": "two"}, 0.5, n=6250, subject="drawn scenes")
    figure.canvas.draw()
    return figure


def test_each_sampling_has_a_panel_with_its_bars_and_the_chance_line(figure):
    assert [ax.get_title() for ax in figure.axes] == ["one", "two"]
    for ax, validation in zip(figure.axes, (0.6, 0.5), strict=True):
        assert sorted(bar.get_width() for bar in ax.patches) == pytest.approx(3 * [validation] + 3 * [0.9])
        assert any(list(line.get_xdata()) == [0.5, 0.5] for line in ax.get_lines())


def test_samples_are_counted_and_the_scenes_are_named(figure):
    assert figure.get_suptitle() == "Classical models\ndrawn scenes, n = 6,250"
    names = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert names[0] == "model 0, 256 px\nn = 5,000 and 1,250"


def test_what_did_not_converge_is_marked_where_it_happened(figure):
    assert [[text.get_text() for text in ax.texts] for ax in figure.axes] == [[], ["2 of 5 not converged"]]
