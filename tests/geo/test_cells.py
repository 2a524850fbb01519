import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import Geod

from kangaroo.errors import DataError
from kangaroo.geo.boundary import Boundary, Plane, hull, read_boundary
from kangaroo.geo.cells import counts, locate, square_cells, to_geojson, voronoi_cells
from kangaroo.geo.centres import draw_centres, kmeans_centres

NAN = float("nan")
PLANE = Plane(48, 16)
SQUARE = Boundary(shapely.box(0, 0, 10, 10), PLANE)
HORSESHOE = shapely.box(0, 0, 10, 10).difference(shapely.box(2, 3, 8, 10))
DISC = shapely.Point(0, 0).buffer(8)
BOUNDARIES = {
    "concave": Boundary(HORSESHOE, PLANE),
    "with a hole": Boundary(DISC.difference(shapely.Point(2, 0).buffer(4)), PLANE),
    "of two parts": Boundary(DISC.union(shapely.box(12, 0, 15, 9)), PLANE),
    "across the antimeridian": Boundary(DISC, Plane(-17, 180)),
}
KINDS = {
    "squares": lambda boundary: square_cells(boundary, 1.7),
    "voronoi": lambda boundary: voronoi_cells(boundary, draw_centres(boundary, spacing_km=1.9, seed=0)),
}


def degrees(boundary, points):
    return boundary.plane.unproject(*np.asarray(points, float).T)


@pytest.fixture(params=BOUNDARIES)
def boundary(request):
    return BOUNDARIES[request.param]


@pytest.fixture(params=KINDS)
def cells(request, boundary):
    return KINDS[request.param](boundary)


def test_cells_share_out_the_boundary_without_gaps_and_overlaps(cells):
    whole = cells.boundary.shape
    assert shapely.area(cells.shapes).sum() == pytest.approx(whole.area, rel=1e-10)
    assert shapely.union_all(cells.shapes).symmetric_difference(whole).area < 1e-7
    assert shapely.is_valid(cells.shapes).all()
    assert set(shapely.get_type_id(cells.shapes)) <= {3, 6}  # polygons


def test_every_cell_has_a_name_and_a_point_inside(cells):
    assert len(set(cells.names)) == len(cells.shapes) == len(cells.lat) == len(cells.lon)
    assert cells.names[1] == ("cell 02" if len(cells.names) > 9 else "cell 2")
    assert sorted(cells.names) == list(cells.names)
    assert locate(cells, cells.lat, cells.lon).tolist() == list(range(len(cells.names)))


def test_photos_get_the_cell_that_holds_them_else_the_nearest(cells):
    points = np.random.default_rng(0).uniform(-12, 18, (500, 2))
    index = locate(cells, *degrees(cells.boundary, points))
    for point, i in zip(shapely.points(points), index, strict=True):
        apart = shapely.distance(cells.shapes, point)
        assert apart[i] == pytest.approx(apart.min(), abs=1e-9)
    assert counts(cells, index).sum() == 500


def test_cells_in_degrees_are_those_of_the_plane(cells):
    globe = Geod(ellps="WGS84")
    for shape, polygon in zip(cells.shapes, cells.polygons, strict=True):
        fine = shapely.segmentize(polygon, 0.001)
        assert abs(globe.geometry_area_perimeter(fine)[0]) / 1e6 == pytest.approx(shape.area, rel=1e-3)


def test_squares_are_as_large_everywhere_and_the_grid_lies_evenly():
    cells = square_cells(SQUARE, 4, sliver=0)
    areas = shapely.area(cells.shapes).reshape(3, 3)
    np.testing.assert_allclose(areas, np.outer([3, 4, 3], [3, 4, 3]))  # 12 km of grid on 10 km of boundary
    assert (np.diff(cells.lon.reshape(3, 3)) > 0).all()  # row by row
    assert (np.diff(cells.lat.reshape(3, 3), axis=0) < 0).all()  # from the north


def test_a_sliver_joins_the_neighbour_with_the_longest_common_border():
    # Squares of 5 km. Above the two whole ones: 0.1 km of a strip, and 0.9 km of it and a pillar.
    strip, pillar = shapely.box(4.9, 5, 5.9, 6), shapely.box(9, 5, 10, 10)
    boundary = Boundary(shapely.union_all([shapely.box(0, 0, 10, 5), strip, pillar]), PLANE)
    found = {s: shapely.area(square_cells(boundary, 5, sliver=s).shapes) for s in (0, 0.1, 0.3)}
    np.testing.assert_allclose(found[0], [0.1, 5.9, 25, 25])
    np.testing.assert_allclose(found[0.1], [6, 25, 25])
    np.testing.assert_allclose(found[0.3], [25.1, 30.9])  # no sliver joins another


def test_far_islands_and_narrow_strips():
    islands = Boundary(shapely.union(shapely.box(0, 0, 9, 9), shapely.box(4000, 3000, 4001, 3003)), PLANE)
    assert len(square_cells(islands, 3).shapes) >= 10  # of 1.3 million squares
    strip = square_cells(Boundary(shapely.box(0, 0, 100, 1), PLANE), 20, sliver=0)
    np.testing.assert_allclose(shapely.area(strip.shapes), [20] * 5)


def test_a_sliver_without_neighbours_joins_the_nearest_cell():
    boundary = Boundary(shapely.union(shapely.box(0, 0, 10, 10), shapely.box(14.9, 0, 15, 0.1)), PLANE)
    np.testing.assert_allclose(shapely.area(square_cells(boundary, 5).shapes), [25, 25, 25, 25.01])


def test_voronoi_cells_are_those_of_the_nearest_centre():
    rng = np.random.default_rng(0)
    centres = rng.uniform(0, 10, (30, 2))
    cells = voronoi_cells(SQUARE, np.column_stack(degrees(SQUARE, [*centres, *centres[:5]])))  # some twice
    assert len(cells.shapes) == 30
    points = rng.uniform(0, 10, (2000, 2))
    own = locate(cells, *degrees(SQUARE, points))
    nearest = np.linalg.norm(points[:, None] - centres, axis=2).argmin(axis=1)
    pairs = {(int(a), int(b)) for a, b in zip(own, nearest, strict=True)}
    assert len(pairs) == 30  # each cell belongs to one centre, and the other way round
    middle = shapely.get_y(shapely.centroid(cells.shapes))
    assert (np.diff(middle) <= 0).all()


def test_two_centres_and_one_outside_that_reaches_in():
    centres = np.column_stack(degrees(SQUARE, [[2.5, 5], [13.5, 5], [500, 500]]))
    cells = voronoi_cells(SQUARE, centres)
    np.testing.assert_allclose(
        sorted(shapely.area(cells.shapes)), [20, 80]
    )  # halfway at 8; none for the last


def test_the_border_belongs_to_the_first_cell_and_unknown_places_to_none():
    (x,), (y,) = PLANE.project([48.03], [16.07])
    west, east = shapely.box(x - 1, y - 1, x, y + 1), shapely.box(x, y - 1, x + 1, y + 1)
    for shapes in ([west, east], [east, west]):
        cells = replace(square_cells(SQUARE, 5), shapes=np.array(shapes))
        found = locate(cells, [48.03, NAN, 48.03, 48.03], [16.07, 16.07, NAN, 16.06])
        assert found.tolist() == [0, -1, -1, shapes.index(west)]


def test_a_photo_on_the_other_side_of_the_globe_has_a_cell():
    assert locate(square_cells(SQUARE, 5), [-48.0], [-164.0]).tolist() != [-1]


def test_empty_cells_are_counted():
    cells = square_cells(SQUARE, 5)
    assert counts(cells, [0, 0, 2, -1]).tolist() == [2, 0, 1, 0]
    assert counts(cells, []).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: square_cells(SQUARE, 0), "can't be 0 km wide"),
        (lambda: square_cells(SQUARE, 11), "squares of 11 km leave one cell of a boundary of 10 x 10 km"),
        (
            lambda: square_cells(SQUARE, 0.05),
            "squares of 0.05 km make some 40,000 cells: ask for 2 to 20,000",
        ),
        (lambda: voronoi_cells(SQUARE, np.empty((0, 2))), r"0 different centre\(s\) divide nothing"),
        (lambda: voronoi_cells(SQUARE, [[48, 16]] * 3), r"1 different centre\(s\) divide nothing"),
        (lambda: voronoi_cells(SQUARE, [[48, 16], [30, 16]]), "2 centres leave one cell"),
    ],
)
def test_what_makes_no_cells_is_said(make, message):
    with pytest.raises(DataError, match=message):
        make()


def rings(geometry):
    polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    assert geometry["type"] in ("Polygon", "MultiPolygon")
    return [(i == 0, np.array(ring)) for polygon in polygons for i, ring in enumerate(polygon)]


def turning(ring):
    """Twice the signed area: above 0 is counterclockwise."""
    x, y = (ring - ring.mean(axis=0)).T
    return float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))


def test_geojson_is_that_of_rfc_7946(cells):
    photos = np.arange(len(cells.names))
    found = json.loads(to_geojson(cells, photos))
    assert found["type"] == "FeatureCollection"
    assert "crs" not in found
    assert [feature["properties"] for feature in found["features"]] == [
        {"name": name, "photos": n} for name, n in zip(cells.names, photos, strict=True)
    ]
    for feature in found["features"]:
        for exterior, ring in rings(feature["geometry"]):
            assert (ring[0] == ring[-1]).all()
            assert (turning(ring) > 0) is exterior
            assert (abs(ring) <= [180, 90]).all()
            assert np.ptp(ring[:, 0]) < 1  # no part goes around the globe
    shapes = [shapely.geometry.shape(feature["geometry"]) for feature in found["features"]]
    size = [abs(Geod(ellps="WGS84").geometry_area_perimeter(shape)[0]) / 1e6 for shape in shapes]
    assert math.fsum(size) == pytest.approx(cells.boundary.shape.area, rel=1e-4)


def test_geojson_without_photos_and_as_a_boundary(tmp_path):
    text = to_geojson(square_cells(SQUARE, 5))
    found = json.loads(text)
    (tmp_path / "cells.geojson").write_text(text, encoding="utf-8")
    assert read_boundary(tmp_path / "cells.geojson").shape.area == pytest.approx(100, rel=1e-4)
    assert [feature["properties"] for feature in found["features"]] == [
        {"name": f"cell {i}"} for i in range(1, 5)
    ]


def test_cells_of_real_photos(photos):
    table = pd.read_csv(photos / "croatia" / "labels.csv")
    boundary = hull(table["lat"], table["lon"], 5)
    cells = voronoi_cells(boundary, kmeans_centres(boundary, table["lat"], table["lon"], 30, 0))
    found = counts(cells, locate(cells, table["lat"], table["lon"]))
    assert (len(found), found.sum()) == (30, 584)
    assert found.min() > 0  # cells that follow the photos
    assert set(found % 4) == {0}  # four headings a place
