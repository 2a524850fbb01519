"""What a model said about labelled photos: all that the evaluation needs to know."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kangaroo.errors import DataError


@dataclass(frozen=True, eq=False)
class Predictions:
    """Probabilities of k classes for n labelled photos; a DataError where the parts don't fit together.

    ``files`` and ``places`` have n entries, ``labels`` (n,) holds indices into ``classes``, ``probabilities``
    is (n, k) with rows that sum to 1, ``lat`` and ``lon`` (n,) are degrees, NaN where unknown.
    """

    classes: tuple[str, ...]
    files: tuple[str, ...]
    places: tuple[str, ...]
    labels: NDArray[np.int64]
    probabilities: NDArray[np.floating]
    lat: NDArray[np.float64]
    lon: NDArray[np.float64]

    def __post_init__(self) -> None:
        _check_shapes(self)
        _check_values(self)

    @property
    def predicted(self) -> NDArray[np.int64]:
        """Index of the most probable class of each photo, (n,); the first one in a tie."""
        return self.probabilities.argmax(axis=1)

    @property
    def confidence(self) -> NDArray[np.floating]:
        """Probability of the predicted class, (n,)."""
        return self.probabilities.max(axis=1)

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Whether the predicted class is the label, (n,)."""
        return self.predicted == self.labels

    def frame(self) -> pd.DataFrame:
        """One row a photo: file, place, label, prediction (names), confidence, correct, then p_CLASS each."""
        names = np.array(self.classes, dtype=object)
        columns = {
            "file": self.files,
            "place": self.places,
            "label": names[self.labels],
            "prediction": names[self.predicted],
            "confidence": self.confidence,
            "correct": self.correct,
        }
        columns |= {f"p_{name}": self.probabilities[:, i] for i, name in enumerate(self.classes)}
        return pd.DataFrame(columns)

    @classmethod
    def of(cls, classes: Sequence[str], photos: pd.DataFrame, probabilities: np.ndarray) -> "Predictions":
        """Join the rows of a manifest (file, class, place, lat, lon) with their probabilities (n, k)."""
        return cls(
            classes=tuple(classes),
            files=tuple(photos["file"]),
            places=tuple(photos["place"]),
            labels=photos["class"].map(list(classes).index).to_numpy(int),
            probabilities=probabilities,
            lat=photos["lat"].to_numpy(),
            lon=photos["lon"].to_numpy(),
        )

    @classmethod
    def read(cls, path: Path) -> "Predictions":
        """Read a CSV file written from ``frame()``; it holds no coordinates, so they are NaN."""
        table = _read_table(path)
        classes = tuple(name.removeprefix("p_") for name in table.columns if name.startswith("p_"))
        unknown = sorted(set(table["label"]) - set(classes))
        if unknown:
            raise DataError(f"{path}: label {unknown[0]!r} has no column p_{unknown[0]}; use the whole file")
        nowhere = np.full(len(table), np.nan)
        try:
            return cls(
                classes,
                tuple(table["file"]),
                tuple(table["place"]),
                np.array([classes.index(label) for label in table["label"]], dtype=np.int64),
                table[[f"p_{name}" for name in classes]].astype(np.float64).to_numpy(),
                nowhere,
                nowhere,
            )
        except ValueError as error:
            raise DataError(f"{path}: {error}") from error


def _read_table(path: Path) -> pd.DataFrame:
    """Read the CSV file as texts: 'NA' and '007' stay as they are, NumPy reads numbers to the last bit."""
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{path}: no table of predictions ({reason}); give a predictions.csv") from error
    missing = [name for name in ("file", "place", "label") if name not in table.columns]
    if missing:
        raise DataError(f"{path}: no column {missing[0]!r}; give a predictions.csv")
    return table


def _check_shapes(predictions: Predictions) -> None:
    n, k = len(predictions.files), len(predictions.classes)
    if n == 0:
        raise DataError("no photo to evaluate; give at least one that can be read")
    if len(set(predictions.classes)) != k:
        raise DataError(f"a class occurs twice in {predictions.classes}; name each once")
    if predictions.probabilities.shape != (n, k):
        raise DataError(f"probabilities have shape {predictions.probabilities.shape}; {(n, k)} is needed")
    for name in ("places", "labels", "lat", "lon"):
        entries = len(getattr(predictions, name))
        if entries != n:
            raise DataError(f"{name} has {entries} entries for {n} photos; give one each")


def _check_values(predictions: Predictions) -> None:
    p, labels = predictions.probabilities, predictions.labels
    # Written so that NaN fails too.
    good = ((p >= 0) & (p <= 1)).all(axis=1) & (np.abs(p.sum(axis=1) - 1) <= 1e-3)
    if not good.all():
        row = int(good.argmin())
        raise DataError(
            f"{predictions.files[row]}: probabilities from {p[row].min():g} to {p[row].max():g} with sum "
            f"{p[row].sum():g}; they must be 0 to 1 and sum to 1"
        )
    outside = (labels < 0) | (labels >= len(predictions.classes))
    if outside.any():
        row = int(outside.argmax())
        raise DataError(f"{predictions.files[row]}: label {labels[row]} is none of the {p.shape[1]} classes")
