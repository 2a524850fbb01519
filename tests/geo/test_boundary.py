import json

import geopandas
import numpy as np
import pytest
import shapely
from pyproj import Geod
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box

from kangaroo.errors import DataError
from kangaroo.geo.boundary import Boundary, Plane, degrees, hull, outside, read_boundary, wrapped
from kangaroo.geo.distance import haversine_km
from kangaroo.geo.sphere import unit_vectors

NAN = float("nan")
GLOBE = Geod(ellps="WGS84")
HORSESHOE = Polygon(
    [(15, 45), (16, 45), (16, 46), (15.8, 46), (15.8, 45.2), (15.2, 45.2), (15.2, 46), (15, 46)]
)


def write(path, polygons, crs="EPSG:4326", **columns):
    geopandas.GeoDataFrame(columns, geometry=polygons, crs=crs).to_file(path)
    return path


def true_area(polygon):
    """In km², on the ellipsoid; along great circles, so of polygons with short edges."""
    return abs(GLOBE.geometry_area_perimeter(shapely.segmentize(polygon, 0.01))[0]) / 1e6


@pytest.fixture
def horseshoe(tmp_path):
    return read_boundary(write(tmp_path / "b.geojson", [HORSESHOE]))


def test_areas_are_those_of_the_ellipsoid(tmp_path):
    for polygon in (HORSESHOE, box(20, 65, 29, 70), box(-75, -55, -65, -20)):
        found = read_boundary(write(tmp_path / "b.geojson", [polygon])).shape.area
        assert found == pytest.approx(true_area(polygon), rel=1e-5)


def test_the_plane_keeps_distances_near_its_middle_and_comes_back():
    plane = Plane(45, 16)
    lat, lon = np.random.default_rng(0).uniform([[44], [15]], [[46], [17]], (2, 99))
    x, y = plane.project(lat, lon)
    np.testing.assert_allclose(
        np.hypot(x, y), haversine_km(45, 16, lat, lon), rtol=0.005
    )  # sphere, ellipsoid
    np.testing.assert_allclose(plane.unproject(x, y), (lat, lon), atol=1e-9)
    across = Plane(-17, 179)
    np.testing.assert_allclose(across.unproject(*across.project([-17, -18], [-179, 178]))[1], [181, 178])


def test_a_boundary_is_the_union_of_all_polygons_with_their_holes(tmp_path):
    island, hole = box(18, 45, 18.5, 45.5), box(15.4, 45.4, 15.6, 45.6)
    parts = [box(15, 45, 16, 46).difference(hole), box(15.9, 45, 17, 46), island]
    boundary = read_boundary(write(tmp_path / "b.gpkg", parts, size=[1, 2, 3]))
    assert len(shapely.get_parts(boundary.shape)) == 2
    whole = true_area(box(15, 45, 17, 46)) - true_area(hole) + true_area(island)
    assert boundary.shape.area == pytest.approx(whole, rel=1e-5)
    inside = boundary.holds([45.5, 45.5, 45.2, 45.5], [15.1, 15.5, 18.1, 17.5])
    assert inside.tolist() == [True, False, True, False]


def test_an_area_cut_at_the_antimeridian_is_one_again(tmp_path):
    for parts in ([box(177, -19, 180, -16), box(-180, -19, -178, -16)], [box(177, -19, 182, -16)]):
        boundary = read_boundary(write(tmp_path / "b.geojson", [MultiPolygon(parts)]))
        assert boundary.shape.geom_type == "Polygon"
        assert boundary.plane.lon == pytest.approx(179.5, abs=0.01)
        assert boundary.holds([-17, -17, -17], [179.9, -178.1, -177.9]).tolist() == [True, True, False]


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
def test_other_coordinate_systems_and_none_give_the_same(tmp_path, horseshoe):
    table = geopandas.GeoDataFrame(geometry=[shapely.segmentize(HORSESHOE, 0.01)], crs="EPSG:4326")
    for crs in ("EPSG:3035", "EPSG:32633"):
        table.to_crs(crs).to_file(tmp_path / "p.gpkg")
        other = read_boundary(tmp_path / "p.gpkg")
        assert other.shape.area == pytest.approx(horseshoe.shape.area, rel=1e-5)
        lat, lon = np.random.default_rng(0).uniform([[44.9], [14.9]], [[46.1], [16.1]], (2, 999))
        np.testing.assert_array_equal(other.holds(lat, lon), horseshoe.holds(lat, lon))
    table.set_crs(None, allow_override=True).to_file(tmp_path / "bare.shp")
    assert read_boundary(tmp_path / "bare.shp").shape.area == pytest.approx(horseshoe.shape.area, rel=1e-5)
    (tmp_path / "bare.json").write_text(json.dumps(shapely.geometry.mapping(HORSESHOE)))
    assert read_boundary(tmp_path / "bare.json").shape.equals(horseshoe.shape)


def test_invalid_polygons_are_mended(tmp_path):
    bowtie = Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    boundary = read_boundary(write(tmp_path / "b.geojson", [bowtie, None]))
    assert boundary.holds([0.5, 0.5, 0.9], [0.1, 0.9, 0.5]).tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("geometries", "message"),
    [
        ([Point(1, 1)], "holds no polygons"),
        ([box(0, 0, 1, 1), LineString([(0, 0), (1, 1)])], "holds no polygons, or something besides"),
        (
            [box(-120, 0, 40, 1)],
            r"reaches 8,8\d\d km from its middle: .* up to 6,000 km, give a smaller area",
        ),
        ([box(-180, 70, 180, 90)], "reaches around a pole"),
        ([box(-180, 60, 180, 80)], "reaches around a pole"),
    ],
)
def test_what_cannot_be_a_boundary_is_named(tmp_path, geometries, message):
    path = write(tmp_path / "b.geojson", geometries)
    with pytest.raises(DataError, match=f"b.geojson {message}"):
        read_boundary(path)


@pytest.mark.parametrize("text", ["no polygons", "a,b\n1,2\n", ""])
def test_a_file_of_another_kind_is_refused(tmp_path, text):
    for name in ("b.geojson", "b.csv", "b.txt"):
        (tmp_path / name).write_text(text)
        with pytest.raises(DataError, match=name):
            read_boundary(tmp_path / name)
    with pytest.raises(DataError, match="gone"):
        read_boundary(tmp_path / "gone.geojson")


def test_the_hull_holds_all_photos_and_a_margin():
    rng = np.random.default_rng(0)
    lat, lon = rng.uniform(51, 52, 50), rng.uniform(-1, 1, 50)
    lat[3], lon[4] = NAN, NAN
    boundary = hull(lat, lon, 2)
    assert boundary.holds(lat, lon).sum() == 48
    top = np.nanargmax(np.where(np.isnan(lon), NAN, lat))
    beyond = lat[top] + np.array([1.95, 2.05]) / haversine_km(0, 0, 1, 0)
    assert boundary.holds(beyond, [lon[top]] * 2).tolist() == [True, False]
    tight = hull(lat, lon, 0).shape
    expected = tight.area + 2 * tight.length + np.pi * 2**2  # Steiner's formula for a convex body
    assert boundary.shape.area == pytest.approx(expected, rel=1e-3)


def test_the_hull_of_one_spot_is_a_disc_and_needs_a_margin():
    disc = hull([48.0], [16.0], 3)
    assert disc.shape.area == pytest.approx(np.pi * 9, rel=0.01)
    assert (disc.plane.lat, disc.plane.lon) == (48, 16)
    with pytest.raises(DataError, match="has no area: give a margin"):
        hull([48.0, 48.0], [16.0, 16.0], 0)


@pytest.mark.parametrize(
    ("lat", "lon", "message"),
    [
        ([NAN], [NAN], "no photo has coordinates"),
        ([0.0, 0.0, 0.0], [0.0, 120.0, -120.0], "reaches .* give a"),
    ],
)
def test_photos_without_a_hull(lat, lon, message):
    with pytest.raises(DataError, match=message):
        hull(lat, lon, 1)


def test_photos_outside_are_counted(horseshoe):
    assert outside(horseshoe, [45.5, 45.5, NAN], [15.1, 15.5, 15.1]) == 1  # the second is in the bay
    with pytest.raises(DataError, match=r"none of the 2 photos .* give the boundary of the area"):
        outside(horseshoe, [15.1, 15.1, NAN], [45.5, 45.6, NAN])  # latitude and longitude exchanged


def test_points_outside_move_to_the_nearest_point_inside(horseshoe):
    rng = np.random.default_rng(0)
    lat, lon = rng.uniform(44.5, 46.5, 200), rng.uniform(14.5, 16.5, 200)
    moved = horseshoe.nearest(lat, lon)
    assert horseshoe.holds(*moved).all()
    held = horseshoe.holds(lat, lon)
    np.testing.assert_array_equal(np.column_stack(moved)[held], np.column_stack([lat, lon])[held])
    corners = shapely.get_coordinates(shapely.segmentize(horseshoe.shape, 0.05))
    x, y = horseshoe.plane.project(lat, lon)
    to_border = np.hypot(corners[:, 0] - x[~held, None], corners[:, 1] - y[~held, None]).min(axis=1)
    moved_x, moved_y = horseshoe.plane.project(*moved)
    np.testing.assert_allclose(np.hypot(moved_x - x, moved_y - y)[~held], to_border, atol=0.03)


def test_a_point_moved_across_the_antimeridian_has_a_usual_longitude(tmp_path):
    boundary = read_boundary(write(tmp_path / "b.geojson", [box(177, -19, 182, -16)]))
    lat, lon = boundary.nearest([-17.0], [-177.0])
    assert (lat[0], lon[0]) == (pytest.approx(-17, abs=0.01), pytest.approx(-178, abs=0.01))


def test_a_boundary_comes_back_from_json(horseshoe):
    again = Boundary.from_json(json.loads(json.dumps(horseshoe.to_json())))
    assert again.plane == horseshoe.plane
    assert shapely.equals_exact(again.shape, horseshoe.shape, 1e-12)


def test_vectors_and_longitudes():
    lat, lon = np.random.default_rng(0).uniform([[-90], [-180]], [[90], [180]], (2, 99))
    np.testing.assert_allclose(degrees(7 * unit_vectors(lat, lon)), (lat, lon), atol=1e-12)
    assert [values.tolist() for values in degrees([[0, 0, -2], [0, 0, 0]])] == [[-90, 0], [0, 0]]
    assert wrapped([0, 180, -180, 190, -190, 725]).tolist() == [0, -180, -180, -170, 170, 5]
