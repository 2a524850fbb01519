"""What does a network for ImageNet see in street-level photos? A section of 'No Kangaroos in Austria'.

    python -m experiments.imagenet_labels
    python -m experiments.imagenet_labels --images PHOTOS --weights WEIGHTS.h5

The report: alps in Austria, seashores in Australia, otherwise little that tells them apart. To expect here:
on photos the same; in drawn scenes a network for photos sees what it likes. The report standardized its
photos; here they are scaled to [-1, 1], as those were that the network was trained on.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kangaroo.cli import analysis
from kangaroo.runs.flags import common, run_settings
from kangaroo.runs.folder import check, clear
from kangaroo.runs.settings import RunSettings

if TYPE_CHECKING:
    import pandas as pd

    from kangaroo.runs.analysis import Findings
    from kangaroo.runs.photos import Data

FILES = ("labels.csv", "metrics.json", "report.html")
FIGURES = {
    "labels": (
        "Labels by class",
        "Where the bars of a label differ, it says something about the country, or about where in it the "
        "photos were taken.",
    ),
    "confident": (
        "Most confident",
        "The photos of each label of which the network is surest, with its confidence. Is the thing there?",
    ),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Parse the flags, label the photos, and give the exit code."""
    parser = common(
        "imagenet_labels",
        "Name what MobileNetV2, trained on ImageNet, sees in the photos of each class.",
        classes=("Austria", "Australia"),
        scenes=1000,
        image_size=None,
        validation=None,
    )
    parser.add_argument(
        "--weights",
        default="imagenet",
        metavar="FILE",
        help="weights of MobileNetV2, .h5 or .keras (default: imagenet, which Keras downloads once)",
    )
    return analysis(parser, run, argv)


def run(args: argparse.Namespace) -> "Findings":
    """Label all photos."""
    import pandas as pd

    from kangaroo.models import imagenet
    from kangaroo.runs.photos import load

    settings = run_settings(args, image_size=imagenet.SIZE, validation=None)
    check(settings.out, FILES, overwrite=settings.data.overwrite)
    model = imagenet.load(None if args.weights == "imagenet" else Path(args.weights))
    data = load(settings.data)
    clear(settings.data, FILES)
    numbers, confidences = imagenet.top1(model, data.pixels)
    names = pd.Series(imagenet.label_names())
    photos = data.manifest.photos[["file", "class"]].assign(
        label=names[numbers].to_numpy(), confidence=confidences
    )
    return _findings(settings, data, photos)


def _findings(run: RunSettings, data: "Data", photos: "pd.DataFrame") -> "Findings":
    """Everything to leave and to say."""
    import pandas as pd

    from kangaroo.plots.imagenet import confident_photos, label_shares, pick_confident
    from kangaroo.runs.analysis import Drawn, Findings, PageTable

    metrics, sizes = _metrics(data, photos), data.manifest.counts
    counts = pd.DataFrame({row["label"]: row["by_class"] for row in metrics["labels"]}).T
    rows = {
        name: [
            (data.pixels[i], f"{photos['class'][i]} {100 * photos['confidence'][i]:.0f} %") for i in chosen
        ]
        for name, chosen in pick_confident(photos, list(counts.index)).items()
    }
    figures = {
        "labels": label_shares(counts / pd.Series(sizes), sizes, subject=data.subject),
        "confident": confident_photos(rows, n=len(photos), subject=data.subject),
    }
    lines = [
        (row["label"], *row["by_class"].values(), f"{row['confidence']:.2f}") for row in metrics["labels"]
    ]
    head = ("label", *sizes, "confidence")
    return Findings(
        run=run,
        data=data,
        title=f"ImageNet labels: {', '.join(sizes)}",
        metrics=metrics,
        frames={"labels": photos},
        figures={stem: Drawn(figure, *FIGURES[stem]) for stem, figure in figures.items()},
        tables=[PageTable("The commonest labels, photos by class, and mean confidence.", head, lines)],
        lines=[f"{row['n']:6} {row['label']}: {_by_class(row)}" for row in metrics["labels"]],
    )


def _metrics(data: "Data", photos: "pd.DataFrame") -> dict[str, Any]:
    """What metrics.json holds."""
    import pandas as pd

    from kangaroo.plots.imagenet import commonest
    from kangaroo.runs.analysis import common_metrics

    sizes = data.manifest.counts
    counts = pd.crosstab(photos["label"], photos["class"]).reindex(columns=list(sizes), fill_value=0)
    top = counts.loc[commonest(photos)]
    confidence = photos.groupby("label")["confidence"].mean().to_dict()
    return {
        "n": len(photos),
        "classes": list(sizes),
        "photos": sizes,
        "labels": [
            {
                "label": str(name),
                "n": int(row.sum()),
                "confidence": float(confidence[name]),
                "by_class": {name: int(count) for name, count in row.items()},
            }
            for name, row in top.iterrows()
        ],
        **common_metrics(data, [_result(top / pd.Series(sizes), len(counts))]),
    }


def _result(shares: "pd.DataFrame", different: int) -> str:
    """The commonest label, and among the commonest ones that on which the classes differ most."""
    spread = (shares.max(axis=1) - shares.min(axis=1)).sort_values(kind="stable")
    label = spread.index[-1]
    by_class = ", ".join(f"{name} {100 * share:.1f} %" for name, share in shares.loc[label].items())
    return (
        f"The network gives {different} different labels, most often {shares.index[0]!r}; among the "
        f"commonest {label!r} differs most: {by_class}."
    )


def _by_class(row: dict[str, Any]) -> str:
    return ", ".join(f"{name} {count}" for name, count in row["by_class"].items())


if __name__ == "__main__":
    sys.exit(main())
