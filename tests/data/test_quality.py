import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageFilter

from kangaroo.data.manifest import complete
from kangaroo.data.measures import Measures, tone
from kangaroo.data.quality import check_photos, is_dark, is_plain, judge_each
from kangaroo.data.thresholds import MEASURED, Thresholds
from kangaroo.errors import DataError


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KANGAROO_CACHE", str(tmp_path / "cache"))


def scene(seed, size=(320, 240)):
    """A picture with energy at all frequencies, falling as in photos."""
    rng = np.random.default_rng(seed)
    shape = size[::-1]
    frequency = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])) + 0.005
    layers = [np.fft.irfft2(np.fft.rfft2(rng.normal(size=shape)) / frequency, shape) for _ in "rgb"]
    pixels = np.stack(layers, axis=-1)
    return Image.fromarray(np.clip(128 + 50 * pixels / pixels.std(), 0, 255).astype(np.uint8))


@pytest.fixture
def write_photos(tmp_path):
    """Write pictures and give their records; further columns as lists."""

    def write(*pictures, quality=90, **columns):
        paths = []
        for i, picture in enumerate(pictures):
            paths.append(str(tmp_path / f"{i}.jpg"))
            if isinstance(picture, bytes):
                (tmp_path / f"{i}.jpg").write_bytes(picture)
            else:
                picture.save(paths[-1], quality=quality)
        return complete(pd.DataFrame({"path": paths, "class": "Austria", **columns}))

    return write


def reasons(records, **thresholds):
    return check_photos(records, Thresholds(**thresholds), name="here")["reject_reason"].tolist()


GOOD = {"width": 640, "height": 480, "brightness": 200, "variance": 3000, "sharpness": 900, "detail": 0.3}


@pytest.mark.parametrize(
    ("measured", "expected"),
    [
        ({}, ""),
        ({"problem": "truncated"}, "corrupt"),
        ({"side": 99}, "too_small"),
        ({"brightness": 31}, "dark"),
        ({"plainness": 0.9}, "placeholder"),
        ({"plainness": 0.85}, ""),
        ({"plainness": 0.85, "light_grey": True}, "placeholder"),
        ({"variance": 99}, "low_variance"),
        ({"sharpness": 49}, "blurred"),
        ({"detail": 0.039}, "half_resolution"),
        ({"detail": 0.039, "sharpness": 0, "variance": 0, "plainness": 1, "brightness": 0}, "dark"),
        ({"detail": 0.039, "sharpness": 0, "variance": 0, "plainness": 1}, "placeholder"),
        ({"detail": 0.039, "sharpness": 0, "variance": 0}, "low_variance"),
        ({"detail": 0.039, "sharpness": 0}, "blurred"),
    ],
)
def test_the_first_reason_that_holds_counts(measured, expected):
    table = pd.DataFrame([{**vars(Measures()), **GOOD, "side": 480, **measured}])
    assert judge_each(table, Thresholds()).tolist() == [expected]


def test_every_threshold_can_be_switched_off_by_its_flag():
    table = pd.DataFrame([{**vars(Measures()), "side": 1, "plainness": 1.0, "light_grey": True}])
    off = dict.fromkeys(("min_side", "min_brightness", "min_variance", "min_sharpness", "min_detail"), 0)
    assert judge_each(table, Thresholds(**off, max_plain=1.1, max_plain_grey=1.1)).tolist() == [""]


@pytest.mark.parametrize("wrong", [{"max_distance": 11}, {"max_distance": -1}, {"same_place": -1}])
def test_impossible_thresholds_are_refused(wrong):
    with pytest.raises(DataError, match=next(iter(wrong))):
        Thresholds(**wrong)


def test_a_tone_is_judged_as_a_table_of_them():
    black, grey = (
        tone(Image.new("RGB", (9, 9), colour).histogram()) for colour in ((0, 0, 0), (228, 227, 223))
    )
    assert is_dark(black, Thresholds())
    assert is_plain(grey, Thresholds())
    assert not is_dark(grey, Thresholds())


def test_each_fault_has_its_reason(write_photos):
    good = scene(0)
    half = good.resize((160, 120), Image.Resampling.LANCZOS).resize((320, 240), Image.Resampling.BICUBIC)
    records = write_photos(
        good,
        b"no picture",
        scene(1).resize((120, 90)),
        scene(2).point(lambda level: level // 10),
        Image.new("RGB", (320, 240), (228, 227, 223)),
        scene(3).point(lambda level: 110 + level // 8),
        scene(4).filter(ImageFilter.GaussianBlur(4)),
        half,
        good,
    )
    wrong = [
        "corrupt",
        "too_small",
        "dark",
        "placeholder",
        "low_variance",
        "blurred",
        "half_resolution",
        "same_bytes",
    ]
    assert reasons(records) == ["", *wrong]


def test_what_was_measured_stands_in_the_records(write_photos):
    table = check_photos(write_photos(scene(0), b"no picture"), Thresholds(), name="here")
    assert table["width"].tolist() == [320, 0]
    assert table["phash"].str.len().tolist() == [16, 0]
    assert table["sha256"].str.len().tolist() == [64, 64]
    assert table["problem"].tolist()[0] == ""
    assert table["information"][0] > 6


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4), (4, 3, 2, 1, 0), (2, 0, 4, 1, 3)])
def test_of_copies_the_largest_is_kept_whatever_the_order(write_photos, order):
    good = scene(0)
    copies = [good.resize((240, 180)), good, good.crop((8, 6, 312, 234)), good.resize((480, 360)), scene(1)]
    records = write_photos(*copies).iloc[list(order)]
    table = check_photos(records, Thresholds(), name="here").sort_values("path")
    assert table["reject_reason"].tolist() == ["near_duplicate"] * 3 + ["", ""]
    assert {path[-5:] for path in table["twin"][:3]} == {"3.jpg"}
    assert table["likeness"][:3].min() > 0.94


def test_of_equal_sizes_the_first_by_path_is_kept(write_photos, tmp_path):
    records = write_photos(scene(0), scene(0), scene(1))
    scene(0).save(tmp_path / "0.jpg", quality=60)
    table = check_photos(records[::-1], Thresholds(), name="here").sort_values("path")
    assert table["reject_reason"].tolist() == ["", "near_duplicate", ""]


def test_near_duplicates_of_two_classes_are_both_left_out(write_photos, tmp_path):
    records = write_photos(scene(0), scene(0), scene(1), **{"class": ["Austria", "Australia", "Austria"]})
    with pytest.raises(
        DataError, match=r"here: one picture has two classes: .*0\.jpg is Austria, .*1\.jpg is"
    ):
        reasons(records)
    scene(0).save(tmp_path / "1.jpg", quality=60)
    assert reasons(records) == ["near_duplicate", "near_duplicate", ""]


def test_two_black_pictures_are_no_copies_of_each_other(write_photos):
    black = Image.new("RGB", (320, 240))
    assert reasons(write_photos(black, black, **{"class": ["Austria", "Australia"]})) == ["dark", "dark"]


def test_headings_of_one_spot_are_never_copies(write_photos):
    spots = {"lat": [48.2] * 3, "lon": [16.4] * 3}
    same = [scene(0), scene(0).resize((480, 360)), scene(1)]
    assert reasons(write_photos(*same, **spots, heading=[0, 90, 180])) == ["", "", ""]
    assert reasons(write_photos(*same, **spots, heading=[0, 0.5, 180])) == ["near_duplicate", "", ""]
    assert reasons(write_photos(*same, **spots)) == ["near_duplicate", "", ""]
    assert reasons(write_photos(*same, lat=[48.2, 48.3, 48.2], lon=[16.4] * 3, heading=[0, 90, 180]))[0] != ""


def test_photos_of_one_place_count_by_heading_where_it_is_known(write_photos):
    pictures = [scene(seed) for seed in range(6)]
    spots = {"lat": [48.2] * 5 + [48.3], "lon": [16.4] * 6}
    headings = [0, 90, 0, np.nan, np.nan, 0]
    assert reasons(write_photos(*pictures, **spots)) == [""] * 6
    assert reasons(write_photos(*pictures, **spots), same_place=1) == ["", *["same_place"] * 4, ""]
    assert reasons(write_photos(*pictures, **spots), same_place=3) == [
        "",
        "",
        "",
        "same_place",
        "same_place",
        "",
    ]
    by_heading = reasons(write_photos(*pictures, **spots, heading=headings), same_place=1)
    assert by_heading == ["", "", "same_place", "", "same_place", ""]
    assert (
        reasons(write_photos(*pictures, place=["a", "a", "b", "", "", "b"]), same_place=1).count("same_place")
        == 2
    )


def test_reasons_of_others_stay_and_own_ones_are_judged_anew(write_photos):
    records = write_photos(scene(0), scene(1), scene(0), reject_reason=["balance", "dark", ""])
    records.loc[0, "sha256"] = "kept"
    table = check_photos(records, Thresholds(), name="here")
    assert table["reject_reason"].tolist() == ["balance", "", ""]
    assert complete(table)["sha256"].tolist()[0] == "kept"


def test_nothing_to_check():
    assert check_photos(complete(pd.DataFrame({"path": [], "class": []})), Thresholds(), name="here").empty


def test_real_photos_pass(photos):
    files = [str(path) for path in sorted(photos.rglob("*.jpg"))[::20]]
    found = reasons(complete(pd.DataFrame({"path": files, "class": "photo"})))
    assert set(found) <= {"", *MEASURED}
    assert sum(reason != "" for reason in found) <= 0.01 * len(found)
