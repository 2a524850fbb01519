import numpy as np
import pytest

from kangaroo.explain.quadrature import segment_errors, split_worst, trapezoid_weights, uniform


@pytest.mark.parametrize(
    ("rule", "degree"), [("left", 0), ("midpoint", 1), ("trapezoid", 1), ("gauss-legendre", 15)]
)
def test_rules_integrate_polynomials_of_their_degree_exactly(rule, degree):
    nodes, weights = uniform(rule, 8)
    assert weights.sum() == pytest.approx(1)
    assert weights @ nodes**degree == pytest.approx(1 / (degree + 1))
    assert weights @ nodes ** (degree + 1) != pytest.approx(1 / (degree + 2), rel=1e-9)


def test_the_reports_rule_is_the_mean_of_neighbouring_gradients():
    values = np.random.default_rng(0).normal(size=51)
    nodes, weights = uniform("trapezoid", 50)
    np.testing.assert_allclose(nodes, np.arange(51) / 50)
    assert weights @ values == pytest.approx(np.mean((values[:-1] + values[1:]) / 2))


def test_trapezoid_weights_of_uneven_nodes_by_hand():
    np.testing.assert_allclose(trapezoid_weights([0, 0.5, 0.6, 1]), [0.25, 0.3, 0.25, 0.2])


def test_errors_of_segments_by_hand():
    """A score that rises by 1 up to 0.5, and is flat from there on: only the segment of the kink is wrong."""
    nodes = np.array([0, 0.25, 0.75, 1])
    scores, slopes = np.minimum(2 * nodes, 1), np.where(nodes < 0.5, 2.0, 0.0)
    np.testing.assert_allclose(segment_errors(nodes, scores, slopes), [0, 0.5 * 1 - 0.5, 0])
    nodes = np.array([0, 0.25, 0.65, 1])
    scores, slopes = np.minimum(2 * nodes, 1), np.where(nodes < 0.5, 2.0, 0.0)
    np.testing.assert_allclose(segment_errors(nodes, scores, slopes), [0, 0.4 - 0.5, 0], atol=1e-12)
    assert split_worst(nodes, scores, slopes) == pytest.approx(0.45)


def test_a_segment_as_narrow_as_rounding_is_not_split():
    nodes = np.array([0.5, 0.5 + 5e-7])
    assert split_worst(nodes, np.array([0.0, 1.0]), np.zeros(2)) is None


def test_an_unknown_rule_is_refused():
    with pytest.raises(ValueError, match="'simpson' is no rule"):
        uniform("simpson", 3)
