"""Probabilities that mean what they say: the calibration that a model's card holds, and its use."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kangaroo.errors import ModelError

Array: TypeAlias = NDArray[np.float64]

# The least probability that a network tells from 0: of two classes, one may be 1 minus a float32.
_LEAST_OF_TWO, _LEAST = 2.0**-25, float(np.finfo(np.float32).tiny)


@dataclass(frozen=True, eq=False)
class Calibration:
    """What ``kangaroo calibrate`` found out about a model of k classes.

    ``temperature`` divides the logits. A class is in a photo's set as long as the classes more probable than
    it hold no more than its entry of ``thresholds`` (k,) together, by which the truth is in a share
    ``coverage`` of all sets; ``by_class``: in that share of the sets of every class. Photos with no more
    confidence than ``least`` get no answer, so that of those which do no more than a share ``risk`` is wrong;
    None for both: no confidence keeps such a risk.
    """

    temperature: float
    coverage: float
    thresholds: Array
    by_class: bool = False
    risk: float | None = None
    least: float | None = None

    def calibrated(self, probabilities: ArrayLike) -> Array:
        """The calibrated probabilities (n, k) of what the network says, (n, k)."""
        return tempered(probabilities, self.temperature)

    def sets(self, probabilities: ArrayLike) -> NDArray[np.bool_]:
        """Which classes are in the set of each photo, (n, k), never none, by calibrated probabilities."""
        return mass_above(probabilities) <= self.thresholds

    def abstains(self, probabilities: ArrayLike) -> NDArray[np.bool_]:
        """Which photos get no answer, (n,), by calibrated probabilities (n, k); none without ``least``."""
        least = -np.inf if self.least is None else self.least
        return np.asarray(probabilities).max(axis=1) <= least

    def to_json(self) -> dict[str, Any]:
        """What :func:`from_json` reads."""
        return {
            "temperature": self.temperature,
            "sets": {
                "method": "adaptive, by the mass above a class",
                "coverage": self.coverage,
                "by_class": self.by_class,
                "thresholds": self.thresholds.tolist(),
            },
            "abstention": None if self.least is None else {"risk": self.risk, "confidence": self.least},
        }


def from_json(values: Mapping[str, Any], k: int) -> Calibration:
    """The calibration of k classes whose ``to_json`` gave this. ModelError: none did."""
    try:
        sets, abstention = values["sets"], values["abstention"]
        thresholds = [_number("thresholds", q, 0, 1, closed=True) for q in sets["thresholds"]]
        if len(thresholds) != k:
            raise ValueError(f"{len(thresholds)} thresholds for {k} classes")
        answers = abstention and {
            "risk": _number("risk", abstention["risk"], 0, 1),
            "least": _number("confidence", abstention["confidence"], 0, 1, closed=True),
        }
        return Calibration(
            temperature=_number("temperature", values["temperature"], 0, np.inf),
            coverage=_number("coverage", sets["coverage"], 0, 1),
            thresholds=np.array(thresholds),
            by_class=bool(sets["by_class"]),
            **(answers or {}),
        )
    except (KeyError, TypeError, ValueError) as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise ModelError(
            f"the calibration of a card can't be read ({reason}): write {{}} in its place, then calibrate "
            "anew"
        ) from error


def tempered(probabilities: ArrayLike, temperature: float) -> Array:
    """Probabilities (n, k) whose logits are divided by ``temperature``: above 1 they become more even.

    Temperature scaling: Guo et al., ICML 2017 (arXiv:1706.04599). Logarithms of probabilities are logits up
    to a constant that the softmax doesn't see.
    """
    p = np.asarray(probabilities, np.float64)
    scores = np.log(np.maximum(p, _LEAST_OF_TWO if p.shape[1] == 2 else _LEAST))
    scores /= temperature
    scores -= scores.max(axis=1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=1, keepdims=True)
    return scores


def mass_above(probabilities: ArrayLike) -> Array:
    """How much probability the classes hold that are more probable than a class, (n, k) of (n, k).

    The conformal score of the adaptive sets of Romano, Sesia and Candès (arXiv:2006.02544), without the class
    itself: 0 for the most probable one, so that no set is empty, and without a random draw, so that a photo
    always has the same set. Classes of the same probability have the same mass above them.
    """
    p = np.asarray(probabilities, np.float64)
    order = np.argsort(-p, axis=1, kind="stable")
    ranked = np.take_along_axis(p, order, axis=1)
    mass = np.zeros_like(ranked)
    np.cumsum(ranked[:, :-1], axis=1, out=mass[:, 1:])
    mass[:, 1:][ranked[:, 1:] == ranked[:, :-1]] = 0  # of equal ones, the first's is the largest so far
    np.maximum.accumulate(mass, axis=1, out=mass)
    found = np.empty_like(mass)
    np.put_along_axis(found, order, np.minimum(mass, 1), axis=1)  # sums may round to more than 1
    return found


def _number(name: str, value: Any, low: float, high: float, *, closed: bool = False) -> float:
    """A number between two others, or at them if ``closed``; NaN is none."""
    if isinstance(value, int | float) and (low < value < high or (closed and value in (low, high))):
        return float(value)
    raise ValueError(f"{name} {value!r}")
