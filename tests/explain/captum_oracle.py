"""How captum_oracle.npz was made: Captum's attributions of two small networks, on Keras's torch backend.

    pip install keras torch captum
    KERAS_BACKEND=torch python tests/explain/captum_oracle.py

Run it from an environment without TensorFlow, in the root of the project. The networks' weights and the
photos come from NumPy, so that any backend can rebuild them: test_captum.py does, and compares.
"""

import os
import sys
from pathlib import Path

import keras
import numpy as np

SIDE = 16
RULES = {
    "left": "riemann_left",
    "midpoint": "riemann_middle",
    "trapezoid": "riemann_trapezoid",
    "gauss-legendre": "gausslegendre",
}
STEPS = 20


def network(n_classes: int, *, logits: bool) -> keras.Model:
    """A network of the report's kind, small; the same weights wherever it is built."""
    outputs = 1 if n_classes == 2 else n_classes
    activation = None if logits else ("sigmoid" if n_classes == 2 else "softmax")
    model = keras.Sequential([keras.Input((SIDE, SIDE, 3))])
    for filters in (4, 6):
        model.add(keras.layers.Conv2D(filters, 3, padding="same", activation="relu"))
        model.add(keras.layers.MaxPooling2D(2, padding="same"))
    model.add(keras.layers.Flatten())
    model.add(keras.layers.Dense(8))
    model.add(keras.layers.Dense(outputs, activation))
    rng = np.random.default_rng(n_classes)
    model.set_weights([rng.normal(0, 0.3, weight.shape).astype(np.float32) for weight in model.get_weights()])
    return model


def photos() -> tuple[np.ndarray, np.ndarray]:
    """Two inputs and a baseline for each."""
    rng = np.random.default_rng(0)
    return tuple(rng.normal(0, scale, (2, SIDE, SIDE, 3)).astype(np.float32) for scale in (1, 0.2))


def main() -> None:
    """Write captum_oracle.npz."""
    import torch
    from captum.attr import InputXGradient, IntegratedGradients

    x, baselines = (torch.tensor(values) for values in photos())
    found = {}
    for n_classes in (2, 5):
        model = network(n_classes, logits=True)
        # One output z speaks for class 1. Of five classes the third is explained.
        column = 0 if n_classes == 2 else 2

        def forward(
            points: "torch.Tensor", model: keras.Model = model, column: int = column
        ) -> "torch.Tensor":
            return model(points)[:, column]

        integrated = IntegratedGradients(forward)
        for ours, theirs in RULES.items():
            # Captum's trapezoid has as many nodes as steps, ours one more; and its weights sum to
            # (nodes - 1) / nodes in place of 1, as of version 0.9, which is made good here.
            nodes, scale = (STEPS + 1, (STEPS + 1) / STEPS) if ours == "trapezoid" else (STEPS, 1)
            values = integrated.attribute(x, baselines, n_steps=nodes, method=theirs)
            found[f"{ours} {n_classes}"] = scale * values.detach().numpy()
        found[f"gradient-x-input {n_classes}"] = InputXGradient(forward).attribute(x).detach().numpy()
    np.savez_compressed(
        Path(__file__).with_suffix(".npz"), **{k: v.astype(np.float32) for k, v in found.items()}
    )


if __name__ == "__main__":
    if os.environ.get("KERAS_BACKEND") != "torch":
        sys.exit("set KERAS_BACKEND=torch")
    main()
