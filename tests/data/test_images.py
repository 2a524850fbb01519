import hashlib
import io
import os
import struct
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kangaroo.data.images import decode, decode_many, hash_many, standardize
from kangaroo.errors import PhotoError


def png(
    path: Path,
    kind: int,
    depth: int,
    rows: list[bytes],
    width: int,
    size: tuple[int, int] | None = None,
    extra: bytes = b"",
) -> Path:
    """Write a PNG by the specification: Pillow itself writes no 16-bit colour and no false header."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", *(size or (width, len(rows))), depth, kind, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )
    return path


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def jpeg(**options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(noise(64, 64)).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def one_colour(path: Path, mode: str, colour: object, **options: object) -> tuple[int, ...]:
    Image.new(mode, (8, 8), colour).save(path, **options)  # type: ignore[arg-type]
    return tuple(int(value) for value in decode(path, 4)[1, 2])


def test_an_array_of_the_wanted_size_comes_back_as_it_is():
    photo = noise(6, 6)
    np.testing.assert_array_equal(decode(photo, 6), photo)
    np.testing.assert_array_equal(decode(photo[:, ::-1], 6), photo[:, ::-1])


def test_the_centre_square_is_taken():
    photo = np.zeros((4, 10, 3), np.uint8)
    photo[:, 3:7] = noise(4, 4)
    np.testing.assert_array_equal(decode(photo, 4), photo[:, 3:7])
    np.testing.assert_array_equal(decode(photo.transpose(1, 0, 2), 4), photo[:, 3:7].transpose(1, 0, 2))


def test_resizing_is_antialiased():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    assert np.abs(decode(stripes, 8)[:, 1:-1].astype(float) - 127.5).max() < 8


@pytest.mark.parametrize(
    ("mode", "colour", "rgb"),
    [
        ("L", 77, (77, 77, 77)),
        ("1", 1, (255, 255, 255)),
        ("RGBA", (200, 100, 0, 0), (255, 255, 255)),
        ("RGBA", (200, 100, 0, 51), (244, 224, 204)),  # 51/255 = one fifth of the colour, the rest white
        ("LA", (0, 51), (204, 204, 204)),
        ("I;16", 0x8040, (128, 128, 128)),
        ("RGB", (1, 2, 3), (1, 2, 3)),
    ],
)
def test_png_colour_modes(tmp_path, mode, colour, rgb):
    assert one_colour(tmp_path / "a.png", mode, colour) == pytest.approx(rgb, abs=1)


@pytest.mark.parametrize(
    ("mode", "colour", "rgb"),
    [
        ("L", 77, (77, 77, 77)),
        ("RGB", (250, 10, 20), (250, 10, 20)),
        ("CMYK", (0, 255, 255, 0), (255, 0, 0)),
        ("CMYK", (255, 0, 0, 0), (0, 255, 255)),
        ("CMYK", (0, 0, 0, 204), (51, 51, 51)),
    ],
)
def test_jpeg_colour_modes(tmp_path, mode, colour, rgb):
    seen = one_colour(tmp_path / "a.JPEG", mode, colour, format="JPEG", quality=100)
    assert seen == pytest.approx(rgb, abs=3)


def test_webp_with_alpha(tmp_path):
    seen = one_colour(tmp_path / "a.webp", "RGBA", (0, 0, 0, 51), lossless=True, exact=True)
    assert seen == pytest.approx((204, 204, 204), abs=1)


def test_palette_with_a_transparent_colour(tmp_path):
    image = Image.new("P", (8, 8), 1)
    image.putpalette([9, 9, 9, 10, 200, 30])
    image.save(tmp_path / "a.png")
    image.save(tmp_path / "b.png", transparency=1)
    assert decode(tmp_path / "a.png", 4)[0, 0].tolist() == [10, 200, 30]
    assert decode(tmp_path / "b.png", 4)[0, 0].tolist() == [255, 255, 255]


@pytest.mark.parametrize(
    ("kind", "pixel", "rgb"),
    [
        (0, ">H", (0x12, 0x12, 0x12)),
        (2, ">HHH", (0x12, 0x80, 0xFF)),
        (4, ">HH", (0x12, 0x12, 0x12)),
        (6, ">HHHH", (0x12, 0x80, 0xFF)),
    ],
)
def test_sixteen_bits_are_scaled_not_clipped(tmp_path, kind, pixel, rgb):
    values = (0x1234, 0x8056, 0xFF78) if kind & 2 else (0x1234,)
    row = struct.pack(pixel, *values, *((0xFFFF,) if kind & 4 else ())) * 4
    path = png(tmp_path / "a.png", kind, 16, [row] * 4, 4)
    assert np.abs(decode(path, 4).astype(int) - rgb).max() <= 1


def test_sixteen_bit_gray_with_a_transparent_value(tmp_path):
    extra = b"\0\0\0\x02tRNS\x12\x34" + struct.pack(">I", zlib.crc32(b"tRNS\x12\x34"))
    path = png(tmp_path / "a.png", 0, 16, [struct.pack(">H", 0x8000) * 4] * 4, 4, extra=extra)
    assert np.unique(decode(path, 4)).tolist() == [128]


# Where the first row and the first column of the stored picture are shown, EXIF 2.3, table 6.
SHOWN = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.transpose(1, 0, 2),
    6: lambda stored: stored.transpose(1, 0, 2)[:, ::-1],
    7: lambda stored: stored[::-1, ::-1].transpose(1, 0, 2),
    8: lambda stored: stored.transpose(1, 0, 2)[::-1],
}


@pytest.mark.parametrize("orientation", SHOWN)
@pytest.mark.parametrize("ending", ["png", "jpg", "webp"])
def test_exif_orientation(tmp_path, orientation, ending):
    stored = np.full((16, 32, 3), 128, np.uint8)
    stored[:8, 8:16], stored[:8, 16:24], stored[8:, 8:16] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"png": {}, "jpg": {"quality": 100, "subsampling": 0}, "webp": {"lossless": True}}[ending]
    Image.fromarray(stored).save(tmp_path / f"a.{ending}", exif=exif, **options)
    seen = decode(tmp_path / f"a.{ending}", 16)
    assert np.abs(seen.astype(int) - SHOWN[orientation](stored[:, 8:24])).max() <= 6


def test_the_first_picture_of_a_phone_s_several_in_one_jpeg(tmp_path):
    red, blue = (Image.new("RGB", (16, 16), colour) for colour in ("red", "blue"))
    red.save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[blue])
    assert Image.open(tmp_path / "a.jpg").format == "MPO"
    assert decode(tmp_path / "a.jpg", 4)[0, 0] == pytest.approx((255, 0, 0), abs=3)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_damaged_exif_does_not_cost_the_photo(tmp_path):
    plain = tmp_path / "a.jpg"
    plain.write_bytes(jpeg())
    odd = tmp_path / "b.jpg"
    odd.write_bytes(jpeg(exif=b"Exif\0\0MM\0*\xff\xff\xff\xffgarbage"))
    np.testing.assert_array_equal(decode(odd, 64), decode(plain, 64))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_truncated(tmp_path, form, share):
    buffer = io.BytesIO()
    Image.fromarray(noise(64, 64)).save(buffer, form)
    path = tmp_path / f"a.{form.lower()}"
    path.write_bytes(buffer.getvalue()[: int(share * buffer.tell())])
    with pytest.raises(PhotoError, match=r"^truncated or damaged$"):
        decode(path, 32)


def test_truncated_progressive_jpeg_and_one_within_its_header(tmp_path):
    whole = jpeg(progressive=True)
    for length in (3, 30, len(whole) * 9 // 10):
        (tmp_path / "a.jpg").write_bytes(whole[:length])
        with pytest.raises(PhotoError, match=r"^truncated or damaged$"):
            decode(tmp_path / "a.jpg", 64)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.jpg", b"", "^empty file$"),
        ("a.jpg", b"This is text.", "^not a picture"),
        ("a.webp", b"RIFF\0\0\0\0WAVEfmt ", "^not a picture"),
        ("a.png", jpeg(), r"^is a JPEG picture named \.png$"),
        ("a.JPG", b"\x89PNG\r\n\x1a\n", r"^is a PNG picture named \.JPG$"),
        ("a.gif", b"GIF89a", r"^unsupported file type \.gif \(use jpg"),
        ("a", b"", r"^unsupported file type \(no ending\)"),
    ],
)
def test_bad_files(tmp_path, name, content, reason):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(PhotoError, match=reason):
        decode(tmp_path / name, 8)


def test_unreadable_files(tmp_path):
    with pytest.raises(PhotoError, match=r"^unreadable: No such file"):
        decode(tmp_path / "none.jpg", 8)
    (tmp_path / "folder.jpg").mkdir()
    with pytest.raises(PhotoError, match=r"^unreadable: Is a directory"):
        decode(str(tmp_path / "folder.jpg"), 8)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg())
    path.chmod(0)
    with pytest.raises(PhotoError, match=r"^unreadable: Permission denied$"):
        decode(path, 8)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("side", [12000, 50000])
def test_a_decompression_bomb_is_refused_by_its_header(tmp_path, side):
    path = png(tmp_path / "a.png", 2, 8, [b"\0"], 1, size=(side, side))
    limit = Image.MAX_IMAGE_PIXELS
    with pytest.raises(PhotoError, match=rf"^too large: {side} x {side} pixels \(limit 134,217,728 "):
        decode(path, 8)
    assert limit == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize(
    "photo",
    [
        np.zeros((4, 4, 3), np.float32),
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_other_arrays_are_refused_naming_them(photo):
    with pytest.raises(PhotoError, match=str(photo.dtype)) as raised:
        decode(photo, 4)
    assert str(photo.shape) in str(raised.value)


def test_other_things_are_refused():
    with pytest.raises(PhotoError, match=r"NoneType"):
        decode(None, 4)  # type: ignore[arg-type]
    with pytest.raises(PhotoError, match=r"^no pixels: 0 x 3$"):
        decode(Image.new("RGB", (0, 3)), 4)


def test_a_pil_picture_is_left_as_it_was():
    image = Image.open(io.BytesIO(jpeg()))
    decode(image, 8)
    assert image.size == (64, 64)
    np.testing.assert_array_equal(decode(image, 64), np.asarray(image))


def test_scaling_while_decoding_stays_near_to_scaling_afterwards(tmp_path):
    smooth = Image.fromarray(noise(8, 8)).resize((512, 512), Image.Resampling.BICUBIC)
    smooth.save(tmp_path / "a.jpg", quality=95)
    whole = np.asarray(Image.open(tmp_path / "a.jpg"))
    assert np.abs(decode(tmp_path / "a.jpg", 100).astype(int) - decode(whole, 100)).mean() < 1


def test_hash_many(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"")
    path = png(tmp_path / "b.png", 2, 8, [b"abc"], 1)
    error, sha256 = hash_many([tmp_path / "a.jpg", path])
    assert isinstance(error, PhotoError)
    assert sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("workers", [1, 3, None])
def test_decode_many_keeps_the_order_and_gives_errors_in_their_place(tmp_path, workers):
    photos = [noise(8, 8, seed) for seed in range(40)]
    mixed = [*photos[:20], tmp_path / "none.jpg", *photos[20:]]
    results = list(decode_many(mixed, 8, workers=workers))
    error = results.pop(20)
    assert isinstance(error, PhotoError)
    assert "No such file" in str(error)
    np.testing.assert_array_equal(results, photos)


def test_decode_many_reads_ahead_a_little_only_and_stops_when_left():
    taken = []

    def photos():
        for number in range(1000):
            taken.append(number)
            yield noise(8, 8)

    threads = threading.active_count()
    decoded = decode_many(photos(), 8, workers=2)
    for _ in range(5):
        next(decoded)
    decoded.close()
    assert len(taken) < 100
    assert threading.active_count() == threads


def test_standardize_by_hand():
    photo = np.array([0, 0, 0, 0, 0, 6], np.uint8).reshape(1, 2, 3)  # mean 1, variance (5 * 1 + 25) / 6 = 5
    expected = np.array([-1, -1, -1, -1, -1, 5]) / 5**0.5
    np.testing.assert_allclose(standardize(photo).ravel(), expected, rtol=1e-6)


def test_standardize_each_photo_by_itself():
    photos = np.stack([noise(16, 16, seed) for seed in range(3)])
    result = standardize(photos)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result[1], standardize(photos[1]))
    np.testing.assert_allclose(result.mean((1, 2, 3)), 0, atol=1e-6)
    np.testing.assert_allclose(result.std((1, 2, 3)), 1, atol=1e-6)


@pytest.mark.parametrize("value", [0, 7, 255])
def test_standardize_one_colour_to_zeros(value):
    assert not standardize(np.full((2, 256, 256, 3), value, np.uint8)).any()


def test_standardize_floors_the_denominator():
    photo = np.zeros((8, 8, 3), np.float32)
    photo[0, 0, 0] = 0.01  # its standard deviation, 0.00072, is under 1/sqrt(192) = 0.0722
    assert standardize(photo)[0, 0, 0] == pytest.approx(0.01 * (1 - 1 / 192) * 192**0.5, rel=1e-5)


def test_real_photos_decode(photos):
    files = sorted(photos.glob("*/*/*.jpg"))[::400]
    results = list(decode_many(files, 64))
    assert {result.shape for result in results if not isinstance(result, PhotoError)} == {(64, 64, 3)}
    assert not [result for result in results if isinstance(result, PhotoError)]
    for file, result in zip(files, results, strict=True):
        reference = Image.open(file).convert("RGB").resize((64, 64), Image.Resampling.BILINEAR)
        assert np.abs(np.asarray(reference).astype(int) - result).mean() < 3


@pytest.mark.parametrize("shape", [(300, 400), (90, 70), (256, 256)])
def test_without_antialiasing_it_is_the_resizing_that_the_report_used(shape):
    import tensorflow as tf

    photo = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    side = min(shape)
    top, left = (shape[0] - side) // 2, (shape[1] - side) // 2
    expected = tf.image.resize(photo[top : top + side, left : left + side], (128, 128)).numpy()
    found = decode(photo, 128, antialias=False)
    assert np.abs(found - expected).max() <= 1  # rounding
    assert shape == (90, 70) or np.abs(decode(photo, 128) - expected).max() > 5
