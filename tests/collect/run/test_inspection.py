import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from kangaroo.collect.run.inspection import DAMAGED, inspect, looks_like_picture


def jpeg(image, **options):
    data = io.BytesIO()
    image.save(data, options.pop("kind", "JPEG"), **options)
    return data.getvalue()


def noise(side=640, low=0, high=256):
    return Image.fromarray(np.random.default_rng(0).integers(low, high, (side, side, 3), np.uint8))


def gradient():
    ramp = np.linspace(0, 255, 640).astype(np.uint8)
    return Image.fromarray(np.stack([np.tile(ramp, (640, 1))] * 3, axis=-1))


def placeholder():
    image = Image.new("RGB", (640, 640), (228, 227, 223))
    ImageDraw.Draw(image).text((200, 310), "Sorry, we have no imagery here.", fill=(110, 110, 110))
    return image


def dim():
    """A night street: black but for a few lamps that light a twentieth of the picture."""
    image = Image.new("RGB", (640, 640), (9, 9, 12))
    ImageDraw.Draw(image).rectangle((0, 300, 640, 400), fill=(60, 55, 40))
    return image


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (noise(), ""),
        (noise(low=100, high=140), ""),
        (gradient(), ""),
        (dim(), ""),
        (placeholder(), "grey placeholder: no imagery"),
        (Image.new("RGB", (640, 640), (228, 227, 223)), "grey placeholder: no imagery"),
        (Image.new("RGB", (640, 640)), "black"),
        (noise(high=20), "black"),
        (Image.new("RGB", (640, 640), (30, 90, 160)), "nearly uniform"),
        (noise(low=126, high=131), "nearly uniform"),
        (noise(side=320), "320 x 320 pixels instead of 640 x 640"),
    ],
)
@pytest.mark.parametrize("quality", [60, 90])
def test_verdicts(picture, reason, quality):
    seen = inspect(jpeg(picture, quality=quality), (640, 640))
    assert seen.reason == reason
    assert (seen.width, seen.height) == picture.size


def test_a_cut_or_broken_picture_is_damaged():
    whole = jpeg(noise())
    assert inspect(whole[: len(whole) // 2]).reason == DAMAGED
    assert inspect(whole[:3]).reason == DAMAGED
    assert inspect(b"<html>").reason == DAMAGED


@pytest.mark.parametrize(("kind", "suffix"), [("JPEG", ".jpg"), ("PNG", ".png"), ("WEBP", ".webp")])
def test_the_suffix_follows_the_bytes(kind, suffix):
    data = jpeg(noise(64), kind=kind)
    assert looks_like_picture(data)
    assert inspect(data).suffix == suffix


def test_the_longer_side_counts_where_the_size_is_not_known():
    wide = jpeg(noise().resize((1024, 300)))
    assert not inspect(wide, longest=1024).reason
    assert inspect(wide, longest=1025).reason == "1024 x 300 pixels, the longer side below 1025"


def test_real_photos_pass(photos):
    """Of 4,931 street-level photos less than one in a thousand is refused."""
    files = sorted(photos.rglob("*.jpg"))[::4]
    refused = [path for path in files if inspect(path.read_bytes()).reason]
    assert len(refused) < len(files) / 1000, refused
