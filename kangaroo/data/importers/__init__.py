"""Records of a manifest out of photo folders and public data sets, several merged into one."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from kangaroo.data.importers.base import Found
from kangaroo.data.importers.classes import CLASS_BY, with_classes
from kangaroo.data.importers.layouts import LAYOUTS, PANORAMAS, detect
from kangaroo.data.importers.pictures import extract, inspect
from kangaroo.data.manifest import Rejected, check_records, complete
from kangaroo.data.panoramas import Cut
from kangaroo.errors import DataError, require_choices


@dataclass(frozen=True)
class Settings:
    """How to import: the layout of all sources or auto, and what makes the class, see ``with_classes``.

    ``classes_from``: keep only classes that this source, one of all, has. ``photos``: where to put pictures
    that lie in Parquet or zip files. ``cut``: how to cut the panoramas of that layout; None keeps them whole.
    """

    layout: str = "auto"
    class_by: str = "country"
    class_name: str = ""
    skip_unknown: bool = False
    classes_from: Path | None = None
    photos: Path | None = None
    cut: Cut | None = None

    def __post_init__(self) -> None:
        """Check the words."""
        require_choices(self, {"layout": ("auto", *LAYOUTS), "class_by": CLASS_BY})


@dataclass(frozen=True, eq=False)
class Imported:
    """The records of all sources, checked; files that are no photos; and what was left out by name.

    ``layouts`` are those of the sources, ``unknown`` counts photos of countries that are none, ``left_out``
    photos of classes that the source lacks whose classes were to be kept.
    """

    records: pd.DataFrame
    layouts: tuple[str, ...]
    rejected: tuple[Rejected, ...]
    notes: tuple[str, ...]
    unknown: Counter[str]
    left_out: Counter[str]


def import_photos(sources: Sequence[Path], settings: Settings) -> Imported:
    """Read all sources, extract and cut what has to be, and look at every picture.

    DataError: a source that can't be read, a country that is none, one picture under two classes.
    """
    layouts = tuple(detect(source) if settings.layout == "auto" else settings.layout for source in sources)
    unknown: Counter[str] = Counter()
    found: list[Found] = []
    for source, layout in zip(sources, layouts, strict=True):
        one, skipped = with_classes(
            LAYOUTS[layout](source),
            str(source),
            by=settings.class_by,
            name=settings.class_name,
            skip_unknown=settings.skip_unknown,
        )
        found.append(one)
        unknown += skipped
    left_out: Counter[str] = Counter()
    if settings.classes_from is not None:
        found, left_out = _only_classes_of(found[_place(settings.classes_from, sources)], found)
    parts = [
        _pictures(one.records, folder, layout, settings)
        for one, folder, layout in zip(found, _folder_names(sources), layouts, strict=True)
    ]
    name = ", ".join(map(str, sources))
    records = complete(inspect(pd.concat(parts, ignore_index=True)))
    rejected = tuple(bad for one in found for bad in one.rejected)
    notes = tuple(note for one in found for note in one.notes)
    return Imported(check_records(records, name), layouts, rejected, notes, unknown, left_out)


def _place(source: Path, sources: Sequence[Path]) -> int:
    places = [place.resolve() for place in sources]
    if source.resolve() not in places:
        raise DataError(f"{source} is not one of the sources: name it among them too")
    return places.index(source.resolve())


def _only_classes_of(one: Found, found: Sequence[Found]) -> tuple[list[Found], Counter[str]]:
    """All sources with the classes of one of them only, and how many photos of others that leaves out."""
    wanted = set(one.records["class"])
    names = Counter(name for source in found for name in source.records["class"])
    left_out = Counter({name: count for name, count in names.items() if name not in wanted})
    kept = [source.records[source.records["class"].isin(wanted)] for source in found]
    return [replace(source, records=own) for source, own in zip(found, kept, strict=True)], left_out


def _pictures(records: pd.DataFrame, folder: str, layout: str, settings: Settings) -> pd.DataFrame:
    """Records of one source whose pictures all lie in files."""
    archives, members = records["archive"].tolist(), records["member"].tolist()
    records = complete(records).assign(archive=archives, member=members)
    if not any(archives):
        return records
    if settings.photos is None:
        first = next(filter(None, archives))
        raise DataError(f"pictures lie in {first}: give a folder with --photos to write them to")
    return extract(records, settings.photos / folder, settings.cut if layout == PANORAMAS else None)


def _folder_names(sources: Sequence[Path]) -> list[str]:
    """A folder's name for each source, with a number where two are called the same."""
    names = [source.resolve().stem for source in sources]
    return [
        name if names.index(name) == place else f"{name} ({names[: place + 1].count(name)})"
        for place, name in enumerate(names)
    ]
