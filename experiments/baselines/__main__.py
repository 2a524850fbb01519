"""Ridge and logistic regression, support vector machines: the classical models of 'No Kangaroos in Austria'.

    python -m experiments.baselines
    python -m experiments.baselines --images PHOTOS --report-sampling

The report: validation accuracy 0.45 to 0.55. To expect here: on photos clearly more than chance; on drawn
scenes little more, because their colours say nothing, and with --colour-cue nearly all. --report-sampling
adds the report's own way beside it: chance everywhere, because photos get the labels of other photos.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any

from experiments.baselines.settings import SAMPLINGS, BaselineSettings
from kangaroo.cli import analysis
from kangaroo.errors import DataError
from kangaroo.progress import progress
from kangaroo.runs.flags import common, run_settings
from kangaroo.runs.folder import check, clear
from kangaroo.runs.numbers import positive

if TYPE_CHECKING:  # these need TensorFlow, --help does not
    from kangaroo.models.classical import Baseline, Sample
    from kangaroo.runs.analysis import Findings
    from kangaroo.runs.photos import Data

SMALL = 32  # pixels: the side to which the report shrank its photos where it took more of them
FILES = ("baselines.csv", "metrics.json", "report.html")


def main(argv: Sequence[str] | None = None) -> int:
    """Parse the flags, fit the models, and give the exit code."""
    return analysis(_parser(), run, argv)


def run(args: argparse.Namespace) -> "Findings":
    """Fit and judge all models."""
    import pandas as pd

    from experiments.baselines.results import findings
    from experiments.baselines.settings import BaselineSettings
    from kangaroo.models.classical import baselines, summarize
    from kangaroo.runs.photos import load

    samplings = tuple(SAMPLINGS)[: 1 + args.report_sampling]
    settings = BaselineSettings(run_settings(args), args.draws, samplings)
    data_settings = settings.run.data
    if data_settings.colour_cue and data_settings.images:
        raise DataError(f"--colour-cue is for drawn scenes: leave out either it or {data_settings.images[0]}")
    check(settings.run.out, FILES, overwrite=data_settings.overwrite)
    data = load(data_settings)
    clear(data_settings, FILES)
    every = baselines(data_settings.image_size, SMALL)
    models = list({(model.name, model.size): model for model in every}.values())  # sizes can be equal
    fits = len(models) * settings.draws * len(settings.samplings)
    scores = pd.DataFrame(progress(_scores(settings, data, models), "fitting", fits, "model"))
    return findings(settings.run, data, scores, summarize(scores))


def _parser() -> argparse.ArgumentParser:
    description = "Fit the report's classical models to several samples, and judge them on unseen places."
    parser = common("baselines", description, classes=("Austria", "Australia"), scenes=6250)
    add = parser.add_argument
    add(
        "--draws", type=positive, default=5, metavar="N", help="samples for each model (default: %(default)s)"
    )
    add(
        "--report-sampling",
        action="store_true",
        help="beside it, draw photos and labels in two passes as the report did, which mixes them up",
    )
    add("--colour-cue", action="store_true", help="tint the drawn scenes by country: easy for linear models")
    return parser


def _scores(
    settings: BaselineSettings, data: "Data", models: "Sequence[Baseline]"
) -> Iterator[dict[str, Any]]:
    """One row a fit. In a draw, all models of one size see the same photos; who takes fewer, the first."""
    from kangaroo.data.cache import decode_photos

    small, pixels = decode_photos(data.manifest, SMALL)
    sides = {settings.run.data.image_size: data, SMALL: replace(data, manifest=small, pixels=pixels)}
    for sampling, number, (size, own) in product(settings.samplings, range(settings.draws), sides.items()):
        group = [model for model in models if model.size == size]
        for row in _fits(own, group, (settings.run.seed, number), two_passes=sampling == "two passes"):
            yield {"sampling": sampling, "size": size, "draw": number} | row


def _fits(
    data: "Data", models: "Sequence[Baseline]", seed: tuple[int, int], *, two_passes: bool
) -> Iterator[dict[str, Any]]:
    """Fit ``models`` to one draw. Validation photos keep their labels: the report's did not reshuffle."""
    from kangaroo.models.classical import fit

    sample = partial(_sample, data, max(model.photos for model in models), seed)
    training, validation = sample("training", two_passes=two_passes), sample("validation")
    for model in models:
        seen, judged = training.first(model.photos), validation.first(model.photos)
        row = {"model": model.name, "n_training": len(seen.labels), "n_validation": len(judged.labels)}
        yield row | asdict(fit(model, seen, judged))


def _sample(data: "Data", n: int, seed: tuple[int, int], split: str, *, two_passes: bool = False) -> "Sample":
    """Up to ``n`` photos of one side, in an order that follows from the seed and the number of the pass."""
    from kangaroo.data.pipeline import batches
    from kangaroo.models.classical import draw

    part = partial(batches, data.pixels, data.rows(split), data.labels, batch_size=50)
    return draw(lambda i: part(shuffle_seed=(*seed, i)), n, two_passes=two_passes)


if __name__ == "__main__":
    sys.exit(main())
