import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kangaroo.errors import KangarooError
from kangaroo.training import Epoch, History
from kangaroo.training.tracking import check, tracking

ROWS = tuple(Epoch(i, 1 / i, i / 10, 2 / i, i / 20, 30.0) for i in range(1, 5))
RECORD = {"epochs": 4, "classes": ["a", "b"], "loss": None}


def rate(epoch: int) -> float:
    return 0.1 / (epoch + 1)


def tell(
    folder: Path, known: int, new: int, track: str = "", measure: str = "accuracy", *, stop: bool = False
) -> None:
    """Track a training of which ``known`` epochs were there, and ``new`` are trained, or it stops."""
    with tracking(folder, RECORD, History(ROWS[:known], measure), rate, track) as log:
        for row in ROWS[known : known + new]:
            log(row)
        if stop:
            raise InterruptedError


def curves(folder: Path) -> dict[tuple[str, str], list[tuple[int, float, float]]]:
    """What TensorBoard shows: step, value and time of each curve."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = {}
    for side in ("training", "validation"):
        events = EventAccumulator(str(folder / "events" / side)).Reload()
        for tag in events.Tags()["scalars"]:
            found[side, tag] = [(e.step, e.value, e.wall_time) for e in events.Scalars(tag)]
    return found


def test_tensorboard_shows_both_sides(tmp_path: Path) -> None:
    tell(tmp_path, 0, 4, measure="km")
    found = curves(tmp_path)
    expected = {
        ("training", "loss"): [row.loss for row in ROWS],
        ("training", "km"): [row.measured for row in ROWS],
        ("training", "seconds"): [30] * 4,
        ("training", "learning_rate"): [0.1, 0.05, 0.1 / 3, 0.025],
        ("validation", "loss"): [row.val_loss for row in ROWS],
        ("validation", "km"): [row.val_measured for row in ROWS],
    }
    assert found.keys() == expected.keys()
    for curve, values in expected.items():
        assert [step for step, _, _ in found[curve]] == [1, 2, 3, 4]
        assert [value for _, value, _ in found[curve]] == pytest.approx(values)


def test_a_resumed_run_continues_the_curves_without_doubled_steps(tmp_path: Path) -> None:
    """The killed one had told of three epochs, the last of which its checkpoint doesn't know."""
    tell(tmp_path, 0, 3)
    path = next(tmp_path.rglob("*tfevents*"))
    path.write_bytes(path.read_bytes()[:-5])  # killed while it wrote
    tell(tmp_path, 2, 2)
    for values in curves(tmp_path).values():
        assert [step for step, _, _ in values] == [1, 2, 3, 4]
        times = [when for _, _, when in values]
        assert times[1] - times[0] == pytest.approx(30)  # as if trained in one go
        assert time.time() - times[3] < 20


def test_event_files_need_no_tensorflow(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['tensorflow'] = sys.modules['keras'] = None;"
        "from pathlib import Path; from kangaroo.training import Epoch, History;"
        "from kangaroo.training.tracking import tracking\n"
        "with tracking(Path(sys.argv[1]), {}, History(), lambda epoch: 0.1, '') as log:\n"
        "    log(Epoch(1, 1.0, 0.5, 1.0, 0.5, 2.0))"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert curves(tmp_path)["validation", "loss"][0][:2] == (1, 1.0)


def test_a_tracker_that_fails_ends_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "events").write_text("in the way")
    tell(tmp_path, 0, 2)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("note: no more is told to TensorBoard (")
    assert len(err.splitlines()) == 1


def test_trackers_that_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    check("")
    with pytest.raises(KangarooError, match="no tracker 'mlflow': choose wandb"):
        check("mlflow")
    monkeypatch.setitem(sys.modules, "wandb", None)  # importing it fails
    with pytest.raises(KangarooError, match=r"needs the package: pip install -e '\.\[tracking\]'$"):
        check("wandb")


class Server:
    """Stands for Weights & Biases: what was logged under each id, and how runs ended."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.logged: dict[str, dict[int, Mapping[str, float]]] = {}
        self.ends: list[int] = []
        self.fail: Callable[[int], bool] = lambda step: False

    def init(self, **asked: Any) -> Any:
        self.asked.append(asked)
        steps = self.logged.setdefault(asked["id"], {})

        def log(values: Mapping[str, float], step: int, commit: bool) -> None:
            assert commit
            if self.fail(step):
                raise ConnectionError("no route")
            assert step not in steps
            steps[step] = values

        return SimpleNamespace(
            step=max(steps, default=-1) + 1, log=log, finish=lambda exit_code: self.ends.append(exit_code)
        )


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    found = Server()
    monkeypatch.setitem(
        sys.modules, "wandb", SimpleNamespace(init=found.init, Settings=dict, teardown=lambda: None)
    )
    for name in ("WANDB_PROJECT", "WANDB_NAME"):
        monkeypatch.delenv(name, raising=False)
    return found


def test_a_resumed_run_goes_on_under_its_id(server: Server, tmp_path: Path) -> None:
    """The first process was killed after its third epoch, the second resumes behind the second."""
    folder = tmp_path / "mine"
    with pytest.raises(InterruptedError):
        tell(folder, 0, 3, "wandb", stop=True)
    tell(folder, 2, 2, "wandb")
    ((name, steps),) = server.logged.items()
    assert (folder / "wandb" / "run-id.txt").read_text() == name
    assert sorted(steps) == [1, 2, 3, 4]
    assert steps[4] == {
        "loss": 0.25,
        "accuracy": 0.4,
        "val_loss": 0.5,
        "val_accuracy": 0.2,
        "seconds": 30.0,
        "learning_rate": 0.025,
    }
    assert server.ends == [1, 0]  # stopped, then done
    asked = server.asked[0]
    assert (asked["project"], asked["name"], asked["config"]) == ("kangaroo", "mine", RECORD)


def test_what_the_server_missed_is_told_again(server: Server, tmp_path: Path) -> None:
    """Killed between its checkpoint and telling of it."""
    tell(tmp_path, 0, 1, "wandb")
    tell(tmp_path, 3, 1, "wandb")
    assert [sorted(steps) for steps in server.logged.values()] == [[1, 2, 3, 4]]


def test_a_server_that_breaks_down(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.fail = lambda step: step == 2
    tell(tmp_path, 0, 4, "wandb")
    assert capsys.readouterr().err == "note: no more is told to Weights & Biases (no route)\n"
    assert [len(values) for values in curves(tmp_path).values()] == [4] * 6


@pytest.fixture
def real_wandb(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """The package itself, which can reach nothing but this machine."""
    wandb = pytest.importorskip("wandb", reason="wandb is not installed: pip install -e '.[tracking]'")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nowhere = f"http://127.0.0.1:{closed.getsockname()[1]}"
    for name in ("WANDB_BASE_URL", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, nowhere)
    for name in ("CONFIG", "CACHE", "DATA"):
        monkeypatch.setenv(f"WANDB_{name}_DIR", str(tmp_path / name))
    monkeypatch.setenv("WANDB_ERROR_REPORTING", "false")
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    wandb.teardown()  # it looks at its variables once
    yield
    wandb.teardown()


def offline_run(folder: Path) -> bytes:
    """What lies in the folder for ``wandb sync``, once it is there: a process of its own writes it."""
    (path,) = folder.glob("wandb/offline-run-*/*.wandb")
    deadline = time.monotonic() + 20
    while b"val_accuracy" not in path.read_bytes() and time.monotonic() < deadline:
        time.sleep(0.1)
    return path.read_bytes()


@pytest.mark.usefixtures("real_wandb")
def test_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    folder = tmp_path / "run"
    tell(folder, 0, 2, "wandb")
    name = (folder / "wandb" / "run-id.txt").read_text()
    found = offline_run(folder)
    assert b"val_accuracy" in found
    assert b"learning_rate" in found
    assert list(folder.glob(f"wandb/offline-run-*-{name}"))


@pytest.mark.usefixtures("real_wandb")
def test_a_server_that_cannot_be_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("kangaroo.training.tracking._PATIENCE", 2)
    folder = tmp_path / "run"
    tell(folder, 0, 2, "wandb")
    assert "note: Weights & Biases can't be reached (" in capsys.readouterr().err
    assert b"val_accuracy" in offline_run(folder)
    assert [len(values) for values in curves(folder).values()] == [2] * 6
