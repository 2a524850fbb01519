"""Changed photos against slices, second implementations and colours worked out by hand."""

import numpy as np
import pytest
from PIL import Image, ImageEnhance
from scipy import ndimage, stats

from kangaroo.data.augment import LUMA, Augmented, augment, colours, draw, geometry
from kangaroo.data.augmentation import PRESETS, Augmentation
from kangaroo.errors import KangarooError

PHOTOS = np.random.default_rng(0).integers(0, 256, (40, 27, 27, 3), np.uint8)
EVERYTHING = Augmentation(
    flip=0.5,
    crop=(0.3, 0.9),
    rotation=10,
    perspective=0.3,
    brightness=0.3,
    contrast=0.3,
    saturation=0.5,
    hue=0.2,
)
SHAPES = Augmentation(flip=0.5, crop=(0.3, 0.9), rotation=10, perspective=0.3)


def middling(n=1, **values):
    """Draws of 0.5, at which nothing turns, shifts or fades, but for these."""
    draws = draw(n, 0)
    for name in draws.dtype.names:
        draws[name] = values.get(name, 0.5)
    return draws


def smooth(height=60, width=60):
    """A picture whose values are linear and quadratic, so that interpolating it is nearly exact."""
    y, x = np.mgrid[:height, :width] / (height, width)[0]
    return np.rint(255 * np.stack([x / x.max(), y / y.max(), 1 - x * y / (x * y).max()], axis=2)).astype(
        np.uint8
    )


@pytest.mark.parametrize("shape", [(27, 27), (64, 64), (98, 98), (49, 31), (30, 77)])
def test_without_changes_a_photo_stays_bit_for_bit(shape):
    photos = np.random.default_rng(1).integers(0, 256, (5, *shape, 3), np.uint8)
    unchanged = augment(photos, draw(5, 0), Augmentation())
    np.testing.assert_array_equal(unchanged, photos)
    assert not np.shares_memory(unchanged, photos)


def test_a_flip_is_exact():
    np.testing.assert_array_equal(augment(PHOTOS, draw(40, 0), Augmentation(flip=1)), PHOTOS[:, :, ::-1])


@pytest.mark.parametrize(("left", "top"), [(0, 0), (7, 3), (18, 18)])
def test_a_cut_out_is_the_slice_where_its_pixels_fall_on_the_photos(left, top):
    # A third of each side, enlarged three times: of three pixels in a row the middle one is one of the photo.
    draws = middling(40)
    draws["crop"][:, 2:] = (left / 18, top / 18)
    cut = augment(PHOTOS, draws, Augmentation(crop=(1 / 9, 1 / 9)))
    np.testing.assert_array_equal(cut[:, 1::3, 1::3], PHOTOS[:, top : top + 9, left : left + 9])


def test_a_cut_out_is_what_pillow_makes_of_the_same_box():
    settings, draws = Augmentation(crop=(0.2, 0.8)), draw(40, 3)
    for photo, changed, matrix in zip(
        PHOTOS, augment(PHOTOS, draws, settings), geometry(settings, draws, 27, 27), strict=True
    ):
        left, top = matrix[:2, 2] + 0.5 - 0.5 * matrix.diagonal()[:2]
        box = (left, top, left + 27 * matrix[0, 0], top + 27 * matrix[1, 1])
        assert min(box) > -1e-9
        assert max(box) < 27 + 1e-9
        box = tuple(np.clip(box, 0, 27))
        expected = np.asarray(Image.fromarray(photo).resize((27, 27), Image.Resampling.BILINEAR, box=box))
        difference = np.abs(changed.astype(int) - expected)
        assert difference[2:-2, 2:-2].max() <= 1  # half a pixel beyond the photo's edge Pillow repeats it


@pytest.mark.parametrize("shape", [(27, 27), (20, 33)])
def test_all_shapes_at_once_are_scipys_bilinear_values_with_mirrored_edges(shape):
    photos = np.random.default_rng(2).integers(0, 256, (20, *shape, 3), np.uint8)
    height, width = shape
    draws = draw(20, 1)
    rows, columns = np.mgrid[:height, :width]
    points = np.stack([columns.ravel(), rows.ravel(), np.ones(rows.size)])
    for photo, changed, matrix in zip(
        photos, augment(photos, draws, SHAPES), geometry(SHAPES, draws, width, height), strict=True
    ):
        x, y, z = matrix @ points
        for channel in range(3):
            values = ndimage.map_coordinates(
                photo[..., channel] * 1.0, [y / z, x / z], order=1, mode="mirror"
            )
            assert np.abs(changed[..., channel].ravel() - values).max() < 0.51


def test_nothing_dark_comes_in_from_outside():
    photos = np.full((40, 27, 27, 3), 200, np.uint8)
    settings = Augmentation(rotation=45, perspective=0.4)
    np.testing.assert_array_equal(augment(photos, draw(40, 0), settings), photos)


def test_one_map_does_what_four_do_one_after_the_other():
    photo, draws = smooth(), draw(8, 5)
    at_once = augment(np.stack([photo] * 8), draws, SHAPES)
    steps = np.stack([photo] * 8)
    for name in ("perspective", "rotation", "crop", "flip"):
        steps = augment(steps, draws, Augmentation(**{name: getattr(SHAPES, name)}))
    difference = np.abs(at_once.astype(int) - steps)
    inner = difference[:, 10:-10, 10:-10]  # at the edges there is less to mirror once it is cut
    assert inner.mean() < 1
    assert np.quantile(inner, 0.95) <= 4


def test_corners_move_inwards_by_their_draws():
    settings = Augmentation(perspective=0.4)
    draws = middling()
    inwards = np.array([[0.1, 0.2], [0, 0.9], [0.5, 0], [0.3, 0.3]])
    draws["perspective"] = [[0, *inwards.ravel()]]
    (matrix,) = geometry(settings, draws, 100, 60)
    # Edges of the photo lie half a pixel beyond the centres of its outer pixels.
    corners = np.array([[-0.5, -0.5], [99.5, -0.5], [99.5, 59.5], [-0.5, 59.5]])
    moved = corners + 0.4 * inwards * (50, 30) * ((1, 1), (-1, 1), (-1, -1), (1, -1))
    x, y, z = matrix @ np.column_stack([moved, np.ones(4)]).T
    np.testing.assert_allclose(np.column_stack([x / z, y / z]), corners, atol=1e-9)


def test_the_strongest_perspective_keeps_the_whole_frame_before_the_horizon():
    draws = middling(256)
    bits = np.arange(256)[:, None] >> np.arange(8) & 1
    draws["perspective"] = np.column_stack([np.zeros(256), bits])
    frame = np.array([[-0.5, -0.5, 1], [99.5, -0.5, 1], [99.5, 99.5, 1], [-0.5, 99.5, 1]]).T
    assert (geometry(Augmentation(perspective=0.4), draws, 100, 100) @ frame)[:, 2].min() > 0.2


def test_a_turn_keeps_the_middle_and_all_distances():
    (matrix,) = geometry(Augmentation(rotation=30), middling(rotation=1), 51, 31)
    cosine, sine = np.sqrt(3) / 2, 0.5
    np.testing.assert_allclose(matrix[:2, :2], [[cosine, -sine], [sine, cosine]])
    np.testing.assert_allclose(matrix @ (25, 15, 1), (25, 15, 1))


def test_draws_are_those_of_their_row_and_seed_alone():
    many = draw(1000, (3, 1))
    np.testing.assert_array_equal(draw(7, (3, 1)), many[:7])
    values = many.view(float).reshape(1000, -1)
    assert stats.kstest(values.ravel(), "uniform").pvalue > 0.01
    assert np.abs(np.corrcoef(values.T) - np.eye(values.shape[1])).max() < 0.15
    assert np.abs(np.corrcoef(values[1:].ravel(), values[:-1].ravel())[0, 1]) < 0.03
    for other in ((3, 2), (4, 1), 3):
        assert not np.isin(draw(1000, other)["flip"], values).any()
    assert not np.isin(np.random.default_rng((3, 1)).random(1000), values).any()  # the order's numbers


def test_cut_outs_are_spread_as_they_should():
    matrices = geometry(Augmentation(crop=(0.2, 0.5)), draw(4000, 0), 100, 100)
    sides, places = matrices[:, [0, 1], [0, 1]], matrices[:, :2, 2]
    area, aspect = sides.prod(axis=1), sides[:, 0] / sides[:, 1]
    assert stats.kstest(area, stats.uniform(0.2, 0.3).cdf).pvalue > 0.01
    span = np.log([3 / 4, 4 / 3])
    assert stats.kstest(np.log(aspect), stats.uniform(span[0], span[1] - span[0]).cdf).pvalue > 0.01
    starts = (places + 0.5 - 0.5 * sides) / (100 * (1 - sides))
    assert stats.kstest(starts.ravel(), "uniform").pvalue > 0.01
    assert np.abs(np.corrcoef(np.column_stack([area, aspect, starts]).T) - np.eye(4)).max() < 0.05


@pytest.mark.parametrize(("width", "height"), [(100, 100), (300, 100), (100, 300)])
def test_cut_outs_fit_into_the_photo(width, height):
    matrices = geometry(Augmentation(crop=(0.3, 1)), draw(2000, 1), width, height)
    sides = matrices[:, [0, 1], [0, 1]]
    starts = matrices[:, :2, 2] + 0.5 - 0.5 * sides
    assert starts.min() > -1e-9
    assert (starts + sides * (width, height) - (width, height)).max() < 1e-9
    np.testing.assert_allclose(sides.prod(axis=1).mean(), 0.65, atol=0.02)


def test_flips_and_perspectives_are_as_probable_as_asked_for():
    settings = Augmentation(flip=0.3, perspective=0.2, perspective_probability=0.4)
    matrices = geometry(settings, draw(4000, 2), 100, 100)
    assert (matrices[:, 0, 0] < 0).mean() == pytest.approx(0.3, abs=0.03)
    assert (np.abs(matrices[:, 2, :2]).max(axis=1) > 1e-9).mean() == pytest.approx(0.4, abs=0.03)


def colour_of(pixel, draws, settings):
    """What becomes of a photo of one colour."""
    return augment(np.full((1, 9, 9, 3), pixel, np.uint8), draws, settings)[0, 4, 4].tolist()


@pytest.mark.parametrize(
    ("settings", "drawn", "pixel", "expected"),
    [
        ({"brightness": 0.5}, (1, 0.5, 0.5, 0.5), (100, 50, 201), (150, 75, 255)),
        ({"brightness": 0.5}, (0, 0.5, 0.5, 0.5), (101, 50, 200), (50, 25, 100)),  # 50.5 to the even number
        ({"saturation": 1}, (0.5, 0.5, 0, 0.5), (100, 50, 200), (82, 82, 82)),  # 29.9 + 29.35 + 22.8
        ({"saturation": 1}, (0.5, 0.5, 1, 0.5), (100, 50, 200), (118, 18, 255)),  # 2 x - 82.05
        ({"contrast": 1}, (0.5, 0, 0.5, 0.5), (100, 50, 200), (82, 82, 82)),  # one colour is its own mean
        ({"hue": 1 / 3}, (0.5, 0.5, 0.5, 1), (100, 50, 200), (200, 100, 50)),  # a third of a turn
        ({"hue": 1 / 3}, (0.5, 0.5, 0.5, 0), (100, 50, 200), (50, 200, 100)),
        ({"hue": 0.5}, (0.5, 0.5, 0.5, 1), (90, 90, 90), (90, 90, 90)),
        ({"hue": 0.5}, (0.5, 0.5, 0.5, 1), (90, 120, 90), (110, 80, 110)),  # opposite through grey 100
    ],
)
def test_colours_worked_out_by_hand(settings, drawn, pixel, expected):
    assert colour_of(pixel, middling(colour=drawn), Augmentation(**settings)) == list(expected)


@pytest.mark.parametrize(
    ("name", "place", "enhance"),
    [("brightness", 0, "Brightness"), ("contrast", 1, "Contrast"), ("saturation", 2, "Color")],
)
@pytest.mark.parametrize("share", [0, 0.2, 0.9])
def test_factors_do_what_pillows_do(name, place, enhance, share):
    photo = np.random.default_rng(4).integers(30, 220, (1, 30, 30, 3), np.uint8)
    drawn = np.full(4, 0.5)
    drawn[place] = share
    (changed,) = augment(photo, middling(colour=tuple(drawn)), Augmentation(**{name: 0.6}))
    factor = 1 + 0.6 * (2 * share - 1)
    expected = np.asarray(getattr(ImageEnhance, enhance)(Image.fromarray(photo[0])).enhance(factor))
    assert np.abs(changed.astype(int) - expected).max() <= 1


def test_greys_keep_their_hue_and_saturation():
    settings = Augmentation(saturation=1, hue=0.5)
    matrices, offsets = colours(settings, draw(50, 0), np.full((50, 3), 90.0))
    np.testing.assert_allclose(matrices.sum(axis=2), 1)
    np.testing.assert_allclose(offsets, 0)
    hue, _ = colours(Augmentation(hue=0.5), draw(50, 0), np.zeros((50, 3)))
    np.testing.assert_allclose(hue @ hue.transpose(0, 2, 1), np.tile(np.eye(3), (50, 1, 1)), atol=1e-12)


def test_contrast_keeps_the_mean_grey():
    matrices, offsets = colours(Augmentation(contrast=0.5), draw(50, 0), np.tile((90.0, 40, 200), (50, 1)))
    greys = matrices @ (90, 40, 200) @ LUMA + offsets
    np.testing.assert_allclose(greys, (90, 40, 200) @ np.array(LUMA))


def test_factors_and_angles_are_spread_evenly():
    draws = draw(4000, 6)
    brightness = colours(Augmentation(brightness=0.4), draws, np.zeros((4000, 3)))[0][:, 0, 0]
    assert stats.kstest(brightness, stats.uniform(0.6, 0.8).cdf).pvalue > 0.01
    turned = colours(Augmentation(hue=0.1), draws, np.zeros((4000, 3)))[0]
    angle = np.arctan2((turned[:, 1, 0] - turned[:, 0, 1]) * np.sqrt(3) / 2, (turned.trace(0, 1, 2) - 1) / 2)
    assert stats.kstest(angle / (2 * np.pi), stats.uniform(-0.1, 0.2).cdf).pvalue > 0.01
    tilt = geometry(Augmentation(rotation=5), draws, 10, 10)
    degrees = np.degrees(np.arctan2(tilt[:, 1, 0], tilt[:, 0, 0]))
    assert stats.kstest(degrees, stats.uniform(-5, 10).cdf).pvalue > 0.01


@pytest.mark.parametrize("mixing", [{}, {"mixup": 0.4}, {"cutmix": 1}, {"mixup": 0.4, "cutmix": 1}])
def test_a_row_is_the_same_in_any_batch(mixing):
    settings = Augmentation(**(vars(EVERYTHING) | mixing))
    order = np.random.default_rng(1).permutation(40)[:33]
    changed = Augmented(PHOTOS, order, settings, (0, 4))
    whole = changed.photos(order)
    for batch in (order[:1], order[5:13], order[::-1], np.repeat(order[2:4], 2)):
        places = [np.flatnonzero(order == row)[0] for row in batch]
        np.testing.assert_array_equal(changed.photos(batch), whole[places])
    again = Augmented(PHOTOS, order, settings, (0, 4)).photos(order)
    np.testing.assert_array_equal(again, whole)
    assert (Augmented(PHOTOS, order, settings, (0, 5)).photos(order) != whole).any(axis=(1, 2, 3)).all()


@pytest.mark.parametrize("mixing", [{"mixup": 0.4}, {"cutmix": 1}, {"mixup": 0.4, "cutmix": 1}])
def test_labels_are_mixed_as_the_pixels_are(mixing):
    n = 200
    values = np.random.default_rng(0).integers(0, 256, n)
    photos = np.broadcast_to(values[:, None, None, None], (n, 20, 20, 3)).astype(np.uint8)
    order = np.random.default_rng(1).permutation(n)
    changed = Augmented(photos, order, Augmentation(**mixing), 7)
    labels = changed.labels(np.eye(n, dtype=np.float32))
    assert labels.dtype == np.float32
    np.testing.assert_allclose(labels.sum(axis=1), 1, atol=1e-6)
    after = dict(zip(order, np.roll(order, -1), strict=True))
    for row in range(n):
        assert set(np.flatnonzero(labels[row])) <= {row, after[row]}
    np.testing.assert_allclose(changed.photos(np.arange(n)).mean(axis=(1, 2, 3)), labels @ values, atol=0.51)


def test_shares_follow_the_beta_distribution():
    n = 3000
    photos, order = np.zeros((n, 20, 20, 3), np.uint8), np.arange(n)

    def shares(**mixing):
        return (
            Augmented(photos, order, Augmentation(**mixing), 0).labels(np.eye(n, dtype=np.float32)).diagonal()
        )

    assert stats.kstest(shares(mixup=0.4), stats.beta(0.4, 0.4).cdf).pvalue > 0.01
    assert shares(mixup=1).mean() == pytest.approx(0.5, abs=0.03)
    # A box around a random point loses what lies outside: a side s within 1 keeps s - s^2 / 4 on average.
    side = np.sqrt(stats.beta(1, 1).rvs(100_000, random_state=0))
    assert 1 - shares(cutmix=1).mean() == pytest.approx(((side - side**2 / 4) ** 2).mean(), abs=0.02)


@pytest.mark.parametrize("labels", [np.zeros(40, np.float32), np.zeros((40, 3), np.int32)])
def test_mixed_photos_need_rows_of_floats(labels):
    with pytest.raises(ValueError, match="need labels"):
        Augmented(PHOTOS, np.arange(40), Augmentation(mixup=1), 0).labels(labels)
    unmixed = Augmented(PHOTOS, np.arange(40), EVERYTHING, 0)
    assert unmixed.labels(labels) is labels


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"flip": 1.5}, "flip 1.5 is not between 0 and 1"),
        ({"rotation": -1}, "rotation -1 is not between 0 and 180"),
        ({"perspective": 0.5}, "perspective 0.5 is not between 0 and 0.4"),
        ({"hue": float("nan")}, "hue nan is not between 0 and 0.5"),
        ({"mixup": -0.1}, "mixup -0.1 is not between 0 and inf"),
        ({"crop": (0, 1)}, "crop .0, 1. is no range"),
        ({"crop": (0.9, 0.5)}, "crop .0.9, 0.5. is no range"),
        ({"aspect": (2, 1)}, "aspect .2, 1. is no range"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(KangarooError, match=message):
        Augmentation(**settings)


def test_the_reports_settings():
    assert PRESETS["none"] == Augmentation()
    assert PRESETS["cnn-plays-geoguessr"] == Augmentation(flip=0.5, crop=(0.08, 1), rotation=5)
    assert (PRESETS["london"].perspective, PRESETS["london"].perspective_probability) == (0.3, 0.4)
    assert PRESETS["default"].flip == 0


def test_a_smaller_size_is_what_comes_of_making_smaller_evenly():
    photos = np.random.default_rng(0).integers(0, 256, (2, 8, 12, 3), dtype=np.uint8)
    smaller = augment(photos, draw(2, 0), Augmentation(), 4)
    # Each new pixel's middle lies between old ones: two by three of them, of which bilinear takes the inner.
    rows, middle = photos.reshape(2, 4, 2, 12, 3).mean(axis=2), np.arange(4) * 3 + 1
    np.testing.assert_allclose(smaller, rows[:, :, middle], atol=0.5)


def test_batches_of_larger_photos_come_in_the_size_asked_for():
    photos = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)
    seen = Augmented(photos, np.arange(5), Augmentation(crop=(0.3, 0.6), mixup=0.2, cutmix=1), 0, 8)
    assert seen.shape == (5, 8, 8, 3)
    assert seen.photos(np.array([1, 4])).shape == (2, 8, 8, 3)
