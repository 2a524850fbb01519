"""Two processes of one experiment, as the README starts them."""

import json
import os
import socket
import subprocess
import sys

import pytest

from kangaroo.scenes.folder import SceneSettings, write_folder

pytest.importorskip("jax", reason="jax is not installed: pip install -e '.[jax]'")

SMALL = ("--image-size", "64", "--epochs", "1", "--batch-size", "16", "--classes", "Austria", "Australia")


def start(folder, out, *flags):
    command = [sys.executable, "-m", "experiments.binary_austria_australia", "--images", str(folder)]
    environment = {**os.environ, "KERAS_BACKEND": "jax", "KANGAROO_CACHE": str(out) + "-cache"}
    return subprocess.Popen(
        [*command, *SMALL, "--out", str(out), "--json", *flags],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@pytest.mark.slow
def test_the_first_leaves_the_run_of_one_process(tmp_path):
    folder = write_folder(
        tmp_path / "scenes", SceneSettings(("Austria", "Australia"), n=60, size=64), workers=1
    )
    together = ("--distributed", "--coordinator", f"127.0.0.1:{free_port()}", "--processes", "2")
    runs = [start(folder, tmp_path / f"of-two-{i}", *together, "--process", str(i)) for i in range(2)]
    runs.append(start(folder, tmp_path / "alone"))
    found = [run.communicate(timeout=300) for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0], [err for _, err in found]
    first, alone = (json.loads(found[i][0]) for i in (0, 2))
    assert first["loss"] == pytest.approx(alone["loss"], abs=1e-3)
    assert first["n"] == alone["n"] == 12
    assert found[1][0] == ""
    assert (tmp_path / "of-two-0" / "report.html").is_file()
    assert not (tmp_path / "of-two-1").exists()


def test_an_experiment_refuses_what_can_not_be(tmp_path):
    run = start(tmp_path, tmp_path / "run", "--distributed", "--coordinator", "nowhere", "--processes", "1",
                "--process", "0")  # fmt: skip
    _, err = run.communicate(timeout=120)
    assert run.returncode == 2
    assert err.strip().splitlines()[-1].startswith("error: no address 'nowhere'")
