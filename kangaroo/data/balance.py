"""Fewer photos, so that the classes stand to each other as wanted."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kangaroo.data.manifest import read_manifest
from kangaroo.data.splits import portable_names, rank
from kangaroo.errors import DataError

REASON = "balance"
SHAPES = ("source", "uniform", "sqrt")


@dataclass(frozen=True)
class BalanceSettings:
    """How to balance; :func:`plan` says what each of them does."""

    minimum: int = 1
    slack: float = 1.0
    cap: int | None = None
    total: int | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.slack < np.inf:
            raise DataError(
                f"a slack of {self.slack:g} is not 1 or more: 1.25 lets a class have 80 % of its share"
            )
        for name in ("minimum", "cap", "total"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise DataError(f"{name} {value} is not a number of photos: give 1 or more")


def plan(
    counts: Mapping[str, int], target: str | Mapping[str, float], settings: BalanceSettings
) -> pd.DataFrame:
    """How many photos of each class to keep: columns source, wanted, kept, reason ('' or why it is dropped).

    ``counts`` are the photos by class that there are. ``target`` gives the classes' weights, of any sum, or
    is 'uniform', 'sqrt' (of the counts) or 'source' (the counts as they are). In this order:

    1. A class is dropped if the target does not name it, or if it has fewer than ``minimum`` photos.
    2. No class has more than ``cap`` photos to give.
    3. The data set is as large as its scarcest class allows: with a photos to give and weight w of each
       class, the scale is s = ``slack`` * min(a / w) over the classes left, and a class gets s * w photos,
       rounded, at least one and at most the a that it has. So with slack 1 every class has exactly its share;
       with slack k a class may have only a k-th of it, and all others have k times as many photos.
    4. ``total`` makes s smaller, so that this many photos are kept.

    The report 'Lost & Found' did 1 and 3 to bring its photos to the distribution of a game's rounds. By hand:
    counts A 100, B 60, C 4, D 9 and weights A 0.5, B 0.25, C 0.25. D is not in the target. With minimum 1, C
    is the scarcest: s = 4 / 0.25 = 16, so A 8, B 4, C 4. With minimum 5, C is dropped, and A is the scarcest:
    s = min(100 / 0.5, 60 / 0.25) = 200, so A 100, B 50. With slack 1.5: s = 300, so A 100 of 150, B 60 of 75.

    ``wanted`` is s * w. DataError: no class is left, a weight is not positive, or ``total`` is more than
    there is.
    """
    table = pd.DataFrame({"source": pd.Series(counts, dtype=int)}).sort_index()
    weights = _weights(table["source"], target, settings.cap)
    named = table.index.isin(weights.index)
    table["reason"] = np.select(
        [~named, table["source"] < settings.minimum],
        ["not in the target", f"fewer than {settings.minimum}"],
        "",
    )
    left = table[table["reason"] == ""]
    if left.empty:
        raise DataError(
            f"no class of the target has {settings.minimum} photos: take a smaller minimum or another target"
        )
    there = left["source"].clip(upper=settings.cap).to_numpy()
    weight = weights[left.index].to_numpy(float)
    wanted = settings.slack * (there / weight).min() * weight
    kept = _rounded(wanted, there)
    if settings.total is not None:
        wanted, kept = _scaled(wanted, there, settings.total)
    for name, values in (("wanted", wanted), ("kept", kept)):
        table[name] = pd.Series(values, left.index).reindex(table.index, fill_value=0)
    return table[["source", "wanted", "kept", "reason"]]


def read_target(path: Path, by: str = "class") -> dict[str, float]:
    """Weights: the photos of a manifest by its column ``by``, or a CSV file class,count or class,share."""
    if path.suffix.lower() == ".parquet":
        records = read_manifest(path, photos=False)
        found = records.loc[(records["reject_reason"] == "") & (records[by] != ""), by].value_counts()
        return {str(name): float(n) for name, n in found.items()}
    try:
        table = pd.read_csv(path, keep_default_na=False, dtype=str)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is no table: give a CSV file class,count or a manifest ({error})") from error
    values = next((name for name in ("count", "share") if name in table), None)
    if "class" not in table or values is None:
        raise DataError(
            f"{path} has the columns {', '.join(map(str, table))}: give class,count or class,share"
        )
    numbers = pd.to_numeric(table[values], errors="coerce")
    bad = ~(numbers > 0) | ~np.isfinite(numbers) | table["class"].duplicated()
    for line in np.flatnonzero(bad):
        text = f"{table['class'][line]!r} with {values} {table[values][line]!r}"
        raise DataError(f"{path} line {line + 2}: {text} is no positive number, or stands there twice")
    return dict(zip(table["class"], numbers.astype(float), strict=True))


def thin(
    records: pd.DataFrame,
    kept: "Mapping[str, int] | pd.Series[int]",
    *,
    by: str = "class",
    seed: int = 0,
    informative: bool = False,
) -> "pd.Series[bool]":
    """Which of ``records`` to keep, so that ``kept`` photos are left of each value of the column ``by``.

    They are drawn in the order of SHA-256(seed, name), where the name is the photo's own SHA-256 if that is
    known and else its path from the class's folder on: so neither the order of the rows nor where the photos
    lie matters. ``informative``: those with the most bits in the column information come first, then by that
    order; unknown is least.
    """
    names = portable_names(records.rename(columns={"path": "file"}))
    names = records["sha256"].where(records["sha256"] != "", names)
    ranks = [rank(seed, name) for name in names]
    order = pd.DataFrame({"bits": 0.0, "rank": ranks, "path": records["path"]})
    if informative:
        order["bits"] = -records["information"].fillna(-np.inf)
    ranked = order.sort_values(["bits", "rank", "path"]).index
    number = records[by].loc[ranked].groupby(records[by].loc[ranked]).cumcount()
    return number.reindex(records.index) < records[by].map(kept).fillna(0)


def _weights(
    counts: "pd.Series[int]", target: str | Mapping[str, float], cap: int | None
) -> "pd.Series[float]":
    if not isinstance(target, str):
        weights = pd.Series(target, dtype=float)
        if not (weights > 0).all():
            name = weights.index[~(weights > 0)][0]
            raise DataError(f"the weight {weights[name]:g} of {name!r} is not positive: leave the class out")
        return weights
    there = counts.clip(upper=cap).astype(float)
    return {"source": there, "uniform": there * 0 + 1, "sqrt": there**0.5}[target]


def _rounded(wanted: NDArray[np.float64], there: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.clip(np.rint(wanted), 1, there).astype(int)


def _scaled(
    wanted: NDArray[np.float64], there: NDArray[np.int64], total: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """``wanted`` scaled down so that ``total`` photos are kept, the last few by the largest remainder."""
    most = int(_rounded(wanted, there).sum())
    if not len(there) <= total <= most:
        raise DataError(
            f"{total:,} photos are not possible, {len(there):,} (one a class) to {most:,} are: for more take "
            "a larger slack, or a minimum that drops the scarcest class"
        )
    low, high = 0.0, 1.0
    for _ in range(60):  # the sum grows with the scale
        middle = (low + high) / 2
        low, high = (middle, high) if np.clip(wanted * middle, 1, there).sum() < total else (low, middle)
    exact = np.clip(wanted * high, 1, there)
    kept = np.floor(exact + 1e-9).astype(int)
    room = np.where(kept < there, exact - kept, -1)
    kept[np.argsort(-room, kind="stable")[: total - kept.sum()]] += 1
    return wanted * high, kept
