"""Which photos are fit for a data set: a reason for each that is not, from what was measured of it."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from kangaroo.data.duplicates import Rows, candidate_pairs, likeness
from kangaroo.data.folders import spot
from kangaroo.data.manifest import check_records, complete
from kangaroo.data.measures import THUMBNAIL, measure
from kangaroo.data.thresholds import MEASURED, Thresholds


def is_dark(tone: Any, thresholds: Thresholds) -> Any:
    """Whether a Tone, or each row of a table of such, is that of a black picture."""
    return tone.brightness < thresholds.min_brightness


def is_plain(tone: Any, thresholds: Thresholds) -> Any:
    """Whether a Tone, or each row of a table of such, is that of one colour: a placeholder, or nothing."""
    most = np.where(tone.light_grey, thresholds.max_plain_grey, thresholds.max_plain)
    return tone.plainness >= most


def check_photos(
    records: pd.DataFrame,
    thresholds: Thresholds,
    *,
    name: str,
    workers: int | None = None,
    ray: str | None = None,
) -> pd.DataFrame:
    """The records with ``reject_reason`` by these thresholds, and what was measured of the photos.

    Filled are sha256, width, height, phash and information. Added are ``problem`` (why a photo can't be
    read), the measures that MEASURED names, and ``twin``, the path of the photo that a copy is one of.
    Reasons that others gave stay, and such rows are left alone. Of copies the one with most pixels is kept,
    of these the first by path. Near-duplicates of two classes are both rejected: one class must be wrong.
    DataError: two photos of ``name`` have the same bytes and two classes.
    """
    records = records.reset_index(drop=True)
    theirs = ~records["reject_reason"].isin(["", *MEASURED])
    own = records[~theirs]
    found = measure(own["path"].tolist(), workers=workers, ray=ray, thumbnails=True).set_index(own.index)
    found["side"] = found[["width", "height"]].min(axis=1)
    found = found.drop(columns="file").assign(reject_reason=judge_each(found, thresholds))
    own = own.drop(columns=found.columns.intersection(own.columns)).join(found)
    own = own.assign(twin="", likeness=np.nan)
    check_records(complete(own), name)
    _reject_copies(own, thresholds)
    table = own.drop(columns=["thumbnail", "crops"]).reindex(records.index)
    table.loc[theirs, records.columns] = records[theirs]
    return table


def judge_each(measures: pd.DataFrame, thresholds: Thresholds) -> "pd.Series[str]":
    """Why each photo by itself is not fit, '' if it is; ``measures``: Measures, and the shorter ``side``."""
    failed = {
        "corrupt": measures["problem"] != "",
        "too_small": measures["side"] < thresholds.min_side,
        "dark": is_dark(measures, thresholds),
        "placeholder": is_plain(measures, thresholds),
        "low_variance": measures["variance"] < thresholds.min_variance,
        "blurred": measures["sharpness"] < thresholds.min_sharpness,
        "half_resolution": measures["detail"] < thresholds.min_detail,
    }
    reasons = np.select([bad.to_numpy(bool) for bad in failed.values()], list(failed), "")
    return pd.Series(reasons, measures.index, dtype=object)


def _reject_copies(table: pd.DataFrame, thresholds: Thresholds) -> None:
    """Fill reject_reason, twin and likeness of copies among the photos that have no reason yet."""
    left = table[table["reject_reason"] == ""]
    pixels = left["width"].astype("int64") * left["height"]
    ranked = left.assign(pixels=pixels).sort_values(["pixels", "path"], ascending=[False, True])
    steps = {"same_bytes": _same_bytes, "near_duplicate": _near_duplicates, "same_place": _same_place}
    for reason, find in steps.items():
        copies = find(ranked, thresholds).assign(reject_reason=reason)
        table.loc[copies.index, copies.columns] = copies
        ranked = ranked.drop(index=copies.index)


def _same_bytes(ranked: pd.DataFrame, thresholds: Thresholds) -> pd.DataFrame:
    first = ranked.groupby("sha256")["path"].transform("first")
    return first[first != ranked["path"]].to_frame("twin")


def _near_duplicates(ranked: pd.DataFrame, thresholds: Thresholds) -> pd.DataFrame:
    """Copies of a photo that stands before them and is kept; of two classes, both."""
    pairs = candidate_pairs(ranked["phash"].tolist(), ranked["crops"].tolist(), thresholds.max_distance)
    pairs = pairs[~_other_heading(ranked, pairs)]
    thumbnails = np.frombuffer(b"".join(ranked["thumbnail"]), np.uint8).reshape(-1, THUMBNAIL, THUMBNAIL)
    alike = likeness(thumbnails, pairs)
    pairs, alike = pairs[alike >= thresholds.min_likeness], alike[alike >= thresholds.min_likeness]
    classes, twins = ranked["class"].to_numpy(), dict[int, tuple[int, float]]()
    across = classes[pairs[:, 0]] != classes[pairs[:, 1]]
    # Those of two classes first; then by the later photo, so that whether the earlier is kept is known.
    for row in np.lexsort((pairs[:, 0], pairs[:, 1], ~across)):
        first, second = pairs[row].tolist()
        if across[row]:
            twins.setdefault(first, (second, alike[row]))
        if across[row] or first not in twins:
            twins.setdefault(second, (first, alike[row]))
    rows = list(twins)
    paths = ranked["path"].to_numpy()
    found = [(paths[twin], value) for twin, value in twins.values()]
    return pd.DataFrame(found, ranked.index[rows], ["twin", "likeness"])


def _other_heading(ranked: pd.DataFrame, pairs: Rows) -> npt.NDArray[np.bool_]:
    """Whether the photos of each pair look different ways from one spot, as far as that is known."""
    spots, headings = pd.factorize(_spots(ranked))[0][pairs], ranked["heading"].to_numpy()[pairs]
    turn = np.abs((headings[:, 0] - headings[:, 1] + 180) % 360 - 180)
    return (spots[:, 0] == spots[:, 1]) & (turn > 1)


def _spots(ranked: pd.DataFrame) -> "pd.Series[str]":
    """Where each photo was taken: its coordinates, else its place, else nowhere but itself."""
    spots = [spot(lat, lon) for lat, lon in zip(ranked["lat"], ranked["lon"], strict=True)]
    places = ranked["place"].where(ranked["place"] != "", ranked["path"])
    return pd.Series(spots, ranked.index, dtype=object).where(lambda text: text != "", places)


def _same_place(ranked: pd.DataFrame, thresholds: Thresholds) -> pd.DataFrame:
    """Photos beyond the first so many of one spot and heading; those without a heading count together."""
    views = ranked.groupby([_spots(ranked), ranked["heading"].round().mod(360).fillna(-1)])["path"]
    beyond = (views.cumcount() >= thresholds.same_place) & (thresholds.same_place > 0)
    return views.transform("first")[beyond].to_frame("twin")
