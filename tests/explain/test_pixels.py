"""Networks that take pixels: one that standardizes them itself against its twin, and every backbone."""

import keras
import numpy as np
import pytest
from keras import layers

from kangaroo.data.images import standardize
from kangaroo.explain.cam import grad_cam
from kangaroo.explain.gradients import gradient, smooth_grad
from kangaroo.explain.integrated import integrated_gradients
from kangaroo.explain.methods import explain, maps
from kangaroo.explain.reference import baselines, mean_grey
from kangaroo.explain.settings import CHOICES, Settings
from kangaroo.models.card import Card
from kangaroo.models.classifier import Classifier
from kangaroo.models.graph import standardized
from kangaroo.models.transfer import build

SIZE = 64
RNG = np.random.default_rng(0)
# Coarse and fine structure in every photo, and a colour of its own.
PHOTOS = RNG.integers(0, 160, (3, 8, 8, 3)).repeat(8, 1).repeat(8, 2) + RNG.integers(
    0, 96, (3, SIZE, SIZE, 3)
)
PHOTOS = PHOTOS.astype(np.uint8)
PIXELS = PHOTOS.astype(np.float32)
CLASSES = np.array([0, 1, 2])
METHODS = [
    "grad-cam",
    *(pytest.param(name, marks=pytest.mark.slow) for name in CHOICES["method"] if name != "grad-cam"),
]
BACKBONES = [
    "mobilenetv2",
    *(
        pytest.param(name, marks=pytest.mark.slow)
        for name in ("resnet50", "efficientnetv2b0", "convnexttiny")
    ),
]


def classifier(model, *, standardized):
    facts = {"task": "test", "training": {}, "data": {}, "metrics": {}, "intended_use": "", "limits": ""}
    taken = "standardized" if standardized else "pixels"
    return Classifier(model, Card(classes=("a", "b", "c"), image_size=SIZE, input=taken, **facts))


@pytest.fixture(scope="module")
def twins():
    """A network of standardized photos, and the same one that standardizes pixels itself."""
    keras.utils.set_random_seed(0)
    body = [layers.Conv2D(4, 3, strides=2, activation="tanh"), layers.Flatten(), layers.Dense(3, "softmax")]
    plain = keras.Sequential([keras.Input((SIZE, SIZE, 3)), *body])
    taken = x = keras.Input((SIZE, SIZE, 3), name="pixels")
    alone = layers.LayerNormalization(axis=(1, 2, 3), epsilon=0.01, center=False, scale=False)
    for layer in (alone, *body):
        x = layer(x)
    return classifier(plain, standardized=True), classifier(keras.Model(taken, x), standardized=False)


def test_both_say_the_same(twins):
    plain, pixels = (each.probabilities(PHOTOS) for each in twins)
    np.testing.assert_allclose(pixels, plain, atol=1e-5)
    assert np.ptp(plain, axis=0).max() > 0.01


def test_class_activation_maps_are_the_same(twins):
    for method in ("grad-cam", "grad-cam++"):
        plain, pixels = (explain(each, PHOTOS, Settings(method=method)) for each in twins)
        for one, other in zip(plain, pixels, strict=True):
            np.testing.assert_allclose(other.values, one.values, atol=1e-3 * one.values.max())
            assert other.score == pytest.approx(one.score, abs=1e-4)


def test_the_gradient_goes_through_the_standardization(twins):
    plain, pixels = (each.model for each in twins)
    found = gradient(pixels, PIXELS, CLASSES)
    step = 4 * RNG.normal(size=PIXELS.shape).astype(np.float32)

    def score(at):
        return np.log(plain.predict_on_batch(np.asarray(standardized(at))))

    difference = (score(PIXELS + step) - score(PIXELS - step)) / 2
    every = np.stack([gradient(pixels, PIXELS, np.full(3, k)) for k in range(3)])
    along = (every * step).sum(axis=(2, 3, 4)).T
    p = plain.predict_on_batch(standardize(PHOTOS))
    along -= (p * along).sum(axis=1, keepdims=True)  # from logits to log p
    np.testing.assert_allclose(along, difference, rtol=2e-2, atol=2e-3)
    np.testing.assert_array_equal(found[1], every[1, 1])


def test_baselines_in_pixels(tmp_path):
    mean, black = (baselines(kind, PHOTOS, standardized=False) for kind in ("mean", "black"))
    for photo, grey in zip(PHOTOS, mean, strict=True):
        np.testing.assert_allclose(grey, photo.mean(), rtol=1e-6)
    assert not black.any()
    blurred = baselines("blurred", PHOTOS, standardized=False)
    assert 0 <= blurred.min() < blurred.max() <= 255
    np.testing.assert_allclose(blurred.mean(axis=(1, 2, 3)), PHOTOS.mean(axis=(1, 2, 3)), rtol=0.01)
    keras.utils.save_img(tmp_path / "a.png", np.full((30, 40, 3), [10, 20, 30]), scale=False)
    picture = baselines(str(tmp_path / "a.png"), PHOTOS, standardized=False)
    np.testing.assert_array_equal(picture, np.broadcast_to([10, 20, 30], PHOTOS.shape))


def test_integrated_gradients_begin_at_the_photos_mean(twins):
    plain, pixels = twins
    for kind in ("mean", "black"):
        found = explain(pixels, PHOTOS, Settings(baseline=kind))
        reference = standardize(baselines(kind, PHOTOS, standardized=False).astype(np.uint8))
        p = pixels.model.predict_on_batch(baselines(kind, PHOTOS, standardized=False))
        for one, of_grey, score in zip(found, p, plain.model.predict_on_batch(reference), strict=True):
            np.testing.assert_allclose(of_grey, score, atol=1e-3)  # one grey or another: zero inside
            difference = one.score - one.attribution.baseline_score
            assert one.sum == pytest.approx(difference, abs=0.0101 * max(1, abs(difference)))
    alone = maps(pixels.model, PIXELS, CLASSES, Settings())
    by_hand = integrated_gradients(pixels.model, PIXELS, mean_grey(PIXELS), CLASSES)
    np.testing.assert_array_equal(alone, np.stack([each.values for each in by_hand]))


@pytest.fixture(scope="module", params=BACKBONES)
def backbone(request, tmp_path_factory):
    """A backbone of random weights, its normalization fitted to the photos; and as it is read from a file.

    EfficientNet's is fitted to noisy copies, too, as SmoothGrad shows them: outside of what it was fitted to,
    its gradient is chaotic, and a change in the seventh digit turns it into another.
    """
    model = build(request.param, SIZE, 3, head=(16,), seed=0)
    normalizations = [layer for layer in model.layers if isinstance(layer, layers.BatchNormalization)]
    for layer in normalizations:
        layer.momentum = 0.0
    copies = range(3 if request.param == "efficientnetv2b0" else 0)
    noisy = [PIXELS + np.random.default_rng(i).normal(0, 0.15 * 255, PIXELS.shape) for i in copies]
    model(np.concatenate([PIXELS, *noisy]).astype(np.float32), training=True)
    path = tmp_path_factory.mktemp("model") / "model.keras"
    model.save(path)
    return classifier(model, standardized=False), classifier(
        keras.models.load_model(path), standardized=False
    )


@pytest.mark.parametrize("method", METHODS)
def test_every_method_on_every_backbone(backbone, method):
    fresh, reloaded = backbone
    settings = Settings(method=method, samples=2, rule="midpoint", steps=3)
    found = explain(fresh, PHOTOS, settings)
    assert np.ptp([each.score for each in found]) > 1e-3
    (alone,) = explain(reloaded, PHOTOS[1:2], settings, found[1].explained)
    values = found[1].values
    assert values.shape == (SIZE, SIZE, 3)[: 2 if "cam" in method else 3]
    assert np.isfinite(values).all()
    if "cam" not in method:  # of random weights a class can have nothing that speaks for it
        assert values.any()
    np.testing.assert_allclose(alone.values, values, rtol=1e-2, atol=2e-3 * np.abs(values).max() + 1e-12)


def test_integrated_gradients_of_every_backbone_are_complete(backbone):
    for found in explain(backbone[0], PHOTOS[:2], Settings(tolerance=0.01)):
        assert found.attribution.within(0.01)
        difference = found.score - found.attribution.baseline_score
        assert found.sum == pytest.approx(difference, abs=0.0101 * max(1, abs(difference)))


def test_the_gradient_of_every_backbone_is_a_finite_difference(backbone):
    """Along the gradient itself, where the slope is its length."""
    model = backbone[0].model
    g = gradient(model, PIXELS[:1], CLASSES[:1])
    length = float(np.sqrt((g.astype(np.float64) ** 2).sum()))
    step = np.float32(0.02 / length) * g  # of a level, in all: it has many kinks

    def log_p(at):
        return np.log(model.predict_on_batch(at).astype(np.float64))[0, 0]

    others = sum(
        model.predict_on_batch(PIXELS[:1])[0, k] * gradient(model, PIXELS[:1], [k]) for k in range(3)
    )
    expected = float(((g - others) * step).sum())
    assert (log_p(PIXELS[:1] + step) - log_p(PIXELS[:1] - step)) / 2 == pytest.approx(expected, rel=0.1)


def test_smooth_grad_is_noisy_in_pixels(twins):
    model = twins[1].model
    noise = np.random.default_rng([0, 0]).standard_normal(PIXELS.shape[1:], np.float32)
    spread = np.ptp(PIXELS, axis=(1, 2, 3), keepdims=True)
    expected = gradient(model, PIXELS + 0.1 * spread * noise, CLASSES)
    found = smooth_grad(model, PIXELS, CLASSES, samples=1, noise=0.1, seed=0)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-7)


def test_grad_cam_of_a_residual_network_weighs_the_last_sum(backbone):
    model = backbone[0].model
    last = [layer.name for layer in model.layers if len(layer.output.shape) == 4][-1]
    named = grad_cam(model, PIXELS, CLASSES, layer=last)
    np.testing.assert_array_equal(grad_cam(model, PIXELS, CLASSES), named)
