"""Drawn scenes to play with, for whoever has no photos: a model of drawn scenes knows nothing else."""

from dataclasses import replace
from pathlib import Path

import pandas as pd

from kangaroo.app.state import Settings
from kangaroo.data.splits import SPLIT_COLUMNS
from kangaroo.files import atomic
from kangaroo.models.classifier import Classifier
from kangaroo.scenes.folder import SceneSettings, write_folder
from kangaroo.scenes.profiles import PROFILES

SCENES = 100
FRESH = 100_000
"""Added to the seed, so that no model was trained on these scenes."""


def with_scenes(classifier: Classifier, settings: Settings, folder: Path) -> Settings:
    """The settings with fresh scenes, drawn into ``folder``, to play with.

    Unchanged where there are photos to play with, or where the model knows photos or other classes.
    """
    names = classifier.classes
    if settings.photos or not classifier.card.data.get("drawn") or not set(names) <= set(PROFILES):
        return settings
    size = max(256, classifier.image_size)
    photos = write_folder(folder / "scenes", SceneSettings(names, SCENES, FRESH + settings.seed, size))
    table = pd.read_csv(photos / "labels.csv").rename(columns={"country": "class"}).assign(split="test")
    with atomic(folder / "split.csv") as temporary:
        table[SPLIT_COLUMNS].to_csv(temporary, index=False)
    return replace(settings, photos=photos, split=folder / "split.csv")
