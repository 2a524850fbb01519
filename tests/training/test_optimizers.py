import keras
import numpy as np
import pytest

from kangaroo.training import TrainConfig
from kangaroo.training.optimizers import Schedule, learning_rate, optimizer, rate_after

STEPS = 5


def rates(config: TrainConfig, epochs: int, phase: int = 2) -> np.ndarray:
    rate = learning_rate(config, phase, STEPS)
    return np.array([float(rate(step)) if callable(rate) else rate for step in range(epochs * STEPS)])


def test_cosine_is_that_of_keras_after_the_warm_up() -> None:
    config = TrainConfig(10, learning_rate=0.4, schedule="cosine", final_learning_rate=0.1, warmup_epochs=2)
    found = rates(config, 10)
    np.testing.assert_allclose(found[:10], 0.4 * np.arange(1, 11) / 10, rtol=1e-6)
    of_keras = keras.optimizers.schedules.CosineDecay(0.4, decay_steps=8 * STEPS, alpha=0.25)
    np.testing.assert_allclose(found[10:], [float(of_keras(i)) for i in range(40)], rtol=1e-5)


def test_exponential_is_that_of_keras() -> None:
    """'x 0.99 an epoch', 25 epochs long."""
    config = TrainConfig(
        25, learning_rate=0.001, schedule="exponential", final_learning_rate=0.001 * 0.99**25
    )
    of_keras = keras.optimizers.schedules.ExponentialDecay(0.001, STEPS, 0.99)
    np.testing.assert_allclose(rates(config, 25), [float(of_keras(i)) for i in range(25 * STEPS)], rtol=1e-5)


def test_constant() -> None:
    assert learning_rate(TrainConfig(3, learning_rate=0.2), 2, STEPS) == 0.2
    found = rates(TrainConfig(3, learning_rate=0.2, warmup_epochs=1), 3)
    np.testing.assert_allclose(found, [0.04, 0.08, 0.12, 0.16] + [0.2] * 11, rtol=1e-6)


def test_the_head_has_a_rate_of_its_own_and_the_schedule_begins_after_it() -> None:
    config = TrainConfig(
        4,
        learning_rate=0.1,
        head_epochs=2,
        head_learning_rate=0.7,
        schedule="cosine",
        final_learning_rate=0.02,
    )
    assert learning_rate(config, 1, STEPS) == 0.7
    schedule = learning_rate(config, 2, STEPS)
    assert isinstance(schedule, Schedule)
    assert float(schedule(0)) == pytest.approx(0.1)
    assert float(schedule(STEPS)) == pytest.approx(0.06)  # half of the two epochs is half of the way
    assert float(schedule(2 * STEPS)) == pytest.approx(0.02)
    ends = [rate_after(config, epoch, STEPS) for epoch in range(4)]
    assert ends == pytest.approx([0.7, 0.7, float(schedule(4)), float(schedule(9))])


def test_a_schedule_comes_back_from_its_file() -> None:
    schedule = Schedule("exponential", 0.1, 0.01, warmup_steps=3, steps=20)
    again = keras.optimizers.schedules.deserialize(keras.optimizers.schedules.serialize(schedule))
    assert isinstance(again, Schedule)
    assert [float(again(i)) for i in range(25)] == [float(schedule(i)) for i in range(25)]


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_optimizers(name: str) -> None:
    plain = optimizer(TrainConfig(1, optimizer=name), 2, STEPS)
    assert (type(plain).__name__.lower(), plain.use_ema, plain.global_clipnorm) == (name, False, None)
    assert not plain.weight_decay
    full = optimizer(TrainConfig(1, optimizer=name, weight_decay=0.1, averaging=0.99, clip_norm=2), 1, STEPS)
    assert (full.weight_decay, full.use_ema, full.ema_momentum, full.global_clipnorm) == (0.1, True, 0.99, 2)
