import itertools
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from kangaroo.data.pipeline import NumpyBatches, Share
from kangaroo.errors import KangarooError
from kangaroo.models import report_cnn
from kangaroo.models.classifier import probabilities
from kangaroo.training import Epoch, History, Objective, TrainConfig, compiled, fit, loop

CONFIG = TrainConfig(epochs=4, batch_size=8, learning_rate=0.03, seed=5, precision="float32")
THREE = replace(CONFIG, epochs=3)


def data(order_seed: int | None, n: int = 40) -> tf.data.Dataset:
    """Pictures of 8 px, brighter on the left in most of class 1: some labels can only be learnt by heart.

    The last batch is smaller.
    """
    rng = np.random.default_rng(0 if order_seed is not None else 1)
    labels = np.arange(n) % 2
    photos = rng.normal(size=(n, 8, 8, 3)).astype(np.float32)
    photos[(labels == 1) ^ (rng.random(n) < 0.2), :, :4] += 1
    order = np.arange(n) if order_seed is None else np.random.default_rng(order_seed).permutation(n)
    return tf.data.Dataset.from_tensor_slices((photos[order], labels[order])).batch(12)


def network(seed: int) -> Callable[[str], keras.Model]:
    """The report's network, but small: building and tracing is what takes the time here."""
    return lambda policy: report_cnn.build(8, 2, seed=seed, dtype_policy=policy, filters=(8, 8), units=8)


def run(folder: Path, config: TrainConfig = CONFIG, **options: Any) -> tuple[keras.Model, History]:
    return fit(network(config.seed), data, data(None), config, folder, **options)


def rows(history: History) -> list[Epoch]:
    """The history without the one column that no two runs share."""
    return [replace(row, seconds=0) for row in history.rows]


def same_weights(a: keras.Model, b: keras.Model) -> bool:
    return all(np.array_equal(v, w) for v, w in zip(a.get_weights(), b.get_weights(), strict=True))


def steps_told(folder: Path) -> list[int]:
    """The epochs that TensorBoard shows."""
    events = EventAccumulator(str(folder / "events" / "validation")).Reload()
    return [event.step for event in events.Scalars("loss")]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[keras.Model, History, Path]:
    """An uninterrupted run, what every other one is compared with."""
    folder = tmp_path_factory.mktemp("whole")
    return *run(folder), folder


Whole = tuple[keras.Model, History, Path]


def test_run_folder(whole: Whole) -> None:
    model, history, folder = whole
    assert names(folder) == ["events", "history.csv", "model.keras", "settings.json"]
    assert History.read(folder / "history.csv") == history
    assert list(pd.read_csv(folder / "history.csv").columns) == [
        "epoch",
        "loss",
        "accuracy",
        "val_loss",
        "val_accuracy",
        "seconds",
    ]
    assert [row.epoch for row in history.rows] == [1, 2, 3, 4]
    assert same_weights(model, keras.models.load_model(folder / "model.keras"))


def test_history_is_of_these_weights(whole: Whole) -> None:
    model, history, _ = whole
    photos, labels = (np.concatenate(part) for part in zip(*data(None).as_numpy_iterator(), strict=True))
    p = model.predict_on_batch(photos)[:, 0]
    best = history.rows[history.best_epoch - 1]
    assert best.val_accuracy == max(row.val_accuracy for row in history.rows)
    assert best.val_accuracy == pytest.approx(np.mean((p > 0.5) == labels))
    assert best.val_loss == pytest.approx(-np.log(np.where(labels == 1, p, 1 - p)).mean(), rel=1e-4)
    assert history.rows[-1].loss < history.rows[0].loss


def test_one_seed_one_history(whole: Whole, tmp_path: Path) -> None:
    keras.utils.set_random_seed(123)
    model, history = run(tmp_path)
    assert rows(history) == rows(whole[1])
    assert same_weights(model, whole[0])
    assert rows(run(tmp_path, replace(CONFIG, seed=6))[1]) != rows(history)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_photos_that_fill_a_batch_up_count_for_nothing(n_classes: int) -> None:
    """A batch of six, and one photo with five such: what is measured is the mean over the seven."""
    model = compiled(report_cnn.build(8, n_classes, seed=0, filters=(4,)), 0.01, weighted=True)
    pixels = np.random.default_rng(0).integers(0, 256, (7, 8, 8, 3), np.uint8)
    labels = (np.arange(7) % n_classes).astype(np.float32 if n_classes == 2 else np.int32)
    filled = NumpyBatches(pixels, labels, np.arange(7), 6, Share(0, 1, devices=6))
    logs = model.evaluate(filled, return_dict=True, verbose=0)
    found = Objective().values({**logs, "val_loss": 0, "val_accuracy": 0})
    p = probabilities(model, pixels)
    assert found["loss"] == pytest.approx(-np.log(p[np.arange(7), labels.astype(int)]).mean(), rel=1e-5)
    assert found["measured"] == pytest.approx(np.mean(p.argmax(axis=1) == labels))
    alone = model.test_on_batch(*filled[1], return_dict=True)
    assert alone["loss"] == pytest.approx(-np.log(p[6, int(labels[6])]), rel=1e-5)


def test_dropout_follows_seed_and_epoch() -> None:
    model = report_cnn.build(8, 2, seed=0)
    photos = next(data(0).as_numpy_iterator())[0]

    def output(seed: int, epoch: int) -> list[float]:
        loop._seed_dropout(model, seed, epoch)
        return np.asarray(model(photos, training=True)).ravel().tolist()

    assert output(1, 2) == output(1, 2)
    assert output(1, 2) != output(1, 3)
    assert output(1, 2) != output(2, 2)


@pytest.fixture
def eagerly() -> Iterator[None]:
    """Without tracing, which takes a second a run."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def snapshots(folder: Path, copies: Path) -> tuple[keras.Model, History]:
    """Train three epochs; copy ``folder`` before a file is renamed or removed, as a kill would leave it."""
    count = itertools.count()

    def copy_before(change: Callable[..., Any]) -> Callable[..., Any]:
        def method(path: Path, *args: Any, **options: Any) -> Any:
            if path.exists():
                shutil.copytree(folder, copies / str(next(count)))
            return change(path, *args, **options)

        return method

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "replace", copy_before(Path.replace))
        patch.setattr(Path, "unlink", copy_before(Path.unlink))
        return run(folder, THREE)


@pytest.mark.usefixtures("eagerly")
def test_killed_between_any_two_changes_of_files(tmp_path: Path) -> None:
    folder, copies = tmp_path / "run", tmp_path / "copies"
    folder.mkdir()
    model, history = snapshots(folder, copies)
    assert history.best_epoch == 2  # so some epochs replace the model and one doesn't
    states = set()
    for copy in copies.iterdir():
        states.add(tuple(names(copy)))
        again, resumed = run(copy, THREE, resume=True)
        assert rows(resumed) == rows(history), copy
        assert same_weights(again, model), copy
        assert names(copy) == names(folder)
        assert steps_told(copy) == [1, 2, 3]
    assert any("checkpoint-0002.keras" in state and "checkpoint-0003.keras" in state for state in states)
    assert any(state[0].startswith(".checkpoint-0001.") for state in states)
    assert any(state[0].startswith(".model.") for state in states)


@pytest.mark.slow
def test_killed_from_outside(tmp_path: Path) -> None:
    code = (
        "import importlib.util, pathlib, sys;"
        "spec = importlib.util.spec_from_file_location('t', sys.argv[1]);"
        "t = importlib.util.module_from_spec(spec); spec.loader.exec_module(t);"
        "t.run(pathlib.Path(sys.argv[2]), t.replace(t.CONFIG, epochs=1000, precision='bfloat16'))"
    )
    folder = tmp_path / "killed"
    process = subprocess.Popen(
        [sys.executable, "-c", code, __file__, folder], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 60
    while process.poll() is None and not list(folder.glob("checkpoint-0003*")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    out, _ = process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert out == b""
    # The killed run was to have 1000 epochs; what it would have been after a few is what counts here.
    epochs = int(max(folder.glob("checkpoint-*")).stem[-4:]) + 2
    settings = folder / "settings.json"
    settings.write_text(settings.read_text(encoding="utf-8").replace("1000", str(epochs)), encoding="utf-8")
    config = replace(CONFIG, epochs=epochs, precision="bfloat16")
    model, history = run(folder, config, resume=True)
    expected_model, expected = run(tmp_path / "whole", config)
    assert rows(history) == rows(expected)
    assert same_weights(model, expected_model)
    assert names(folder) == ["events", "history.csv", "model.keras", "settings.json"]


def no_training(*_: Any) -> Any:
    raise AssertionError("nothing was to be trained")


def test_finished_run_is_only_read(whole: Whole) -> None:
    model, history, folder = whole
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    again, read = fit(no_training, no_training, data(None), CONFIG, folder, resume=True)
    assert read == history
    assert same_weights(again, model)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


class KilledError(Exception):
    """Stands for the end of the process."""


def test_resuming_with_more_epochs(whole: Whole, tmp_path: Path) -> None:
    def train(epoch: int) -> tf.data.Dataset:
        if epoch == 2:
            raise KilledError
        return data(epoch)

    with pytest.raises(KilledError):
        fit(network(CONFIG.seed), train, data(None), replace(CONFIG, epochs=3), tmp_path)
    model, history = run(tmp_path, resume=True)
    assert rows(history) == rows(whole[1])
    assert same_weights(model, whole[0])


@pytest.mark.parametrize(
    ("changes", "settings", "reason"),
    [
        ({"seed": 6}, {}, "seed 5, not 6"),
        ({"batch_size": 9}, {}, "batch_size 8, not 9"),
        ({"learning_rate": 0.1}, {}, "learning_rate 0.03, not 0.1"),
        ({"precision": "bfloat16"}, {}, "precision float32, not bfloat16"),
        ({"epochs": 3}, {}, "epochs 4, not 3"),
        ({"epochs": 5}, {}, "has ended its 4 epochs"),
        ({}, {"image_size": 64}, "image_size None, not 64"),
    ],
)
def test_other_settings_are_refused(
    whole: Whole, changes: Mapping[str, Any], settings: Mapping[str, Any], reason: str
) -> None:
    with pytest.raises(KangarooError, match=reason) as caught:
        run(whole[2], replace(CONFIG, **changes), resume=True, settings=settings)
    assert len(str(caught.value).splitlines()) == 1


def test_model_that_somebody_removed(tmp_path: Path) -> None:
    config = replace(CONFIG, epochs=1)
    run(tmp_path, config)
    (tmp_path / "model.keras").unlink()
    with pytest.raises(KangarooError, match=r"model\.keras is gone: train anew$"):
        run(tmp_path, config, resume=True)


def test_a_tracker_that_is_not_installed_costs_no_run(whole: Whole, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    before = names(whole[2])
    with pytest.raises(KangarooError, match="tracking with wandb needs the package"):
        run(whole[2], track="wandb")
    assert names(whole[2]) == before


def test_settings_may_hold_tuples(tmp_path: Path) -> None:
    config = replace(CONFIG, epochs=1)
    first = run(tmp_path, config, settings={"classes": ("a", "b")})[1]
    assert run(tmp_path, config, resume=True, settings={"classes": ("a", "b")})[1] == first


def test_without_resume_an_old_run_is_replaced(whole: Whole, tmp_path: Path) -> None:
    run(tmp_path, replace(CONFIG, seed=6, epochs=1))
    (tmp_path / "checkpoint-0009.keras").touch()
    assert rows(run(tmp_path)[1]) == rows(whole[1])


def test_loss_that_is_no_number(tmp_path: Path) -> None:
    with pytest.raises(KangarooError, match=r"the loss became (nan|inf) in epoch \d+/4.*below 1e\+30$"):
        run(tmp_path, replace(CONFIG, learning_rate=1e30))


def test_nothing_is_traced_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    traced: list[int] = []
    compute_loss = keras.Sequential.compute_loss

    def counting(self: keras.Sequential, *args: Any, **options: Any) -> Any:
        traced.append(1)  # runs while tracing only
        return compute_loss(self, *args, **options)

    monkeypatch.setattr(keras.Sequential, "compute_loss", counting)
    run(tmp_path / "1", replace(CONFIG, epochs=1))
    once = len(traced)
    run(tmp_path / "3", replace(CONFIG, epochs=3))
    assert 0 < len(traced) - once == once


def test_several_classes_and_a_line_an_epoch(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    model, _ = fit(
        lambda policy: report_cnn.build(8, 3, seed=0, dtype_policy=policy, filters=(4,)),
        data,
        data(None),
        TrainConfig(epochs=2, precision="bfloat16"),
        tmp_path,
    )
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}
    out, err = capfd.readouterr()
    assert out == ""
    lines = [line[:10] for line in err.splitlines() if "validation loss" in line]
    assert lines == ["epoch 1/2:", "epoch 2/2:"]
