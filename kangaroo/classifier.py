"""The classifier that people work with: it predicts, explains, is attacked and judged."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from kangaroo.attack.examples import Examples, examples
from kangaroo.attack.settings import AttackConfig
from kangaroo.attack.settings import Method as AttackMethod
from kangaroo.data.cache import decode_photos
from kangaroo.data.dataset import source_classes
from kangaroo.data.images import Photo, Pixels, decode
from kangaroo.data.labelled import labelled
from kangaroo.data.manifest import Manifest, require_classes
from kangaroo.errors import DataError, PhotoError
from kangaroo.evaluation import metrics
from kangaroo.evaluation.geolocation import Guesses
from kangaroo.evaluation.predictions import Predictions
from kangaroo.explain.methods import explain
from kangaroo.explain.settings import Method, Settings
from kangaroo.geo.decoders import ClassPoints
from kangaroo.models import classifier as models
from kangaroo.models.names import model_file
from kangaroo.results import Answer, AttackedPhoto, Explanation, Metrics


@dataclass(frozen=True)
class Classifier(models.Classifier):
    """A trained network with its card: photos in, countries out, and why. :func:`kangaroo.load` gives one.

    >>> import kangaroo
    >>> model = kangaroo.load("binary_austria_australia")
    >>> model.classes, model.image_size
    (('Austria', 'Australia'), 256)
    """

    def explain(
        self,
        photo: Photo,
        method: Method = "integrated-gradients",
        *,
        tolerance: float = 0.05,
        name: str | None = None,
        **settings: Any,
    ) -> Explanation:
        """What in ``photo``, a path, PIL picture or uint8 array (H, W, 3), speaks for the model's answer.

        ``method``: one of ``kangaroo.explain.settings.CHOICES['method']``. ``tolerance`` is of integrated
        gradients: the estimated error of all values together that is allowed, as a share of all attribution;
        a smaller one takes longer. ``name`` is the class to explain, by default the prediction. ``settings``
        are further ones of :class:`kangaroo.explain.settings.Settings`, such as ``target="probability"``.
        Raises DataError for a photo that can't be read and a class that the model has not, KangarooError for
        a word or number that can't be, ModelError where the model gives coordinates.

        >>> import kangaroo
        >>> model = kangaroo.load("binary_austria_australia")
        >>> scene = kangaroo.draw_scenes(n=1, countries=["Austria"]).images[0]
        >>> why = model.explain(scene, tolerance=0.5)
        >>> why.prediction, why.values.shape, why.error <= 0.5
        ('Austria', (256, 256, 3), True)
        """
        wanted = explain_settings(method=method, tolerance=tolerance, **{"rule": "doubled", **settings})
        self.require_classes()
        number = None if name is None else self.number(name)
        return self.explanations([photo], self._read(photo)[None], wanted, number)[0]

    def explanations(
        self, photos: Sequence[Photo], pixels: Pixels, settings: Settings, explained: int | None = None
    ) -> list[Explanation]:
        """:meth:`explain` of many ``photos`` at once, decoded: ``pixels`` uint8 (n, size, size, 3).

        ``explained`` is the number of a class; without it each photo's own prediction is explained.

        >>> import kangaroo
        >>> from kangaroo.explain.settings import Settings
        >>> model = kangaroo.load("binary_austria_australia")
        >>> scenes = kangaroo.draw_scenes(n=2).images
        >>> len(model.explanations(list(scenes), scenes, Settings(method="gradient")))
        2
        """
        drawn = bool(self.card.data.get("drawn"))
        found = explain(self, pixels, settings, explained)
        return [
            Explanation.of(seen, one, self.classes, settings, drawn=drawn, name=_name(photo))
            for photo, seen, one in zip(photos, pixels, found, strict=True)
        ]

    def attack(
        self,
        photo: Photo,
        epsilon: float = 1,
        *,
        method: AttackMethod = "signed-gradient",
        target: str | None = None,
        steps: int = 10,
        seed: int = 0,
    ) -> AttackedPhoto:
        """Change ``photo`` so that the model misnames it, no value by more than ``epsilon`` of 255 levels.

        ``method``: 'signed-gradient' is one step, 'iterative' are ``steps`` of them, 'pgd' begins them at a
        random point that ``seed`` draws. The attack leads away from the model's own answer, or towards the
        class ``target``. Values stay whole levels, as a photo's are, so that ``epsilon`` is 1 or more.
        Raises DataError for a photo that can't be read, an epsilon that is no such number and a class that
        the model has not, KangarooError for another word or number, ModelError where it gives coordinates.

        >>> import kangaroo
        >>> model = kangaroo.load("binary_austria_australia")
        >>> scene = kangaroo.draw_scenes(n=1, countries=["Austria"]).images[0]
        >>> found = model.attack(scene, epsilon=4)
        >>> found.before.prediction, found.after.confidence < found.before.confidence, found.calibrated
        ('Austria', True, False)
        """
        _check_epsilon(epsilon)
        self.require_classes()
        aim = None if target is None else self.number(target)
        config = AttackConfig(method=method, target=aim, steps=steps, seed=seed)
        photos = self._read(photo)[None]
        label = self.probabilities(photos).argmax(axis=1)
        return self._attacked(_in_levels(examples(self.model, photos, label, epsilon, config)))

    def evaluate(
        self, photos: str | Path | Iterable[str | Path], *, split: str | Path | None = None
    ) -> Metrics:
        """Judge the model on labelled photos: every figure that ``kangaroo evaluate --json`` prints.

        ``photos``: a photo folder ``ROOT/<Class>/**/*.jpg`` or a manifest (.parquet), or several. Classes
        that the model does not know are left out; where it has places and knows none of them, it is judged by
        distances. ``split``: a split.csv, of which only the validation photos count. Photos that can't be
        read are listed in ``metrics['rejected']``. Raises DataError for folders without usable photos.

        >>> import kangaroo, tempfile
        >>> model = kangaroo.load("binary_austria_australia")
        >>> scenes = kangaroo.draw_scenes(n=8, countries=model.classes)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     metrics = model.evaluate(scenes.save(folder))
        >>> metrics["n"], metrics["accuracy"]
        (8, 1.0)
        """
        sources = [Path(photos)] if isinstance(photos, str | Path) else [Path(root) for root in photos]
        if not sources:
            raise DataError("no photos to judge by: give a folder that holds a folder for each class")
        manifest, _ = labelled(sources, self.judged(sources), Path(split) if split else None)
        manifest, pixels = decode_photos(manifest, self.image_size, antialias=self.card.antialias)
        require_classes(manifest, minimum=1)
        return self.metrics(manifest, pixels)

    def judged(self, sources: Sequence[Path]) -> tuple[str, ...]:
        """The classes of the photos to judge by: the model's own, or else, by distances, all that are there.

        A model of coordinates, and one of classes with places of which the sources hold none, such as cells,
        is judged by distances alone.
        """
        there = source_classes(sources)
        by_class = self.places is None or bool(set(there) & set(self.classes))
        return self.classes if by_class else tuple(there)

    def metrics(self, manifest: Manifest, pixels: Pixels) -> Metrics:
        """The figures for decoded photos, ``pixels`` uint8 (n, image_size, image_size, 3), row by row.

        By class where the model knows all classes of ``manifest``, else by distances.
        """
        subject = "drawn scenes" if manifest.drawn else "photos"
        if not set(manifest.classes) <= set(self.classes):
            guesses = Guesses.of(manifest.photos, *self.locations(pixels))
            return Metrics(metrics.evaluate_places(guesses, manifest.rejected), subject=subject)
        predictions = Predictions.of(self.classes, manifest.photos, self.probabilities(pixels))
        points = self.places if isinstance(self.places, ClassPoints) else None
        found = metrics.evaluate(predictions, manifest.rejected, points=points)
        return Metrics(found | {"calibrated": self.calibration is not None}, subject=subject)

    def number(self, name: str) -> int:
        """The place of a class among the model's classes. Raises DataError, which lists them, for another.

        >>> import kangaroo
        >>> kangaroo.load("binary_austria_australia").number("Australia")
        1
        """
        if name not in self.classes:
            raise DataError(f"the model has no class {name!r}: choose from {', '.join(self.classes)}")
        return self.classes.index(name)

    def _read(self, photo: Photo) -> Pixels:
        """One photo, uint8 (image_size, image_size, 3)."""
        if isinstance(photo, str | Path) and Path(photo).is_dir():
            raise DataError(f"{photo} is a folder: give one photo")
        try:
            return decode(photo, self.image_size, antialias=self.card.antialias)
        except PhotoError as error:
            where = f"{photo}: " if isinstance(photo, str | Path) else ""
            raise DataError(f"{where}{error}: give a JPEG, PNG or WebP picture") from error

    def _attacked(self, found: Examples) -> AttackedPhoto:
        """The result with the answers that ``predict`` gives for both photos."""
        p = self.probabilities(np.concatenate([found.photos, found.attacked]))
        told = [
            judged._replace(predicted=row.argmax(keepdims=True), confidence=row.max(keepdims=True))
            for judged, row in zip((found.before, found.after), p, strict=True)
        ]
        before, after = (
            Answer(self.classes[int(judged.predicted[0])], float(judged.confidence[0])) for judged in told
        )
        return AttackedPhoto(
            photo=found.photos[0],
            attacked=found.attacked[0],
            epsilon=found.epsilon,
            before=before,
            after=after,
            calibrated=self.calibration is not None,
            classes=self.classes,
            details=replace(found, before=told[0], after=told[1]),
        )


def load(model: str | Path, *, precision: str = "float32") -> Classifier:
    """Read a model: a file (.keras, its card beside it), a run folder, or a short name in saved_models.

    ``precision`` is what the network computes with: 'float32', or 'auto' or 'bfloat16', which are faster
    where the machine has units for them and change probabilities by less than 0.01 or so. Nothing in the file
    is run as code. Raises ModelError, in one line, where the model is missing or can't be used.

    >>> import kangaroo
    >>> model = kangaroo.load("binary_austria_australia")
    >>> scenes = kangaroo.draw_scenes(n=2, countries=model.classes)
    >>> model.predict(scenes.images)["prediction"].tolist()
    ['Austria', 'Australia']
    """
    found = models.load(model_file(model), precision=precision)
    return Classifier(found.model, found.card)


def evaluate(
    model: Classifier | str | Path,
    photos: str | Path | Iterable[str | Path],
    *,
    split: str | Path | None = None,
) -> Metrics:
    """:meth:`Classifier.evaluate` of a model, or of what :func:`load` takes.

    >>> import kangaroo, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     scenes = kangaroo.draw_scenes(n=8, countries=["Austria", "Australia"]).save(folder)
    ...     metrics = kangaroo.evaluate("binary_austria_australia", scenes)
    >>> metrics["confusion_matrix"]
    [[4, 0], [0, 4]]
    """
    return (model if isinstance(model, Classifier) else load(model)).evaluate(photos, split=split)


def explain_settings(**given: Any) -> Settings:
    """The settings of an explanation. Raises DataError for a name that is none, KangarooError for a value."""
    known = Settings.__dataclass_fields__
    for name in given:
        if name not in known:
            raise DataError(f"explain has no setting {name!r}: choose from {', '.join(known)}")
    return Settings(**given)


def _check_epsilon(epsilon: float) -> None:
    try:
        usable = 1 <= epsilon < math.inf  # written so that NaN fails too
    except TypeError:
        usable = False
    if not usable:
        raise DataError(
            f"epsilon {epsilon!r} is no change that a photo can hold: give a number of levels, 1 or more"
        )


def _in_levels(found: Examples) -> Examples:
    """The attack with changes in whole levels, of which none is larger than epsilon."""
    largest = math.floor(found.epsilon)
    change = np.clip(np.rint(found.change), -largest, largest)
    attacked = (found.photos + change).astype(np.uint8)
    return replace(found, change=change, attacked=attacked)


def _name(photo: Photo) -> str:
    return Path(photo).name if isinstance(photo, str | Path) else ""
