import numpy as np
import pytest
from PIL import Image

from kangaroo.data.images import standardize
from kangaroo.errors import KangarooError
from kangaroo.explain.reference import baselines, standardized_like


@pytest.fixture
def photos() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3)).astype(np.uint8)


def test_a_photo_standardized_like_itself_is_standardized(photos):
    photos = np.concatenate([photos, np.full((1, 16, 16, 3), 9, np.uint8)])
    np.testing.assert_allclose(standardized_like(photos, photos), standardize(photos), atol=1e-5)


def test_mean_is_zero_and_black_is_black(photos):
    assert not baselines("mean", photos).any()
    black = baselines("black", photos)
    for photo, baseline in zip(photos, black, strict=True):
        np.testing.assert_allclose(baseline * photo.std() + photo.mean(), 0, atol=1e-4)


def test_blurred_keeps_the_mean_and_loses_the_details(photos):
    blurred = baselines("blurred", photos)
    assert blurred.std() < 0.6
    assert np.abs(blurred.mean(axis=(1, 2, 3))).max() < 0.1


def test_a_picture_of_any_size(tmp_path, photos):
    Image.new("RGB", (40, 30), (10, 20, 30)).save(tmp_path / "baseline.png")
    found = baselines(str(tmp_path / "baseline.png"), photos)
    expected = (np.array([10, 20, 30]) - photos[1].mean()) / photos[1].std()
    np.testing.assert_allclose(found[1], np.broadcast_to(expected, (16, 16, 3)), rtol=1e-5)


def test_no_picture(tmp_path, photos):
    with pytest.raises(KangarooError, match=r"^baseline grey: .*: give mean, black, blurred, or a picture$"):
        baselines("grey", photos)
