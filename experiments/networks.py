"""The network that a run's settings ask for, what of it is trained when, and the one that teaches it."""

from collections.abc import Callable

import keras
import numpy as np

from experiments.photos import Data
from experiments.settings import ClassificationSettings, PlaceSettings
from experiments.tasks import Task
from kangaroo.data.manifest import manifest_sha256
from kangaroo.errors import KangarooError
from kangaroo.geo.guess import ClassPoints
from kangaroo.models import cnn, small, transfer
from kangaroo.models.classifier import Classifier, load
from kangaroo.models.graph import takes_pixels


def build(settings: ClassificationSettings, task: Task, policy: str) -> keras.Model:
    """The untrained network for a task: the report's, kangaroo's small one, or a backbone with a head."""
    size, seed = settings.image_size, settings.seed
    if not isinstance(settings, PlaceSettings):
        return cnn.build(size, len(task.classes), seed=seed, dtype_policy=policy)
    wanted = settings.network
    if wanted.backbone == "kangaroo":
        return small.build(
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


def teacher(settings: ClassificationSettings, data: Data, task: Task) -> Classifier | None:
    """The model that the network learns from, if there is one; KangarooError where it can't teach it.

    It must not have seen the validation photos either, so the photos and their split have to be the same.
    """
    path = settings.loss.teacher if isinstance(settings, PlaceSettings) else None
    if path is None:
        return None
    found = load(path, precision=settings.training.precision)
    if found.classes != task.classes or (task.cells and not _same_points(found, task)):
        raise KangarooError(
            f"{path} tells other classes apart: give a teacher of the same photos and classes"
        )
    if found.image_size != settings.image_size:
        raise KangarooError(f"{path} takes photos of {found.image_size} pixels: give --image-size as much")
    if takes_pixels(found.model) == standardized(settings):
        kind = "pixels" if standardized(settings) else "standardized photos"
        raise KangarooError(f"{path} takes {kind}, this network doesn't: give a teacher that takes the same")
    if found.card.data.get("manifest_sha256") != manifest_sha256(data.manifest.photos):
        raise KangarooError(
            f"{path} was trained on other photos or another split and may have seen the validation photos: "
            "train the teacher with the same --images, --seed and --validation"
        )
    return found


def _same_points(found: Classifier, task: Task) -> bool:
    """Whether cells of the same names are the same cells."""
    points = (found.places, task.places)
    a, b = ((p.lat, p.lon) if isinstance(p, ClassPoints) else () for p in points)
    return np.shape(a) == np.shape(b) and np.allclose(a, b, equal_nan=True)
