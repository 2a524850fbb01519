"""``kangaroo attack``, from the command line."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kangaroo.cli import main
from kangaroo.models import report_cnn, store
from kangaroo.models.card import Card
from kangaroo.scenes.folder import SceneSettings, write_folder

CLASSES = ("Austria", "Australia")
KEYS = {"method", "space", "norm", "eps", "accuracy", "loss", "max_abs_perturbation", "mean_abs_perturbation"}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "tiny.keras"
    network = report_cnn.build(16, 2, seed=0, filters=(4,), units=4)
    facts: dict[str, Any] = {"training": {}, "data": {}, "metrics": {}, "intended_use": "", "limits": ""}
    store.save(network, path, Card(classes=CLASSES, image_size=16, task="test", **facts))
    return path


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = SceneSettings((*CLASSES, "Slovakia"), n=36, size=32)
    return write_folder(tmp_path_factory.mktemp("drawn") / "scenes", settings, workers=1)


def run(capsys: pytest.CaptureFixture[str], *argv: object) -> tuple[int, str, str]:
    code = main(["attack", *map(str, argv)])
    return code, *capsys.readouterr()


def test_json_agrees_with_evaluate_and_with_the_table(
    capsys: pytest.CaptureFixture[str], model: Path, scenes: Path, tmp_path: Path
) -> None:
    code, out, err = run(capsys, model, "--images", scenes, "--eps", 3, 0, "--out", tmp_path / "a", "--json")
    assert code == 0
    assert "left out: Slovakia" in err
    found = json.loads(out)
    assert found.keys() >= KEYS | {"zero_gradient_fraction", "n", "classes", "rejected"}
    assert (found["n"], found["eps"], found["classes"]) == (24, [3, 0], list(CLASSES))
    assert found["max_abs_perturbation"] == [3, 0]
    assert main(["evaluate", str(model), "--images", str(scenes), "--json"]) == 0
    clean = json.loads(capsys.readouterr().out)
    assert found["accuracy"][1] == clean["accuracy"]
    assert found["loss"][1] == pytest.approx(clean["loss"], rel=1e-2)  # in bfloat16 where there is
    table = pd.read_csv(tmp_path / "a" / "adversarial.csv")
    by_epsilon = table.groupby("epsilon")["correct"].mean()
    np.testing.assert_allclose(by_epsilon, found["accuracy"][::-1])
    assert len(table) == 48
    assert {path.name for path in (tmp_path / "a").iterdir()} == {
        "adversarial.csv",
        "accuracy.png",
        "examples.png",
    }


def test_one_seed_one_result(capsys: pytest.CaptureFixture[str], model: Path, scenes: Path) -> None:
    pgd = (model, "--images", scenes, "--method", "pgd", "--steps", 2, "--eps", 2, "--json", "--seed")
    first, again, other = (run(capsys, *pgd, seed)[1] for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize("target", ["Australia", "1"])
def test_a_target_is_a_name_or_a_number(
    capsys: pytest.CaptureFixture[str], model: Path, scenes: Path, target: str
) -> None:
    code, out, _ = run(
        capsys,
        model,
        "--images",
        scenes,
        "--space",
        "standardized",
        "--target",
        target,
        "--method",
        "iterative",
    )
    assert code == 0
    assert out.splitlines()[-1].split()[-1] == "1.0000"  # at epsilon 1 all are taken for it
    assert "taken for Australia" in out


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--eps", "0", "-1"], "epsilon -1.0"),
        (["--eps", "nan"], "epsilon nan"),
        (["--steps", "0"], "0 steps"),
        (["--step-size", "0"], "a step of size 0.0"),
        (["--seed", "-1"], "seed -1"),
        (["--target", "Narnia"], "no class 'Narnia' to aim at: choose from Austria, Australia"),
        (["--target", "2"], "no class '2' to aim at"),
        (["--images", "EMPTY"], "no class folders"),
        (["--images", "OTHER"], "the folders hold Narnia: give photos of the model's classes"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(
    capsys: pytest.CaptureFixture[str],
    model: Path,
    scenes: Path,
    tmp_path: Path,
    argv: list[str],
    message: str,
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "other" / "Narnia").mkdir(parents=True)
    given = {"EMPTY": str(tmp_path / "empty"), "OTHER": str(tmp_path / "other")}
    code, out, err = run(capsys, model, "--images", scenes, *(given.get(word, word) for word in argv))
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert message in err


def test_a_photo_that_cannot_be_read_is_named(
    capsys: pytest.CaptureFixture[str], model: Path, scenes: Path, tmp_path: Path
) -> None:
    for name in CLASSES:
        (tmp_path / name).mkdir()
        for file in sorted((scenes / name).rglob("*.jpg"))[:2]:
            (tmp_path / name / file.name).write_bytes(file.read_bytes())
    (tmp_path / "Austria" / "bad.jpg").write_text("no picture")
    code, out, err = run(capsys, model, "--images", tmp_path, "--eps", 1, "--json")
    assert (code, json.loads(out)["n"]) == (0, 4)
    assert [Path(bad["file"]).name for bad in json.loads(out)["rejected"]] == ["bad.jpg"]
    assert "bad.jpg" in err
