"""An experiment's photos: from photo folders or drawn for it, decoded once, and split by place."""

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from kangaroo.data.cache import decode_photos
from kangaroo.data.dataset import read_dataset
from kangaroo.data.images import Pixels
from kangaroo.data.lists import only_listed
from kangaroo.data.manifest import Manifest, require_classes
from kangaroo.data.splits import read_split, require_sides, sides_of, small_classes, split_by_place
from kangaroo.errors import DataError
from kangaroo.runs.settings import DataSettings
from kangaroo.scenes.folder import SceneSettings, has_colour_cue, holds, read_cues, write_folder
from kangaroo.scenes.observer import expected_accuracy, posterior


@dataclass(frozen=True, eq=False)
class Data:
    """Decoded photos, their manifest with the column split, and what to keep in mind about them.

    ``training_pixels`` are the same photos, larger if training cuts its own out of them. ``colour_cue``: they
    are drawn scenes whose colours tell the country.
    """

    manifest: Manifest
    pixels: Pixels
    training_pixels: Pixels
    roots: tuple[Path, ...]
    warnings: tuple[str, ...]
    colour_cue: bool = False

    @property
    def subject(self) -> str:
        """What the figures' titles call the pictures."""
        if self.colour_cue:
            return "drawn scenes with a colour cue"
        return "drawn scenes" if self.manifest.drawn else "photos"

    @property
    def labels(self) -> np.ndarray:
        """Class number of each photo, int32 (n,)."""
        number = {name: i for i, name in enumerate(self.manifest.classes)}
        return self.manifest.photos["class"].map(number).to_numpy(np.int32)

    @property
    def coordinates(self) -> tuple[np.ndarray, np.ndarray]:
        """Latitudes and longitudes in degrees, float64 (n,) each, NaN where they are unknown."""
        photos = self.manifest.photos
        return photos["lat"].to_numpy(np.float64), photos["lon"].to_numpy(np.float64)

    def rows(self, split: str) -> np.ndarray:
        """Rows of one side of the split."""
        return np.flatnonzero(self.manifest.photos["split"] == split)

    def only(self, kept: np.ndarray, warning: str) -> "Data":
        """The photos for which ``kept`` (n,) is true; ``warning`` says which others there were."""
        photos = self.manifest.photos[kept].reset_index(drop=True)
        manifest = replace(self.manifest, photos=photos)
        rows = np.flatnonzero(kept)
        return replace(
            self,
            manifest=manifest,
            pixels=self.pixels[rows],
            training_pixels=self.training_pixels[rows],
            warnings=(*self.warnings, warning),
        )


def load(settings: DataSettings) -> Data:
    """Read (or first draw) the photos, and split them by place."""
    minimum = 1 if settings.one_class or settings.validation is None else 2
    if settings.classes and len(settings.classes) < minimum:
        raise DataError(
            f"one class, {settings.classes[0]!r}, can't be told from itself: name two with --classes"
        )
    roots = settings.images or (_draw(settings),)
    manifest = read_dataset(roots, settings.classes or None)
    if settings.photo_list:
        listed = only_listed(manifest.photos, settings.photo_list).reset_index(drop=True)
        manifest = replace(manifest, photos=listed)
    require_classes(manifest, minimum)
    known, given = len(manifest.photos), settings.split if settings.validation is not None else None
    if given:
        manifest = _on_sides(manifest, given)
    left_out = known - len(manifest.photos)
    manifest, pixels = decode_photos(manifest, settings.image_size, antialias=settings.antialias)
    require_classes(manifest, minimum)
    larger = pixels
    if settings.training_size and settings.training_size > settings.image_size:
        _, larger = decode_photos(manifest, settings.training_size, antialias=settings.antialias)
    if given:
        require_sides(manifest.photos)
    elif settings.validation is not None:
        manifest.photos["split"] = split_by_place(
            manifest.photos, validation=settings.validation, seed=settings.seed
        )
    coloured = any(has_colour_cue(root) for root in roots)
    warnings = [f"{left_out} photos that {given} does not have are left out"] if left_out else []
    data = Data(manifest, pixels, larger, tuple(roots), (*warnings, *_warnings(manifest, roots)), coloured)
    counts = ", ".join(f"{name} {count}" for name, count in manifest.counts.items())
    lines = [f"{len(pixels)} {data.subject}: {counts}; rejected: {len(manifest.rejected)}"]
    lines += [f"rejected: {bad.file}: {bad.reason}" for bad in manifest.rejected]
    lines += [f"note: {warning}" for warning in data.warnings]
    print("\n".join(lines), file=sys.stderr)
    return data


def with_coordinates(data: Data) -> Data:
    """The photos whose coordinates are known; DataError if none are."""
    photos = data.manifest.photos
    known = np.isfinite(photos["lat"]) & np.isfinite(photos["lon"])
    if known.all():
        return data
    if not known.any():
        raise DataError(
            f"no photo of {', '.join(map(str, data.roots))} has coordinates: give photos with labels.csv or "
            "coordinates.csv, or a manifest that has them"
        )
    located = data.only(known.to_numpy(), f"{int((~known).sum())} photos without coordinates are left out")
    for side in ("training", "validation"):
        if not len(located.rows(side)):
            raise DataError(f"no {side} photo has coordinates: give photos of more places that have them")
    return located


def by_photo(data: Data, seed: int) -> Data:
    """The same photos, training and validation split anew without regard to places, in the same shares."""
    photos = data.manifest.photos.copy()
    seen = photos[photos["split"] != "test"]
    held = float((seen["split"] == "validation").mean())
    split = split_by_place(seen.assign(place=seen["sha256"]), validation=held, seed=seed)
    photos.loc[seen.index, "split"] = split
    return replace(data, manifest=replace(data.manifest, photos=photos))


def _draw(settings: DataSettings) -> Path:
    """Draw the run's scenes; with --overwrite they replace those of other settings."""
    scenes = SceneSettings(settings.classes, settings.scenes, settings.seed, colour_cue=settings.colour_cue)
    folder = settings.out / "scenes"
    if settings.overwrite and not holds(folder, scenes):
        shutil.rmtree(folder, ignore_errors=True)
    return write_folder(folder, scenes)


def _on_sides(manifest: Manifest, split: Path) -> Manifest:
    """The photos that a split file has, with their side."""
    sides = sides_of(manifest.photos, read_split(split))
    photos = manifest.photos.assign(split=sides)[sides != ""].reset_index(drop=True)
    if photos.empty:
        raise DataError(f"{split} has none of these photos: give the photos it was made of")
    return replace(manifest, photos=photos)


def _warnings(manifest: Manifest, roots: Sequence[Path]) -> list[str]:
    """What makes the figures of these photos worth less than they look."""
    found = [
        f"{few.name} is small, {few.photos} photos of {few.places} places: its figures are rough"
        for few in small_classes(manifest.photos)
    ]
    sources = {
        name: {root for root in roots for file in files if Path(file).is_relative_to(root)}
        for name, files in manifest.photos.groupby("class")["file"]
    }
    if len(roots) > 1 and not set.intersection(*sources.values()):
        found.append(
            "no folder holds every class, so the model can tell classes apart by how a collection was taken: "
            "part of the score may be the collection, not the country"
        )
    return found


def ideal_observer(data: Data, rows: np.ndarray) -> dict[str, float]:
    """How often somebody who knows the profiles would be right: in general, and on these very scenes."""
    classes = data.manifest.classes
    cues = {file: shown for root in data.roots for file, shown in read_cues(root).items()}
    certain = [posterior(cues[file], classes).max() for file in data.manifest.photos["file"].iloc[rows]]
    return {"expected_accuracy": expected_accuracy(classes), "accuracy": float(np.mean(certain))}
