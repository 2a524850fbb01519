"""The adapter that ships, against kangaroo's own game."""

import os
import re
import runpy
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import kangaroo
from kangaroo.cli import main
from kangaroo.data.folders import read_folders

HELPERS = runpy.run_path(str(Path(__file__).with_name("test_collector.py")))
MODEL = Path(kangaroo.__file__).parents[1] / "saved_models" / "binary_austria_australia.keras"
N = 6  # photos a country


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos") / "scenes"
    assert main(["scenes", "--out", str(folder), "--n", str(2 * N), "--classes", "Austria", "Australia"]) == 0
    return folder


@pytest.fixture(scope="module")
def own_game(photos, tmp_path_factory):
    """The page's address."""
    pytest.importorskip("gradio", reason="gradio is not installed")
    results = tmp_path_factory.mktemp("results") / "games.sqlite"
    argv = ["app", MODEL, "--photos", photos, "--results", results, "--port", 0, "--no-browser-open"]
    process = subprocess.Popen(
        [sys.executable, "-m", "kangaroo", *map(str, argv)],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=os.environ | {"PYTHONUNBUFFERED": "1", "CUDA_VISIBLE_DEVICES": ""},
    )  # fmt: skip
    lines = []
    for line in process.stdout:
        lines.append(line)
        if found := re.search(r"http://127\.0\.0\.1:\d+", line):
            break
    else:
        pytest.fail("".join(lines))
    yield found[0]
    process.kill()
    process.communicate()


def thumb(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB").resize((32, 32)), float)


@pytest.mark.slow
def test_the_photos_come_back_with_their_countries(needs_browser, own_game, photos, tmp_path, capsys):
    out, killed = tmp_path / "out", []

    def kill():
        while len(list(out.glob("*/*.jpg"))) < 3:
            time.sleep(0.1)
        killed.append(HELPERS["browsers_of"](os.getpid())[0])
        os.kill(killed[0], signal.SIGKILL)

    threading.Thread(target=kill, daemon=True).start()
    argv = ["collect", "browser", "--adapter", "kangaroo", "--url", own_game, "--out", out, "--photos", 2 * N]
    code = main([str(arg) for arg in (*argv, "--interval", 0, "--instances", 1)])
    told, err = capsys.readouterr()
    assert code == 0, err
    assert killed
    assert "went wrong: crashed browser: 1" in told
    manifest = read_folders([out])
    assert manifest.counts == {"Australia": N, "Austria": N}
    originals = {path: thumb(path) for path in photos.glob("*/**/*.*") if path.suffix in (".png", ".jpg")}
    seen = set()
    for path in out.glob("*/*.jpg"):
        picture = thumb(path)
        nearest = min(originals, key=lambda original: np.abs(originals[original] - picture).mean())
        assert nearest.relative_to(photos).parts[0] == path.parent.name
        seen.add(nearest)
    assert len(seen) == 2 * N
