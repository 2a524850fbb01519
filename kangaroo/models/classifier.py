"""Photos in, named probabilities out, or places."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from itertools import islice
from pathlib import Path
from typing import Any, Self, TypeAlias

import keras
import numpy as np
import pandas as pd
from PIL import Image

from kangaroo.data.cache import rows_of
from kangaroo.data.folders import files_of
from kangaroo.data.images import Photo, decode_many
from kangaroo.data.threads import in_threads
from kangaroo.errors import DataError, ModelError, PhotoError
from kangaroo.geo import decoders
from kangaroo.models import calibrated, store
from kangaroo.models.calibrated import Calibration
from kangaroo.models.card import Card
from kangaroo.models.gradients import compiled
from kangaroo.models.graph import end_layer, inputs_of
from kangaroo.models.precision import dtype_policy, with_policy
from kangaroo.progress import progress

BATCH = 16  # larger ones cost memory that is new to the processor each time (measured: a tenth slower)
Rows: TypeAlias = np.ndarray
Network: TypeAlias = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Classifier:
    """A trained network together with its card."""

    model: keras.Model
    card: Card

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes in the order of the probabilities' columns."""
        return self.card.classes

    @property
    def image_size(self) -> int:
        """Height and width, in pixels, that photos are brought to."""
        return self.card.image_size

    @cached_property
    def places(self) -> decoders.Places | None:
        """What turns the network's answers into latitudes and longitudes; None where the card has nothing."""
        return decoders.from_json(self.card.places) if self.card.places else None

    @cached_property
    def calibration(self) -> Calibration | None:
        """What makes the network's answers probabilities to count on; None where the card has nothing."""
        card = self.card
        return calibrated.from_json(card.calibration, len(card.classes)) if card.calibration else None

    @property
    def uncalibrated(self) -> Self:
        """The same network without its card's calibration."""
        return replace(self, card=replace(self.card, calibration={}))

    def probabilities(self, photos: np.ndarray) -> np.ndarray:
        """Class probabilities, float64 (n, classes), of photos, uint8 (n, image_size, image_size, 3).

        Calibrated, where the card has a calibration. Rows sum to 1, also where the network has one sigmoid
        output. Photos are prepared one by one: what else is in ``photos`` doesn't matter. Raises DataError
        for another shape or type, and ModelError where the network has no classes.
        """
        self.require_classes()
        return self._said(self._outputs(photos))

    def locations(self, photos: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where the photos were taken, by the card's places: latitudes and longitudes in degrees, (n,) each.

        ``photos`` and DataError as for :meth:`probabilities`. Raises ModelError where the card has no places.
        """
        if self.places is None:
            raise ModelError("this model's card has no places: it names classes, not where they lie")
        return self.places.decode(self._said(self._outputs(photos)))

    def require_classes(self) -> None:
        """Raise ModelError for a network that gives coordinates."""
        if not self.classes:
            raise ModelError("this model gives coordinates: take one that tells classes apart")

    @cached_property
    def _network(self) -> Network:
        """The model as one graph for batches of any length, traced once."""
        return _compiled(self.model)

    def predict(self, photos: Photo | Iterable[Photo], *, skip_bad: bool = False) -> pd.DataFrame:
        """One row a photo: file, prediction, confidence, and p_<class> for each class; lat, lon with places.

        A network that gives coordinates has neither classes nor confidence: file, lat, lon. A calibrated one
        has after its confidence ``set``, the names of the classes that it may be, the most probable first,
        joined by '; ', and ``abstain``, whether it is too unsure to be asked: None where no confidence keeps
        the risk (see :class:`kangaroo.models.calibrated.Calibration`).

        ``photos``: paths, PIL images or uint8 arrays (height, width, 3), or one such; a folder stands for the
        photos below it, sorted. Each is cut to its central square and resized. ``file`` is the path, or the
        position of a photo that has none. Raises DataError for a folder without photos, and for a photo that
        can't be read; with ``skip_bad`` it is left out, and ``frame.attrs['rejected']`` lists it as {'file',
        'reason'}.
        """
        photos, rejected = _below(_as_list(photos), skip_bad)
        names = [str(photo) if isinstance(photo, str | Path) else i for i, photo in enumerate(photos)]
        files: list[str | int] = []
        chunks = [np.zeros((0, self.model.output_shape[-1]))]
        with closing(decode_many(photos, self.image_size, antialias=self.card.antialias)) as decoded:
            shown = progress(decoded, "predicting", len(photos), unit="photo")
            good = _readable(zip(names, shown, strict=True), rejected, skip_bad)
            # While the network works on one batch, decode_many's threads read on.
            while batch := list(islice(good, BATCH)):
                files += [name for name, _ in batch]
                chunks.append(self._outputs(np.stack([pixels for _, pixels in batch])))
        frame = self._frame(files, np.concatenate(chunks))
        frame.attrs["rejected"] = rejected
        return frame

    def _outputs(self, photos: np.ndarray) -> np.ndarray:
        return _of_photos(self._network, self.model, photos)

    def _said(self, outputs: np.ndarray) -> np.ndarray:
        """What the places are told from: probabilities, or what a network of coordinates gives."""
        if not self.classes:
            return outputs
        p = _as_probabilities(outputs)
        return self.calibration.calibrated(p) if self.calibration else p

    def _frame(self, files: list[str | int], outputs: np.ndarray) -> pd.DataFrame:
        said = self._said(outputs)
        columns: dict[str, Any] = {"file": files}
        if self.classes:
            columns["prediction"] = np.array(self.classes, dtype=object)[said.argmax(axis=1)]
            columns["confidence"] = said.max(axis=1)
            columns |= self._beside(said)
            columns |= {f"p_{name}": said[:, i] for i, name in enumerate(self.classes)}
        if self.places:
            columns["lat"], columns["lon"] = self.places.decode(said)
        return pd.DataFrame(columns)

    def _beside(self, p: np.ndarray) -> dict[str, Any]:
        """The columns set and abstain, where there is a calibration."""
        if self.calibration is None:
            return {}
        inside, order = self.calibration.sets(p), np.argsort(-p, axis=1, kind="stable")
        names = [
            "; ".join(self.classes[i] for i in o if row[i]) for o, row in zip(order, inside, strict=True)
        ]
        known = self.calibration.least is not None
        return {"set": names, "abstain": self.calibration.abstains(p) if known else [None] * len(p)}


def probabilities(model: keras.Model, photos: np.ndarray, rows: Rows | None = None) -> np.ndarray:
    """What :meth:`Classifier.probabilities` gives, of a model without a card; ``rows`` chooses photos."""
    return _as_probabilities(outputs(model, photos, rows))


def outputs(model: keras.Model, photos: np.ndarray, rows: Rows | None = None) -> np.ndarray:
    """What ``model`` says of photos, uint8 (n, H, W, 3), as it says it: float64 (n, outputs).

    ``rows`` (m,) chooses photos, which are read batch by batch: those of a mapped file may be more than the
    memory holds.
    """
    return _of_photos(_compiled(model), model, photos, rows)


def probabilities_of_inputs(model: keras.Model, inputs: np.ndarray) -> np.ndarray:
    """Class probabilities, float64 (n, classes), of ``inputs``, which are what ``model`` takes."""
    return _as_probabilities(_in_batches(_compiled(model), model, inputs, np.asarray))


def _compiled(model: keras.Model) -> Network:
    return compiled(lambda inputs: model(inputs, training=False))


def _of_photos(
    network: Network, model: keras.Model, photos: np.ndarray, rows: Rows | None = None
) -> np.ndarray:
    wanted = tuple(model.input_shape[1:])
    if photos.dtype != np.uint8 or photos.shape[1:] != wanted:
        raise DataError(
            f"photos must be uint8 (n, {wanted[0]}, {wanted[1]}, 3), these are "
            f"{photos.dtype} {photos.shape}: Classifier.predict brings any photo to that shape"
        )
    return _in_batches(network, model, photos, partial(inputs_of, model), rows)


def _in_batches(
    network: Network, model: keras.Model, inputs: np.ndarray, prepare: Network, rows: Rows | None = None
) -> np.ndarray:
    """Run ``network``, that of ``model``, on what ``prepare`` makes of the inputs, or of some ``rows``.

    Batch by batch, so that all inputs never stand in memory as floating-point numbers at once; while the
    network works on one, the next is prepared.
    """
    rows = np.arange(len(inputs)) if rows is None else rows
    parts = (rows_of(inputs, rows[start : start + BATCH]) for start in range(0, len(rows), BATCH))
    found = [network(batch) for batch in in_threads(prepare, parts, workers=1, ahead=2)]
    return np.concatenate([np.zeros((0, model.output_shape[-1])), *found])


def _as_probabilities(outputs: np.ndarray) -> np.ndarray:
    """A column a class, where a single output is the probability of the second. ModelError: they are none."""
    p = np.hstack([1 - outputs, outputs]) if outputs.shape[1] == 1 else outputs
    if not (np.all(p >= 0) and np.allclose(p.sum(axis=1), 1, atol=1e-3)):
        raise ModelError("the model's outputs are not probabilities: it must end in a sigmoid or a softmax")
    return p


def load(path: str | Path, *, precision: str = "float32") -> Classifier:
    """Read a model file (.keras) and its card (.json beside it); raises ModelError if they can't be used.

    ``precision`` is what the network computes with: 'float32', or 'auto' or 'bfloat16', which are faster
    where the machine has units for them and change probabilities by less than 0.01 or so (see
    :func:`kangaroo.models.precision.resolve`). The probabilities themselves are float32 in any case.
    """
    model, card = store.load(Path(path))
    policy = dtype_policy(precision)
    if policy != "float32":
        model = with_policy(model, policy, kept=end_layer(model))
    return Classifier(model, card)


def _as_list(photos: Photo | Iterable[Photo]) -> list[Photo]:
    if isinstance(photos, str | Path | Image.Image) or (isinstance(photos, np.ndarray) and photos.ndim == 3):
        return [photos]
    return list(photos)


def _below(photos: list[Photo], skip_bad: bool) -> tuple[list[Photo], list[dict[str, Any]]]:
    """The photos, folders replaced by the photos below them; and what there can't be one, or DataError."""
    found: list[Photo] = []
    rejected: list[dict[str, Any]] = []
    for photo in photos:
        if not (isinstance(photo, str | Path) and Path(photo).is_dir()):
            found.append(photo)
            continue
        files, bad = files_of([Path(photo)])
        if bad and not skip_bad:
            raise DataError(f"{bad[0].file}: {bad[0].reason} (with skip_bad=True such photos are left out)")
        found += files
        rejected += [asdict(fault) for fault in bad]
    return found, rejected


def _readable(
    decoded: Iterable[tuple[str | int, np.ndarray | PhotoError]],
    rejected: list[dict[str, Any]],
    skip_bad: bool,
) -> Iterator[tuple[str | int, np.ndarray]]:
    """Pass on the photos that could be read; list the others, or raise at the first."""
    for name, pixels in decoded:
        if not isinstance(pixels, PhotoError):
            yield name, pixels
        elif skip_bad:
            rejected.append({"file": name, "reason": str(pixels)})
        else:
            where = name if isinstance(name, str) else f"photo {name}"
            raise DataError(f"{where}: {pixels} (with skip_bad=True such photos are left out)") from pixels
