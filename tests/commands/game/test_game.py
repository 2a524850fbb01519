import argparse
import json
import sqlite3

import pandas as pd
import pytest

from kangaroo.commands import game
from kangaroo.console import guarded
from kangaroo.game.answers import Answer, Score
from kangaroo.game.pool import Photo
from kangaroo.game.records import Terms
from kangaroo.game.results import Results


@pytest.fixture
def results(tmp_path):
    """Ada names six photos rightly, of which the model names one; at another resolution there is one more."""
    found = Results(tmp_path / "r.sqlite")
    for token, resolution, rounds in (("a", 224, 6), ("b", 64, 1)):
        terms = Terms("0123456789abcdef", ("Austria", "Czechia", "Italy", "Norway"), 10, None, resolution)
        found.add_game(token, found.player("=Ada"), terms)
        for i in range(rounds):
            photo = Photo(f"Austria/{token}{i}.jpg", None, "Austria", f"{token}{i}", 48.0, 16.0)
            rank = 1 if i == 0 else 2
            model = Answer(("Austria", "Italy")[:: 1 if rank == 1 else -1])
            found.add_round(
                f"{token}{i}", found.game(token), photo, 0, model, Score(rank, 100.0 * rank, 4000)
            )
            found.add_guess(f"{token}{i}", Answer(("Austria",)), Score(1, 10.0, 4900), 1.5)
    return found.path


def run(capsys, *argv):
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    for name, module in game.COMMANDS.items():
        command = commands.add_parser(name, help=module.SUMMARY)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    args = parser.parse_args(list(map(str, argv)))
    code = guarded(lambda: args.run(args), debug=False)
    return code, *capsys.readouterr()


def test_compare_says_who_is_better(results, capsys):
    code, out, err = run(capsys, "compare", results)
    assert (code, err) == (0, "")
    assert out.startswith(
        "On these 6 photos people named the country of 100 % and the model of 17 %; on so few photos that "
        "can well be chance (p = 0.062).\nmodel 0123456789ab, 4 classes, 224 pixels, 6 answers, players: 1\n"
    )
    assert "median_km" in out
    assert "On this one photo people" in out  # played at another resolution: a comparison of its own


def test_compare_as_json(results, capsys):
    first, second = json.loads(run(capsys, "compare", results, "--json")[1])
    assert (first["photos"], second["photos"], second["resolution"]) == (6, 1, 64)
    assert first["measures"]["top1"]["p"] == 2 / 2**5
    assert first["measures"]["top1"]["chance"] == 0.25
    assert first["measures"]["median_km"]["model"]["value"] == 200
    assert list(first["measures"]) == ["top1", "top3", "median_km", "mean_points"]


def test_export_writes_every_answer(results, tmp_path, capsys):
    code, out, _ = run(capsys, "export", results, "--csv", tmp_path / "a.csv")
    assert (code, out) == (0, f"7 answers: {tmp_path / 'a.csv'}\n")
    table = pd.read_csv(tmp_path / "a.csv")
    assert set(table["player"]) == {"'=Ada"}
    assert table["model_rank"].tolist() == [1, 2, 2, 2, 2, 2, 1]


@pytest.mark.parametrize("argv", [("compare",), ("export", "--csv", "x.csv")])
def test_what_are_no_results_is_said(tmp_path, capsys, argv, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "none.sqlite"
    code, _, err = run(capsys, argv[0], path, *argv[1:])
    assert (code, err.count("\n")) == (2, 1)
    assert f"no results {path}: give the file" in err
    path.write_text("nothing of the kind")
    code, _, err = run(capsys, argv[0], path, *argv[1:])
    assert code == 2
    assert "is no database" in err
    with sqlite3.connect(tmp_path / "other.sqlite") as db:
        db.execute("CREATE TABLE x (y)")
    assert "is a database of something else" in run(capsys, argv[0], tmp_path / "other.sqlite", *argv[1:])[2]
    assert not (tmp_path / "x.csv").exists()


def test_nothing_played_and_bad_seeds(tmp_path, results, capsys):
    Results(tmp_path / "new.sqlite").player("Ada")
    code, _, err = run(capsys, "compare", tmp_path / "new.sqlite")
    assert code == 2
    assert "holds no answer that counts: play first" in err
    assert run(capsys, "export", tmp_path / "new.sqlite", "--csv", tmp_path / "e.csv")[0] == 0
    assert (tmp_path / "e.csv").read_text().startswith("player,game,round,photo,")
    assert run(capsys, "compare", results, "--seed", -1)[0] == 2
