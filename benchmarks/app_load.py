"""Many people on the page of ``kangaroo app`` at once: errors, seconds an answer, memory."""

import io
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen
from sys import executable
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import numpy as np
from PIL import Image

PEOPLE = 20
SECONDS = 60.0


class Visitor:
    """Somebody who sends photos, and waits for answer and explanation, over the page's own addresses."""

    def __init__(self, address: str, number: int) -> None:
        self._client = httpx.Client(base_url=address, timeout=120)
        self._session = f"visitor{number}"
        self._rng = np.random.default_rng(number)
        setup = self._client.get("config").json()
        elements = {c["props"].get("elem_id"): c["id"] for c in setup["components"]}
        calls = {tuple(target): d for d in setup["dependencies"] for target in d["targets"]}
        self._guess = calls[elements["guess-photo-sent"], "change"]["id"]
        self._explain = calls[elements["guess-method"], "input"]["id"]

    def __enter__(self) -> "Visitor":
        """Visit."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave."""
        self._client.close()

    def guess(self) -> str:
        """The answer, as HTML, to a photo of noise of 640 x 480 pixels; its explanation has come, too."""
        file = io.BytesIO()
        blocks = self._rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)
        Image.fromarray(blocks).resize((640, 480)).save(file, "JPEG")
        sent = self._client.post("gradio_api/upload", files={"files": ("photo.jpg", file.getvalue())})
        sent.raise_for_status()
        photo = {"path": sent.json()[0], "orig_name": "photo.jpg"}
        answer = self._call(self._guess, [photo])[2]
        self._call(self._explain, [None, "grad-cam"])
        return str(answer)

    def join(self, session: str) -> httpx.Response:
        """Ask for an explanation, and don't wait."""
        body = {"data": [None, "integrated-gradients"], "fn_index": self._explain, "session_hash": session}
        return self._client.post("gradio_api/queue/join", json=body)

    def _call(self, number: int, data: list[Any]) -> list[Any]:
        body = {"data": data, "fn_index": number, "session_hash": self._session}
        self._client.post("gradio_api/queue/join", json=body).raise_for_status()
        asked = {"session_hash": self._session}
        with self._client.stream("GET", "gradio_api/queue/data", params=asked) as lines:
            for line in lines.iter_lines():
                message = json.loads(line.removeprefix("data: ")) if line.startswith("data: ") else {}
                if message.get("msg") == "process_completed":
                    if not message["success"]:
                        raise RuntimeError(str(message["output"]))
                    return list(message["output"]["data"])
        raise RuntimeError("the server ended without an answer")


def rows(model: Path, people: int = PEOPLE, seconds: float = SECONDS) -> Iterator[tuple[str, float, str]]:
    """What to print: name, value, remark."""
    taken: list[float] = []
    errors: list[str] = []
    with _server(model) as (address, process):
        with Visitor(address, people) as first:
            first.guess()  # compiles
        end = time.perf_counter() + seconds
        crowd = [threading.Thread(target=_stay, args=(address, i, end, taken, errors)) for i in range(people)]
        memory = [_mib(process)]
        for one in crowd:
            one.start()
        time.sleep(seconds / 2)
        memory.append(_mib(process))
        for one in crowd:
            one.join()
        memory.append(_mib(process))
    what = f"{people} people for {seconds:g} s"
    yield f"{what}: errors", len(errors), next(iter(errors), "")
    yield f"{what}: answers with explanation", len(taken), f"{len(taken) / seconds:.1f} a second"
    yield f"{what}: median, s", float(np.median(taken)), ""
    yield f"{what}: slowest in a hundred, s", float(np.quantile(taken, 0.99)), f"slowest {max(taken):.2f}"
    for when, mib in zip(("start", "half", "end"), memory, strict=True):
        yield f"{what}: memory at the {when}, MiB", mib, ""


def _stay(address: str, number: int, end: float, taken: list[float], errors: list[str]) -> None:
    try:
        with Visitor(address, number) as visitor:
            while time.perf_counter() < end:
                start = time.perf_counter()
                visitor.guess()
                taken.append(time.perf_counter() - start)
    except Exception as error:
        errors.append(repr(error))


@contextmanager
def _server(model: Path) -> Iterator[tuple[str, "Popen[str]"]]:
    command = [executable, "-m", "kangaroo", "app", str(model.resolve()), "--port", "0", "--no-browser-open"]
    with TemporaryDirectory() as folder, Popen(command, stdout=PIPE, text=True, cwd=folder) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split()[0], process
        finally:
            process.terminate()


def _mib(process: "Popen[str]") -> float:
    """Resident memory, as Linux tells it."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024
