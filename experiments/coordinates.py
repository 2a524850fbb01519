"""Where exactly? A network that gives latitude and longitude, as two of the reports tried it.

    python -m experiments.coordinates --images PHOTOS
    python -m experiments.coordinates --images PHOTOS --target box --loss mean-squared-error

'Playing GeoGuessr with machine learning': 256 units, ReLU and two numbers from 0 to 1 on a ResNet-50, 3.89 km
off on average in London. To expect here: distances, judged exactly as those of experiments.cells.
"""

import sys

from kangaroo import cli
from kangaroo.runs import COORDINATES as PRESET

if __name__ == "__main__":
    sys.exit(cli.experiment(PRESET))
