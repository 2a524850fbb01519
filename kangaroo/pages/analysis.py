"""The page of an analysis: sentences, figures, tables, and the command that made them."""

from kangaroo.files import write_text
from kangaroo.pages import elements
from kangaroo.runs.analysis import Findings


def write_page(findings: Findings) -> None:
    """Write report.html into the run folder, whose figures are there already."""
    run, data = findings.run, findings.data
    folder = run.out / "figures"
    embedded = [
        elements.figure(folder / f"{stem}.png", drawn.title, drawn.caption)
        for stem, drawn in findings.figures.items()
    ]
    rejected = [(bad.file, bad.reason) for bad in data.manifest.rejected]
    left_out = elements.table("Photos left out, and why", ("file", "reason"), rejected)
    parts = (
        elements.section(
            "Result",
            *(elements.paragraph(text, "lead") for text in findings.metrics["result"]),
            elements.bullets(findings.metrics["warnings"], "warnings"),
        ),
        elements.section("Figures", elements.figures(embedded)),
        elements.section(
            "In numbers", *(elements.table(t.caption, t.head, t.rows, numeric=True) for t in findings.tables)
        ),
        elements.section(
            "Data",
            elements.table(
                "Photos by class.", ("class", "photos"), data.manifest.counts.items(), numeric=True
            ),
            elements.details(f"Photos left out: {len(rejected):,}", left_out),
        ),
        elements.section("How it was made", elements.code(run.command)),
    )
    badge = f"{data.subject}, not photos" if data.manifest.drawn else ""
    write_text(run.out / "report.html", elements.page(findings.title, parts, badge))
