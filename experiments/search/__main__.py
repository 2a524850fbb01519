"""Which settings are best? A search over any experiment's flags, as in 'CNN plays GeoGuessr'.

    python -m experiments.search countries
    python -m experiments.search countries --trials 60 --sampler tpe -- --images PHOTOS
    python -m experiments.search multinomial --search batch-size=16,32,64 learning-rate=1e-4..1e-2

The report: 30 trials of 10 epochs, drawn at random; batch size 180, learning rate 0.001, weight decay 0.0001
and a distance factor of 2.5 were best. To expect here: a table of all trials, which settings matter, and the
command that trains the best of them longer.
"""

import sys

from kangaroo import cli

if __name__ == "__main__":
    sys.exit(cli.search())
