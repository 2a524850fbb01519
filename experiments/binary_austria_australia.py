"""Austria or Australia? The first network of 'No Kangaroos in Austria', trained and judged.

    python -m experiments.binary_austria_australia
    python -m experiments.binary_austria_australia --images PHOTOS

The report: validation accuracy 0.9370 after 20 epochs on 20,050 photos, split by photo. To expect here: about
0.93 on 3,000 drawn scenes, and on photos what they allow; README.md has figures on real ones, split by place.
"""

import sys

from kangaroo import cli
from kangaroo.runs import Preset, TrainConfig

PRESET = Preset(
    name="binary_austria_australia",
    description="Train the report's network to tell Austria from Australia; judge it on unseen places.",
    classes=("Austria", "Australia"),
    training=TrainConfig(epochs=20),
    drawn_epochs=10,
    scenes=3000,
)

if __name__ == "__main__":
    sys.exit(cli.experiment(PRESET))
