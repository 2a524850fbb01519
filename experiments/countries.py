"""Which country? The reports' networks on any countries, and a small one that learns from few photos.

    python -m experiments.countries --images PHOTOS
    python -m experiments.countries --images PHOTOS --backbone resnet50 --weights imagenet --lock 0.7
    python -m experiments.countries --images PHOTOS --loss distance --alpha 2.5

'CNN plays GeoGuessr': 72.5 % of the test photos of 20 countries, with the last block of an ImageNet ResNet-50
fine-tuned on 35,451 photos. To expect here, from nothing: README.md has the figures.
"""

import sys

from kangaroo import cli
from kangaroo.runs import COUNTRIES as PRESET

if __name__ == "__main__":
    sys.exit(cli.experiment(PRESET))
