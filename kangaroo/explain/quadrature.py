"""Where along a path to take gradients, and what each counts: plain numbers, no network.

A rule has nodes (positions from 0 to 1) and weights that sum to 1.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kangaroo.explain.settings import Rule

Floats = NDArray[np.float64]

_NARROWEST = 1e-6
"""Segments are not split below this width: in float32 their ends would no longer differ."""


def uniform(rule: Rule, steps: int) -> tuple[Floats, Floats]:
    """Nodes and weights of a rule with ``steps`` steps; 'trapezoid' has one node more than steps.

    The report's rule is 'trapezoid' with 50 steps.
    """
    match rule:
        case "left":
            return np.arange(steps) / steps, np.full(steps, 1 / steps)
        case "midpoint":
            return (np.arange(steps) + 0.5) / steps, np.full(steps, 1 / steps)
        case "trapezoid":
            nodes = np.linspace(0, 1, steps + 1)
            return nodes, trapezoid_weights(nodes)
        case "gauss-legendre":
            points, weights = np.polynomial.legendre.leggauss(steps)
            return (points + 1) / 2, weights / 2
    raise ValueError(f"{rule!r} is no rule with fixed nodes")


def trapezoid_weights(nodes: Sequence[float] | Floats) -> Floats:
    """Weights of the trapezoid rule on increasing ``nodes``: half the width of the segments on both sides."""
    widths = np.diff(nodes)
    weights = np.zeros(len(nodes))
    weights[:-1] += widths / 2
    weights[1:] += widths / 2
    return weights


def segment_errors(nodes: Floats, scores: Floats, slopes: Floats) -> Floats:
    """What the trapezoid rule makes of each segment's change of the score, less the true change.

    ``scores`` and ``slopes`` (derivatives along the path) at the nodes, all (n,); gives (n - 1,). The sum is
    the completeness gap, signed.
    """
    return np.diff(nodes) * (slopes[:-1] + slopes[1:]) / 2 - np.diff(scores)


def split_worst(nodes: Floats, scores: Floats, slopes: Floats) -> float | None:
    """The middle of the segment of the largest error, or None where it is too narrow to be split."""
    worst = int(np.abs(segment_errors(nodes, scores, slopes)).argmax())
    low, high = nodes[worst], nodes[worst + 1]
    return None if high - low < _NARROWEST else float((low + high) / 2)
