import json
from typing import Any

import keras
import numpy as np
import pytest

from kangaroo.attack import gradient
from kangaroo.attack.gradient import Attack, Judged
from kangaroo.attack.robustness import Robustness, sweep
from kangaroo.attack.settings import CHOICES, AttackConfig
from kangaroo.errors import DataError, KangarooError
from kangaroo.models.classifier import probabilities


def eager(function: Any, *, tensors: bool = False) -> Any:
    """In place of compiled: every call runs the Python code."""
    return lambda *arrays: keras.tree.map_structure(
        np.asarray, function(*map(keras.ops.convert_to_tensor, arrays))
    )


@pytest.mark.parametrize("space", CHOICES["space"])
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_epsilon_zero_is_the_clean_accuracy(
    model: keras.Model, pictures: np.ndarray, labels: np.ndarray, space: Any, policy: str
) -> None:
    p = probabilities(model, pictures)
    found = sweep(model, pictures, labels, [0.5, 0], AttackConfig(space=space), policy=policy)
    np.testing.assert_array_equal(found.judged.predicted[1], p.argmax(axis=1))
    assert found.accuracy[1] == (p.argmax(axis=1) == labels).mean()
    exact = policy == "float32"
    assert found.loss[1] == pytest.approx(-np.log(p[range(40), labels]).mean(), rel=1e-4 if exact else 1e-2)
    np.testing.assert_allclose(found.judged.confidence[1], p.max(axis=1), atol=1e-5 if exact else 2e-2)
    assert found.max_abs_perturbation[1] == found.mean_abs_perturbation[1] == 0
    assert 0 < found.max_abs_perturbation[0] <= 0.5


@pytest.mark.parametrize("method", CHOICES["method"])
def test_sweep_is_the_attack_of_each_epsilon(
    models: dict[str, keras.Model], pictures: np.ndarray, method: Any
) -> None:
    config = AttackConfig(method=method, steps=2)
    labels = np.array([0, 1, 2, 1] * 10, np.int32)
    found = sweep(models["classes"], pictures, labels, [2.0, 6.0], config)
    attack = Attack(models["classes"], config)
    photos = attack.units(pictures)
    direction, zero, _ = attack.direction(photos, labels)
    for row, epsilon in enumerate(found.epsilons):
        added = attack.perturb(photos, labels, direction, epsilon)
        judged = attack.judge(photos, labels, direction, epsilon)
        np.testing.assert_allclose(found.judged.log_odds[row], judged.log_odds, atol=1e-4)
        np.testing.assert_allclose(found.judged.max_abs[row], np.abs(added).max(axis=(1, 2, 3)), rtol=1e-6)
        np.testing.assert_allclose(found.judged.mean_abs[row], np.abs(added).mean(axis=(1, 2, 3)), rtol=1e-5)
    np.testing.assert_array_equal(found.zero_gradient, zero)
    assert found.n == 40


@pytest.mark.parametrize(("method", "passes"), [("signed-gradient", 1), ("iterative", 1 + 2 * 2)])
def test_the_gradient_at_a_photo_is_computed_once(
    models: dict[str, keras.Model],
    pictures: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
    method: Any,
    passes: int,
) -> None:
    counted: list[int] = []
    original = gradient.value_and_gradient

    def counting(function: Any) -> Any:
        run = original(function)

        def counted_run(photos: Any, *rest: Any) -> Any:
            counted.append(len(photos))
            return run(photos, *rest)

        return counted_run

    monkeypatch.setattr(gradient, "value_and_gradient", counting)
    monkeypatch.setattr(gradient, "compiled", eager)
    labels = np.zeros(40, np.int32)
    sweep(models["binary"], pictures, labels, [0, 1.0, 2.0], AttackConfig(method=method, steps=3))
    assert sum(counted) == passes * len(pictures)


def test_figures_follow_from_what_became_of_each_photo() -> None:
    judged = Judged(
        log_odds=np.array([[0.0, np.log(3)], [-800.0, 0.0]]),
        predicted=np.array([[1, 0], [1, 1]]),
        confidence=np.array([[0.5, 0.75], [1, 0.5]]),
        mean_abs=np.array([[0, 0], [0.5, 1.5]]),
        max_abs=np.array([[0, 0], [1, 2]]),
    )
    found = Robustness(AttackConfig(), (0.0, 2.0), np.array([1, 0]), np.array([False, True]), judged)
    assert json.loads(json.dumps(found.figures())) == {
        "method": "signed-gradient",
        "space": "pixels",
        "norm": "linf",
        "through": "logit",
        "n": 2,
        "eps": [0, 2],
        "accuracy": [1, 0.5],
        "loss": pytest.approx([(np.log(2) + np.log(4 / 3)) / 2, (800 + np.log(2)) / 2]),
        "success": [0, 0.5],
        "mean_abs_perturbation": [0, 1],
        "max_abs_perturbation": [0, 2],
        "zero_gradient_fraction": 0.5,
    }
    aimed = Robustness(AttackConfig(target=1), (0.0, 2.0), found.labels, found.zero_gradient, judged)
    assert aimed.success.tolist() == [0.5, 1]


def test_unusable_input(models: dict[str, keras.Model], pictures: np.ndarray) -> None:
    config, labels = AttackConfig(), np.zeros(40, np.int32)
    with pytest.raises(KangarooError, match=r"epsilon -1 is no size"):
        sweep(models["binary"], pictures, labels, [0, -1], config)
    with pytest.raises(DataError, match="no photo to attack"):
        sweep(models["binary"], pictures[:0], labels[:0], [1], config)
    with pytest.raises(DataError, match=r"uint8 \(n, 12, 12, 3\) with n labels, these are uint8 .* with 3"):
        sweep(models["binary"], pictures, labels[:3], [1], config)
