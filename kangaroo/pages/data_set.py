"""A data set as one self-contained HTML page: numbers, figures, and photos of every class to look at."""

import base64
import io
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from PIL import Image

from kangaroo.data.dataset import DRAWN
from kangaroo.data.images import Pixels, decode_many
from kangaroo.data.manifest import SIDES, Rejected
from kangaroo.data.splits import small_classes
from kangaroo.data.summary import Source, Summary, pick, usable
from kangaroo.errors import DataError, PhotoError
from kangaroo.files import write_text
from kangaroo.pages import elements
from kangaroo.plots import data as plots
from kangaroo.plots.style import save
from kangaroo.progress import progress

PICTURES = 800
"""About as many photos are shown in all, 4 to 12 of a class, so that the page stays small."""
CLASSES = 250
"""Of so many classes photos are shown, of those with most photos."""
ROWS = 500
"""So many rejected photos are listed; the manifest has them all."""
_GRID = "display:grid;grid-template-columns:repeat(auto-fill,minmax({},1fr));gap:{}"
_CREDIT = "font-size:.75rem;line-height:1.3;overflow-wrap:anywhere"

# How to read each figure, in the order of the page.
CAPTIONS: Mapping[str, tuple[str, str]] = {
    "classes": (
        "Photos by class",
        "Where classes differ much, accuracy says little: give the balanced one, or balance the data.",
    ),
    "map": (
        "Where the photos were taken",
        "Longitude and latitude. Empty stretches are landscapes that a model never sees.",
    ),
    "states": (
        "Photos by state",
        "Where bars differ much, a model sees much more of some places than others.",
    ),
    "years": (
        "Photos by year of capture",
        "Classes of different years can be told apart by the camera instead of the country.",
    ),
    "headings": ("Photos by direction of view", "Peaks are directions that the collection prefers."),
}


def write_data_report(
    path: Path,
    records: pd.DataFrame,
    summary: Summary,
    rejected: Sequence[Rejected] = (),
    *,
    title: str,
    seed: int,
) -> tuple[Rejected, ...]:
    """Write the page of ``records`` to ``path``; gives the photos chosen for it that can't be decoded.

    ``summary`` and ``rejected`` belong to the records (:mod:`kangaroo.data.summary`). ``seed`` chooses the
    photos shown. DataError: there is nothing to show, or the name isn't a page's.
    """
    if path.suffix.lower() not in (".html", ".htm"):
        raise DataError(f"{path} is no name for a page: let it end in .html")
    if not len(records):
        raise DataError(f"{title}: there are no photos to show: import some with kangaroo data import")
    kept = usable(records)
    pictures, damaged = _pictures(kept, summary, seed)
    parts = (
        elements.section(
            "Result",
            elements.paragraph(_lead(summary), "lead"),
            elements.bullets(_warnings(kept, summary), "warnings"),
            elements.numbers(_key_numbers(summary)),
        ),
        elements.section("Figures", elements.figures(_figures(kept, summary))),
        elements.section("Photos", pictures),
        elements.section("In numbers", *_tables(summary)),
        elements.section("Sources and licences", _sources(summary)),
        elements.section("Rejected", *_rejected(records, summary, (*rejected, *damaged))),
    )
    write_text(path, elements.page(title, parts, _badge(summary)))
    return damaged


def _badge(summary: Summary) -> str:
    if not summary.drawn:
        return ""
    return (
        "drawn scenes, not photos" if summary.drawn == summary.photos else "partly drawn scenes, not photos"
    )


def _subject(summary: Summary) -> str:
    if not summary.drawn:
        return "photos"
    return "drawn scenes" if summary.drawn == summary.photos else "photos and drawn scenes"


def _lead(summary: Summary) -> str:
    out = sum(summary.rejected.values())
    left = f" {out:,} more were rejected, for the reasons below." if out else ""
    classes, places = _count(len(summary.classes), "class", "classes"), _count(summary.places, "place")
    return f"{summary.photos:,} {_subject(summary)} of {classes}, at {places}.{left}"


def _warnings(kept: pd.DataFrame, summary: Summary) -> Iterator[str]:
    if empty := [name for name, count in summary.classes.items() if not count]:
        yield f"Without a usable photo: {_some(empty)}."
    if small := [f"{few.name} ({few.photos:,}, {few.places:,})" for few in small_classes(kept)]:
        yield f"Too few photos or places to trust their figures (photos, places): {_some(small)}."
    if kept.groupby("source")["class"].nunique().min() < kept["class"].nunique():
        yield "Not every source has every class: a model may learn the source of a photo, not its class."


def _key_numbers(summary: Summary) -> dict[str, str]:
    subject, states = _subject(summary), sum(map(len, summary.states.values()))
    found = {
        subject: summary.photos,
        "classes": len(summary.classes),
        "places, whose photos stay together": summary.places,
        "states": states,
        "regions": summary.regions,
        "countries": summary.countries,
        "photos with coordinates": summary.located,
        "sources": len({source.source for source in summary.sources}),
        "photos of unknown licence": sum(
            item.photos for item in summary.sources if not item.licence and item.source != DRAWN
        ),
        **{f"photos for {side}": sum(counts.values()) for side, counts in summary.split.items()},
        "rejected": sum(summary.rejected.values()),
    }
    always = (subject, "photos with coordinates", "photos of unknown licence", "rejected")
    return {name: f"{count:,}" for name, count in found.items() if count or name in always}


def _figures(kept: pd.DataFrame, summary: Summary) -> Iterator[str]:
    """The figures as HTML; those of which nothing is known are left out."""
    with tempfile.TemporaryDirectory() as folder:
        for name, figure in _draw(kept, summary):
            path = Path(folder) / f"{name}.png"
            save(figure, path)
            yield elements.figure(path, *CAPTIONS[name])


def _draw(kept: pd.DataFrame, summary: Summary) -> Iterator[tuple[str, Figure]]:
    subject = _subject(summary)
    if summary.photos:
        yield "classes", plots.counts_bars(_by_side(summary), what="class", subject=subject)
    if summary.located:
        located = kept.dropna(subset=["lat", "lon"])[["class", "lat", "lon"]]
        yield "map", plots.photo_map(located, subject=f"{subject} with coordinates")
    if summary.states:
        states = pd.Series(dict(_states(summary))).sort_values(ascending=False, kind="stable")
        yield "states", plots.counts_bars(states.to_frame("photos"), what="state", subject=subject)
    if summary.years:
        yield "years", plots.photos_by_year(summary.years, subject=subject)
    if any(summary.headings):
        yield "headings", plots.photos_by_heading(summary.headings, subject=subject)


def _by_side(summary: Summary) -> pd.DataFrame:
    """Photos by class, in columns for the sides of the split if there are any."""
    photos = pd.Series(dict(summary.classes), name="photos")
    if not summary.split:
        return photos.to_frame()
    table = pd.DataFrame({side: pd.Series(summary.split[side]) for side in summary.split})
    table = table.reindex(photos.index).fillna(0).astype(int)
    table["no side"] = photos - table.sum(axis=1)
    return table.loc[:, [side in SIDES or bool(table[side].any()) for side in table]]


def _states(summary: Summary) -> Iterator[tuple[str, int]]:
    for name, counts in summary.states.items():
        yield from (
            (state if state == name else f"{state}, {name}", count) for state, count in counts.items()
        )


def _pictures(kept: pd.DataFrame, summary: Summary, seed: int) -> tuple[str, tuple[Rejected, ...]]:
    """The contact sheets as HTML, a grid a class, and the chosen photos that can't be decoded."""
    names = list(summary.classes)[:CLASSES]
    few = len(names) <= 12
    number, size, cell = (12, 192, 160) if few else (max(4, min(12, PICTURES // len(names))), 112, 74)
    chosen = pick(kept[kept["class"].isin(names)], number, seed=seed)
    decoded = progress(decode_many(chosen["path"], size), "photos of the page", len(chosen), "photo")
    damaged: list[Rejected] = []
    shown: dict[str, list[str]] = {}
    for picture, (_, row) in zip(decoded, chosen.iterrows(), strict=True):
        if isinstance(picture, PhotoError):
            damaged.append(Rejected(row["path"], str(picture)))
        else:
            shown.setdefault(row["class"], []).append(_picture(picture, row))
    note = f"Chosen by chance (seed {seed}), of different places where there are; the centre square of each."
    if len(names) < len(summary.classes):
        note += f" Only the {CLASSES:,} classes with most photos are shown."
    grid = _GRID.format(f"min({cell}px,30%)", ".5rem")
    sheets = "\n".join(
        f'<div>\n<h3>{escape(name)}</h3>\n<div style="{grid}">\n{"".join(own)}\n</div>\n</div>'
        for name, own in shown.items()
    )
    columns = _GRID.format("100%" if few else "min(100%,22rem)", "0 1.75rem")
    sheets = f'<div style="{columns}">\n{sheets}\n</div>' if sheets else ""
    return elements.paragraph(note) + sheets if sheets else "", tuple(damaged)


def _picture(pixels: Pixels, row: "pd.Series") -> str:
    """One photo, embedded as JPEG, with whom it is by: some licences ask for that wherever it is shown."""
    file, (height, width) = io.BytesIO(), pixels.shape[:2]
    Image.fromarray(pixels).save(file, "JPEG", quality=80)
    credit = ", ".join(filter(None, (row.get("attribution", ""), row["licence"])))
    data = base64.b64encode(file.getvalue()).decode()
    image = (
        f'<img src="data:image/jpeg;base64,{data}" width="{width}" height="{height}" '
        f'alt="{escape(row["class"])}" title="{escape(Path(row["path"]).name)}">'
    )
    return f'<div>{image}<div style="{_CREDIT}">{escape(credit)}</div></div>' if credit else image


def _tables(summary: Summary) -> Iterator[str]:
    table = _by_side(summary)
    if summary.split:
        table["in all"] = table.sum(axis=1)
    if summary.states:
        table["states"] = [len(summary.states.get(name, ())) for name in table.index]
    head = ("class", *table)
    yield _folded(
        elements.table("Photos by class", head, table.itertuples(), numeric=True), len(table), "classes"
    )
    states = [
        (name, state, f"{count:,}") for name, own in summary.states.items() for state, count in own.items()
    ]
    inside = elements.table("Photos by state", ("class", "state", "photos"), states)
    yield elements.details(f"Photos by state, {len(states):,} states", inside)


def _folded(table: str, rows: int, what: str) -> str:
    """A long table opens on demand."""
    return table if rows <= 40 else elements.details(f"All {rows:,} {what}", table)


def _sources(summary: Summary) -> str:
    rows = [
        (_source(source), f"{source.photos:,}", source.classes, f"{source.attributed:,}")
        for source in summary.sources
    ]
    note = (
        "Photos are their makers'. Read each source's terms before you pass on the photos or this page, and "
        "name the source and the photographer where its licence asks for it."
    )
    head = ("source (licence)", "photos", "classes", "author named")
    table = elements.table("Usable photos by source and licence", head, rows, numeric=True)
    return elements.paragraph(note) + table if rows else ""


def _source(item: Source) -> str:
    licence = item.licence or ("" if item.source == DRAWN else "licence unknown")
    return (item.source or "unknown source") + (f" ({licence})" if licence else "")


def _rejected(records: pd.DataFrame, summary: Summary, files: Sequence[Rejected]) -> Iterator[str]:
    reasons = elements.table("By reason", ("reason", "photos"), summary.rejected.items(), numeric=True)
    left_out = records.loc[records["reject_reason"] != "", ["path", "reject_reason"]]
    rows = [(file.file, file.reason) for file in files] + left_out[:ROWS].to_numpy().tolist()
    total = len(files) + len(left_out)
    caption = "Left out, and why" + (f": the first {ROWS:,} of {total:,}" if total > ROWS else "")
    table = elements.table(caption, ("file", "reason"), rows[:ROWS])
    yield reasons
    yield elements.details(f"Photos left out: {total:,}", table)


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _some(names: Sequence[str], number: int = 12) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - number:,} more" if len(names) > number else ""
    return ", ".join(names[:number]) + more
