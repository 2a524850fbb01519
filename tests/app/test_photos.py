import io

import numpy as np
import pytest
from PIL import Image

from kangaroo.app import photos
from kangaroo.app.photos import examples, read, upload
from kangaroo.app.state import Settings, State
from kangaroo.data.images import decode
from kangaroo.errors import KangarooError, PhotoError


@pytest.fixture
def state(classifier):
    return State(classifier, Settings(max_upload_mb=0.1))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_pixels_are_those_of_the_command_line(state, jpeg, tmp_path, kind):
    data = jpeg(1, (300, 200), kind=kind)
    (tmp_path / f"x.{kind.lower()}").write_bytes(data)
    np.testing.assert_array_equal(read(data, state, "x").pixels, decode(tmp_path / f"x.{kind.lower()}", 32))


def test_limits(state, jpeg):
    with pytest.raises(PhotoError, match=r"too large: 0 MB \(limit 0.1 MB\)"):
        read(bytes(100_001), state, "x")
    with pytest.raises(PhotoError, match="empty"):
        read(b"", state, "x")
    with pytest.raises(PhotoError, match="not a picture"):
        read(b"BM123456", state, "x")


def test_only_uploads_are_read(state, jpeg, tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    (tmp_path / "uploads").mkdir()
    for folder in ("uploads", "."):
        (tmp_path / folder / "x.jpg").write_bytes(jpeg())
    assert upload({"path": str(tmp_path / "uploads" / "x.jpg"), "orig_name": "mine"}, state).name == "mine"
    for payload in ({"path": str(tmp_path / "x.jpg")}, {"path": ""}, {}, None, "x", ["x"]):
        with pytest.raises(PhotoError, match="no photo came"):
            upload(payload, state)
    assert (tmp_path / "x.jpg").exists()
    with pytest.raises(PhotoError, match="gone already"):
        upload({"path": str(tmp_path / "uploads" / "y.jpg")}, state)


def test_examples_are_drawn_by_the_seed(classifier, tmp_path, jpeg):
    for i in range(12):
        (tmp_path / f"Austria-{i}.jpg").write_bytes(jpeg(i))
    (tmp_path / "damaged.jpg").write_bytes(b"no photo")
    first, again, other = (
        [shown.url for shown in examples(State(classifier, Settings(examples=tmp_path, seed=seed)))]
        for seed in (0, 0, 1)
    )
    assert first == again != other
    assert len(set(first)) == 8
    names = [shown.name for shown in examples(State(classifier, Settings(examples=tmp_path)))]
    assert names == [f"Example {i + 1}" for i in range(8)]  # no country in them


def test_without_a_folder_scenes_are_drawn(classifier):
    shown = examples(State(classifier, Settings(seed=3)))
    assert len(shown) == 8
    assert all(one.drawn and one.pixels.shape == (32, 32, 3) for one in shown)


def test_a_picture_url_holds_the_picture():
    picture = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    kind, data = photos.picture_url(picture, "PNG").split(",")
    assert kind == "data:image/png;base64"
    import base64

    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))), picture)


@pytest.mark.parametrize("settings", [{"max_upload_mb": 0}, {"max_upload_mb": float("nan")}, {"queue": 0}])
def test_settings_that_cannot_be(settings):
    with pytest.raises(KangarooError):
        Settings(**settings)
