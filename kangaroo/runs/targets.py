"""What a network learns from: photos and settings to a task, its labels and its objective."""

from dataclasses import replace
from typing import Any

import keras
import numpy as np

from kangaroo.errors import DataError
from kangaroo.evaluation.geolocation import trivial_answers
from kangaroo.geo.boundary import Boundary, hull, outside, read_boundary
from kangaroo.geo.cells import Cells, locate, square_cells, voronoi_cells
from kangaroo.geo.centres import draw_centres, kmeans_centres
from kangaroo.geo.countries import find
from kangaroo.geo.decoders import Box, ClassPoints, Sphere, centroids
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
from kangaroo.models.unit_vectors import Centre
from kangaroo.runs.photos import Data
from kangaroo.runs.settings import (
    CellSettings,
    CoordinateSettings,
    CountrySettings,
    LossSettings,
    ReportClasses,
    TrainSettings,
)
from kangaroo.runs.tasks import CellTask, ClassTask, CoordinateTask, Task
from kangaroo.training import Objective


def task_of(settings: TrainSettings, data: Data) -> Task:
    """The task that the settings ask for, on these photos."""
    match settings.task:
        case ReportClasses():
            return report_classes(data)
        case CountrySettings():
            return countries(settings.loss, data)
        case CellSettings():
            return cells(settings.task, settings.loss, data, settings.data.seed)
        case CoordinateSettings():
            return coordinates(settings.task, settings.loss, data)


def report_classes(data: Data) -> ClassTask:
    """The classes of the report's own networks, which learn from numbers and by plain cross entropy."""
    classes, index = data.manifest.classes, data.labels
    labels = index if len(classes) > 2 else index.astype(np.float32)
    return ClassTask(
        description="classify a street-level photo by country",
        labels=labels,
        objective=Objective(),
        outputs=len(classes) if len(classes) > 2 else 1,
        classes=classes,
        index=index,
    )


def countries(loss: LossSettings, data: Data) -> ClassTask:
    """One class a folder; its point is the mean of its training photos, or else the country's centroid."""
    classes, index = data.manifest.classes, data.labels
    lat, lon = _class_points(data)
    nowhere = [name for name, known in zip(classes, np.isfinite(lat), strict=True) if not known]
    if nowhere and loss.needs_points:
        raise DataError(
            f"class {nowhere[0]!r} has no point to measure distances from: give training photos with "
            "coordinates, call the folder as the country is called, or take --loss cross-entropy"
        )
    points = None if nowhere else ClassPoints(lat, lon)
    return ClassTask(
        description="tell the country of a street-level photo",
        classes=classes,
        **_learned(loss, data, index, len(classes), points),
    )


def cells(settings: CellSettings, loss: LossSettings, data: Data, seed: int) -> CellTask:
    """One class a cell of the area in which the photos lie; its point is the mean of its training photos."""
    lat, lon = data.coordinates
    training = data.rows("training")
    boundary = _boundary(settings, lat, lon)
    divided = _divide(settings, boundary, lat[training], lon[training], seed)
    index = locate(divided, lat, lon)
    points = ClassPoints(
        *centroids(index[training], lat[training], lon[training], len(divided.names)),
        rule=settings.rule,
        radius_km=settings.radius_km or 2 * float(np.sqrt(boundary.shape.area / len(divided.names))),
        boundary=boundary,
    )
    learned = _learned(loss, data, index, len(divided.names), points)
    # The loss, which knows how far off an answer is, says more of small cells than how many are hit.
    learned["objective"] = replace(learned["objective"], keep="loss")
    return CellTask(
        description=f"tell in which of {len(divided.names)} cells a street-level photo was taken",
        classes=divided.names,
        cells=divided,
        **learned,
    )


def coordinates(settings: CoordinateSettings, loss: LossSettings, data: Data) -> CoordinateTask:
    """Latitude and longitude themselves, in a box as the reports said them, or as a point on the sphere."""
    lat, lon = data.coordinates
    training = data.rows("training")
    trivial = trivial_answers(lat[training], lon[training])
    unit = "" if loss.kind == "mean-squared-error" else "1,000 km"
    description = "tell the latitude and longitude of a street-level photo"
    if settings.target == "sphere":
        sphere = Sphere()
        metric = keras.metrics.MeanMetricWrapper(sphere_km, name="km")
        return CoordinateTask(
            description=description,
            labels=sphere.encode(lat, lon).astype(np.float32),
            objective=Objective(SphereLoss(), metric, "km", "km"),
            outputs=3,
            activation="unit",
            centre=_centre(sphere.encode(lat[training], lon[training])),
            loss_unit=unit,
            decoder=sphere,
            trivial=trivial,
        )
    box = Box.around(lat[training], lon[training])
    sides = {side: getattr(box, side) for side in ("south", "north", "west", "east")}
    squares = keras.losses.MeanSquaredError("mean_with_sample_weight")
    metric = keras.metrics.MeanMetricWrapper(box_km, name="km", **sides)
    return CoordinateTask(
        description=description,
        labels=box.encode(lat, lon).astype(np.float32),
        objective=Objective(
            squares if loss.kind == "mean-squared-error" else BoxLoss(**sides), metric, "km", "km"
        ),
        outputs=2,
        activation="linear",
        loss_unit=unit,
        decoder=box,
        trivial=trivial,
    )


def _centre(points: np.ndarray) -> Centre:
    """The middle of unit vectors (n, 3), and how far they are from it."""
    middle = points.mean(axis=0)
    middle /= np.linalg.norm(middle)
    x, y, z = middle.tolist()
    return Centre(x, y, z, float(np.sqrt(np.square(points - middle).sum(axis=1).mean())))


def _learned(
    loss: LossSettings, data: Data, index: np.ndarray, k: int, points: ClassPoints | None
) -> dict[str, Any]:
    """Rows of labels, the loss that goes with them, and where the classes lie: fields of a ClassTask."""
    lat, lon = data.coordinates
    distances = distance_rows(lat, lon, index, points) if points else np.zeros((len(index), k), np.float32)
    shares = (
        soft_targets(distances, index, tau_km=loss.tau_km)
        if loss.kind == "soft"
        else targets(index, k, smoothing=loss.smoothing)
    )
    alpha = loss.alpha if loss.kind == "distance" else 0.0
    training = data.rows("training")
    return {
        "labels": place_rows(shares, distances),
        "objective": Objective(
            PlaceLoss(alpha), keras.metrics.MeanMetricWrapper(place_accuracy, name="accuracy")
        ),
        "outputs": k,
        "loss_unit": "" if alpha else "nats",
        "index": index,
        "decoder": points,
        "trivial": trivial_answers(lat[training], lon[training], index[training], points) if points else None,
    }


def _class_points(data: Data) -> tuple[np.ndarray, np.ndarray]:
    """The mean of each class's training photos, or else its centroid if it is a country, or else NaN."""
    (lat, lon), training, classes = data.coordinates, data.rows("training"), data.manifest.classes
    own = centroids(data.labels[training], lat[training], lon[training], len(classes))
    usual = np.array([_centroid(name) for name in classes]).T
    return np.where(np.isfinite(own[0]), own[0], usual[0]), np.where(np.isfinite(own[1]), own[1], usual[1])


def _centroid(name: str) -> tuple[float, float]:
    country = find(name)
    return (country.lat, country.lon) if country else (np.nan, np.nan)


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
