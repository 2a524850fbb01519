import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from kangaroo.cli import main
from kangaroo.data.folders import read_folders
from kangaroo.errors import DataError
from kangaroo.scenes import folder as module
from kangaroo.scenes.folder import SceneSettings, has_colour_cue, holds, read_cues, write_folder
from kangaroo.scenes.render import draw

SETTINGS = SceneSettings(("Austria", "New Zealand"), n=250, seed=3, size=48)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("made") / "scenes", SETTINGS, workers=1)


def test_a_photo_folder_with_labels(written):
    manifest = read_folders([written])
    assert manifest.counts == {"Austria": 125, "New Zealand": 125}
    assert manifest.drawn
    assert not manifest.rejected
    assert manifest.photos["place"].is_unique
    assert manifest.photos[["lat", "lon"]].notna().all(axis=None)
    assert "Manawatū-Whanganui" in set(manifest.photos["state"])
    assert list(pd.read_csv(written / "labels.csv")) == ["file", "country", "place", "lat", "lon"]


def test_files_are_the_scenes_of_their_seeds(written):
    file = next((written / "Austria").rglob("03000124.jpg"))
    assert file.read_bytes() == draw("Austria", 3_000_124, 48).jpeg
    assert read_cues(written)[file.as_posix()] == draw("Austria", 3_000_124, 48).cues


def test_several_processes_write_the_same_files(written, tmp_path):
    other = write_folder(tmp_path / "scenes", SETTINGS, workers=2)
    for path in written.rglob("*.*"):
        assert (other / path.relative_to(written)).read_bytes() == path.read_bytes()


def test_a_killed_call_goes_on_where_it_stopped(written, tmp_path, monkeypatch):
    real, drawn = module.draw, []

    def dies(country, seed, size, **cue):
        if len(drawn) == 130:
            raise KeyboardInterrupt
        drawn.append(seed)
        return real(country, seed, size, **cue)

    monkeypatch.setattr(module, "draw", dies)
    with pytest.raises(KeyboardInterrupt):
        write_folder(tmp_path / "scenes", SETTINGS, workers=1)
    assert not (tmp_path / "scenes" / "scenes.json").exists()
    drawn.clear()
    monkeypatch.setattr(module, "draw", lambda *args, **cue: drawn.append(args) or real(*args, **cue))
    write_folder(tmp_path / "scenes", SETTINGS, workers=1)
    assert len(drawn) == 150  # the first hundred were whole
    assert (tmp_path / "scenes" / "labels.csv").read_bytes() == (written / "labels.csv").read_bytes()
    assert not list((tmp_path / "scenes").glob(".*"))


def test_a_whole_folder_is_left_alone(written, monkeypatch):
    monkeypatch.setattr(module, "draw", None)
    assert write_folder(written, SETTINGS) == written


def test_other_scenes_or_other_files_are_not_overwritten(written, tmp_path):
    with pytest.raises(DataError, match="other settings"):
        write_folder(written, SceneSettings(("Austria",), n=10))
    (tmp_path / "thesis.tex").write_text("!")
    with pytest.raises(DataError, match="holds other files"):
        write_folder(tmp_path, SETTINGS)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"countries": ("Atlantis",)}, "no profile for 'Atlantis'"),
        ({"n": 0}, "0 scenes"),
        ({"seed": -1}, "seed -1"),
        ({"size": 8}, "8 pixels"),
        ({"countries": ("Austria", "Austria")}, "named twice"),
    ],
)
def test_bad_settings(changes, message):
    with pytest.raises(DataError, match=message):
        SceneSettings(**changes)


def test_settings_are_kept_with_the_scenes(written):
    assert json.loads((written / "scenes.json").read_text()) == {
        "countries": ["Austria", "New Zealand"],
        "n": 250,
        "seed": 3,
        "size": 48,
    }
    assert np.asarray(Image.open(next(written.rglob("*.jpg")))).shape == (48, 48, 3)


def test_a_colour_cue_is_drawn_and_kept_with_the_scenes(written, tmp_path, capsys):
    argv = ["scenes", "--out", str(tmp_path / "s"), "--n", "4", "--size", "32", "--colour-cue", "--json"]
    assert main(argv) == 0
    assert json.loads(capsys.readouterr().out)["colour_cue"] is True
    settings = SceneSettings(n=4, size=32)
    assert not holds(tmp_path / "s", settings)
    assert holds(tmp_path / "s", replace(settings, colour_cue=True))
    file = next((tmp_path / "s" / "Austria").rglob("*.jpg"))
    assert file.read_bytes() == draw("Austria", int(file.stem), 32, colour_cue=True).jpeg
    assert (has_colour_cue(tmp_path / "s"), has_colour_cue(written), has_colour_cue(tmp_path)) == (
        True,
        False,
        False,
    )


def test_a_record_that_can_not_be_read_is_no_record(tmp_path):
    for text in ("{", "[1]", "\udcff"):
        (tmp_path / "scenes.json").write_text(text, encoding="utf-8", errors="surrogateescape")
        assert not holds(tmp_path, SETTINGS)
        assert not has_colour_cue(tmp_path)
