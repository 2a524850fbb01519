"""Everything on JAX, in a process that can't import TensorFlow, against TensorFlow in this one.

    KERAS_BACKEND=jax python tests/test_jax.py NETWORK.keras RESULTS.npz

is what the other process runs.
"""

import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

SIDE, N = 16, 20
PIXELS = np.random.default_rng(0).integers(0, 256, (N, SIDE, SIDE, 3), np.uint8)
LABELS = (np.arange(N) % 3).astype(np.int32)
PIXELS[LABELS == 1, :, : SIDE // 2] //= 2


def results(network: Path) -> dict[str, np.ndarray]:
    """What the backend of this process makes of a saved network: it judges, is attacked, explained, trained.

    The training is without dropout, whose masks each backend draws in its own way. Its last batches are
    smaller.
    """
    import keras

    from kangaroo.attack.robustness import sweep
    from kangaroo.attack.settings import AttackConfig
    from kangaroo.data.images import standardize
    from kangaroo.data.pipeline import batches
    from kangaroo.explain.cam import grad_cam
    from kangaroo.explain.integrated import integrated_gradients
    from kangaroo.models.classifier import probabilities
    from kangaroo.training import TrainConfig, fit

    model = keras.models.load_model(network)
    attacks = {
        method: sweep(model, PIXELS, LABELS, (0, 1, 4), AttackConfig(method=method))
        for method in ("signed-gradient", "pgd")
    }
    inputs, classes = standardize(PIXELS[:4]), LABELS[:4]
    attributed = integrated_gradients(model, inputs, np.zeros_like(inputs), classes)
    with tempfile.TemporaryDirectory() as folder:
        trained, history = fit(
            lambda policy: keras.models.load_model(network),
            lambda epoch: batches(PIXELS, range(14), LABELS, batch_size=4, shuffle_seed=(0, epoch)),
            batches(PIXELS, range(14, N), LABELS, batch_size=4),
            TrainConfig(epochs=2, batch_size=4, precision="float32"),
            Path(folder),
        )
    rows = history.rows
    return {
        "probabilities": probabilities(model, PIXELS),
        **{method: found.judged.log_odds for method, found in attacks.items()},
        "integrated gradients": np.stack([attribution.values for attribution in attributed]),
        "Grad-CAM": grad_cam(model, inputs, classes),
        "losses": np.array([(row.loss, row.val_loss) for row in rows]),
        "accuracies": np.array([(row.accuracy, row.val_accuracy) for row in rows]),
        "weights": np.concatenate([weight.ravel() for weight in trained.get_weights()]),
    }


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The results on JAX and on TensorFlow."""
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed")
    import keras

    if keras.backend.backend() != "tensorflow":
        pytest.skip("JAX is compared with TensorFlow, on which Keras doesn't run here")
    from kangaroo.models import report_cnn

    model = report_cnn.build(SIDE, 3, seed=1, filters=(6, 6), units=8)
    rng = np.random.default_rng(3)
    model.set_weights([weight + rng.normal(0, 0.1, weight.shape) for weight in model.get_weights()])
    model.layers[-2].rate = 0.0
    folder = tmp_path_factory.mktemp("jax")
    model.save(folder / "network.keras")
    subprocess.run(
        [sys.executable, __file__, folder / "network.keras", folder / "jax.npz"],
        check=True,
        env={**os.environ, "KERAS_BACKEND": "jax"},
    )
    return dict(np.load(folder / "jax.npz")), results(folder / "network.keras")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "tolerance"),
    [
        ("probabilities", 1e-5),
        ("signed-gradient", 1e-3),
        ("pgd", 1e-3),
        ("integrated gradients", 1e-4),
        ("Grad-CAM", 1e-5),
        ("losses", 1e-4),
        ("accuracies", 1e-6),
        ("weights", 1e-4),
    ],
)
def test_jax_gives_what_tensorflow_gives(
    both: tuple[dict[str, np.ndarray], dict[str, np.ndarray]], name: str, tolerance: float
) -> None:
    on_jax, on_tensorflow = both
    assert np.ptp(on_tensorflow[name]) > 0.01
    np.testing.assert_allclose(on_jax[name], on_tensorflow[name], rtol=0, atol=tolerance)


if __name__ == "__main__":
    sys.modules["tensorflow"] = None  # type: ignore[assignment]  # importing it fails
    np.savez(sys.argv[2], **results(Path(sys.argv[1])))
