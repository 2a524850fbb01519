"""Our attributions equal Captum's, which captum_oracle.py computed on another backend."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from kangaroo.explain.gradients import gradient_times_input
from kangaroo.explain.integrated import integrated_gradients

HERE = Path(__file__).parent
SPEC = importlib.util.spec_from_file_location("captum_oracle", HERE / "captum_oracle.py")
oracle = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(oracle)
CLASS = {2: 1, 5: 2}


@pytest.fixture(scope="module")
def captum() -> dict[str, np.ndarray]:
    with np.load(HERE / "captum_oracle.npz", allow_pickle=False) as file:
        return dict(file)


@pytest.mark.parametrize("n_classes", [2, 5])
@pytest.mark.parametrize("rule", list(oracle.RULES))
def test_integrated_gradients(captum, rule, n_classes):
    inputs, baselines = oracle.photos()
    model = oracle.network(n_classes, logits=False)
    ours = integrated_gradients(
        model, inputs, baselines, [CLASS[n_classes]] * 2, rule=rule, steps=oracle.STEPS
    )
    theirs = captum[f"{rule} {n_classes}"]
    assert np.abs(theirs).max() > 0.01
    np.testing.assert_allclose([a.values for a in ours], theirs, rtol=0, atol=1e-5)


@pytest.mark.parametrize("n_classes", [2, 5])
def test_gradient_x_input(captum, n_classes):
    inputs, _ = oracle.photos()
    model = oracle.network(n_classes, logits=False)
    ours = gradient_times_input(model, inputs, np.full(2, CLASS[n_classes]))
    np.testing.assert_allclose(ours, captum[f"gradient-x-input {n_classes}"], rtol=0, atol=1e-5)
