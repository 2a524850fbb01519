import json
import sys
from pathlib import Path

import pandas as pd
import pytest

from kangaroo.cli import main

HISTORY = "epoch,loss,accuracy,val_loss,val_accuracy,seconds\n1,0.9,0.5,0.8,0.5,100\n2,0.7,0.6,0.6,{},1200\n"
HASH = "0123456789abcdef" * 4


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three runs, of which one has not ended, and one that is damaged."""
    for name, accuracy, rate in (("b", 0.81, 0.001), ("a", 0.75, 0.01), ("open", 0.6, 0.01)):
        own = tmp_path / name
        own.mkdir()
        settings = {"epochs": 2 if name != "open" else 9, "learning_rate": rate, "seed": 0}
        settings["photos and split"] = HASH if name == "a" else HASH[::-1]
        (own / "settings.json").write_text(json.dumps(settings))
        (own / "history.csv").write_text(HISTORY.format(accuracy))
        if name != "open":
            geo = {"median_km": 1234.5, "mean_km": 2345.6, "geoscore": 3000 * accuracy}
            metrics = {"accuracy": accuracy, "accuracy_ci95": [0.7, 0.9], "geo": geo}
            (own / "metrics.json").write_text(json.dumps(metrics))
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "settings.json").write_text("{")
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *argv: object) -> tuple[int, str, str]:
    code = main(["runs", *map(str, argv)])
    out, err = capsys.readouterr()
    return code, out, err


def test_table(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    code, out, err = run(capsys, folder)
    assert code == 0
    assert [" ".join(line.split()) for line in out.splitlines()] == [
        # Not the seed, which is the same.
        "name state epochs kept accuracy interval median_km mean_km geoscore seconds learning_rate "
        "photos and split",
        "a finished 2 2 0.750 0.700 to 0.900 1,234 2,346 2,250 1,300 0.01 01234567",
        "b finished 2 2 0.810 0.700 to 0.900 1,234 2,346 2,430 1,300 0.001 fedcba98",
        "open running 2 of 9 2 0.600 – – – – 1,300 0.01 fedcba98",
    ]
    assert err.startswith(f"damaged: {folder / 'broken'}: ")
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("column", "order"),
    [
        ("name", "a b open"),
        ("accuracy", "b a open"),
        ("geoscore", "b a open"),
        ("learning_rate", "b a open"),
        ("state", "a b open"),
        ("photos and split", "a b open"),
    ],
)
def test_sorted(capsys: pytest.CaptureFixture[str], folder: Path, column: str, order: str) -> None:
    _, out, _ = run(capsys, folder, "--sort", column)
    assert [line.split()[0] for line in out.splitlines()[1:]] == order.split()


def test_json_and_csv(capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path) -> None:
    code, out, _ = run(capsys, folder, "--json", "--csv", tmp_path / "runs.csv")
    found, table = json.loads(out), pd.read_csv(tmp_path / "runs.csv")
    assert code == 0
    assert [item["folder"] for item in found["damaged"]] == [str(folder / "broken")]
    last = found["runs"][2]
    assert (last["name"], last["state"], last["epochs"], last["wanted"]) == ("open", "running", 2, 9)
    assert last["interval"] is last["median_km"] is None
    assert last["settings"] == {"learning_rate": 0.01, "photos and split": HASH[::-1]}
    assert table["accuracy"].tolist() == [item["accuracy"] for item in found["runs"]]
    assert table["photos and split"][0] == HASH


@pytest.mark.parametrize("width", [200, 110, 80, 50, 30])
def test_no_line_is_wider_than_the_window(
    capsys: pytest.CaptureFixture[str], folder: Path, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    _, out, _ = run(capsys, folder)
    *table, last = out.splitlines()
    assert max(map(len, table)) <= width
    assert table[0].split()[0] == "name"
    assert last.startswith("(too wide for this window") == (width < 150)


@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        (["EMPTY"], "no run in "),
        (["nowhere"], "no folder nowhere"),
        (["FOLDER", "--sort", "taste"], "no column 'taste' to sort by: choose from name, state, "),
        (["FOLDER", "--csv", "EMPTY"], "give a path"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(
    capsys: pytest.CaptureFixture[str], folder: Path, argv: list[str], reason: str
) -> None:
    (folder / "empty").mkdir()
    given = {"EMPTY": folder / "empty", "FOLDER": folder}
    code, out, err = run(capsys, *(given.get(word, word) for word in argv))
    assert (code, out) == (2, "")
    assert reason in err.splitlines()[-1]
