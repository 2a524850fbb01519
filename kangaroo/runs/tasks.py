"""What a network says of a photo, how it learns that, and what it means: countries, cells, or coordinates."""

from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import pandas as pd

from kangaroo.errors import DataError
from kangaroo.evaluation.geolocation import Points, trivial_answers
from kangaroo.geo.boundary import Boundary, hull, outside, read_boundary
from kangaroo.geo.cells import Cells, counts, locate, square_cells, voronoi_cells
from kangaroo.geo.centres import draw_centres, kmeans_centres
from kangaroo.geo.countries import find
from kangaroo.geo.decoders import Box, ClassPoints, Places, Sphere, centroids
from kangaroo.models.losses import (
    BoxLoss,
    PlaceLoss,
    SphereLoss,
    box_km,
    distance_rows,
    place_accuracy,
    place_rows,
    soft_targets,
    sphere_km,
    targets,
)
from kangaroo.models.transfer import Activation
from kangaroo.models.unit_vectors import Centre
from kangaroo.runs.photos import Data
from kangaroo.runs.settings import CellSettings, ClassificationSettings, LossSettings, PlaceSettings
from kangaroo.training import Objective


@dataclass(frozen=True, eq=False)
class Task:
    """One way of saying where photos were taken.

    ``classes`` are named in the order of the network's outputs, and ``index`` (n,) is the class of each
    photo; a task of coordinates has neither. ``labels`` has what the network learns from, a row a photo.
    ``places`` turns outputs into degrees, where that can be done; ``trivial`` are answers that need no look.
    """

    description: str
    labels: np.ndarray
    objective: Objective
    outputs: int
    activation: Activation = "softmax"
    centre: Centre | None = None
    loss_unit: str = "nats"
    classes: tuple[str, ...] = ()
    index: np.ndarray | None = None
    places: Places | None = None
    trivial: Points | None = None
    cells: Cells | None = None


def report_classes(settings: ClassificationSettings, data: Data) -> Task:
    """The classes of the report's own networks, which learn from numbers and by plain cross entropy."""
    classes, index = data.manifest.classes, data.labels
    labels = index if len(classes) > 2 else index.astype(np.float32)
    outputs = len(classes) if len(classes) > 2 else 1
    description = "classify a street-level photo by country"
    return Task(description, labels, Objective(), outputs, classes=classes, index=index)


def countries(settings: PlaceSettings, data: Data) -> Task:
    """One class a folder; its point is the mean of its training photos, or else the country's centroid."""
    classes, index = data.manifest.classes, data.labels
    lat, lon = _class_points(data)
    nowhere = [name for name, known in zip(classes, np.isfinite(lat), strict=True) if not known]
    if nowhere and settings.loss.needs_points:
        raise DataError(
            f"class {nowhere[0]!r} has no point to measure distances from: give training photos with "
            "coordinates, call the folder as the country is called, or take --loss cross-entropy"
        )
    points = None if nowhere else ClassPoints(lat, lon)
    task = _of_classes(settings.loss, data, index, len(classes), points)
    return replace(task, description="tell the country of a street-level photo", classes=classes)


def cells(settings: PlaceSettings, data: Data) -> Task:
    """One class a cell of the area in which the photos lie; its point is the mean of its training photos."""
    assert settings.cells
    lat, lon = _coordinates(data)
    training = data.rows("training")
    boundary = _boundary(settings.cells, lat, lon)
    divided = _divide(settings.cells, boundary, lat[training], lon[training], settings.seed)
    index = locate(divided, lat, lon)
    points = ClassPoints(
        *centroids(index[training], lat[training], lon[training], len(divided.names)),
        rule=settings.cells.rule,
        radius_km=settings.cells.radius_km or 2 * float(np.sqrt(boundary.shape.area / len(divided.names))),
        boundary=boundary,
    )
    task = _of_classes(settings.loss, data, index, len(divided.names), points)
    # The loss, which knows how far off an answer is, says more of small cells than how many are hit.
    objective = replace(task.objective, keep="loss")
    description = f"tell in which of {len(divided.names)} cells a street-level photo was taken"
    return replace(task, description=description, classes=divided.names, cells=divided, objective=objective)


def coordinates(settings: PlaceSettings, data: Data) -> Task:
    """Latitude and longitude themselves, in a box as the reports said them, or as a point on the sphere."""
    lat, lon = _coordinates(data)
    training = data.rows("training")
    places = Sphere() if settings.target == "sphere" else Box.around(lat[training], lon[training])
    if isinstance(places, Sphere):
        loss, metric = SphereLoss(), keras.metrics.MeanMetricWrapper(sphere_km, name="km")
    else:
        box = {side: getattr(places, side) for side in ("south", "north", "west", "east")}
        squares = keras.losses.MeanSquaredError("mean_with_sample_weight")
        loss = squares if settings.loss.kind == "mean-squared-error" else BoxLoss(**box)
        metric = keras.metrics.MeanMetricWrapper(box_km, name="km", **box)
    return Task(
        "tell the latitude and longitude of a street-level photo",
        places.encode(lat, lon).astype(np.float32),
        Objective(loss, metric, "km", "km"),
        outputs=3 if isinstance(places, Sphere) else 2,
        activation="unit" if isinstance(places, Sphere) else "linear",
        centre=_centre(places.encode(lat[training], lon[training])) if isinstance(places, Sphere) else None,
        loss_unit="" if settings.loss.kind == "mean-squared-error" else "1,000 km",
        places=places,
        trivial=trivial_answers(lat[training], lon[training]),
    )


def _centre(points: np.ndarray) -> Centre:
    """The middle of unit vectors (n, 3), and how far they are from it."""
    middle = points.mean(axis=0)
    middle /= np.linalg.norm(middle)
    x, y, z = middle.tolist()
    return Centre(x, y, z, float(np.sqrt(np.square(points - middle).sum(axis=1).mean())))


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
    found = data.only(known.to_numpy(), f"{int((~known).sum())} photos without coordinates are left out")
    for side in ("training", "validation"):
        if not len(found.rows(side)):
            raise DataError(f"no {side} photo has coordinates: give photos of more places that have them")
    return found


def _of_classes(
    loss: LossSettings, data: Data, index: np.ndarray, k: int, points: ClassPoints | None
) -> Task:
    """Rows of labels, and the loss that goes with them."""
    lat, lon = _coordinates(data)
    distances = distance_rows(lat, lon, index, points) if points else np.zeros((len(index), k), np.float32)
    wanted = (
        soft_targets(distances, index, tau_km=loss.tau_km)
        if loss.kind == "soft"
        else targets(index, k, smoothing=loss.smoothing)
    )
    alpha = loss.alpha if loss.kind == "distance" else 0.0
    metric: Any = keras.metrics.MeanMetricWrapper(place_accuracy, name="accuracy")
    training = data.rows("training")
    return Task(
        "",
        place_rows(wanted, distances),
        Objective(PlaceLoss(alpha), metric),
        outputs=k,
        loss_unit="" if alpha else "nats",
        index=index,
        places=points,
        trivial=trivial_answers(lat[training], lon[training], index[training], points) if points else None,
    )


def _class_points(data: Data) -> tuple[np.ndarray, np.ndarray]:
    """The mean of each class's training photos, or else its centroid if it is a country, or else NaN."""
    (lat, lon), training, classes = _coordinates(data), data.rows("training"), data.manifest.classes
    own = centroids(data.labels[training], lat[training], lon[training], len(classes))
    usual = np.array([_centroid(name) for name in classes]).T
    return np.where(np.isfinite(own[0]), own[0], usual[0]), np.where(np.isfinite(own[1]), own[1], usual[1])


def _centroid(name: str) -> tuple[float, float]:
    country = find(name)
    return (country.lat, country.lon) if country else (np.nan, np.nan)


def _coordinates(data: Data) -> tuple[np.ndarray, np.ndarray]:
    photos = data.manifest.photos
    return photos["lat"].to_numpy(np.float64), photos["lon"].to_numpy(np.float64)


def _boundary(settings: CellSettings, lat: np.ndarray, lon: np.ndarray) -> Boundary:
    if settings.boundary is None:
        return hull(lat, lon, settings.margin_km)
    boundary = read_boundary(settings.boundary)
    outside(boundary, lat, lon)  # raises if all are
    return boundary


def _divide(settings: CellSettings, boundary: Boundary, lat: np.ndarray, lon: np.ndarray, seed: int) -> Cells:
    """The cells asked for; those that adapt to photos see training photos only."""
    if settings.kind == "square":
        return square_cells(boundary, settings.width_km)
    if settings.kind == "kmeans":
        return voronoi_cells(boundary, kmeans_centres(boundary, lat, lon, settings.n, seed))
    return voronoi_cells(boundary, draw_centres(boundary, n=settings.n, seed=seed))


def located(photos: pd.DataFrame, index: np.ndarray, places: Places | None) -> pd.DataFrame:
    """The photos, those without coordinates at the point of their class, as far as it has one."""
    if not isinstance(places, ClassPoints):
        return photos
    unknown = ~(np.isfinite(photos["lat"]) & np.isfinite(photos["lon"]))
    return photos.assign(
        lat=photos["lat"].mask(unknown, pd.Series(places.lat[index], photos.index)),
        lon=photos["lon"].mask(unknown, pd.Series(places.lon[index], photos.index)),
    )


def notes(task: Task, data: Data) -> list[str]:
    """What has to be kept in mind about the task's places."""
    found = []
    unknown = int((~np.isfinite(_coordinates(data)[0])).sum())
    if unknown and isinstance(task.places, ClassPoints):
        found.append(f"{unknown} photos have no coordinates: they count as taken at the point of their class")
    if task.cells is not None and task.index is not None:
        number = counts(task.cells, task.index[data.rows("training")])
        if without := int((number == 0).sum()):
            found.append(f"{without} of {len(number)} cells have no training photo and are never guessed")
        lat, lon = _coordinates(data)
        if beyond := outside(task.cells.boundary, lat, lon):
            found.append(f"{beyond} photos lie outside of the boundary: they count to the nearest cell")
    return found
