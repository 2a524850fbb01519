"""In which cell? An area divided into squares or Voronoi cells, as in 'Playing GeoGuessr with ML'.

    python -m experiments.cells --images PHOTOS --cells kmeans --n-cells 20
    python -m experiments.cells --images PHOTOS --cells square --cell-km 50 --boundary area.geojson

The report: 252 cells of London, 6.99 km off on average. To expect here: a map of what the model believes, how
far off its guesses are beside answers that look at no photo, and neighbourhood.html, where cells that look
alike light up together.
"""

import sys

from kangaroo import cli
from kangaroo.runs import CELLS as PRESET

if __name__ == "__main__":
    sys.exit(cli.experiment(PRESET))
