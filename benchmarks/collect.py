"""``kangaroo collect run`` against a local server that answers each call after 50 ms, 16 calls at a time."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

DELAY = 0.05
WORKERS = 16
SERVER = Path(__file__).parents[1] / "tests" / "collect" / "server.py"


def calls_per_second(folder: Path, n: int = 2000) -> float:
    """Calls a second of one whole command for ``n`` points, the start of the process included."""
    rows = [f"{47 + i / n:.6f},{10 + i % 97 / 24:.6f},Austria,Tyrol" for i in range(n)]
    folder.mkdir(parents=True)
    (folder / "points.csv").write_text("\n".join(["lat,lon,country,state", *rows]))
    server = subprocess.Popen(
        [sys.executable, SERVER, json.dumps({"delay": DELAY})], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout
        endpoint = server.stdout.readline().strip()
        command = [
            sys.executable,
            "-m",
            "kangaroo",
            "collect",
            "run",
            "--source",
            "google",
            "--yes",
            "--json",
        ]
        command += ["--points", str(folder / "points.csv"), "--out", str(folder / "out")]
        command += ["--endpoint", endpoint, "--workers", str(WORKERS)]
        environment = {**os.environ, "GOOGLE_MAPS_API_KEY": "test-key-93c1"}
        start = time.perf_counter()
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        return json.loads(done.stdout)["calls"] / (time.perf_counter() - start)
    finally:
        server.kill()
        server.wait()
