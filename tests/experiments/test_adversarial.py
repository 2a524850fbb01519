import json
from pathlib import Path

import keras
import pandas as pd
import pytest

import kangaroo
from experiments.adversarial.__main__ import METHODS, main
from kangaroo.models import report_cnn, store
from kangaroo.models.card import Card

SMALL = ["--steps", "2", "--precision", "float32", "--eps", "0", "2", "8"]
LEFT = ["figures", "report.html", "robustness.csv", "robustness.json", "scenes"]


def run(*argv: object) -> int:
    return main([str(word) for word in (*argv, *SMALL)])


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "tiny.keras"
    facts = {"training": {}, "data": {}, "metrics": {}, "intended_use": "tests", "limits": "all"}
    network = report_cnn.build(32, 2, seed=0, filters=(4, 4), units=8)
    store.save(network, path, Card(classes=("Austria", "Australia"), image_size=32, task="test", **facts))
    return path


@pytest.fixture(scope="module")
def attacked(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("attacked") / "run"
    assert run("--model", model, "--photos", 24, "--out", out) == 0
    return out


@pytest.fixture(scope="module")
def hardened(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("hardened") / "run"
    training = ("--adversarial-training", "--image-size", 32, "--scenes", 60, "--epochs", 2)
    assert run(*training, "--out", out) == 0
    return out


def test_the_run_folder_holds_table_figures_and_page(attacked: Path) -> None:
    assert sorted(path.name for path in attacked.iterdir()) == LEFT
    metrics = json.loads((attacked / "robustness.json").read_text())
    table = pd.read_csv(attacked / "robustness.csv")
    assert list(metrics["sweeps"]["plain"]) == list(METHODS) == list(table["attack"].unique())
    for name, sweep in metrics["sweeps"]["plain"].items():
        assert sweep["eps"] == [0, 2, 8]
        assert table.loc[table["attack"] == name, "accuracy"].tolist() == pytest.approx(sweep["accuracy"])
    assert len({sweep["accuracy"][0] for sweep in metrics["sweeps"]["plain"].values()}) == 1
    figures = {path.stem for path in (attacked / "figures").iterdir()}
    assert figures == {"methods", "logit", "probability"}
    page = (attacked / "report.html").read_text()
    assert page.count("<img") == 3
    assert "drawn scenes, not photos" in page


def test_scenes_are_fresh_and_no_more_than_needed(attacked: Path) -> None:
    files = sorted((attacked / "scenes").rglob("*.jpg"))
    assert len(files) == 24
    assert all(int(file.stem) >= 1_000_000_000 for file in files)


@pytest.mark.slow
def test_adversarial_training_leaves_two_plain_models_and_their_curves(hardened: Path) -> None:
    cards = {name: kangaroo.load(hardened / name / "model.keras").card for name in ("plain", "hardened")}
    assert cards["hardened"].training["adversarial_epsilon"] == 0.01
    assert "adversarial_epsilon" not in cards["plain"].training
    assert type(keras.models.load_model(hardened / "hardened" / "model.keras")) is keras.Sequential
    metrics = json.loads((hardened / "robustness.json").read_text())
    assert metrics["n"] == 12  # the validation side alone
    assert list(metrics["sweeps"]["hardened"]) == ["signed gradient", "PGD"]
    for name, card in cards.items():
        assert metrics["sweeps"][name]["PGD"]["accuracy"][0] == card.metrics["accuracy"]
    assert (hardened / "figures" / "training.png").exists()


@pytest.mark.slow
def test_resume_reads_what_is_done(hardened: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (hardened / "robustness.csv").read_text()
    training = ("--adversarial-training", "--image-size", 32, "--scenes", 60, "--epochs", 2)
    assert run(*training, "--out", hardened, "--resume") == 0
    assert (hardened / "robustness.csv").read_text() == before
    assert run(*training, "--out", hardened, "--resume", "--training-epsilon", 0.1) == 2
    assert "adversarial_epsilon 0.01, not 0.1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--eps", "-1"], "epsilon -1.0"),
        (["--steps", "0"], "0 steps"),
        (["--classes", "Austria", "Narnia"], "no class 'Narnia'"),
        (["--model", "nowhere.keras"], "no model file nowhere.keras"),
        (["--adversarial-training", "--training-epsilon", "0", "--image-size", "32"], "give one above 0"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], argv: list[str], message: str
) -> None:
    words = ["--model", model, "--out", tmp_path / "run", "--scenes", 20, *SMALL, *argv]
    assert main([str(word) for word in words]) == 2
    out, err = capsys.readouterr()
    assert not out
    assert message in err.splitlines()[-1]
    assert "Traceback" not in err
