"""The class of every photo, in one spelling whatever the source."""

from collections import Counter

import numpy as np

from kangaroo.data.importers.base import Found
from kangaroo.data.manifest import Rejected
from kangaroo.errors import DataError
from kangaroo.geo.countries import find

CLASS_BY = ("country", "folder", "state")


def with_classes(
    found: Found, source: str, *, by: str = "country", name: str = "", skip_unknown: bool = False
) -> tuple[Found, Counter[str]]:
    """``found`` with the column class, and how many photos of each unknown country were skipped.

    ``by``: the class is the country, as kangaroo.geo spells it, the class folder or the state. Photos without
    get the class ``name``, or are rejected. DataError: a name that is no country, or no photo with a class.
    """
    records = found.records
    country = records["country"].fillna("").astype(str).str.strip()
    known = {text: find(text) for text in country.unique()}
    spelled = country.map({text: place.name if place else "" for text, place in known.items()})
    unknown = (country != "") & (spelled == "")
    skipped = unknown & (by == "country")
    if skipped.any() and not skip_unknown:
        first = int(np.flatnonzero(skipped)[0])
        text, file = country.iloc[first], records["path"].iloc[first]
        raise DataError(
            f"{source}: {text!r} is no country ({file}): correct it, give --skip-unknown to leave such "
            "photos out, or --class-by folder to keep the names"
        )
    default = find(name)
    classes = spelled if by == "country" else records[by].fillna("").astype(str)
    classes = classes.where(classes != "", default.name if default and by == "country" else name)
    spelled = spelled.where(spelled != "", default.name if default else "")
    without = ~skipped & (classes == "")
    reason = f"nothing says its {by}: give --class NAME, or another --class-by"
    bad = [Rejected(file, reason) for file in records["path"][without]]
    records = records.assign(**{"class": classes, "country": spelled})[~skipped & ~without]
    if records.empty:
        cause = bad[0].reason if bad else "all of its countries are unknown"
        raise DataError(f"{source} gives no photo with a class: {cause}")
    return Found(records.reset_index(drop=True), (*found.rejected, *bad), found.notes), Counter(
        country[skipped]
    )
