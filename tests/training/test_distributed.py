"""Two processes on this machine against one.

    KERAS_BACKEND=jax python tests/test_distributed.py WORK FOLDER PORT PROCESS

is what each of the processes runs; without PORT and PROCESS it is alone.
"""

import argparse
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kangaroo.errors import KangarooError
from kangaroo.training.distributed import DistributedSettings, Group, add_flags, settings, start

N_TRAINING, N = 35, 45  # of batches of 12 the last are smaller, in training by an odd number


FEATURES = {
    "optimizer": "adamw",
    "weight_decay": 0.1,
    "schedule": "cosine",
    "averaging": 0.9,
    "clip_norm": 1.0,
    "head_epochs": 1,
}


class KilledError(Exception):
    """Stands for the end of all processes."""


def unlock(model: Any, phase: int) -> None:
    """In the first phase the last layer learns alone."""
    for layer in model.layers:
        layer.trainable = phase == 2 or layer is model.layers[-1]


def train(
    folder: Path,
    group: Group,
    epochs: int,
    *,
    seed: int = 5,
    resume: bool = False,
    killed: int | None = None,
    **features: Any,
) -> dict[str, Any]:
    """Train the report's network, but small, with dropout; its history and weights."""
    from kangaroo.data.pipeline import Batches, batches
    from kangaroo.models import report_cnn
    from kangaroo.training import TrainConfig, fit

    def of_epoch(epoch: int) -> Batches:
        if epoch == killed:
            raise KilledError
        return batches(pixels, range(N_TRAINING), labels, batch_size=12, shuffle_seed=(seed, epoch))

    rng = np.random.default_rng(0)
    labels = (np.arange(N) % 2).astype(np.float32)
    pixels = rng.integers(0, 200, (N, 8, 8, 3)).astype(np.uint8)
    pixels[labels == 1, :, :4] += 40
    model, history = fit(
        lambda policy: report_cnn.build(8, 2, seed=seed, dtype_policy=policy, filters=(8, 8), units=8),
        of_epoch,
        batches(pixels, range(N_TRAINING, N), labels, batch_size=12),
        TrainConfig(epochs, 12, 0.03, seed=seed, precision="float32", **features),
        folder,
        unlock=unlock if features else None,
        group=group,
        resume=resume,
    )
    return {
        "history": [astuple(replace(row, seconds=0)) for row in history.rows],
        "weights": np.concatenate([weight.ravel() for weight in model.get_weights()]).tolist(),
    }


def compare(folder: Path, group: Group) -> dict[str, Any]:
    """Whole trainings, some that were interrupted after an epoch, and one that must be refused."""
    found = {"whole": train(folder / "whole", group, 3)}
    found["features"] = train(folder / "features", group, 3, **FEATURES)
    with pytest.raises(KilledError):
        train(folder / "killed", group, 3, killed=2, **FEATURES)
    found["killed"] = train(folder / "killed", group, 3, resume=True, **FEATURES)
    with pytest.raises(KilledError):
        train(folder / "resumed", group, 2, killed=1)
    found["resumed"] = train(folder / "resumed", group, 3, resume=True)
    found["read"] = train(folder / "resumed", group, 3, resume=True)
    if group.processes > 1:
        with pytest.raises(KangarooError, match=r"^process 1 was started with other settings"):
            train(folder / "refused", group, 1, seed=group.process)
        with pytest.raises(KangarooError, match=("seed 5, not 6", "process 1 ")[group.process]):
            train(folder / "whole", group, 3, seed=6, resume=True)
    group.leave()
    found["alone"] = train(folder / "alone", Group(), 1) if group.first else None
    return found


def forever(folder: Path, group: Group) -> dict[str, Any]:
    """Until somebody kills it."""
    return train(folder / "forever", group, 10_000)


WORK: dict[str, Callable[[Path, Group], dict[str, Any]]] = {"compare": compare, "forever": forever}


def launch(work: str, folder: Path, *group: object) -> subprocess.Popen[str]:
    """Start one process; its results go to a file beside ``folder``."""
    return subprocess.Popen(
        [sys.executable, __file__, work, folder, *map(str, group)],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "KERAS_BACKEND": "jax"},
    )


def result(process: subprocess.Popen[str], folder: Path) -> dict[str, Any]:
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err[-3000:]
    return json.loads(folder.with_suffix(".json").read_text(encoding="utf-8"))


def pair(work: str, folder: Path) -> list[subprocess.Popen[str]]:
    """Start two processes, each with a folder of its own."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return [launch(work, folder / str(i), port, i) for i in range(2)]


@pytest.fixture(scope="module")
def needs_jax() -> None:
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed")


@pytest.mark.slow
@pytest.mark.usefixtures("needs_jax")
def test_two_processes_learn_what_one_learns(tmp_path: Path) -> None:
    both, one = pair("compare", tmp_path), launch("compare", tmp_path / "alone")
    first, second = (result(process, tmp_path / str(i)) for i, process in enumerate(both))
    alone = result(one, tmp_path / "alone")
    for found in (first, second):
        for name in ("whole", "resumed", "read"):
            np.testing.assert_allclose(found[name]["history"], alone["whole"]["history"], rtol=0, atol=1e-4)
            np.testing.assert_allclose(found[name]["weights"], alone["whole"]["weights"], rtol=0, atol=1e-4)
        for name in ("features", "killed"):
            for what in ("history", "weights"):
                np.testing.assert_allclose(found[name][what], alone["features"][what], rtol=0, atol=1e-4)
    assert alone["killed"] == alone["features"]  # one process goes on to the last digit
    assert second.pop("alone") is None
    assert first.pop("alone")["history"] == alone["alone"]["history"]
    assert first == second
    assert np.ptp([row[1] for row in alone["whole"]["history"]]) > 0.1
    assert sorted(path.name for path in (tmp_path / "0" / "whole").iterdir()) == [
        "events",
        "history.csv",
        "model.keras",
        "settings.json",
    ]
    assert not (tmp_path / "1").exists()


@pytest.mark.usefixtures("needs_jax")
@pytest.mark.slow  # a heartbeat has to be missing for 100 seconds
@pytest.mark.parametrize("killed", [0, 1])
def test_no_process_waits_for_one_that_is_gone(tmp_path: Path, killed: int) -> None:
    processes = pair("forever", tmp_path)
    try:
        deadline = time.monotonic() + 120
        while not list((tmp_path / "0" / "forever").glob("checkpoint-*.keras")):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        processes[killed].send_signal(signal.SIGKILL)
        survivor = processes[1 - killed]
        assert survivor.stderr
        # JAX ends a process whose coordinator is gone; one that misses another's part of a batch says so
        # itself, and then waits for the heartbeat to be declared missing.
        told = ("start all of them again with --resume", "another task died")
        assert any(any(words in line for words in told) for line in survivor.stderr)
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def flags(*argv: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_flags(parser)
    return parser.parse_args(argv)


def test_settings_come_from_flags_else_from_the_environment() -> None:
    environment = {
        "KERAS_DISTRIBUTION_JOB_ADDRESSES": "one:1234,two:1234",
        "KERAS_DISTRIBUTION_NUM_PROCESSES": "2",
        "KERAS_DISTRIBUTION_PROCESS_ID": "1",
    }
    assert settings(flags(), environment) is None
    expected = DistributedSettings(coordinator="one:1234", processes=2, process=1)
    assert settings(flags("--distributed"), environment) == expected
    given = flags("--distributed", "--process", "0", "--coordinator", "[::1]:5")
    assert settings(given, environment) == DistributedSettings(coordinator="[::1]:5", processes=2, process=0)


@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        ("", "--distributed needs --coordinator: give it, or set KERAS_DISTRIBUTION_JOB_ADDRESSES"),
        ("--coordinator a:1 --processes 2", "--distributed needs --process: "),
        ("--coordinator a:1 --processes two --process 0", "--processes 'two' is not a whole number"),
        ("--coordinator a --processes 2 --process 0", "no address 'a' to meet at"),
        ("--coordinator a:99999 --processes 2 --process 0", "no address 'a:99999' to meet at"),
        ("--coordinator a:1 --processes 0 --process 0", "0 processes can't train"),
        ("--coordinator a:1 --processes 2 --process 2", "no process 2 of 2: give a number from 0 to 1"),
    ],
)
def test_settings_that_cannot_be(argv: str, reason: str) -> None:
    with pytest.raises(KangarooError) as caught:
        settings(flags("--distributed", *argv.split()), {})
    assert str(caught.value).startswith(reason)


def test_another_backend_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keras.backend.backend", lambda: "tensorflow")
    with pytest.raises(KangarooError, match=r"set KERAS_BACKEND=jax$"):
        start(DistributedSettings(coordinator="127.0.0.1:9", processes=2, process=0))


def test_alone() -> None:
    group, batches = start(None), np.arange(3)
    assert (group, group.first) == (Group(), True)
    assert group.share(batches) is batches
    assert group.broadcast([batches])[0] is batches
    group.agree("anything")


if __name__ == "__main__":
    work, folder, *numbers = sys.argv[1:]
    if numbers:
        joined = DistributedSettings(
            coordinator=f"127.0.0.1:{numbers[0]}", processes=2, process=int(numbers[1])
        )
    found = WORK[work](Path(folder), start(joined if numbers else None))
    Path(folder).with_suffix(".json").write_text(json.dumps(found), encoding="utf-8")
