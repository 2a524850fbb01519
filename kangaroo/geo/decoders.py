"""What a network says, as latitudes and longitudes: the one place that knows how."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from kangaroo.errors import DataError, ModelError
from kangaroo.geo.boundary import Array, Boundary, degrees, wrapped
from kangaroo.geo.countries import find
from kangaroo.geo.sphere import chord, unit_vectors

Rule = Literal["best", "mean"]
RULES = get_args(Rule)
_VALUES = 2_000_000  # decoded at a time, so that no second copy of all probabilities stands in memory


@dataclass(frozen=True, eq=False)
class ClassPoints:
    """The point of each of k classes in degrees, ``lat`` and ``lon`` (k,): how probabilities become a guess.

    ``rule`` 'best': the point of the most probable class. 'mean': the mean on the sphere of the points within
    ``radius_km`` of that one, weighted by their probabilities. A guess outside ``boundary`` is moved to the
    nearest point inside. A class whose point is NaN, such as a cell without photos, is never guessed, however
    probable. DataError: no class has a point, or another rule.
    """

    lat: Array
    lon: Array
    rule: Rule = "best"
    radius_km: float = 0.0
    boundary: Boundary | None = None

    def __post_init__(self) -> None:
        """Check; raise DataError."""
        if self.rule not in RULES:
            raise DataError(f"no rule {self.rule!r}: choose from {', '.join(RULES)}")
        if not 0 <= self.radius_km < np.inf:
            raise DataError(f"a radius of {self.radius_km} km can't be used: give 0 or more")
        if not self._known.any():
            raise DataError("no class has a point: photos with coordinates are needed")

    def decode(self, outputs: ArrayLike) -> tuple[Array, Array]:
        """Latitudes and longitudes (n,) of class probabilities (n, k)."""
        p = _columns(outputs, len(self.lat), f"{len(self.lat)} classes")
        guess = self._mean if self.rule == "mean" else self._best
        rows = max(1, _VALUES // len(self.lat))
        parts = [guess(p[start : start + rows]) for start in range(0, max(len(p), 1), rows)]
        lat, lon = np.concatenate(parts, axis=1)
        return self.boundary.nearest(lat, lon) if self.boundary else (lat, lon)

    def to_json(self) -> dict[str, Any]:
        """What :func:`from_json` reads; NaN as null."""
        return {
            "kind": "classes",
            "lat": [value if np.isfinite(value) else None for value in self.lat.tolist()],
            "lon": [value if np.isfinite(value) else None for value in self.lon.tolist()],
            "rule": self.rule,
            "radius_km": self.radius_km,
            "boundary": self.boundary.to_json() if self.boundary else None,
        }

    @cached_property
    def _known(self) -> NDArray[np.bool_]:
        return np.isfinite(self.lat) & np.isfinite(self.lon)

    def _first(self, p: NDArray[np.floating]) -> NDArray[np.int64]:
        """The most probable class that has a point."""
        return np.where(self._known, p, -1).argmax(axis=1)

    def _best(self, p: NDArray[np.floating]) -> tuple[Array, Array]:
        first = self._first(p)
        return self.lat[first], self.lon[first]

    def _mean(self, p: NDArray[np.floating]) -> tuple[Array, Array]:
        first = self._first(p)
        near = np.where(self._near[first], p, 0.0) @ self._vectors
        return degrees(near + 1e-12 * self._vectors[first])  # where all near ones have probability 0

    @cached_property
    def _vectors(self) -> Array:
        return np.where(self._known[:, None], unit_vectors(self.lat, self.lon), 0)

    @cached_property
    def _near(self) -> NDArray[np.bool_]:
        """Whether the points of two classes (k, k) lie within the radius of one another."""
        from scipy.spatial.distance import cdist

        return (cdist(self._vectors, self._vectors) <= chord(self.radius_km)) & self._known


@dataclass(frozen=True)
class Box:
    """A box of degrees in which 0 to 1 is from ``south`` to ``north``, and from ``west`` to ``east``.

    A box across the antimeridian has an east beyond 180.
    """

    south: float
    north: float
    west: float
    east: float

    def __post_init__(self) -> None:
        """Check; raise DataError."""
        lat, lon = (self.south, self.north), (self.west, self.east)
        if not (-90 <= lat[0] < lat[1] <= 90 and -180 <= lon[0] < lon[1] <= lon[0] + 360):
            raise DataError(f"latitudes {lat} and longitudes {lon} make no box: give photos of several spots")

    @classmethod
    def around(cls, lat: ArrayLike, lon: ArrayLike, margin: float = 0.05) -> "Box":
        """The smallest box of photos (n,) in degrees, and ``margin`` of its size on each side.

        It goes across the antimeridian where their widest gap in longitude is elsewhere. NaN are left out.
        DataError: no photo has coordinates, or all have the same latitude or longitude.
        """
        known = np.isfinite(lat) & np.isfinite(lon)
        if not known.any():
            raise DataError("no photo has coordinates: a box needs photos with latitude and longitude")
        lat, east = np.asarray(lat, np.float64)[known], np.unique(wrapped(np.asarray(lon)[known]))
        gap = np.diff(east, append=east[0] + 360)
        west = float(east[(gap.argmax() + 1) % len(east)])
        width, height = 360 - float(gap.max()), float(np.ptp(lat))
        south, north = lat.min() - margin * height, lat.max() + margin * height
        west, width = west - margin * width, min((1 + 2 * margin) * width, 360)
        west = float(wrapped(west))
        return cls(max(float(south), -90.0), min(float(north), 90.0), west, west + width)

    def encode(self, lat: ArrayLike, lon: ArrayLike) -> Array:
        """Targets (n, 2), latitude first, of points (n,) in degrees; beyond 0 to 1 outside of the box."""
        middle = (self.west + self.east) / 2
        x = middle + wrapped(np.asarray(lon, np.float64) - middle)
        y = np.asarray(lat, np.float64)
        return np.stack(
            [(y - self.south) / (self.north - self.south), (x - self.west) / (self.east - self.west)], axis=-1
        )

    def decode(self, outputs: ArrayLike) -> tuple[Array, Array]:
        """Latitudes and longitudes (n,) of outputs (n, 2); what is beyond 0 to 1 is moved to the edge."""
        y, x = np.clip(_columns(outputs, 2, "a box"), 0, 1).astype(np.float64).T
        lon = self.west + x * (self.east - self.west)
        return self.south + y * (self.north - self.south), np.where(lon >= 180, wrapped(lon), lon)

    def to_json(self) -> dict[str, Any]:
        """What :func:`from_json` reads."""
        return {"kind": "box", "south": self.south, "north": self.north, "west": self.west, "east": self.east}


@dataclass(frozen=True)
class Sphere:
    """Points on the globe as unit vectors (n, 3): neither poles nor the antimeridian are special."""

    def encode(self, lat: ArrayLike, lon: ArrayLike) -> Array:
        """Unit vectors (n, 3) of points (n,) in degrees."""
        return unit_vectors(lat, lon)

    def decode(self, outputs: ArrayLike) -> tuple[Array, Array]:
        """Latitudes and longitudes (n,) of vectors (n, 3) of any length."""
        return degrees(_columns(outputs, 3, "a sphere"))

    def to_json(self) -> dict[str, Any]:
        """What :func:`from_json` reads."""
        return {"kind": "sphere"}


Places: TypeAlias = ClassPoints | Box | Sphere


def from_json(values: Mapping[str, Any]) -> Places:
    """The points of classes, box or sphere whose ``to_json`` gave this. ModelError: none did."""
    readers: dict[Any, Callable[[Mapping[str, Any]], Places]] = {
        "classes": _class_points,
        "box": lambda values: Box(*(float(values[side]) for side in ("south", "north", "west", "east"))),
        "sphere": lambda values: Sphere(),
    }
    try:
        return readers[values["kind"]](values)
    except (KeyError, TypeError, ValueError, shapely.errors.ShapelyError) as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise ModelError(f"the places of a card can't be read ({reason}): get model and card anew") from error


def centroids(index: ArrayLike, lat: ArrayLike, lon: ArrayLike, k: int) -> tuple[Array, Array]:
    """The mean on the sphere, latitudes and longitudes (k,), of the photos of each of k classes.

    ``index`` (n,) is the class of each photo, -1 for none, and ``lat``, ``lon`` (n,) are in degrees. A class
    without a photo that has coordinates gets NaN. Meant for training photos.
    """
    index, vectors = np.asarray(index, np.int64), unit_vectors(lat, lon)
    counted = (index >= 0) & np.isfinite(vectors).all(axis=1)
    sums = [np.bincount(index[counted], axis, minlength=k) for axis in vectors[counted].T]
    north, east = degrees(np.column_stack(sums))
    empty = np.bincount(index[counted], minlength=k) == 0
    return np.where(empty, np.nan, north), np.where(empty, np.nan, east)


def country_points(names: Sequence[str]) -> tuple[Array, Array]:
    """The centroids, latitudes and longitudes (k,), of countries. DataError: a name is none of a country."""
    found = [find(name) for name in names]
    unknown = [name for name, country in zip(names, found, strict=True) if country is None]
    if unknown:
        raise DataError(f"{unknown[0]!r} is no country: its point needs training photos with coordinates")
    known = [country for country in found if country]
    return np.array([country.lat for country in known]), np.array([country.lon for country in known])


def _class_points(values: Mapping[str, Any]) -> ClassPoints:
    lat, lon = (np.array(values[name], np.float64) for name in ("lat", "lon"))  # null becomes NaN
    boundary = Boundary.from_json(values["boundary"]) if values["boundary"] else None
    return ClassPoints(lat, lon, values["rule"], float(values["radius_km"]), boundary)


def _columns(outputs: ArrayLike, k: int, what: str) -> NDArray[np.floating]:
    values = np.asarray(outputs)
    if values.ndim != 2 or values.shape[1] != k:
        raise ModelError(
            f"outputs of shape {values.shape} are no guesses for {what}, which needs (n, {k}): get model and "
            "card anew"
        )
    return values
