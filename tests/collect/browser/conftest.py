"""The game's page, an adapter for it, and the command."""

import json
import runpy
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from kangaroo.cli import main

GAME = runpy.run_path(str(Path(__file__).with_name("game_page.py")))["Game"]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

ADAPTER = """
name = "stand-in"
[start]
path = "/"
steps = [{ fill = "#game-nickname", text = "tester" }, { click = "#game-start" }]
dismiss = []
[game]
id = { url = "/game/(g[0-9]+)" }
round = { selector = "#game-answer", attribute = "data-round" }
over = "#game-over"
resume = true
[photo]
selector = "#game-photo img"
[guess]
steps = [{ fill = "#game-guess", text = "{country}" }, { click = "#game-submit" }]
[answer]
country = { selector = "#game-answer", regex = "It is (.+)" }
lat = { selector = "#game-answer", attribute = "data-lat" }
lon = { response = "/api/guess", json = "answer.lng" }
[next]
steps = [{ click = "#game-next" }]
"""
LOGIN = """
[login]
path = "/login"
logged_in = "#account"
logged_out = "#login-form"
"""


@pytest.fixture
def needs_browser():
    """Skip, saying so, where there is no browser to drive."""
    pytest.importorskip("playwright.async_api", reason="playwright is not installed")
    if not any(map(shutil.which, NAMES)):
        pytest.skip("no Chromium is installed")


@pytest.fixture(autouse=True)
def _own(monkeypatch, tmp_path):
    """Quick pauses; a state folder of the test's own."""
    monkeypatch.setattr("kangaroo.collect.browser.collector._FIRST_PAUSE", 0.05)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def game_page():
    """Start a game's page with faults: ``game_page(late_answer=1)``."""
    servers = []

    def start(**faults):
        servers.append(GAME(**faults))
        threading.Thread(target=servers[-1].serve_forever, args=(0.05,), daemon=True).start()
        return servers[-1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def write_adapter(tmp_path):
    """Write the stand-in's adapter with parts exchanged: ``write_adapter(("#game-photo", "#gone"))``."""

    def write(*exchanged, text=ADAPTER):
        for old, new in exchanged:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "adapter.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def play(needs_browser, write_adapter, tmp_path, capsys):
    """Run the command: ``play(server, "--games", 2)`` gives exit code, figures and stderr."""

    def run(server, *flags, adapter=None, instances=1, timeout=10):
        argv = ["collect", "browser", "--adapter", adapter or write_adapter(), "--url", server.url, "--json"]
        argv += ["--out", tmp_path / "out", "--interval", 0, "--timeout", timeout, "--instances", instances]
        code = main([str(arg) for arg in (*argv, *flags)])
        out, err = capsys.readouterr()
        return code, json.loads(out) if out else None, err

    return run


@pytest.fixture
def play_elsewhere(needs_browser, write_adapter):
    """Start the command in a process of its own: ``play_elsewhere(server, out, "--games", 2)``."""

    def start(server, out, *flags):
        argv = ["collect", "browser", "--adapter", write_adapter(), "--url", server.url, "--json"]
        argv += ["--out", out, "--interval", 0, "--timeout", 10, *flags]
        command = [sys.executable, "-m", "kangaroo", *map(str, argv)]
        return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    return start


@pytest.fixture
def out(tmp_path) -> Path:
    return tmp_path / "out"
