"""A Street View of one's own, in another process, and points to ask it for."""

import json
import random
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

KEY = "test-key-93c1"
SERVER = Path(__file__).with_name("server.py")


@dataclass
class Remote:
    """The server's address and what it has seen."""

    endpoint: str

    def seen(self) -> dict:
        with urllib.request.urlopen(f"{self.endpoint}/seen") as answer:
            return json.load(answer)


@pytest.fixture
def street_view(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Remote]]:
    """Start a server with faults, ``street_view(busy=0.1)``, and set the key that it accepts."""
    monkeypatch.setenv("GOOGLE_MAPS_API_KEY", KEY)
    monkeypatch.delenv("GOOGLE_MAPS_SIGNING_SECRET", raising=False)
    processes = []

    def start(**faults: float) -> Remote:
        command = [sys.executable, str(SERVER), json.dumps(faults)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        return Remote(process.stdout.readline().strip())

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def points_csv(tmp_path: Path) -> Callable[[int], Path]:
    """Write n points in three Austrian states: ``points_csv(100)``."""

    def write(n: int) -> Path:
        rng = random.Random(1)
        rows = ["lat,lon,country,state"]
        for _ in range(n):
            state = rng.choice(["Tyrol", "Salzburg", "Vorarlberg"])
            rows.append(f"{47 + rng.random():.6f},{10 + 4 * rng.random():.6f},Austria,{state}")
        path = tmp_path / f"points{n}.csv"
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")
        return path

    return write


@pytest.fixture
def kangaroo() -> "Callable[..., subprocess.Popen[str]]":
    """Start the console script in a process of its own: ``kangaroo("collect", "status", "--out", out)``."""

    def start(*argv: object) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "kangaroo", *map(str, argv)]
        return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    return start


@pytest.fixture
def key() -> str:
    """The key that the server accepts."""
    return KEY
