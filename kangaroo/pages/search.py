"""The page of a search, one file without an outside address."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from kangaroo.files import write_text
from kangaroo.pages import elements
from kangaroo.runs.search.results import SearchFindings, sentence
from kangaroo.runs.search.settings import METRICS, SearchSettings

FIGURES = {
    "history": (
        "Trials",
        "The value of every trial, and the best so far. Where the line has long been flat, more trials of "
        "the same kind would hardly help.",
    ),
    "importance": (
        "Importance of the settings",
        "What part of the differences between finished trials each setting explains (fANOVA: a random "
        "forest's variance, shared out). A setting without importance may keep its default.",
    ),
    "slices": (
        "The settings one by one",
        "Each point is a finished trial, darker ones came later, the star is the best. If the best lies at "
        "the end of a range, a wider one may hold better ones.",
    ),
}


def write_page(settings: SearchSettings, findings: SearchFindings) -> None:
    """Write report.html, the last file of a search, whose other files are there already."""
    table, best, stems = findings.table, findings.best, findings.stems
    folder = settings.out / "figures"
    embedded = [elements.figure(folder / f"{stem}.png", *FIGURES[stem]) for stem in stems]
    failed = table.loc[table["reason"] != "", ["trial", "reason"]].to_numpy().tolist()
    parts = (
        _result(table, best),
        elements.section("Figures", elements.figures(embedded)),
        elements.section(
            "Trials",
            _trials(settings, table),
            elements.details("Why trials failed", elements.table("Reasons", ("trial", "reason"), failed)),
        ),
        elements.section("How it was made", elements.code(settings.command), _about(settings)),
    )
    badge = "drawn scenes, not photos" if best["subject"] == "drawn scenes" else ""
    title = f"Search over the settings of {settings.experiment}"
    write_text(settings.out / "report.html", elements.page(title, parts, badge))


def _result(table: pd.DataFrame, best: Mapping[str, Any]) -> str:
    numbers = {
        best["metric"]: f"{best['value']:.4f}",
        f"validation {best['subject']}": f"{best['n']:,}",
        **{f"trials {state}": str(count) for state, count in best["trials"].items()},
        "hours of all trials": f"{table['seconds'].sum() / 3600:.1f}",
    }
    return elements.section(
        "Result",
        elements.paragraph(sentence(best), "lead"),
        elements.bullets(best["warnings"], "warnings"),
        elements.numbers(numbers),
        elements.paragraph("To train it longer with the best settings:"),
        elements.code(best["command"]),
    )


def _trials(settings: SearchSettings, table: pd.DataFrame) -> str:
    names = [dimension.name for dimension in settings.space]
    ordered = table.sort_values("value", ascending=METRICS[settings.metric].direction == "minimize")
    rows = [
        (
            row["trial"],
            _cell(row["value"], ".4f"),
            row["state"],
            row["epochs"],
            *(_cell(row[name], ".4g") for name in names),
        )
        for _, row in ordered.iterrows()
    ]
    head = ("trial", settings.metric, "state", "epochs", *names)
    return elements.table("The best first.", head, rows, numeric=True)


def _cell(value: Any, digits: str) -> str:
    """A number or a word; a trial that ended early may have none."""
    return "–" if pd.isna(value) else f"{value:{digits}}" if isinstance(value, float) else str(value)


def _about(settings: SearchSettings) -> str:
    facts = {
        "searched over": ", ".join(map(str, settings.space)),
        "sampler": f"{settings.sampler}, seed {settings.seed}",
        "pruner": settings.pruner,
        "epochs of a trial": settings.epochs,
    }
    return elements.table("Settings of the search", ("what", "value"), facts.items())
