"""Seeds for the parts of a network: each its own, all from one."""

from collections.abc import Iterator
from itertools import count

import numpy as np


def derived_seeds(seed: int) -> Iterator[int]:
    """Endless seeds below 2^31 that depend on ``seed`` alone, for initializers and dropout in their order."""
    return (int(np.random.SeedSequence([seed, i]).generate_state(1)[0] >> 1) for i in count())
