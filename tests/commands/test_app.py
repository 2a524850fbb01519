"""``kangaroo app`` from its flags to its end."""

import argparse
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from kangaroo.commands import app
from kangaroo.console import guarded

MODEL = Path(__file__).parents[2] / "saved_models" / "binary_austria_australia.keras"
START = """
import argparse, sys
from kangaroo.commands import app
from kangaroo.console import guarded
parser = argparse.ArgumentParser()
app.add_arguments(parser)
sys.exit(guarded(lambda: app.run(parser.parse_args()), debug=False))
"""


def run(*flags):
    parser = argparse.ArgumentParser()
    app.add_arguments(parser)
    return guarded(lambda: app.run(parser.parse_args([str(flag) for flag in flags])), debug=False)


def test_without_gradio_it_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert run(MODEL) == 2
    assert capsys.readouterr().err == "error: the page needs Gradio: pip install 'kangaroo[app]'\n"


def test_a_missing_model_is_one_line(capsys, tmp_path):
    pytest.importorskip("gradio", reason="Gradio is not installed")
    assert run(tmp_path / "no.keras") == 2
    assert capsys.readouterr().err.startswith(f"error: no model file {tmp_path / 'no.keras'}")


def test_an_installed_package_asks_for_a_model(capsys, monkeypatch, tmp_path):
    pytest.importorskip("gradio", reason="Gradio is not installed")
    monkeypatch.setattr(app, "__file__", str(tmp_path / "kangaroo" / "commands" / "app.py"))
    assert run() == 2
    assert capsys.readouterr().err.startswith("error: no MODEL was given")


@pytest.mark.parametrize(
    ("flags", "line"),
    [(["--max-upload-mb", "0"], "photos of up to 0.0 MB"), (["--queue", "0"], "a queue of 0"),
     (["--examples", "nowhere"], "no folder nowhere"), (["--port", "99999"], "port 99999"),
     (["--seed", "-1"], "seed -1")],
)  # fmt: skip
def test_what_cannot_be_is_one_line(flags, line, capsys):
    pytest.importorskip("gradio", reason="Gradio is not installed")
    assert run(MODEL, "--no-browser-open", *flags) == 2
    errors = [text for text in capsys.readouterr().err.splitlines() if text.startswith("error")]
    assert len(errors) == 1
    assert line in errors[0]


@pytest.mark.slow
def test_it_says_where_it_is_ends_with_ctrl_c_and_leaves_nothing(tmp_path):
    httpx = pytest.importorskip("httpx")
    pytest.importorskip("gradio", reason="Gradio is not installed")
    command = [sys.executable, "-c", START, str(MODEL), "--port", "0", "--no-browser-open"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        start_new_session=True,
    ) as process:
        address, rest = process.stdout.readline().split(" ", 1)
        assert rest == "(Ctrl-C ends it)\n"
        assert httpx.get(address).status_code == 200
        with socket.create_connection(("127.0.0.1", int(address.rstrip("/").rsplit(":")[-1]))):
            pass
        process.send_signal(signal.SIGINT)
        assert process.wait(15) == 0
        said = process.stderr.read()
    assert "Traceback" not in said
    assert said.startswith("note: this model was trained on drawn scenes")
    assert not list(tmp_path.iterdir())
