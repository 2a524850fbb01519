"""The defaults of training on countries, cells and coordinates with the small network. No TensorFlow."""

from collections.abc import Mapping
from dataclasses import replace

from kangaroo.runs.settings import Preset, TaskName
from kangaroo.training.settings import TrainConfig

RECIPE = TrainConfig(
    epochs=60,
    batch_size=64,
    learning_rate=0.002,
    optimizer="adamw",
    weight_decay=0.05,
    schedule="cosine",
    warmup_epochs=2,
    averaging=0.99,
)
"""What the small network learns well by."""

COUNTRIES = Preset(
    name="countries",
    task="countries",
    description="Train a network to tell countries apart; judge it, also in kilometres, on unseen places.",
    classes=("Australia", "Austria", "Czechia", "New Zealand", "Slovakia"),
    losses=("cross-entropy", "distance", "soft"),
    training=replace(RECIPE, epochs=120),
    drawn_epochs=15,
    scenes=6000,
    image_size=160,
)

CELLS = Preset(
    name="cells",
    task="cells",
    description="Train a network to tell in which cell of an area a photo was taken; judge its distances.",
    classes=("Austria", "Czechia", "Slovakia"),
    losses=("cross-entropy", "distance", "soft"),
    training=RECIPE,
    drawn_epochs=15,
    scenes=3000,
    image_size=160,
    one_class=True,
)

COORDINATES = Preset(
    name="coordinates",
    task="coordinates",
    description="Train a network to give a photo's coordinates, and judge its distances on unseen places.",
    classes=("Austria", "Czechia", "Slovakia"),
    losses=("haversine", "mean-squared-error"),
    training=RECIPE,
    drawn_epochs=15,
    scenes=3000,
    image_size=160,
    one_class=True,
)

PRESETS: Mapping[TaskName, Preset] = {preset.task: preset for preset in (COUNTRIES, CELLS, COORDINATES)}
