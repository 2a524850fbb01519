import keras
import numpy as np
import pytest
from keras import layers

from kangaroo.errors import KangarooError
from kangaroo.explain.gradients import gradient, gradient_times_input, smooth_grad
from kangaroo.models.gradients import BATCH

RNG = np.random.default_rng(1)
INPUTS = RNG.normal(size=(BATCH + 2, 6, 6, 3)).astype(np.float32)  # more than one batch
CLASSES = RNG.integers(0, 3, len(INPUTS))


@pytest.fixture(scope="module")
def linear():
    """Three logits, each a weighted sum of all values; and the weights."""
    model = keras.Sequential([keras.Input((6, 6, 3)), layers.Flatten(), layers.Dense(3, "softmax")])
    weights = RNG.normal(size=(108, 3)).astype(np.float32)
    model.set_weights([weights, np.zeros(3)])
    return model, weights.T.reshape(3, 6, 6, 3)


@pytest.fixture(scope="module")
def curved():
    keras.utils.set_random_seed(0)
    body = [layers.Conv2D(4, 3, activation="tanh"), layers.Flatten(), layers.Dense(3, "softmax")]
    return keras.Sequential([keras.Input((6, 6, 3)), *body])


def test_of_a_linear_model_the_gradient_is_its_weights(linear):
    model, weights = linear
    np.testing.assert_allclose(gradient(model, INPUTS, CLASSES), weights[CLASSES], rtol=1e-6)


def test_times_input_it_adds_up_to_the_score(linear):
    model, weights = linear
    found = gradient_times_input(model, INPUTS, CLASSES)
    np.testing.assert_allclose(found, weights[CLASSES] * INPUTS, rtol=1e-6)
    score = np.einsum("nijc,nijc->n", weights[CLASSES].astype(float), INPUTS)
    np.testing.assert_allclose(found.sum(axis=(1, 2, 3)), score, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("target", ["logit", "probability"])
def test_the_gradient_is_a_finite_difference(curved, target):
    direction, step = RNG.normal(size=INPUTS.shape).astype(np.float32), 1e-2

    def score(inputs):
        p = curved.predict_on_batch(inputs)
        rows = np.arange(len(p))
        return p[rows, CLASSES] if target == "probability" else np.log(p)[rows, CLASSES]

    difference = (score(INPUTS + step * direction) - score(INPUTS - step * direction)) / (2 * step)
    along = (gradient(curved, INPUTS, CLASSES, target=target) * direction).sum(axis=(1, 2, 3))
    if target == "logit":
        # The model gives log p_c, whose derivative is that of the logit less the mean over the classes.
        p = curved.predict_on_batch(INPUTS)
        every = [gradient(curved, INPUTS, np.full(len(INPUTS), k)) for k in range(3)]
        along -= sum(p[:, k] * (every[k] * direction).sum(axis=(1, 2, 3)) for k in range(3))
    np.testing.assert_allclose(along, difference, rtol=2e-2, atol=2e-3)


def test_without_noise_smooth_grad_is_the_gradient(curved):
    smooth = smooth_grad(curved, INPUTS, CLASSES, samples=3, noise=0, seed=5)
    np.testing.assert_allclose(smooth, gradient(curved, INPUTS, CLASSES), rtol=1e-5, atol=1e-7)


def test_smooth_grad_is_the_mean_over_noisy_copies(curved):
    noises = [np.random.default_rng([7, i]).standard_normal((6, 6, 3), np.float32) for i in range(4)]
    spread = INPUTS.max(axis=(1, 2, 3)) - INPUTS.min(axis=(1, 2, 3))
    copies = [INPUTS + 0.2 * spread[:, None, None, None] * noise for noise in noises]
    expected = np.mean([gradient(curved, noisy, CLASSES) for noisy in copies], axis=0)
    found = smooth_grad(curved, INPUTS, CLASSES, samples=4, noise=0.2, seed=7)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_a_photo_is_smoothed_alike_whatever_stands_beside_it(curved):
    together = smooth_grad(curved, INPUTS, CLASSES, samples=5, seed=0)
    alone = smooth_grad(curved, INPUTS[3:4], CLASSES[3:4], samples=5, seed=0)
    np.testing.assert_allclose(alone, together[3:4], rtol=1e-4, atol=1e-6)
    other = smooth_grad(curved, INPUTS, CLASSES, samples=5, seed=1)
    assert np.abs(other - together).max() > 1e-3


def test_settings_that_make_no_sense(curved):
    with pytest.raises(KangarooError, match="0 noisy copies"):
        smooth_grad(curved, INPUTS, CLASSES, samples=0, seed=0)
    with pytest.raises(KangarooError, match=r"noise -0\.1"):
        smooth_grad(curved, INPUTS, CLASSES, noise=-0.1, seed=0)
