"""The network that a run's settings ask for, and what of it is trained when."""

from collections.abc import Callable

import keras

from kangaroo.models import report_cnn, small_cnn, transfer
from kangaroo.runs.settings import TrainSettings
from kangaroo.runs.tasks import Task


def build(settings: TrainSettings, task: Task, policy: str) -> keras.Model:
    """The untrained network for a task: the report's, kangaroo's small one, or a backbone with a head."""
    size, seed, network = settings.data.image_size, settings.data.seed, settings.network
    if network is None:
        return report_cnn.build(size, len(task.classes), seed=seed, dtype_policy=policy)
    if network.backbone == "kangaroo":
        return small_cnn.build(
            size,
            task.outputs,
            activation=task.activation,
            centre=task.centre,
            dropout=network.dropout,
            seed=seed,
            dtype_policy=policy,
        )
    return transfer.build(
        network.backbone,
        size,
        task.outputs,
        head=network.head,
        activation=task.activation,
        centre=task.centre,
        weights=network.weights,
        dropout=network.dropout,
        seed=seed,
        dtype_policy=policy,
    )


def unlock(settings: TrainSettings) -> Callable[[keras.Model, int], None] | None:
    """What says which layers are trained: in phase 1 the head, then those asked for; None: always all."""
    network = settings.network
    if network is None or settings.standardized:
        return None
    spec = network.trainable

    def choose(model: keras.Model, phase: int) -> None:
        transfer.set_trainable(model, "head" if phase == 1 else spec)

    return choose
