"""Views against directions that are known: an analytic panorama, straight lines, a second implementation."""

import math

import numpy as np
import pytest
from PIL import Image

from kangaroo.data.panoramas import Cut, Field, cut, view
from kangaroo.errors import DataError, PhotoError

DEGREES = np.pi / 180


def directions(rows: int, columns: int, hfov: float = 360, vfov: float | None = None):
    """Heading and elevation, in degrees, of a panorama's pixels."""
    vfov = vfov or hfov * rows / columns
    heading = ((np.arange(columns) + 0.5) / columns - 0.5) * hfov
    elevation = (0.5 - (np.arange(rows) + 0.5) / rows) * vfov
    return np.meshgrid(heading, elevation)


def coloured(heading, elevation):
    """Colours that say where a ray points: its unit vector (east, north, up) in 0 to 255."""
    up = np.sin(elevation * DEGREES)
    across = np.cos(elevation * DEGREES)
    vector = (across * np.sin(heading * DEGREES), across * np.cos(heading * DEGREES), up)
    return np.stack([127.5 + 127.5 * axis for axis in vector], axis=-1)


def sphere(rows: int = 400):
    return np.rint(coloured(*directions(rows, 2 * rows))).astype(np.uint8)


def ray(x: float, y: float, size, fov, heading, pitch):
    """Where a camera's pixel points, by rotation matrices."""
    focal = size[0] / 2 / math.tan(fov * DEGREES / 2)
    east, north, up = x + 0.5 - size[0] / 2, focal, size[1] / 2 - y - 0.5
    c, s = math.cos(pitch * DEGREES), math.sin(pitch * DEGREES)
    east, north, up = np.array([[1, 0, 0], [0, c, -s], [0, s, c]]) @ (east, north, up)
    c, s = math.cos(heading * DEGREES), math.sin(heading * DEGREES)
    east, north, up = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]]) @ (east, north, up)
    return math.atan2(east, north) / DEGREES, math.atan2(up, math.hypot(east, north)) / DEGREES


@pytest.mark.parametrize("heading", [0, 90, 179.5, 180, 237, 359])
@pytest.mark.parametrize("pitch", [-40, 0, 25, 90])
def test_every_pixel_shows_the_direction_that_it_should(heading, pitch):
    size = (80, 60)
    picture = view(sphere(), heading, pitch, 90, size)
    wanted = [[coloured(*ray(x, y, size, 90, heading, pitch)) for x in range(80)] for y in range(60)]
    assert picture.dtype == np.uint8
    assert picture.shape == (60, 80, 3)
    assert np.abs(picture - np.array(wanted)).max() < 1.5


def test_the_centre_of_a_view_is_the_direction_asked_for():
    picture = view(sphere(), 70, 20, 60, (81, 61))
    assert picture[30, 40] == pytest.approx(coloured(70, 20), abs=1)


@pytest.mark.parametrize("fov", [30, 90, 140])
def test_the_edges_of_a_view_are_half_its_field_away(fov):
    marked = np.zeros((1, 3600, 3), np.uint8)
    marked[:, 1800 : 1800 + round(fov / 2 * 10)] = 255  # from the centre to the right edge
    panorama = np.repeat(marked, 1800, axis=0)
    picture = view(panorama, 0, 0, fov, (200, 4))
    assert picture[:, :99].max() == 0
    assert picture[:, 101:-1].min() > 250
    assert view(panorama, 0, 0, fov + 5, (200, 4))[:, -1].max() == 0


def test_field_of_view_there_and_back():
    focal = 320 / math.tan(50 * DEGREES)
    angles = [ray(x, 99.5, (640, 200), 100, 0, 0)[0] for x in (0, 639)]
    assert angles[1] - angles[0] == pytest.approx(2 * math.atan(319.5 / focal) / DEGREES)
    ramp = np.rint((directions(90, 180)[0] + 180) / 360 * 255).astype(np.uint8)
    picture = view(np.dstack([ramp] * 3), 0, 0, 100, (640, 200))
    seen = np.ptp(picture[100, :, 0].astype(float)) * 360 / 255
    assert seen == pytest.approx(100, abs=1.5)


def line_panorama(rows: int = 512):
    """A white straight line in space, five degrees beyond the horizon and tilted, on black."""
    heading, elevation = (axis * DEGREES for axis in directions(rows, 2 * rows))
    north = np.cos(elevation) * np.cos(heading)
    east = np.cos(elevation) * np.sin(heading)
    distance = np.sin(elevation) - 0.35 * north - 0.2 * east  # a plane through the eye: a line before it
    line = np.where(north > 0, np.clip(255 - np.abs(distance) * rows * 60 / np.pi, 0, 255), 0)
    return np.dstack([line.astype(np.uint8)] * 3)


def bend(picture) -> float:
    """How far, in pixels, the bright line of a picture is from the best straight one."""
    values = picture[..., 0].astype(float)
    columns = np.flatnonzero(values.max(axis=0) > 100)[2:-2]
    heights = (values * np.arange(len(values))[:, None]).sum(axis=0)[columns] / values.sum(axis=0)[columns]
    return float(np.abs(heights - np.polyval(np.polyfit(columns, heights, 1), columns)).max())


def test_straight_lines_are_straight_in_views_and_bent_in_flat_pieces():
    panorama = line_panorama()
    (_, flat), *_ = cut(panorama, Cut(n=1, aspect=0.9, width=460, flat=True))
    assert bend(view(panorama, 0, 0, 90, (460, 400))) < 0.5
    assert bend(flat) > 10


def slow_view(panorama, heading, pitch, fov, size):
    """One ray a pixel, in plain Python."""
    rows, columns = panorama.shape[:2]
    picture = np.zeros((size[1], size[0], 3))
    for row in range(size[1]):
        for column in range(size[0]):
            yaw, elevation = ray(column, row, size, fov, heading, pitch)
            x, y = (yaw / 360 + 0.5) * columns - 0.5, (0.5 - elevation / 180) * rows - 0.5
            for dx in (0, 1):
                for dy in (0, 1):
                    weight = abs(1 - dx - x % 1) * abs(1 - dy - y % 1)
                    at = (min(max(math.floor(y) + dy, 0), rows - 1), (math.floor(x) + dx) % columns)
                    picture[row, column] += weight * panorama[at]
    return picture


def test_a_second_implementation_pixel_by_pixel():
    panorama = np.random.default_rng(0).integers(0, 256, (24, 48, 3), np.uint8)
    for heading, pitch in ((0, 0), (175, 10), (-60, -80)):
        ours = view(panorama, heading, pitch, 100, (30, 20))
        assert np.abs(ours - slow_view(panorama, heading, pitch, 100, (30, 20))).max() <= 0.501


def test_shrinking_averages_all_pixels():
    noise = np.random.default_rng(0).integers(0, 256, (600, 1200, 3), np.uint8)
    small = view(noise, 0, 0, 60, (10, 10))
    large = view(noise, 0, 0, 60, (400, 400)).reshape(10, 40, 10, 40, 3).mean(axis=(1, 3))
    assert np.std(small - large) < 5
    assert small.std() < 8  # the noise itself has 74


def test_views_stand_evenly_around_and_a_seed_turns_them():
    assert Cut(n=4).headings("a") == (0, 90, 180, 270)
    assert Cut(n=3, field=Field(hfov=180)).headings("a") == (300, 0, 60)
    turned = Cut(n=4, seed=1).headings("a")
    assert np.diff(turned) == pytest.approx(90)
    assert 0 < turned[0] < 90
    assert turned == Cut(n=4, seed=1).headings("a")
    assert len({turned, Cut(n=4, seed=1).headings("b"), Cut(n=4, seed=2).headings("a")}) == 3


def test_cut_is_the_views_one_by_one():
    how = Cut(n=3, fov=70, width=60, pitch=5, seed=3)
    for heading, picture in cut(sphere(100), how, "a"):
        assert np.array_equal(picture, view(sphere(100), heading, 5, 70, how.size))


def test_a_part_of_the_sphere():
    heading, elevation = directions(130, 720)  # 65 degrees up and down, a whole turn
    part = np.rint(coloured(heading, elevation)).astype(np.uint8)
    for turned in (0, 180):
        whole = view(sphere(), turned, 0, 80, (90, 50))
        assert np.abs(view(part, turned, 0, 80, (90, 50)).astype(int) - whole).max() <= 2
    with pytest.raises(PhotoError, match=r"it shows 65 degrees up and down, the view needs \d\d: use a smal"):
        view(part, 0, 0, 90, (40, 30))
    field = Field(hfov=120, vfov=80)
    heading, elevation = directions(160, 240, 120, 80)
    narrow = np.rint(coloured(heading, elevation)).astype(np.uint8)
    picture = view(narrow, 10, 0, 90, (80, 45), field)
    assert np.abs(picture.astype(int) - view(sphere(), 10, 0, 90, (80, 45))).max() <= 2
    with pytest.raises(PhotoError, match="shows 120 degrees around, the view at 30 reaches beyond"):
        view(narrow, 30, 0, 90, (80, 45), field)


def test_flat_pieces_are_the_panorama_s_own_pixels():
    panorama = np.random.default_rng(0).integers(0, 256, (66, 360, 3), np.uint8)
    pieces = cut(panorama, Cut(n=2, aspect=150 / 66, width=150, flat=True))
    assert [heading for heading, _ in pieces] == [270, 90]
    for (_, piece), left in zip(pieces, (15, 195), strict=True):
        assert np.array_equal(piece, panorama[:, left : left + 150])
    shrunk = cut(panorama, Cut(n=1, aspect=150 / 66, width=75, flat=True))[0][1]
    whole = Image.fromarray(panorama[:, 105:255]).resize((75, 33), Image.Resampling.BILINEAR)
    assert np.array_equal(shrunk, np.array(whole))
    across = cut(panorama, Cut(n=2, aspect=3, width=198, flat=True))[0][1]
    assert np.array_equal(across, np.roll(panorama, 9, axis=1)[:, :198])
    with pytest.raises(PhotoError, match="hold no 2 pieces of aspect 3"):
        cut(panorama, Cut(n=2, aspect=3, flat=True, field=Field(hfov=300)))
    with pytest.raises(PhotoError, match="hold no 4 pieces of aspect 6"):
        cut(panorama, Cut(aspect=6, flat=True))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n": 0}, "0 views"), ({"fov": 180}, "180 degrees is no projection"), ({"width": 0}, "no pixels"),
        ({"aspect": 0}, "no pixels"),
    ],
)  # fmt: skip
def test_settings_that_can_t_be(settings, message):
    with pytest.raises(DataError, match=message):
        Cut(**settings)
    for field in ({"hfov": 361}, {"vfov": 181}):
        with pytest.raises(DataError, match="a panorama can't show"):
            Field(**field)


def test_a_picture_higher_than_a_sphere_is_no_panorama():
    with pytest.raises(PhotoError, match="100 x 80 pixels can't be a panorama"):
        view(np.zeros((80, 100, 3), np.uint8), 0, 0, 90, (8, 6))
