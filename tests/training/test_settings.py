from typing import Any

import pytest

from kangaroo.errors import KangarooError
from kangaroo.training import Objective, TrainConfig
from kangaroo.training.settings import defaults


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"optimizer": "lion"}, "no optimizer 'lion': choose from adam, adamw, sgd"),
        ({"schedule": "step"}, "no schedule 'step': choose from constant, cosine, exponential"),
        ({"learning_rate": 0}, "learning_rate 0 can't be: give a number above 0"),
        ({"learning_rate": float("inf")}, "learning_rate inf can't be: give a number above 0"),
        ({"head_learning_rate": float("nan")}, "head_learning_rate nan can't be: give a number above 0"),
        ({"weight_decay": -0.1}, "weight_decay -0.1 can't be: give 0 or more"),
        ({"clip_norm": float("nan")}, "clip_norm nan can't be: give 0 or more"),
        ({"warmup_epochs": -1}, "warmup_epochs -1 can't be: give 0 or more"),
        ({"averaging": 1}, "averaging 1 can't be: give 0 or more, and less than 1"),
        ({"momentum": 0.9}, "adam takes no momentum: choose the optimizer sgd, or give 0"),
        ({"final_learning_rate": 1e-6}, "a constant learning rate never gets to 1e-06: choose the schedule "),
        ({"schedule": "exponential"}, "an exponential schedule never gets to 0: give a final_learning_rate"),
        ({"head_epochs": 11}, "11 epochs of the head are more than 10 in all"),
        ({"warmup_epochs": 10}, "a warm-up of 10 epochs leaves nothing of 10: warm up less"),
        ({"warmup_epochs": 2, "head_epochs": 8}, "a warm-up of 2 epochs leaves nothing of 2: warm up less"),
    ],
)
def test_settings_that_cannot_be(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(KangarooError) as caught:
        TrainConfig(10, **changes)
    assert str(caught.value).startswith(reason)


def test_phases() -> None:
    assert [TrainConfig(4, head_epochs=2).phase(epoch) for epoch in range(4)] == [1, 1, 2, 2]
    assert [TrainConfig(2).phase(epoch) for epoch in range(2)] == [2, 2]
    assert TrainConfig(2, head_epochs=2).phase(1) == 1


def test_defaults_are_what_older_runs_did() -> None:
    found = defaults()
    assert {name: found[name] for name in ("optimizer", "schedule", "averaging")} == {
        "optimizer": "adam",
        "schedule": "constant",
        "averaging": 0,
    }
    assert found.items() >= Objective().record().items()
    assert "epochs" not in found
