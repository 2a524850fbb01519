"""The page of an experiment that leaves no classifier: figures, tables, and the command that made them."""

from collections.abc import Iterable, Mapping

from experiments.photos import Data
from experiments.settings import RunSettings
from kangaroo import page
from kangaroo.files import write_text


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
    embedded = [page.figure(folder / f"{stem}.png", *texts) for stem, texts in figures.items()]
    rejected = [(bad.file, bad.reason) for bad in data.manifest.rejected]
    left_out = page.table("Photos left out, and why", ("file", "reason"), rejected)
    counts = page.table("Photos by class.", ("class", "photos"), data.manifest.counts.items(), numeric=True)
    parts = (
        page.section(
            "Result", *(page.paragraph(text, "lead") for text in lead), page.bullets(warnings, "warnings")
        ),
        page.section("Figures", page.figures(embedded)),
        page.section("In numbers", *tables),
        page.section("Data", counts, page.details(f"Photos left out: {len(rejected):,}", left_out)),
        page.section("How it was made", page.code(settings.command)),
    )
    badge = f"{data.subject}, not photos" if data.manifest.drawn else ""
    write_text(settings.out / "report.html", page.page(title, parts, badge))
