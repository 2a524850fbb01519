import os
import shutil
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kangaroo.data.folders import photo_files, read_folders
from kangaroo.data.manifest import Rejected, manifest_sha256, require_classes
from kangaroo.errors import DataError


def by_file(manifest, root: Path) -> pd.DataFrame:
    photos = manifest.photos
    return photos.set_index(pd.Index([Path(file).relative_to(root).as_posix() for file in photos["file"]]))


def test_photos_of_several_roots_are_merged_by_class(make_folder):
    one = make_folder("one", "New Zealand/Manawatū-Whanganui/b.JPG", "Austria/1.jpg")
    two = make_folder("two", "Austria/deep/er/2.webp", "Austria/3.Jpeg", "Croatia/4.png")
    manifest = read_folders([one, two])
    assert manifest.classes == ("Austria", "Croatia", "New Zealand")
    assert manifest.counts == {"Austria": 3, "Croatia": 1, "New Zealand": 1}
    assert list(manifest.photos) == ["file", "class", "state", "place", "lat", "lon"]
    assert manifest.photos["file"].tolist() == [
        f"{one}/Austria/1.jpg",
        f"{two}/Austria/3.Jpeg",
        f"{two}/Austria/deep/er/2.webp",
        f"{two}/Croatia/4.png",
        f"{one}/New Zealand/Manawatū-Whanganui/b.JPG",
    ]
    assert manifest.photos["state"].tolist() == ["", "", "deep", "", "Manawatū-Whanganui"]
    assert manifest.photos["place"].is_unique
    assert manifest.photos[["lat", "lon"]].isna().all(axis=None)
    assert manifest.rejected == ()


def test_classes_are_chosen_and_ordered_as_asked(make_folder):
    root = make_folder("root", "A/1.jpg", "B/1.jpg", "C/1.jpg", "C/x.gif", labels="file\nA/9.jpg\nC/8.jpg\n")
    manifest = read_folders([root], ["B", "A"])
    assert manifest.classes == ("B", "A")
    assert manifest.photos["class"].tolist() == ["B", "A"]
    assert [Path(bad.file).name for bad in manifest.rejected] == ["9.jpg"]


def test_labels_give_place_and_coordinates(make_folder):
    root = make_folder(
        "root",
        "A/1.jpg",
        "A/2.jpg",
        "A/3.jpg",
        "A/4.jpg",
        "A/5.jpg",
        "B/6.jpg",
        labels="file,country,place,lat,lon\nA/1.jpg,A, spot ,1,2\nA/2.jpg,A,,-0.000001,20\n"
        "A/3.jpg,A,,0.000004,20.000001\nA/4.jpg,A,,0.00002,20\nB/6.jpg,B, spot ,,\n",
    )
    photos = by_file(read_folders([root]), root)
    assert photos.loc["A/1.jpg", "place"] == photos.loc["B/6.jpg", "place"] == " spot "
    assert photos.loc["A/2.jpg", "place"] == photos.loc["A/3.jpg", "place"] == "0.00000,20.00000"
    assert photos.loc["A/4.jpg", "place"] != photos.loc["A/3.jpg", "place"]
    assert photos.loc["A/5.jpg", "place"] == "A/5.jpg"
    assert photos.loc["A/1.jpg", ["lat", "lon"]].tolist() == [1, 2]
    assert photos["lat"].dtype == float


def test_places_of_two_roots(make_folder):
    labels = "file,place,lat,lon\nA/2.jpg,p,,\nA/3.jpg,,4,5\n"
    one = make_folder("one", "A/1.jpg", "A/2.jpg", "A/3.jpg", labels=labels)
    two = make_folder("two", "A/1.jpg", "A/2.jpg", "A/3.jpg", labels=labels)
    places = read_folders([one, two]).photos["place"].tolist()
    assert places == ["one/A/1.jpg", "p", "4.00000,5.00000", "two/A/1.jpg", "p", "4.00000,5.00000"]
    assert read_folders([one, one / ".." / "one"]).photos["place"].tolist() == ["A/1.jpg", *places[1:3]]


def test_places_survive_a_move(make_folder, tmp_path):
    root = make_folder("here", "A/1.jpg", "A/x/2.jpg", "B/1.jpg")
    before = read_folders([root]).photos["place"].tolist()
    shutil.move(root, tmp_path / "there")
    assert read_folders([tmp_path / "there"]).photos["place"].tolist() == before


@pytest.mark.parametrize("header", ["i,lat,lng", "i,lat,lng,image_exists"])
def test_the_report_s_coordinates(make_folder, header):
    files = ["Wien/0.jpg", "Wien/2.png", "Wien/7.jpg", "Tirol/0.jpg"]
    root = make_folder("root", *[f"Austria/{file}" for file in files])
    flags = ["", "", "", ""] if header == "i,lat,lng" else [",1", ",0", ",True", ",0"]
    rows = [f"{i},48.{i},16{flag}" for i, flag in enumerate(flags)]
    (root / "Austria/Wien/coordinates.csv").write_text("\n".join([header, *rows]) + "\n")
    manifest = read_folders([root])
    photos = by_file(manifest, root)
    assert photos.loc["Austria/Wien/0.jpg", "lat"] == 48.0
    assert photos.loc["Austria/Wien/2.png", "place"] == "48.20000,16.00000"
    assert np.isnan(photos.loc["Austria/Wien/7.jpg", "lat"])
    assert np.isnan(photos.loc["Austria/Tirol/0.jpg", "lat"])
    assert manifest.rejected == ()
    places = manifest.locations.groupby(["state", "has_photo"]).size()
    assert places.to_dict() == {("Tirol", True): 1, ("Wien", False): 2, ("Wien", True): 3}
    assert manifest.locations["lat"].count() == 4


def test_a_photo_that_coordinates_promise_is_missed(make_folder):
    root = make_folder("root", "A/S/0.jpg")
    (root / "A/S/coordinates.csv").write_text("i,lat,lng,image_exists\n0,1,2,True\n5,3,4,True\n6,3,4,False\n")
    manifest = read_folders([root])
    assert manifest.rejected == (
        Rejected(f"{root}/A/S/5.jpg", "coordinates.csv says that it exists, but it does not"),
    )
    assert manifest.locations["has_photo"].tolist() == [True, False, False]


def test_each_place_is_one_location(make_folder):
    root = make_folder(
        "root", "A/1.jpg", "A/2.jpg", "A/3.jpg", labels="file,place,lat,lon\nA/1.jpg,p,1,2\nA/2.jpg,p,1,2\n"
    )
    locations = read_folders([root]).locations
    assert list(locations) == ["class", "state", "lat", "lon", "has_photo"]
    assert locations["lat"].tolist() == pytest.approx([1, np.nan], nan_ok=True)
    assert locations["has_photo"].tolist() == [True, True]


@pytest.mark.parametrize(("on_disk", "in_table"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_names_compare_in_composed_unicode(make_folder, on_disk, in_table):
    name = "Österreich/Manawatū-Whanganui/ä b.jpg"
    root = make_folder(
        "root",
        unicodedata.normalize(on_disk, name),
        labels=f"file,place\n{unicodedata.normalize(in_table, name)},p\n",
    )
    manifest = read_folders([root], [unicodedata.normalize(in_table, "Österreich")])
    assert manifest.classes == (unicodedata.normalize("NFC", "Österreich"),)
    assert manifest.photos["place"].tolist() == ["p"]
    assert manifest.photos["state"].tolist() == [unicodedata.normalize("NFC", "Manawatū-Whanganui")]
    assert Path(manifest.photos.loc[0, "file"]).is_file()


def test_what_is_no_photo_is_rejected_or_passed_over(make_folder):
    root = make_folder("root", "A/1.jpg", "A/.hidden.jpg", "A/.cache/2.jpg", ".git/3.jpg", "4.jpg")
    for name in ("A/clip.gif", "A/Thumbs.db", "A/coordinates", "A/._1.jpg", "notes.txt", "scenes.json"):
        (root / name).write_bytes(b"x")
    (root / "A/folder.jpg").mkdir()
    (root / "A/broken.jpg").symlink_to(root / "gone.jpg")
    os.mkfifo(root / "A/pipe.jpg")
    (root / "labels.csv").write_text("file,place\nA/clip.gif,p\nA/none.jpg,q\n")
    manifest = read_folders([root])
    assert [Path(file).name for file in manifest.photos["file"]] == ["1.jpg"]
    assert {Path(bad.file).name: bad.reason for bad in manifest.rejected} == {
        "4.jpg": "not in a class folder",
        "broken.jpg": "a broken link",
        "clip.gif": "unsupported file type .gif (use jpg, jpeg, png or webp)",
        "coordinates": "unsupported file type (no ending) (use jpg, jpeg, png or webp)",
        "folder.jpg": "a folder, not a photo",
        "none.jpg": "listed in labels.csv, but not there",
        "pipe.jpg": "not a regular file",
    }


def test_a_name_that_is_no_utf_8_is_rejected_and_can_be_written(make_folder):
    root = make_folder("root", "A/1.jpg")
    os.rename(os.fsencode(root / "A/1.jpg"), os.fsencode(root / "A") + b"/Nieder\xf6.jpg")
    (bad,) = read_folders([root]).rejected
    assert bad.file.encode().endswith(rb"Nieder\xf6.jpg")
    assert bad.reason.startswith("its name is not valid UTF-8")


def test_links_are_followed_but_not_in_circles(make_folder):
    root, other = make_folder("root", "A/1.jpg"), make_folder("other", "x/2.jpg", "3.jpg")
    (root / "A/again").symlink_to(root / "A")
    (root / "A/linked").symlink_to(other / "x")
    (root / "B").symlink_to(other)
    files = [Path(file).relative_to(root).as_posix() for file in read_folders([root]).photos["file"]]
    assert files == ["A/1.jpg", "A/linked/2.jpg", "B/3.jpg", "B/x/2.jpg"]


def test_drawn_scenes_and_photos_are_not_mixed(make_folder):
    one, two = make_folder("one", "A/1.jpg"), make_folder("two", "A/1.jpg", "B/1.jpg")
    (one / "scenes.json").write_text("{}")
    assert read_folders([one]).drawn
    assert not read_folders([two]).drawn
    assert not read_folders([one, two], ["B"]).drawn  # nothing of the drawn folder is used
    with pytest.raises(DataError, match="one holds drawn scenes, other folders photos"):
        read_folders([one, two])
    (two / ".parts").mkdir()
    with pytest.raises(DataError, match="are not complete"):
        read_folders([two])


def test_leading_zeros_of_a_photo_do_not_matter(make_folder):
    root = make_folder("root", "Austria/Tyrol/0001.jpg", "Austria/Tyrol/0002.jpg", "Austria/Tyrol/3.jpg")
    rows = "i,lat,lng\n1,47.1,11.2\n0002,47.1,11.2\n3.0,47.3,11.4\n"
    (root / "Austria/Tyrol/coordinates.csv").write_text(rows)
    manifest = read_folders([root])
    assert manifest.photos["place"].tolist() == ["47.10000,11.20000"] * 2 + ["47.30000,11.40000"]
    assert manifest.locations["has_photo"].all()


def test_roots_of_one_name_do_not_tie_photos(make_folder):
    roots = [make_folder("a/photos", "A/1.jpg"), make_folder("b/photos", "A/1.jpg")]
    assert read_folders(roots).photos["place"].tolist() == ["photos/A/1.jpg", "photos (2)/A/1.jpg"]


def test_photo_files_are_those_that_a_manifest_would_take(make_folder):
    root = make_folder("root", "A/1.jpg", "A/.hidden/2.jpg", "A/._3.jpg", "4.png")
    (root / "notes.txt").touch()
    (root / "broken.jpg").symlink_to(root / "nowhere")
    files, rejected = photo_files(root)
    assert [file.name for file in files] == ["4.png", "1.jpg"]
    assert [(Path(bad.file).name, bad.reason) for bad in rejected] == [("broken.jpg", "a broken link")]


def test_unusable_folders(make_folder, tmp_path):
    root = make_folder("root", "Austria/1.jpg", "Australia/1.jpg")
    with pytest.raises(DataError, match=r"^no folder .*none: "):
        read_folders([tmp_path / "none"])
    with pytest.raises(DataError, match=r"^no folder .*1.jpg: "):
        read_folders([root / "Austria/1.jpg"])
    with pytest.raises(DataError, match=r"no class folders: photos must lie as .*/<Class>/<photo>\.jpg$"):
        read_folders([root / "Austria"])
    with pytest.raises(DataError, match=r"^no class 'Austira' in .*: choose among Australia, Austria$"):
        read_folders([root], ["Austria", "Austira"])
    (root / "labels.csv").write_text("file,lat\nAustria/1.jpg,91\n")
    with pytest.raises(DataError, match=r"labels.csv line 2: lat '91'"):
        read_folders([root])


def test_require_classes(make_folder):
    root = make_folder("root", "A/1.jpg", "B/2.jpg")
    require_classes(read_folders([root]))
    with pytest.raises(DataError, match=r"^2 classes are needed, found A: put"):
        require_classes(read_folders([root], ["A"]))
    require_classes(read_folders([root], ["A"]), minimum=1)
    (root / "C").mkdir()
    (root / "C/x.gif").touch()
    with pytest.raises(DataError, match=r"^class 'C' has no usable photo \(files rejected in all: 1\)"):
        require_classes(read_folders([root]))


def test_a_folder_without_any_photo_gives_an_empty_table(tmp_path):
    (tmp_path / "A").mkdir()
    manifest = read_folders([tmp_path])
    assert manifest.counts == {"A": 0}
    assert len(manifest.photos) == len(manifest.locations) == 0
    assert manifest.photos["lat"].dtype == float


def test_fingerprint_depends_on_content_only(make_folder):
    root = make_folder("one", "A/1.jpg", "A/2.jpg", "B/3.jpg")
    photos = read_folders([root]).photos.assign(sha256=["x", "y", "z"])
    moved = photos.assign(file="elsewhere").iloc[::-1].reset_index(drop=True)
    assert manifest_sha256(photos) == manifest_sha256(moved)
    for column, value in (("class", "B"), ("place", "p"), ("sha256", "w"), ("split", "training")):
        changed = photos.astype({"class": object, "place": object}).copy()
        changed.loc[0, column] = value
        assert manifest_sha256(changed) != manifest_sha256(photos)


def test_real_folders(photos):
    manifest = read_folders([photos / "europe", photos / "oceania", photos / "croatia"])
    assert manifest.counts == {
        "Australia": 484,
        "Austria": 489,
        "Croatia": 584,
        "Czechia": 482,
        "Greece": 493,
        "Hungary": 474,
        "Italy": 457,
        "New Zealand": 32,
        "Norway": 474,
        "Slovakia": 479,
        "United Kingdom": 483,
    }
    assert manifest.rejected == ()
    places = manifest.photos.groupby("class")["place"].nunique()
    assert places[["Australia", "Croatia"]].tolist() == [121, 146]


def test_a_json_file_beside_its_photo_is_no_reject(make_folder):
    root = make_folder("root", "A/1.png")
    (root / "A/1.json").write_text("{}")
    (root / "A/2.json").write_text("{}")
    manifest = read_folders([root])
    assert [Path(bad.file).name for bad in manifest.rejected] == ["2.json"]
