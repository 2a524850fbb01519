import geopandas
import numpy as np
import pytest
import shapely
from shapely.geometry import MultiPolygon, Point, Polygon, box

from kangaroo.errors import DataError
from kangaroo.geo.distance import haversine_km
from kangaroo.geo.regions import locate, read_regions

NAN = float("nan")


def write(path, polygons, crs="EPSG:4326", **columns):
    geopandas.GeoDataFrame(columns, geometry=polygons, crs=crs).to_file(path)
    return path


def labels(regions, lat, lon):
    found = locate(regions, lat, lon)
    return [str(regions.labels[i]) if i >= 0 else "" for i in found.index]


@pytest.fixture
def squares(tmp_path):
    """West and east of the 10th meridian, and an enclave in the west."""
    polygons = [box(0, 40, 10, 50), box(10, 40, 20, 50), box(4, 44, 5, 45)]
    columns = {"name": ["West", "East", "Enclave"], "admin": "Land", "adm1_code": ["L-1", "L-2", "L-3"]}
    return write(tmp_path / "r.geojson", polygons, **columns)


def test_points_lie_in_their_polygon_and_in_the_smallest(squares):
    regions = read_regions(squares)
    assert sorted(regions.labels) == ["East, Land, L-2", "Enclave, Land, L-3", "West, Land, L-1"]
    found = labels(regions, [45, 45, 44.5, 45], [1, 19, 4.5, NAN])
    assert found == ["West, Land, L-1", "East, Land, L-2", "Enclave, Land, L-3", ""]


def test_points_outside_get_the_nearest_middle_on_the_globe(squares):
    regions = read_regions(squares)
    found = locate(regions, [60, 30, NAN], [1, 19, 3])
    names = regions.names[found.index[:2]]
    for lat, lon, name, distance in zip([60, 30], [1, 19], names, found.km, strict=False):
        to = haversine_km(lat, lon, regions.lat, regions.lon)
        assert name == regions.names[to.argmin()]
        assert distance == pytest.approx(to.min())
    assert found.index[2] == -1
    assert np.isnan(found.km[2])


def test_many_points_against_each_polygon_by_itself(tmp_path):
    rng = np.random.default_rng(0)
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.MultiPoint(rng.uniform(-60, 60, (80, 2)))))
    cells = shapely.intersection(cells, box(-80, -80, 80, 80))[:60]
    regions = read_regions(write(tmp_path / "r.gpkg", cells, name=[f"r{i}" for i in range(60)]))
    lon, lat = rng.uniform(-85, 85, (2, 500))
    found = locate(regions, lat, lon)
    for x, y, i, km in zip(lon, lat, found.index, found.km, strict=True):
        holding = [j for j, polygon in enumerate(regions.polygons) if polygon.covers(Point(x, y))]
        nearest = int(haversine_km(y, x, regions.lat, regions.lon).argmin())
        assert (i, km == 0) == ((holding[0], True) if holding else (nearest, False))


def test_regions_across_the_antimeridian(tmp_path):
    # Split at 180 degrees as GeoJSON wants it, and going on beyond.
    fiji = MultiPolygon([box(177, -19, 180, -16), box(-180, -19, -178, -16)])
    beyond = box(170, 0, 190, 10)
    before = box(-190, 20, -170, 30)
    regions = read_regions(write(tmp_path / "r.geojson", [fiji, beyond, before], name=["Fiji", "B", "C"]))
    lat = [-17, -17, 5, 5, 25, 25]
    lon = [179.9, -179.9, 175, -175, 175, -175]
    assert labels(regions, lat, lon) == ["Fiji", "Fiji", "B", "B", "C", "C"]
    assert (locate(regions, lat, lon).km == 0).all()


def test_the_nearest_beyond_the_antimeridian(tmp_path):
    regions = read_regions(
        write(tmp_path / "r.geojson", [box(176, 0, 178, 2), box(-120, 0, -118, 2)], name=["A", "B"])
    )
    assert labels(regions, [1], [-179]) == ["A"]


def test_a_region_around_a_pole_in_a_plane_that_holds_it(tmp_path):
    cap = Point(0, 0).buffer(2_000_000)  # metres around the South Pole, polar stereographic
    regions = read_regions(write(tmp_path / "r.gpkg", [cap], crs="EPSG:3031", name=["Cap"]))
    found = locate(regions, [-89, -80, -80, -60, 45], [123, -100, 179.99, 0, 10])
    assert (found.km == 0).tolist() == [True, True, True, False, False]


def test_other_coordinate_systems_give_the_same(tmp_path, squares):
    plain = read_regions(squares)
    rng = np.random.default_rng(0)
    lat, lon = rng.uniform(-89, 89, 400), rng.uniform(-180, 180, 400)
    lat[:200], lon[:200] = rng.uniform(41, 49, 200), rng.uniform(1, 19, 200)
    table = geopandas.read_file(squares)
    table["geometry"] = table.segmentize(0.05)  # straight in degrees is bent in a plane
    for crs in ("EPSG:3035", "EPSG:3857", "EPSG:32632"):
        table.to_crs(crs).to_file(tmp_path / "p.gpkg")
        other = read_regions(tmp_path / "p.gpkg")
        held = [locate(regions, lat, lon).km == 0 for regions in (plain, other)]
        np.testing.assert_array_equal(*held)  # no far side of the globe is folded into the plane
        assert labels(plain, lat[held[0]], lon[held[0]]) == labels(other, lat[held[0]], lon[held[0]])
        np.testing.assert_allclose(np.sort(plain.lat), np.sort(other.lat), atol=0.3)


def test_invalid_polygons_are_mended_and_empty_ones_left_out(tmp_path):
    bowtie = Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
    spike = Polygon([(20, 0), (30, 0), (30, 10), (30, 0), (30, 20), (30, 10), (20, 10)])
    path = write(
        tmp_path / "r.geojson", [bowtie, spike, Polygon(), None], name=["Bow", "Spike", "Empty", "None"]
    )
    regions = read_regions(path)
    assert sorted(regions.labels) == ["Bow", "Spike"]
    assert shapely.is_valid(regions.polygons).all()
    assert labels(regions, [5, 5, 5], [1, 9, 25]) == ["Bow", "Bow", "Spike"]
    assert (locate(regions, [8, 8], [5, 5.1]).km > 0).all()  # between the wings


def test_the_usual_columns_are_found_and_names_made_unique(tmp_path):
    polygons = [box(i, 0, i + 1, 1) for i in range(4)]
    gadm = {"GID_1": ["X.1", "X.2", "X.3", "X.4"], "COUNTRY": "X", "NAME_1": ["A", "A", "B", None]}
    regions = read_regions(write(tmp_path / "gadm.gpkg", polygons, **gadm))
    assert sorted(regions.labels) == ["A, X, X.1", "A, X, X.2", "B, X, X.3", "X, X.4"]
    regions = read_regions(write(tmp_path / "bare.gpkg", polygons, name=["A", "A", "B", None]))
    assert sorted(regions.labels) == ["4", "A 1", "A 2", "B"]
    own = write(tmp_path / "own.gpkg", polygons, land=["A", "B", "C", "D"], nr=[1, 2, 3, 4])
    regions = read_regions(own, name_column="land", id_column="nr")
    assert sorted(regions.labels) == ["A, 1", "B, 2", "C, 3", "D, 4"]


def test_a_zipped_shapefile(tmp_path):
    import zipfile

    write(tmp_path / "r.shp", [box(0, 0, 1, 1)], name=["Å"])
    with zipfile.ZipFile(tmp_path / "r.zip", "w") as file:
        for part in tmp_path.glob("r.*"):
            if part.suffix != ".zip":
                file.write(part, part.name)
    assert read_regions(tmp_path / "r.zip").labels.tolist() == ["Å"]


@pytest.mark.parametrize(
    ("columns", "polygons", "asked", "message"),
    [
        ({"name": ["A"]}, [Point(0, 0)], {}, "holds Points, not polygons"),
        ({"size": [1]}, [box(0, 0, 1, 1)], {}, "names no region in its columns size: .*--name-column"),
        ({"name": ["A"]}, [box(0, 0, 1, 1)], {"id_column": "nr"}, "no column 'nr' for --id-column: .*name"),
    ],
)
def test_an_unusable_file_is_named(tmp_path, columns, polygons, asked, message):
    path = write(tmp_path / "r.geojson", polygons, **columns)
    with pytest.raises(DataError, match=message):
        read_regions(path, **asked)


@pytest.mark.parametrize("text", ["no polygons", "a,b\n1,2\n", ""])
def test_a_file_of_another_kind_is_refused(tmp_path, text):
    for name in ("r.geojson", "r.csv"):
        (tmp_path / name).write_text(text)
        with pytest.raises(DataError, match=name):
            read_regions(tmp_path / name)
