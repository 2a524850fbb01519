"""The networks that experiments.adversarial attacks, each with the photos that it has not learned from."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import keras
import numpy as np

from experiments.adversarial.settings import AdversarialSettings
from kangaroo.attack.training import attack_while_training
from kangaroo.commands import load_model
from kangaroo.data.labelled import held_back
from kangaroo.errors import DataError
from kangaroo.models import store
from kangaroo.runs.folder import clear
from kangaroo.runs.photos import Data, load
from kangaroo.runs.results import card, judge
from kangaroo.runs.targets import report_classes
from kangaroo.runs.train import train

FRESH = 1000  # added to the seed of drawn scenes: a model trained on those of the same seed has seen them
PLAIN, HARDENED = "plain", "hardened"
CLASSES = ("Austria", "Australia")  # of networks that are trained here, if not said otherwise
HOW = "every second photo of a batch moved along the sign of the loss's gradient, in standardized units"


@dataclass(frozen=True, eq=False)
class Case:
    """Networks by name, the ``rows`` of ``data`` to attack, and the class numbers ``labels`` of all rows."""

    networks: dict[str, keras.Model]
    classes: tuple[str, ...]
    data: Data
    rows: np.ndarray
    labels: np.ndarray


def given(settings: AdversarialSettings, files: tuple[str, ...]) -> Case:
    """The model of a file, and photos; of drawn scenes fresh ones. An earlier run's ``files`` go."""
    assert settings.model
    classifier = load_model(settings.model)
    classes = settings.train.data.classes or classifier.classes
    if unknown := [name for name in classes if name not in classifier.classes]:
        known = ", ".join(classifier.classes)
        raise DataError(f"the model has no class {unknown[0]!r}: choose from {known} with --classes")
    own: dict[str, Any] = {"image_size": classifier.image_size, "antialias": classifier.card.antialias}
    photos_of = settings.train.data
    data = load(replace(photos_of, **own, classes=classes, validation=None, seed=photos_of.seed + FRESH))
    photos = data.manifest.photos
    rows = held_back(photos, photos_of.split).index if photos_of.split else photos.index
    clear(photos_of, files)
    labels = photos["class"].map(list(classifier.classes).index).to_numpy(np.int32)
    return Case({PLAIN: classifier.model}, classifier.classes, data, rows.to_numpy(), labels)


def trained(settings: AdversarialSettings, files: tuple[str, ...]) -> Case:
    """The report's network trained twice, plainly and on attacked photos, and the photos held back."""
    photos = settings.train.data
    data = load(replace(photos, classes=photos.classes or CLASSES))
    if not settings.train.resume:
        clear(photos, files)
    networks = {
        PLAIN: _train(settings, data, None),
        HARDENED: _train(settings, data, settings.training_epsilon),
    }
    return Case(networks, data.manifest.classes, data, data.rows("validation"), data.labels)


def _train(settings: AdversarialSettings, data: Data, epsilon: float | None) -> keras.Model:
    """Train one network and leave it, with its card, in a folder of its own."""
    folder = settings.train.data.out / (HARDENED if epsilon is not None else PLAIN)
    how = settings.train.in_folder(folder)
    task = report_classes(data)
    if epsilon is None:
        told = {}
        model, history = train(how, data, task)
    else:
        told = {"adversarial_epsilon": epsilon, "adversarial_training": HOW}
        model, history = train(
            how, data, task, prepare=partial(attack_while_training, epsilon=epsilon), extra=told
        )
    metrics = judge(model, history, data, task, how).metrics
    about = card(how, data, task, model, history, metrics)
    store.save(model, folder / "model.keras", replace(about, training={**about.training, **told}))
    return model
