import numpy as np
import pytest
from keras import ops

from kangaroo.errors import KangarooError
from kangaroo.models import gradients
from kangaroo.models.gradients import chunks, compiled, value_and_gradient
from kangaroo.models.graph import class_scores, log_odds, logit_model


@pytest.mark.parametrize("score", [class_scores, log_odds])
def test_the_gradient_is_the_finite_difference(any_network, n_classes, inputs, score):
    logits, more = logit_model(any_network), ["logit"] if score is class_scores else []

    def function(x, classes):
        return score(logits(x, training=False), classes, *more), ()

    classes = (np.arange(5) % n_classes).astype(np.int32)
    run = compiled(value_and_gradient(function))
    _, aux, gradient = run(inputs, classes)
    assert aux == ()
    assert gradient.shape == inputs.shape
    direction = np.random.default_rng(2).normal(size=inputs.shape).astype(np.float32)
    step = 1e-3
    change = (run(inputs + step * direction, classes)[0] - run(inputs - step * direction, classes)[0]) / (
        2 * step
    )
    scale = np.linalg.norm(gradient) / np.sqrt(5)
    np.testing.assert_allclose((gradient * direction).sum(axis=(1, 2, 3)), change, atol=0.1 * scale)


def test_each_row_has_the_gradient_of_its_own_value_and_aux_comes_along():
    run = compiled(value_and_gradient(lambda x, a: (ops.sum(a * x**2, axis=1), {"half": x / 2})))
    values, aux, gradient = run(np.float32([[1, 2], [3, 4]]), np.float32([[1, 1], [10, 10]]))
    np.testing.assert_allclose(values, [5, 250])
    np.testing.assert_allclose(gradient, [[2, 4], [60, 80]])
    np.testing.assert_allclose(aux["half"], [[0.5, 1], [1.5, 2]])


def test_a_value_that_depends_on_nothing_has_a_gradient_of_zero():
    _, _, gradient = compiled(value_and_gradient(lambda x: (ops.ones((2,)), ())))(np.ones((2, 3), np.float32))
    np.testing.assert_array_equal(gradient, np.zeros((2, 3)))


def test_batches_of_any_length_share_one_graph():
    traced = []

    def function(x, factor):
        traced.append(1)
        return factor * x

    run = compiled(function)
    for n in (1, 2, 5):
        np.testing.assert_array_equal(run(np.ones((n, 2), np.float32), np.float32(3)), np.full((n, 2), 3))
    assert len(traced) == 1


def test_chunks_cover_everything_once():
    assert [(part.start, part.stop) for part in chunks(5, 2)] == [(0, 2), (2, 4), (4, 5)]
    assert list(chunks(0)) == []


def test_another_backend_is_refused_in_one_line(monkeypatch):
    monkeypatch.setattr(gradients.keras.backend, "backend", lambda: "torch")
    with pytest.raises(
        KangarooError, match=r"^no gradients with Keras's torch backend: set KERAS_BACKEND to "
    ):
        compiled(lambda x: x)
