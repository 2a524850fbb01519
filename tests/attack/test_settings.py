import math
from typing import Any

import pytest

from kangaroo.attack.settings import CHOICES, EPSILONS, AttackConfig, check_epsilons
from kangaroo.errors import KangarooError


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"method": "magic"}, "no method 'magic': choose from signed-gradient, iterative, pgd"),
        ({"norm": "l1"}, "no norm 'l1'"),
        ({"space": "lab"}, "no space 'lab'"),
        ({"through": "loss"}, "no through 'loss'"),
        ({"steps": 0}, "0 steps are no attack: give 1 or more"),
        ({"step_size": 0.0}, "a step of size 0.0 leads nowhere"),
        ({"step_size": math.nan}, "a step of size nan leads nowhere"),
        ({"seed": -1}, "seed -1 is below 0"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(given: dict[str, Any], message: str) -> None:
    with pytest.raises(KangarooError) as caught:
        AttackConfig(**given)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("epsilons", [[], [0, -1], [math.nan], [math.inf]])
def test_epsilons_are_sizes(epsilons: list[float]) -> None:
    with pytest.raises(KangarooError, match="epsilon"):
        check_epsilons(epsilons)


def test_ten_steps_reach_the_border_from_any_start() -> None:
    assert 10 * AttackConfig(steps=10).step(4.0) == pytest.approx(2.5 * 4.0)
    assert AttackConfig(step_size=0.3).step(4.0) == 0.3


def test_every_space_and_norm_has_epsilons_of_its_own_that_begin_with_none() -> None:
    assert set(EPSILONS) == {(space, norm) for space in CHOICES["space"] for norm in CHOICES["norm"]}
    for epsilons in EPSILONS.values():
        check_epsilons(epsilons)
        assert epsilons[0] == 0
    assert EPSILONS["standardized", "linf"] == (0, 0.001, 0.01, 0.1, 1)
