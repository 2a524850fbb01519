import json
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from kangaroo.cli import COMMANDS, main
from kangaroo.models import report_cnn, store
from kangaroo.models.card import Card

CLASSES = ("Austria", "Australia")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "tiny.keras"
    network = report_cnn.build(32, 2, seed=0, filters=(4, 4), units=8)
    facts = {"training": {}, "data": {}, "metrics": {}, "intended_use": "tests", "limits": "all"}
    store.save(network, path, Card(classes=CLASSES, image_size=32, task="test", **facts))
    return path


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn") / "scenes"
    assert main(["scenes", "--out", str(folder), "--n", "60", "--size", "48", "--classes", *CLASSES]) == 0
    return folder


def run(capsys, *argv):
    code = main([str(arg) for arg in argv])
    out, err = capsys.readouterr()
    return code, out, err


def test_scenes_prints_json(capsys, tmp_path):
    code, out, _ = run(capsys, "scenes", "--out", tmp_path / "s", "--n", 10, "--size", 32, "--json")
    assert code == 0
    assert json.loads(out)["n"] == 10
    assert len(list((tmp_path / "s").rglob("*.jpg"))) == 10


def test_predict_prints_a_line_a_photo(capsys, model, scenes):
    code, out, _ = run(capsys, "predict", model, scenes / "Austria")
    assert code == 0
    assert len(out.splitlines()) == 30
    assert all(line.split()[0] in CLASSES for line in out.splitlines())


def test_predict_json_and_csv_agree_and_bad_files_are_named(capsys, model, scenes, tmp_path):
    bad = tmp_path / "bad photo.jpg"
    bad.write_text("no picture")
    code, out, err = run(capsys, "predict", model, scenes, bad, "--json", "--csv", tmp_path / "out.csv")
    result, table = json.loads(out), pd.read_csv(tmp_path / "out.csv")
    assert code == 0
    assert [row["file"] for row in result["predictions"]] == list(table["file"])
    for row, p in zip(result["predictions"], table["p_Australia"], strict=True):
        assert row["probabilities"]["Australia"] == pytest.approx(p)
        assert sum(row["probabilities"].values()) == pytest.approx(1)
        assert row["confidence"] == max(row["probabilities"].values())
    assert [item["file"] for item in result["rejected"]] == [str(bad)]
    assert "bad photo.jpg" in err


def test_a_model_of_drawn_scenes_says_so(capsys, model, scenes, tmp_path):
    card = json.loads(model.with_suffix(".json").read_text())
    shutil.copy(model, tmp_path / "drawn.keras")
    (tmp_path / "drawn.json").write_text(json.dumps(card | {"data": {"drawn": True}}))
    for path, expected in ((model, False), (tmp_path / "drawn.keras", True)):
        _, _, err = run(capsys, "predict", path, scenes)
        assert ("trained on drawn scenes" in err) == expected


def test_evaluate_gives_every_figure_of_the_contract(capsys, model, scenes):
    code, out, _ = run(capsys, "evaluate", model, "--images", scenes, "--json")
    metrics = json.loads(out)
    assert code == 0
    assert metrics["n"] == 60
    assert metrics["classes"] == list(CLASSES)
    assert np.sum(metrics["confusion_matrix"]) == 60
    assert metrics["accuracy"] == pytest.approx(np.trace(metrics["confusion_matrix"]) / 60)
    keys = {"balanced_accuracy", "top3_accuracy", "loss", "per_class", "confidence", "ece", "brier"}
    assert keys | {"accuracy_ci95", "rejected", "geo"} <= metrics.keys()


def test_evaluate_on_the_validation_side_of_a_split(capsys, model, scenes, tmp_path):
    files = sorted((scenes / "Austria").rglob("*.jpg"))[:7]
    places = [f"drawn-{file.stem}" for file in files]  # the files' paths may have changed since
    table = pd.DataFrame({"file": "elsewhere", "class": "Austria", "place": places, "split": "validation"})
    table.to_csv(tmp_path / "split.csv", index=False)
    code, out, _ = run(
        capsys, "evaluate", model, "--images", scenes, "--split", tmp_path / "split.csv", "--json"
    )
    assert code == 0
    assert json.loads(out)["n"] == 7


def test_evaluate_refuses_one_picture_under_two_classes_and_a_class_without_photos(
    capsys, model, scenes, tmp_path
):
    for name in CLASSES:
        (tmp_path / name).mkdir()
    photo = next(scenes.rglob("*.jpg")).read_bytes()
    (tmp_path / "Austria" / "a.jpg").write_bytes(photo)
    (tmp_path / "Australia" / "a.jpg").touch()
    code, _, err = run(capsys, "evaluate", model, "--images", tmp_path)
    assert (code, "class 'Australia' has no usable photo" in err) == (2, True)
    (tmp_path / "Australia" / "a.jpg").write_bytes(photo)
    code, _, err = run(capsys, "evaluate", model, "--images", tmp_path)
    assert (code, "the same picture under two classes" in err) == (2, True)


def test_evaluate_leaves_out_classes_that_the_model_does_not_know(capsys, model, scenes, tmp_path):
    for name in ("Austria", "Narnia"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (40, 40), (9, 99, len(name))).save(tmp_path / name / "a.png")
    code, out, err = run(capsys, "evaluate", model, "--images", tmp_path)
    assert code == 0
    assert "left out: Narnia" in err
    assert out.startswith("1 photos: accuracy")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["predict", "nowhere.keras", "MODEL"], "nowhere.keras"),
        (["predict", "MODEL", "nowhere.jpg"], "nowhere.jpg"),
        (["predict", "MODEL", "EMPTY"], "no photos in"),
        (["predict", "MODEL", "MODEL", "--csv", "EMPTY"], "can't be written"),
        (["scenes", "--out", "MODEL"], "give a path"),
        (["scenes", "--out", "EMPTY", "--size", "70000"], "70000 pixels"),
        (["evaluate", "MODEL", "--images", "nowhere"], "no folder nowhere"),
        (["evaluate", "MODEL", "--images", "EMPTY"], "no class folders"),
        (["scenes", "--out", "EMPTY", "--classes", "Atlantis"], "Atlantis"),
        (["convert", "nowhere", "x.keras", "--classes", "A", "B"], "no folder nowhere"),
        (["convert", "EMPTY", "x.keras", "--classes", "A", "B"], "not a TensorFlow SavedModel"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(capsys, model, tmp_path, argv, message):
    given = {"MODEL": model, "EMPTY": tmp_path}
    code, out, err = run(capsys, *(given.get(arg, arg) for arg in argv))
    assert code == 2
    assert not out
    assert len(err.splitlines()) == 1
    assert err.startswith("error: ")
    assert message in err


def test_debug_shows_the_traceback(capsys, tmp_path):
    code, _, err = run(capsys, "evaluate", tmp_path / "no.keras", "--images", tmp_path, "--debug")
    assert code == 2
    assert "Traceback" in err


HELP = """
import sys
from kangaroo.cli import main
try:
    main({argv})
finally:
    assert "keras" not in sys.modules
"""


def words(commands, *group):
    """Every command and group of commands, as the words to type."""
    for name, module in commands.items():
        yield [*group, name, "--help"]
        yield from words(getattr(module, "COMMANDS", {}), *group, name)


@pytest.mark.parametrize("argv", [["--help"], *words(COMMANDS)], ids=" ".join)
def test_help_teaches_with_an_example_and_needs_no_tensorflow(argv):
    call = [sys.executable, "-c", HELP.format(argv=argv)]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "example: kangaroo" in done.stdout or argv == ["--help"]


def test_precision_is_a_flag_of_predict_and_evaluate(capsys, model, scenes):
    accuracies = []
    for precision in ("float32", "bfloat16"):
        flags = ("--images", scenes, "--json", "--precision", precision)
        code, out, _ = run(capsys, "evaluate", model, *flags)
        assert code == 0
        accuracies.append(json.loads(out)["accuracy"])
    assert accuracies[0] == pytest.approx(accuracies[1], abs=0.05)
    code, out, _ = run(capsys, "predict", model, scenes, "--json", "--precision", "bfloat16")
    assert (code, len(json.loads(out)["predictions"])) == (0, 60)
