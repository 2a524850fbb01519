import keras
import numpy as np
import pytest

from kangaroo.models import report_cnn


@pytest.mark.parametrize(("n_classes", "parameters"), [(2, 98_537), (5, 98_941)])
def test_parameters_are_the_reports(n_classes: int, parameters: int) -> None:
    assert report_cnn.build(256, n_classes, seed=0).count_params() == parameters


def test_layers_are_the_reports() -> None:
    layers = report_cnn.build(256, 5, seed=0).layers
    block = ["Conv2D", "MaxPooling2D"]
    assert [type(layer).__name__ for layer in layers] == [*block * 6, "Flatten", "Dense", "Dropout", "Dense"]
    assert [layer.activation.__name__ for layer in layers if hasattr(layer, "activation")] == [
        *["relu"] * 6,
        "linear",
        "softmax",
    ]
    assert layers[-2].rate == 0.1


def test_weights_depend_on_the_seed_alone() -> None:
    def weights(seed: int) -> list[np.ndarray]:
        return report_cnn.build(8, 2, seed=seed).get_weights()

    keras.utils.set_random_seed(1)
    first = weights(7)
    keras.utils.set_random_seed(2)
    for a, b in zip(first, weights(7), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first[0], weights(8)[0])
    # Two layers of one shape don't start with the same weights.
    assert not np.array_equal(first[2], first[4])


def test_initial_weights_have_the_variance_of_glorot() -> None:
    kernels = report_cnn.build(256, 2, seed=0).get_weights()[2:12:2]
    # Uniform on +-sqrt(6 / (fan in + fan out)), both fans being 3 * 3 * 32.
    for kernel in kernels:
        assert np.var(kernel) == pytest.approx(2 / (2 * 288), rel=0.05)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_probabilities_are_float32_under_mixed_precision(n_classes: int) -> None:
    model = report_cnn.build(8, n_classes, seed=0, dtype_policy="mixed_bfloat16")
    output = model(np.zeros((4, 8, 8, 3), np.float32))
    assert output.shape == (4, 1 if n_classes == 2 else n_classes)
    assert output.dtype == "float32"
    assert model.layers[0].compute_dtype == "bfloat16"
    np.testing.assert_allclose(np.asarray(output), 0.5 if n_classes == 2 else 1 / 3, rtol=1e-6)
