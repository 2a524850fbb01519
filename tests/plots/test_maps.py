import numpy as np
import pytest
import shapely
from matplotlib.colors import LogNorm

from kangaroo.geo.boundary import Boundary, Plane
from kangaroo.geo.cells import square_cells
from kangaroo.plots import maps

PLANE = Plane(60, 16)
HOLED = shapely.box(0, 0, 30, 20).difference(shapely.box(14, 12, 16, 18))
PHOTOS = [3, 0, 9, 0, 1, 2]


@pytest.fixture
def cells():
    return square_cells(Boundary(HOLED, PLANE), 10)


def test_cells_have_the_colour_of_their_photos_and_empty_ones_are_hatched(cells):
    ax = maps.cells_map(cells, PHOTOS, subject="drawn scenes")
    empty, full = ax.collections
    assert empty.get_hatch()
    assert (len(empty.get_paths()), full.get_array().tolist()) == (2, [3, 9, 1, 2])
    for path, i in zip(full.get_paths(), [0, 2, 4, 5], strict=True):
        np.testing.assert_allclose(path.get_extents().extents, shapely.bounds(cells.polygons[i]))
    assert ax.get_title() == "6 cells\ndrawn scenes, n = 15"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["without photos, 2"]
    (bar,) = (other for other in ax.figure.axes if other is not ax)
    assert bar.get_xlabel() == "photos in a cell"
    assert not isinstance(full.norm, LogNorm)


def test_no_empty_cell_no_hatching(cells):
    ax = maps.cells_map(cells, [1] * 6)
    assert len(ax.collections) == 1
    assert ax.get_legend() is None


def test_numbers_that_differ_widely_are_on_a_logarithmic_scale(cells):
    full = maps.cells_map(cells, [1, 5, 5, 5, 5, 5000]).collections[0]
    assert isinstance(full.norm, LogNorm)
    assert (full.norm.vmin, full.norm.vmax) == (1, 5000)


def test_holes_stay_open(cells):
    ax = maps.cells_map(cells, [9] * 6)
    ax.grid(False)
    ax.figure.canvas.draw()
    picture = np.asarray(ax.figure.canvas.buffer_rgba())
    lat, lon = PLANE.unproject([15, 12], [15, 15])
    (in_hole, beside) = ax.transData.transform(np.column_stack([lon, lat])).astype(int)
    white = [(picture[len(picture) - y, x] == 255).all() for x, y in (in_hole, beside)]
    assert white == [True, False]


def test_a_kilometre_is_as_long_in_both_directions(cells):
    ax = maps.cells_map(cells, PHOTOS)
    ax.figure.canvas.draw()
    start = ax.transData.transform(PLANE.unproject(0, 0)[::-1])
    right = ax.transData.transform(PLANE.unproject(9, 0)[::-1]) - start
    up = ax.transData.transform(PLANE.unproject(0, 9)[::-1]) - start
    assert np.linalg.norm(right) == pytest.approx(np.linalg.norm(up), rel=0.01)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("longitude (°)", "latitude (°)")


def test_belief_is_in_percent_with_truth_and_guess(cells):
    p = np.array([0.5, 0.2, 0.1, 0.1, 0.1, 0])
    ax = maps.belief(cells, p, truth=(60.05, 16.1), guess=(60.1, 16.2))
    np.testing.assert_allclose(ax.collections[0].get_array(), 100 * p)
    assert (ax.collections[0].norm.vmin, ax.collections[0].norm.vmax) == (0, 50)
    marked = {line.get_label(): line.get_xydata()[0] for line in ax.lines}
    assert list(marked) == ["where it was taken", "the model's guess"]
    np.testing.assert_allclose(list(marked.values()), [[16.1, 60.05], [16.2, 60.1]])
    assert len({line.get_marker() for line in ax.lines}) == 2  # told apart by shape too
    assert ax.get_title() == "Where it may be\nphotos, n = 1"
    average = maps.belief(cells, p, n=12, title="Photos of cell 3")
    assert average.get_title() == "Photos of cell 3\nphotos, n = 12"
    assert average.get_legend() is None


def test_the_worst_errors_are_on_top_and_lines_lead_to_the_guesses(cells):
    lat, lon, km = [60.01, 60.02, 60.03], [16.1, 16.2, 16.3], [5.0, 40.0, 1.0]
    guesses = [60.11, 60.12, 60.13], [16.15, 16.25, 16.35]
    ax = maps.error_map(lat, lon, km, guesses=guesses, cells=cells)
    outlines, points = ax.collections
    assert len(outlines.get_paths()) == 6
    assert points.get_array().tolist() == [1, 5, 40]
    np.testing.assert_allclose(points.get_offsets(), [[16.3, 60.03], [16.1, 60.01], [16.2, 60.02]])
    ends = {tuple(np.round(line.get_xydata().ravel(), 6)) for line in ax.lines}
    assert ends == {(x, y, b, a) for y, x, a, b in zip(lat, lon, *guesses, strict=True)}
    assert ax.get_title() == "How far off, by place\nphotos, n = 3"


def test_errors_of_many_photos_have_no_lines_and_need_no_cells():
    rng = np.random.default_rng(0)
    lat, lon, km = rng.uniform(-20, -10, 200), np.linspace(175, 185, 200), rng.uniform(0.001, 900, 200)
    ax = maps.error_map(lat, (lon + 180) % 360 - 180, km, guesses=(lat, lon))
    assert not ax.lines
    (points,) = ax.collections
    assert np.ptp(points.get_offsets()[:, 0]) == pytest.approx(10)  # in one piece across the antimeridian
    assert points.norm.vmin == pytest.approx(km.max() / 100)  # a few metres don't take half of the scale
    ax.figure.canvas.draw()
    maps.error_map([1.0], [1.0], [3.0]).figure.canvas.draw()


def test_shares_within_a_distance():
    ways = {"best": [10.0, 1.0, 100.0, 10.0], "mean": [20.0, 20.0, 20.0, 0.0]}
    ax = maps.errors(ways, {"always the middle": [50.0, 60.0, 70.0, 80.0]})
    lines = {line.get_label(): line for line in ax.lines}
    assert list(lines) == ["best: 10 km", "mean: 20 km", "always the middle: 65 km"]
    assert [line.get_linestyle() for line in lines.values()] == ["-", "-", "--"]
    km, share = lines["best: 10 km"].get_data()
    assert (km.tolist(), share.tolist()) == ([0.1, 1, 10, 10, 100], [0, 25, 50, 75, 100])
    assert lines["mean: 20 km"].get_xdata()[1] == pytest.approx(0.1)  # 0 has no place on a logarithmic axis
    assert ax.get_xscale() == "log"
    assert ax.get_title() == "How far off\nphotos, n = 4"
    assert (ax.get_xlabel(), ax.get_ylabel()) == (
        "distance between truth and guess (km)",
        "photos within this distance (%)",
    )


def test_nothing_but_hits_can_be_drawn():
    maps.errors({"model": [0.0, 0.0]}).figure.canvas.draw()


def test_figures_are_drawn_on_axes_that_are_given(cells):
    ax = maps.belief(cells, np.full(6, 1 / 6))
    assert maps.errors({"a": [1.0]}, ax=ax) is ax
