"""Adversarial training: a network that sees attacked photos while it learns."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import keras
from keras import ops

from kangaroo.attack.gradient import WHITE
from kangaroo.errors import KangarooError
from kangaroo.models.gradients import value_and_gradient
from kangaroo.models.graph import takes_pixels


def attack_while_training(model: keras.Model, epsilon: float) -> None:
    """From now on attack every second photo of each batch that ``model`` is trained on, in one step.

    Goodfellow et al. 2015, arXiv:1412.6572: half the loss is that of photos as they are, half that of photos
    moved by ``epsilon``, in the units that ``model`` takes, along the sign of the loss's gradient at the
    weights of that moment; pixels stay within 0 to 255. ``model``, compiled, stays the model it is: its file
    knows nothing of this. Raises KangarooError for an epsilon that is not above 0.
    """
    if not epsilon > 0:
        raise KangarooError(f"training with epsilon {epsilon} is no adversarial training: give one above 0")

    def loss(photos: Any, labels: Any) -> tuple[Any, tuple[()]]:
        return model.compute_loss(photos, labels, model(photos, training=False), training=False), ()

    gradient = value_and_gradient(loss)

    def train_step(*args: Any) -> Any:  # (data) on TensorFlow, (state, data) on JAX
        *state, (photos, *rest) = args  # labels, and in a group of processes weights
        with _at(model, *state):
            moved = photos[1::2] + epsilon * ops.sign(gradient(photos[1::2], rest[0][1::2])[2])
        if takes_pixels(model):
            moved = ops.clip(moved, 0, WHITE)
        others = (ops.concatenate([part[::2], part[1::2]]) for part in rest)
        return type(model).train_step(model, *state, (ops.concatenate([photos[::2], moved]), *others))

    model.train_step = train_step


def _at(model: keras.Model, state: Any = None) -> AbstractContextManager[Any]:
    """Where ``model`` computes with the weights of ``state``: on JAX, it has none itself while it trains."""
    if state is None:
        return nullcontext()
    variables = [*model.trainable_variables, *model.non_trainable_variables]
    return keras.StatelessScope(list(zip(variables, [*state[0], *state[1]], strict=True)))
