"""What the model says of a photo, in words and bars; every text is escaped here."""

from collections.abc import Sequence
from html import escape

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from kangaroo.app.state import DRAWN, State
from kangaroo.errors import PhotoError
from kangaroo.pages import elements

MOST = 6
"""Classes that are listed."""


def percent(share: float) -> str:
    """A probability as people read it; never 0 or 100 %, which no model can know."""
    if share < 0.0005:
        return "under 0.1\N{NO-BREAK SPACE}%"
    if share > 0.9995:
        return "over 99.9\N{NO-BREAK SPACE}%"
    return f"{100 * share:.{0 if 0.0995 <= share < 0.995 else 1}f}\N{NO-BREAK SPACE}%"


def answer(state: State, p: ArrayLike, where: tuple[float, float] | None = None) -> str:
    """HTML: the answer, how sure it is, and what that rests on.

    ``p`` (k,) are the probabilities, none of a model of coordinates; ``where`` is its guess in degrees.
    """
    probabilities, classes = np.asarray(p, np.float64), state.classifier.classes
    parts = []
    if classes:
        best = int(probabilities.argmax())
        parts.append(
            f'<p class="answer"><strong>{escape(classes[best])}</strong> '
            f"<span>{percent(probabilities[best])}</span></p>"
        )
        parts += [line(text) for text in _sure(state, probabilities)]
        parts.append(ranking(classes, probabilities))
    if where:
        north, east = "S" if where[0] < 0 else "N", "W" if where[1] < 0 else "E"
        at = f"{abs(where[0]):.2f}° {north}, {abs(where[1]):.2f}° {east}"
        parts.append(
            line(f"Best guess of the place: {at}.")
            if classes
            else f'<p class="answer"><strong>{at}</strong></p>'
        )
    if state.drawn:
        parts.append(f'<p class="note">{escape(DRAWN)}</p>')
    return "\n".join(parts)


def ranking(classes: Sequence[str], p: ArrayLike, *, most: int = MOST) -> str:
    """HTML: the most probable classes with their bars, those of ``p`` (k,)."""
    shares = np.asarray(p, np.float64)
    rows = [
        f'<li><span class="name">{escape(classes[i])}</span><span class="share">{percent(shares[i])}</span>'
        f'<span class="bar" aria-hidden="true"><span style="width:{100 * shares[i]:.1f}%"></span></span></li>'
        for i in np.argsort(-shares, kind="stable")[:most]
    ]
    left = len(classes) - len(rows)
    rest = f'<p class="rest">and {left} more, each less probable</p>' if left > 0 else ""
    return f'<ol class="ranking">{"".join(rows)}</ol>{rest}'


def refusal(name: str, error: PhotoError | str) -> str:
    """HTML: why there is no answer, in one line."""
    return f'<p class="refused" role="alert">{escape(f"{name}: {error}" if name else str(error))}</p>'


def line(text: str) -> str:
    """HTML: a sentence."""
    return f'<p class="line">{escape(text)}</p>'


def _sure(state: State, p: np.ndarray) -> list[str]:
    """The set, the abstention, and whether the figures can be counted on."""
    calibration, classes = state.classifier.calibration, state.classifier.classes
    if calibration is None:
        return ["Not calibrated: the percentages rank the answers, but don't say how often they are right."]
    inside = calibration.sets(p[None])[0]
    names = [classes[i] for i in np.argsort(-p, kind="stable") if inside[i]]
    lines = [f"With {100 * calibration.coverage:g} % coverage: {either(names)}."]
    if calibration.abstains(p[None])[0]:
        lines.append(
            f"Too unsure to answer: only above {percent(calibration.least or 0)} confidence are at most "
            f"{100 * (calibration.risk or 0):g} % of its answers wrong."
        )
    lines.append(
        "Calibrated: of answers with such a percentage, about that share is right, on photos like those it "
        "was calibrated on."
    )
    return lines


def either(names: Sequence[str]) -> str:
    """'Austria', 'Austria or Czechia', 'Austria, Czechia or Slovakia'."""
    return " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def table(frame: pd.DataFrame) -> str:
    """HTML: one row a photo; shares as percentages."""
    heads = {"file": "photo", "prediction": "answer", "set": "may be", "abstain": "too unsure"}
    rows = [[_cell(name, value) for name, value in row.items()] for row in frame.to_dict("records")]
    return elements.table(f"{len(frame):,} photos", [heads.get(str(name), str(name)) for name in frame], rows)


def _cell(name: object, value: object) -> str:
    if name == "confidence":
        return percent(float(str(value)))
    if name == "abstain":
        return "not known" if value is None else "yes" if value else "no"
    return f"{value:.2f}" if isinstance(value, float) else str(value)
