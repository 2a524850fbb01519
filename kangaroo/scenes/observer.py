"""The ideal observer: who knows the profiles and sees every cue rightly. A model can hardly do better.

Cues are drawn independently given the country, so Bayes' rule is a product over the cues that are visible.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from kangaroo.scenes.profiles import SHOWN, chances, styles


def posterior(cues: Mapping[str, str], countries: Sequence[str]) -> NDArray[np.float64]:
    """Probability of each country (equal priors), given the visible cues (cue -> style)."""
    likelihood = np.array(
        [
            np.prod([chances(country, cue).get(style, 0.0) for cue, style in cues.items()])
            for country in countries
        ]
    )
    return likelihood / likelihood.sum()


def expected_accuracy(countries: Sequence[str]) -> float:
    """Accuracy that the ideal observer reaches on average over scenes of these countries, exactly.

    Sums the largest joint probability over every combination of styles, an absent cue being one more style
    that is equally likely everywhere. It takes every drawn cue as visible, so it is an upper bound where
    cars or trees hide one.
    """
    joint = np.full((len(countries), 1), 1 / len(countries))
    for cue, shown in SHOWN.items():
        likelihood = np.array(
            [[chances(country, cue).get(style, 0.0) for style in styles(cue)] for country in countries]
        )
        likelihood = np.hstack([shown * likelihood, np.full((len(countries), 1), 1 - shown)])
        joint = (joint[:, :, None] * likelihood[:, None, :]).reshape(len(countries), -1)
        joint = joint[:, joint.any(axis=0)]
    return float(joint.max(axis=0).sum())
