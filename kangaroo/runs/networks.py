"""The network that a run's settings ask for, and what of it is trained when."""

from collections.abc import Callable

import keras

from kangaroo.models import report_cnn, small_cnn, transfer
from kangaroo.runs.settings import ClassificationSettings, PlaceSettings
from kangaroo.runs.tasks import Task


def build(settings: ClassificationSettings, task: Task, policy: str) -> keras.Model:
    """The untrained network for a task: the report's, kangaroo's small one, or a backbone with a head."""
    size, seed = settings.image_size, settings.seed
    if not isinstance(settings, PlaceSettings):
        return report_cnn.build(size, len(task.classes), seed=seed, dtype_policy=policy)
    wanted = settings.network
    if wanted.backbone == "kangaroo":
        return small_cnn.build(
            size,
            task.outputs,
            activation=task.activation,
            centre=task.centre,
            dropout=wanted.dropout,
            seed=seed,
            dtype_policy=policy,
        )
    return transfer.build(
        wanted.backbone,
        size,
        task.outputs,
        head=wanted.head,
        activation=task.activation,
        centre=task.centre,
        weights=wanted.weights,
        dropout=wanted.dropout,
        seed=seed,
        dtype_policy=policy,
    )


def standardized(settings: ClassificationSettings) -> bool:
    """Whether the network takes photos standardized one by one; backbones take pixels."""
    return not isinstance(settings, PlaceSettings) or settings.network.backbone == "kangaroo"


def unlock(settings: ClassificationSettings) -> Callable[[keras.Model, int], None] | None:
    """What says which layers are trained: in phase 1 the head, then those asked for; None: always all."""
    if standardized(settings):
        return None
    assert isinstance(settings, PlaceSettings)
    spec = settings.network.trainable

    def choose(model: keras.Model, phase: int) -> None:
        transfer.set_trainable(model, "head" if phase == 1 else spec)

    return choose
