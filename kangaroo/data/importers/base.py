"""What every layout's reader gives, and how they read numbers and times."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from kangaroo.data.manifest import Rejected
from kangaroo.errors import DataError


@dataclass(frozen=True, eq=False)
class Found:
    """What one source holds.

    ``records`` have columns of a manifest, but for the class, and: folder (the class folder, '' without),
    country (any spelling), archive (the Parquet or zip file that holds the picture, '' where ``path`` opens)
    and member (its row or name there; ``path`` is then the name to give it, without ending). ``notes`` are
    lines for people.
    """

    records: pd.DataFrame
    rejected: tuple[Rejected, ...] = ()
    notes: tuple[str, ...] = ()


def coordinates(table: pd.DataFrame, names: Mapping[str, str], where: str) -> pd.DataFrame:
    """Columns of degrees by their names in ``table``: lat and lon of {"lat": "latitude", ...}; '' is NaN.

    DataError names the row, whose number is the table's index, after ``where``.
    """
    found = {name: pd.to_numeric(table[column], errors="coerce") for name, column in names.items()}
    for (name, values), limit in zip(found.items(), (90, 180), strict=True):
        text = table[names[name]]
        known = text.notna() & (text.astype(str).str.strip() != "")
        bad = (known & ~np.isfinite(values)) | (values.abs() > limit)
        if bad.any():
            row = bad.idxmax()
            raise DataError(
                f"{where} {row}: {names[name]} {text[row]!s} is not a number from -{limit} to {limit}"
            )
    return pd.DataFrame({name: values.astype(float) for name, values in found.items()})


def iso_time(milliseconds: str) -> str:
    """Milliseconds since 1970 as ISO 8601 in UTC, '' where unknown."""
    try:
        time = datetime.fromtimestamp(float(milliseconds) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return ""
    return time.replace(microsecond=0, tzinfo=None).isoformat() + "Z"
