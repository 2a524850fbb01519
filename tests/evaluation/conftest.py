"""Small sets of predictions."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from kangaroo.evaluation.predictions import Predictions

Make = Callable[..., Predictions]


@pytest.fixture
def make() -> Make:
    """Predictions from labels and probabilities; classes A, B, ... and one place a photo unless told."""

    def build(
        labels: Sequence[int],
        probabilities: Sequence[Sequence[float]],
        *,
        classes: str | Sequence[str] = "ABCDEFGH",
        places: Sequence[str] = (),
        lat: Sequence[float] = (),
        lon: Sequence[float] = (),
    ) -> Predictions:
        p = np.array(probabilities, dtype=np.float64)
        n, k = p.shape
        nowhere = np.full(n, np.nan)
        return Predictions(
            classes=tuple(classes[:k]),
            files=tuple(f"{i}.jpg" for i in range(n)),
            places=tuple(places) or tuple(str(i) for i in range(n)),
            labels=np.array(labels),
            probabilities=p,
            lat=np.array(lat) if lat else nowhere,
            lon=np.array(lon) if lon else nowhere,
        )

    return build


@pytest.fixture
def drawn(make: Make) -> Predictions:
    """200 random predictions over five classes, of which the last never occurs as a label."""
    rng = np.random.default_rng(7)
    return make(rng.integers(4, size=200), rng.dirichlet(np.ones(5), 200))
