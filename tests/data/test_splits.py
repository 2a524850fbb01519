import hashlib

import numpy as np
import pandas as pd
import pytest

from kangaroo.data.folders import read_folders
from kangaroo.data.manifest import write_manifest
from kangaroo.data.splits import (
    SmallClass,
    portable_names,
    read_split,
    sides_of,
    small_classes,
    split_by_place,
)
from kangaroo.errors import DataError


def table(places: dict[str, list[int]]) -> pd.DataFrame:
    """A table of photos: class -> number of photos of each of its places."""
    rows = [
        (name, f"{name}-{i}") for name, sizes in places.items() for i, n in enumerate(sizes) for _ in range(n)
    ]
    return pd.DataFrame(rows, columns=["class", "place"])


def share(photos: pd.DataFrame, split: pd.Series) -> pd.Series:
    return (split == "validation").groupby(photos["class"]).mean()


def assert_places_whole(photos: pd.DataFrame, split: pd.Series) -> None:
    assert not set(photos["place"][split == "training"]) & set(photos["place"][split == "validation"])


@pytest.mark.parametrize("validation", [0.1, 0.2, 0.5])
def test_shares_hold_in_every_class_and_places_stay_whole(validation):
    rng = np.random.default_rng(1)
    photos = table({name: rng.integers(1, 9, n).tolist() for name, n in (("A", 90), ("B", 300), ("C", 25))})
    split = split_by_place(photos, validation=validation, seed=0)
    assert_places_whole(photos, split)
    assert split.index.equals(photos.index)
    assert set(split) == {"training", "validation"}
    # A place is taken where that brings the share nearer: half a place of 8 photos is missing or too much.
    assert ((share(photos, split) - validation).abs() * photos["class"].value_counts() <= 4).all()


def test_large_places_are_held_back_as_often_as_small_ones():
    photos = table({"A": [10] * 10 + [1] * 100})
    large = {f"A-{i}" for i in range(10)}
    splits = (split_by_place(photos, validation=0.2, seed=seed) for seed in range(200))
    held = [len(large & set(photos["place"][split == "validation"])) for split in splits]
    assert np.mean(held) == pytest.approx(2, abs=0.2)


@pytest.mark.parametrize("validation", [0.26, 0.3, 0.34])
def test_places_are_taken_in_the_order_of_their_hashes(validation):
    photos = table({"A": [2] * 10})
    split = split_by_place(photos, validation=validation, seed=5)
    ranked = sorted(set(photos["place"]), key=lambda place: hashlib.sha256(f"5 {place}".encode()).hexdigest())
    assert set(photos["place"][split == "validation"]) == set(ranked[:3])


def test_neither_the_order_nor_other_classes_matter():
    photos = table({"A": [3, 1, 2] * 10, "B": [2] * 30})
    split = split_by_place(photos, validation=0.2, seed=0)
    shuffled = photos.sample(frac=1, random_state=0)
    pd.testing.assert_series_equal(split_by_place(shuffled, validation=0.2, seed=0).sort_index(), split)
    alone = photos[photos["class"] == "A"]
    pd.testing.assert_series_equal(split_by_place(alone, validation=0.2, seed=0), split[alone.index])
    assert not split.equals(split_by_place(photos, validation=0.2, seed=1))


def test_a_large_place_does_not_burst_the_share():
    photos = table({"A": [100] + [1] * 30})
    for seed in range(5):
        assert share(photos, split_by_place(photos, validation=0.2, seed=seed))["A"] == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("sizes", "validation"), [([1, 1], 0.01), ([1, 1], 0.99), ([50, 3], 0.02), ([5, 5, 5], 0.9)]
)
def test_each_side_has_a_place(sizes, validation):
    photos = table({"A": sizes})
    split = split_by_place(photos, validation=validation, seed=3)
    assert set(split) == {"training", "validation"}
    assert_places_whole(photos, split)


def test_places_of_several_classes_stay_whole_and_are_shared_out():
    own = table({"A": [1] * 50, "B": [1] * 50})
    common = table({"A": [1] * 20}).replace({"place": "A"}, {"place": "common"}, regex=True)
    photos = pd.concat([own, common, common.assign(**{"class": "B"})], ignore_index=True)
    split = split_by_place(photos, validation=0.2, seed=0)
    assert_places_whole(photos, split)
    assert share(photos, split).tolist() == [0.2, 0.2]


def test_a_class_of_one_place_is_named():
    with pytest.raises(DataError, match=r"^class 'B' has photos of 1 place\(s\) only, .*: add photos"):
        split_by_place(table({"A": [1, 1], "B": [9]}), validation=0.2, seed=0)


@pytest.mark.parametrize("validation", [0, 1, -0.2, 20])
def test_a_share_out_of_range(validation):
    with pytest.raises(DataError, match=str(validation)):
        split_by_place(table({"A": [1, 1]}), validation=validation, seed=0)


def test_small_classes():
    photos = table({"few places": [20] * 9, "few photos": [1] * 49, "enough": [5] * 10})
    assert small_classes(photos) == [SmallClass("few photos", 49, 49), SmallClass("few places", 180, 9)]


def test_real_photos(photos):
    manifest = read_folders([photos / "europe", photos / "oceania"])
    split = split_by_place(manifest.photos, validation=0.2, seed=0)
    assert_places_whole(manifest.photos, split)
    shares = share(manifest.photos, split)
    assert (shares.drop("New Zealand") - 0.2).abs().max() < 0.005
    assert shares["New Zealand"] == 0.25  # 2 of 8 places
    assert small_classes(manifest.photos) == [SmallClass("New Zealand", 32, 8)]


SPLIT = pd.DataFrame(
    [
        ("/there/photos/A/1.jpg", "A", "p1", "training"),
        ("/there/photos/A/2.jpg", "A", "p2", "validation"),
        ("/there/photos/A/sub/2.jpg", "A", "p3", "test"),
        ("/there/photos/B/1.jpg", "B", "p4", "validation"),
    ],
    columns=["file", "class", "place", "split"],
)


def test_a_photo_is_known_by_its_path_wherever_the_folder_lies():
    here = SPLIT.assign(file=SPLIT["file"].str.replace("/there/photos", "elsewhere"), place="other")
    for photos in (SPLIT, here, SPLIT.assign(file=SPLIT["file"].str.removeprefix("/there/photos/"))):
        assert sides_of(photos, SPLIT).tolist() == SPLIT["split"].tolist()


def test_a_photo_that_the_split_has_not_is_on_no_side():
    new = pd.DataFrame(
        [("x/A/3.jpg", "A", "p9"), ("x/B/2.jpg", "B", "p2")], columns=["file", "class", "place"]
    )
    assert sides_of(new, SPLIT).tolist() == ["", ""]
    # Nor is one of a known place, because the photos of that place are here: it was left out.
    third = pd.DataFrame(
        [("x/A/2.jpg", "A", "p2"), ("x/A/2b.jpg", "A", "p2")], columns=["file", "class", "place"]
    )
    assert sides_of(third, SPLIT).tolist() == ["validation", ""]


def test_where_files_have_other_names_the_place_decides():
    renamed = SPLIT.assign(file=[f"x/{name}/new{i}.jpg" for i, name in enumerate(SPLIT["class"])])
    assert sides_of(renamed, SPLIT).tolist() == SPLIT["split"].tolist()
    torn = pd.concat([SPLIT, SPLIT.assign(file="gone", split="training")])
    assert sides_of(renamed, torn).tolist() == ["training", "", "", ""]  # places on two sides say nothing


def test_paths_that_two_folders_share_say_nothing_but_their_places_do():
    rows = [
        (f"{root}/A/1.jpg", "A", f"{root}/A/1.jpg", side) for root, side in (("a", "test"), ("b", "training"))
    ]
    split = pd.DataFrame(rows, columns=SPLIT.columns)
    moved = split.assign(file="/moved/" + split["file"])
    assert sides_of(moved, split).tolist() == ["", ""]
    assert sides_of(split, split).tolist() == ["test", "training"]


def test_a_split_file_is_read_from_a_table_and_from_a_manifest(tmp_path):
    SPLIT.to_csv(tmp_path / "split.csv", index=False)
    pd.testing.assert_frame_equal(read_split(tmp_path / "split.csv"), SPLIT, check_dtype=False)
    records = SPLIT.rename(columns={"file": "path"}).assign(reject_reason=["", "", "blurred", ""])
    write_manifest(tmp_path / "m.parquet", records)
    assert read_split(tmp_path / "m.parquet")["split"].tolist() == ["training", "validation", "validation"]
    write_manifest(tmp_path / "m.parquet", records.assign(split=""))
    with pytest.raises(DataError, match=r"no photo of .* is on a side"):
        read_split(tmp_path / "m.parquet")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,class\na,b\n", "is not a split.csv"),
        (
            "file,class,place,split\na,A,p,training\nb,A,q,train\n",
            "line 3: split 'train' is not one of training",
        ),
    ],
)
def test_what_is_no_split_file_is_named(tmp_path, text, message):
    (tmp_path / "split.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        read_split(tmp_path / "split.csv")


def test_portable_names():
    photos = pd.DataFrame(
        [("/data/A/photos/A/x/1.jpg", "A"), ("A/1.jpg", "A"), ("/data/set/7.jpg", "A"), ("7.jpg", "A")],
        columns=["file", "class"],
    )
    assert portable_names(photos).tolist() == ["A/x/1.jpg", "A/1.jpg", "set/7.jpg", "7.jpg"]
