"""Adversarial training: a network that sees attacked photos while it learns."""

from typing import Any

import keras
from keras import ops

from kangaroo.errors import KangarooError
from kangaroo.models.gradients import value_and_gradient


def attack_while_training(model: keras.Model, epsilon: float) -> None:
    """From now on attack every second photo of each batch that ``model`` is trained on, in one step.

    Goodfellow et al. 2015, arXiv:1412.6572: half the loss is that of photos as they are, half that of photos
    moved by ``epsilon``, in standardized units, along the sign of the loss's gradient at the weights of that
    moment. ``model``, compiled, stays the model it is: its file knows nothing of this. Needs the TensorFlow
    backend. Raises KangarooError for an epsilon that is not above 0.
    """
    if not epsilon > 0:
        raise KangarooError(f"training with epsilon {epsilon} is no adversarial training: give one above 0")

    def loss(photos: Any, labels: Any) -> tuple[Any, tuple[()]]:
        return model.compute_loss(photos, labels, model(photos, training=False), training=False), ()

    gradient = value_and_gradient(loss)

    def train_step(data: Any) -> Any:
        photos, labels = data
        attacked = photos[1::2] + epsilon * ops.sign(gradient(photos[1::2], labels[1::2])[2])
        mixed = ops.concatenate([photos[::2], attacked]), ops.concatenate([labels[::2], labels[1::2]])
        return type(model).train_step(model, mixed)

    model.train_step = train_step
