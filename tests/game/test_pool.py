import io
import shutil
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from kangaroo.errors import DataError, PhotoError
from kangaroo.game.pool import picture, read_pool


def test_the_pool_holds_photos_of_the_models_classes(folder):
    assert Counter(photo.name for photo in read_pool([folder]).photos.values()) == {
        "Austria": 4,
        "Czechia": 4,
        "New Zealand": 4,
    }
    pool = read_pool([folder], ("Austria", "Elsewhere"))
    assert sorted(pool.photos) == [f"Austria/{i}.jpg" for i in range(4)]
    assert pool.places == 2  # equal coordinates are one place
    assert not pool.unseen
    photo = pool.photos["Austria/3.jpg"]
    assert (photo.name, photo.lat, photo.lon) == ("Austria", 48, 15)
    assert read_pool([folder]).photos["Czechia/0.jpg"].lat is None
    with pytest.raises(
        DataError, match="the model tells Spain apart, the photos to play with are of Austria"
    ):
        read_pool([folder], ("Spain",))


def test_only_photos_that_a_split_holds_back_are_played(folder, tmp_path):
    rows = [
        (f"/elsewhere/{name}/{i}.jpg", name, f"p{name}{i}", side)
        for name in ("Austria", "Czechia")
        for i, side in enumerate(("training", "validation", "test", "training"))
    ]
    split = tmp_path / "split.csv"
    pd.DataFrame(rows, columns=["file", "class", "place", "split"]).to_csv(split, index=False)
    pool = read_pool([folder], split=split)
    assert pool.unseen
    assert sorted(pool.photos) == [f"{name}/{i}.jpg" for name in ("Austria", "Czechia") for i in (1, 2)]
    pd.DataFrame(rows[:1], columns=["file", "class", "place", "split"]).to_csv(split, index=False)
    with pytest.raises(DataError, match=r"split\.csv holds back none of the photos"):
        read_pool([folder], split=split)


def test_photos_of_two_folders_with_the_same_name_stay_two(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "more")
    pool = read_pool([folder, tmp_path / "more"])
    assert len(pool.photos) == 24
    assert len({photo.path for photo in pool.photos.values()}) == 24


def test_the_order_is_the_players_own_and_repeatable(folder):
    pool = read_pool([folder])

    def order(player, seed=0):
        seen = Counter()
        for _ in range(24):
            seen[pool.choose(player, seen, (), (), seed).key] += 1
            yield list(seen.elements())
        assert set(seen.values()) == {2}

    ada = list(order("ada"))
    assert len(set(ada[11])) == 12  # all once before any twice
    assert list(order("ada")) == ada
    assert list(order("bob")) != ada
    assert list(order("ada", 1)) != ada


def test_a_place_comes_once_a_game_and_bad_photos_not_at_all(folder):
    pool = read_pool([folder], ("Austria",))
    first = pool.choose("ada", {}, (), (), 0)
    second = pool.choose("ada", {}, (first.place,), (), 0)
    assert second.place != first.place
    with pytest.raises(DataError, match="no photo that can be read is left"):
        pool.choose(
            "ada", {}, (first.place,), [key for key, p in pool.photos.items() if p.place == second.place], 0
        )


def test_the_picture_is_a_small_square_that_tells_nothing(folder):
    path = folder / "Austria" / "0.jpg"
    assert b"taken in Austria" in path.read_bytes()
    shown = picture(path, 32)
    assert shown == picture(path, 32)
    assert b"taken" not in shown
    assert b"Exif" not in shown
    with Image.open(io.BytesIO(shown)) as image:
        assert image.size == (32, 32)
        assert image.format == "JPEG"
        assert not image.getexif()
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_the_picture_is_the_central_square(tmp_path):
    pixels = np.zeros((32, 96, 3), np.uint8)
    pixels[:, 32:64] = 200
    Image.fromarray(pixels).save(tmp_path / "a.png")
    with Image.open(io.BytesIO(picture(tmp_path / "a.png", 32))) as image:
        assert abs(np.asarray(image).astype(int) - 200).max() <= 2
    (tmp_path / "b.png").write_bytes(b"nothing")
    with pytest.raises(PhotoError):
        picture(tmp_path / "b.png", 32)
