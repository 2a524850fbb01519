"""What the classical models came to: the figures of metrics.json, sentences, a table, a figure, a page."""

from typing import Any

import pandas as pd

from experiments.baselines.settings import SAMPLINGS
from kangaroo.plots.baselines import accuracies
from kangaroo.runs.analysis import Drawn, Findings, PageTable, common_metrics
from kangaroo.runs.photos import Data
from kangaroo.runs.settings import RunSettings

HEAD = ("model", "photos (validation)", "training", "validation", "not converged")
CAPTION = (
    "Bars are means over the draws, lines reach from the least to the greatest. Where training is perfect "
    "and validation is not, the model has learned its photos by heart."
)


def findings(run: RunSettings, data: Data, scores: pd.DataFrame, summary: pd.DataFrame) -> Findings:
    """Everything to leave and to say; ``scores`` has a row a fit, ``summary`` one a model and sampling."""
    metrics = _metrics(data, summary)
    panels = {sampling: SAMPLINGS[sampling] for sampling in summary["sampling"].unique()}
    figure = accuracies(summary, panels, metrics["chance"], n=len(data.pixels), subject=data.subject)
    rows = _table(metrics)
    return Findings(
        run=run,
        data=data,
        title=f"Classical models: {', '.join(data.manifest.classes)}",
        metrics=metrics,
        frames={"baselines": scores},
        figures={"accuracies": Drawn(figure, "Accuracy", CAPTION)},
        tables=[PageTable("Mean accuracy and standard deviation over the draws.", HEAD, rows)],
        lines=_lines([HEAD, *rows]),
    )


def _metrics(data: Data, summary: pd.DataFrame) -> dict[str, Any]:
    """What metrics.json holds."""
    held = data.manifest.photos["split"] == "validation"
    training, validation = int((~held).sum()), int(held.sum())
    chance = float(data.manifest.photos.loc[held, "class"].value_counts(normalize=True).max())
    models = summary.astype(object).where(summary.notna(), None)  # a single draw has no deviation
    common = common_metrics(data, _result(summary, chance, data.subject))
    return {
        "classes": list(data.manifest.classes),
        "n_training": training,
        "n_validation": validation,
        "chance": chance,
        "models": models.to_dict("records"),
        **common,
        "warnings": [*common["warnings"], *_warnings(summary, training, validation)],
    }


def _lines(rows: list[tuple[str, ...]]) -> list[str]:
    """A table for the console."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _result(summary: pd.DataFrame, chance: float, subject: str) -> list[str]:
    """What came out, in a sentence for each sampling."""
    one, two = (summary[summary["sampling"] == sampling] for sampling in SAMPLINGS)
    best = one.sort_values("validation_mean").iloc[-1]
    sentences = [
        f"The best of these models ({best['model']} on {best['size']} px) names "
        f"{_percent(best['validation_mean'])} of the validation {subject} rightly, all models together "
        f"{_percent(one['validation_mean'].mean())} on average; always naming the commonest class would "
        f"give {_percent(chance)}."
    ]
    if len(two):
        sentences.append(
            "The report's 'linear models are at chance' came from shuffled labels: drawn in two passes, as "
            "there, photos get the labels of others, and the accuracy is "
            f"{_percent(two['validation_mean'].mean())} on average."
        )
    return sentences


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _warnings(summary: pd.DataFrame, training: int, validation: int) -> list[str]:
    """Samples smaller than the report's, and solvers that did not converge."""
    found = []
    if ((summary["n_training"] == training) | (summary["n_validation"] == validation)).any():
        found.append(
            f"there are {training:,} photos for training and {validation:,} for validation: a model that "
            "asks for more gets all of them in every draw"
        )
    for _, row in summary[summary["not_converged"] > 0].iterrows():
        found.append(
            f"{row['model']} on {row['size']} px, {row['sampling']}: {row['not_converged']} of "
            f"{row['draws']} fits did not converge, so its figures are those of unfinished fits"
        )
    return found


def _table(metrics: dict[str, Any]) -> list[tuple[str, ...]]:
    """The rows under HEAD, for people."""
    return [
        (
            f"{row['model']}, {row['size']} px" + ("" if row["sampling"] == "one pass" else ", two passes"),
            f"{row['n_training']:,} ({row['n_validation']:,})",
            *(
                f"{row[f'{side}_mean']:.3f} ± {row[f'{side}_std'] or 0:.3f}"
                for side in ("training", "validation")
            ),
            f"{row['not_converged']} of {row['draws']}",
        )
        for row in metrics["models"]
    ]
