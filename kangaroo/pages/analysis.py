"""The page of an experiment that leaves no classifier: figures, tables, and the command that made them."""

from collections.abc import Iterable, Mapping

from kangaroo.files import write_text
from kangaroo.pages import elements
from kangaroo.runs.photos import Data
from kangaroo.runs.settings import RunSettings


def write_page(
    settings: RunSettings,
    data: Data,
    title: str,
    lead: Iterable[str],
    *,
    warnings: Iterable[str],
    figures: Mapping[str, tuple[str, str]],
    tables: Iterable[str],
) -> None:
    """Write report.html into the run folder, from sentences, and tables in HTML.

    ``figures`` gives each PNG file in the run's figures, by its stem, a title and a caption.
    """
    folder = settings.out / "figures"
    embedded = [elements.figure(folder / f"{stem}.png", *texts) for stem, texts in figures.items()]
    rejected = [(bad.file, bad.reason) for bad in data.manifest.rejected]
    left_out = elements.table("Photos left out, and why", ("file", "reason"), rejected)
    counts = elements.table(
        "Photos by class.", ("class", "photos"), data.manifest.counts.items(), numeric=True
    )
    parts = (
        elements.section(
            "Result",
            *(elements.paragraph(text, "lead") for text in lead),
            elements.bullets(warnings, "warnings"),
        ),
        elements.section("Figures", elements.figures(embedded)),
        elements.section("In numbers", *tables),
        elements.section("Data", counts, elements.details(f"Photos left out: {len(rejected):,}", left_out)),
        elements.section("How it was made", elements.code(settings.command)),
    )
    badge = f"{data.subject}, not photos" if data.manifest.drawn else ""
    write_text(settings.out / "report.html", elements.page(title, parts, badge))
