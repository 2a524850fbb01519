"""What an analysis of photos or of a model found, and the run folder that says so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from kangaroo.files import atomic, write_json
from kangaroo.plots.style import save
from kangaroo.runs.photos import Data
from kangaroo.runs.settings import RunSettings


@dataclass(frozen=True)
class PageTable:
    """A table of the page: cells as a reader would write them."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[object]]


@dataclass(frozen=True)
class Drawn:
    """A figure, and how to read it."""

    figure: Figure
    title: str
    caption: str


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What one analysis comes to; the frame writes all of it.

    ``run`` and ``data`` are what it was about. ``metrics`` go to ``metrics_file``; among them are ``result``,
    sentences, and ``warnings``. ``frames`` go to STEM.csv, ``figures`` to figures/STEM.png, in the page's
    order. ``lines`` are what the console shows before the result.
    """

    run: RunSettings
    data: Data
    title: str
    metrics: dict[str, Any]
    metrics_file: str = "metrics.json"
    frames: Mapping[str, pd.DataFrame]
    figures: Mapping[str, Drawn]
    tables: Sequence[PageTable]
    lines: Sequence[str] = field(default=())

    def summary(self) -> str:
        """What the console shows."""
        notes = [f"note: {warning}" for warning in self.metrics["warnings"]]
        look = f"look at {self.run.out / 'report.html'}"
        return "\n".join([*self.lines, *self.metrics["result"], *notes, look])


def common_metrics(data: Data, result: Sequence[str]) -> dict[str, Any]:
    """What the metrics of every analysis have: sentences, what to keep in mind, photos left out."""
    return {
        "result": list(result),
        "warnings": list(data.warnings),
        "rejected": [vars(bad) for bad in data.manifest.rejected],
    }


def leave(findings: Findings) -> None:
    """Write the run folder, except its page, which comes last."""
    out = findings.run.out
    for stem, frame in findings.frames.items():
        with atomic(out / f"{stem}.csv") as temporary:
            frame.to_csv(temporary, index=False)
    write_json(out / findings.metrics_file, findings.metrics)
    for stem, drawn in findings.figures.items():
        save(drawn.figure, out / "figures" / f"{stem}.png")
