import keras
import numpy as np
import pytest
from keras import layers, ops

from kangaroo.errors import KangarooError
from kangaroo.explain.cam import enlarged, grad_cam
from kangaroo.explain.vis import grad_cam_plus_plus, score_cam
from kangaroo.models.graph import logit_model

SIZE = 16
RNG = np.random.default_rng(2)
INPUTS = RNG.normal(size=(3, SIZE, SIZE, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def plain():
    """A functional model of three classes that the library can take as it is; and its last convolution."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((SIZE, SIZE, 3))
    maps = layers.Conv2D(4, 3, padding="same", activation="relu")(inputs)
    maps = layers.Conv2D(6, 3, strides=2, padding="same", activation="relu", name="last")(maps)
    return keras.Model(inputs, layers.Dense(3, "softmax")(layers.Flatten()(maps)))


def by_hand(model, inputs):
    """Maps of the layer 'last', and the logits' gradients with respect to them, class by class."""
    logits = logit_model(model)
    maps = keras.Model(logits.inputs, logits.get_layer("last").output).predict_on_batch(inputs)
    weights = logits.layers[-1].get_weights()[0]  # everything after the maps is linear
    return maps, weights.T.reshape(-1, *maps.shape[1:])


def test_the_librarys_own_grad_cam_equals_ours(plain):
    from tf_keras_vis.gradcam import Gradcam
    from tf_keras_vis.utils.scores import CategoricalScore

    classes = [2, 0, 1]
    theirs = Gradcam(logit_model(plain))(
        CategoricalScore(classes), INPUTS, "last", expand_cam=False, normalize_cam=False
    )
    expected = ops.convert_to_numpy(enlarged(theirs, (SIZE, SIZE)))
    np.testing.assert_allclose(grad_cam(plain, INPUTS, classes), expected, rtol=1e-5, atol=1e-7)
    named = grad_cam(plain, INPUTS, classes, layer="last")
    np.testing.assert_array_equal(named, grad_cam(plain, INPUTS, classes))


def test_grad_cam_plus_plus_is_the_papers_formula(plain):
    maps, gradients = by_hand(plain, INPUTS)
    cams = []
    for a, g in zip(maps.astype(float), gradients[[2, 0, 1]].astype(float), strict=True):
        alpha = g**2 / (2 * g**2 + a.sum(axis=(0, 1)) * g**3)  # equation 19
        alpha /= alpha.sum(axis=(0, 1))  # the library's, and the authors', normalization
        weights = (alpha * np.maximum(g, 0)).sum(axis=(0, 1))  # equation 5, without exp(score)
        cams.append(np.maximum((weights * a).sum(axis=2), 0))
    expected = ops.convert_to_numpy(enlarged(np.stack(cams).astype(np.float32), (SIZE, SIZE)))
    found = grad_cam_plus_plus(plain, INPUTS, [2, 0, 1])
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * expected.max())


def test_a_sure_model_gives_finite_maps(plain):
    sure = keras.models.clone_model(plain)
    sure.set_weights([100 * w for w in plain.get_weights()])
    assert np.abs(logit_model(sure).predict_on_batch(INPUTS)).max() > 1000  # exp of that overflows
    assert np.isfinite(grad_cam_plus_plus(sure, INPUTS, [0, 1, 2])).all()


def test_score_cam_weights_maps_with_the_probability_behind_them():
    """One map is the left half, the other the right; the logit is the sum of red on the right."""
    model = keras.Sequential([keras.Input((4, 4, 3)), layers.Conv2D(2, 1, name="halves"), layers.Flatten()])
    model.add(layers.Dense(1, "sigmoid"))
    kernel = np.zeros((1, 1, 3, 2))
    kernel[0, 0, 1, 0] = kernel[0, 0, 2, 1] = 1  # green and blue say which half it is
    kernel[0, 0, 0, 1] = 0.5
    head = np.zeros((4, 4, 2))
    head[:, 2:, 1] = 0.4
    model.set_weights([kernel, np.zeros(2), head.reshape(-1, 1), np.zeros(1)])
    photo = np.zeros((1, 4, 4, 3), np.float32)
    photo[0, :, :2, 1] = photo[0, :, 2:, 2] = photo[0, :, 2:, 0] = 1
    left, right = np.repeat([[1, 1, 0, 0]], 4, axis=0), 1.5 * np.repeat([[0, 0, 1, 1]], 4, axis=0)
    p_left, p_right = 1 / 2, 1 / (1 + np.exp(-8 * 0.4 * 1.5))  # of the second class, each half seen alone
    expected = p_left * left + p_right * right
    np.testing.assert_allclose(score_cam(model, photo, [1])[0], expected, rtol=1e-4)
    expected = (1 - p_left) * left + (1 - p_right) * right
    np.testing.assert_allclose(score_cam(model, photo, [0])[0], expected, rtol=1e-4)


def test_score_cam_can_be_held_to_the_maps_that_vary_most(plain):
    maps, _ = by_hand(plain, INPUTS)
    best = maps.std(axis=(1, 2)).argmax(axis=1)
    found = score_cam(plain, INPUTS, [0, 0, 0], max_channels=1)
    for photo, cam, channel in zip(maps, found, best, strict=True):
        shape = ops.convert_to_numpy(enlarged(photo[None, ..., channel], (SIZE, SIZE)))[0]
        np.testing.assert_allclose(cam / cam.max(), shape / shape.max(), atol=1e-5)
    everything = score_cam(plain, INPUTS, [0, 0, 0], max_channels=None)
    np.testing.assert_array_equal(everything, score_cam(plain, INPUTS, [0, 0, 0], max_channels=99))
    with pytest.raises(KangarooError, match="0 maps for Score-CAM"):
        score_cam(plain, INPUTS, [0, 0, 0], max_channels=0)


def test_nothing_is_printed(plain, capsys):
    grad_cam_plus_plus(plain, INPUTS, [0, 0, 0])
    score_cam(plain, INPUTS, [0, 0, 0])
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("method", [grad_cam_plus_plus, score_cam])
def test_another_backend_is_refused(plain, monkeypatch, method):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(KangarooError, match="need TensorFlow, Keras runs on jax"):
        method(plain, INPUTS, [0, 0, 0])
