import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kangaroo.data.parallel import map_photos
from kangaroo.errors import KangarooError

FILES = [str(path) for path in sorted(Path(os.__file__).parent.glob("*.py"))][:100]
SIZES = [os.path.getsize(file) for file in FILES]


def sizes(files=FILES, **flags):
    return list(map_photos(os.path.getsize, files, description="sizes", **flags))


@pytest.mark.parametrize("flags", [{}, {"workers": 1}, {"workers": 3}], ids=str)
@pytest.mark.parametrize("n", [0, 1, 100])
def test_results_come_in_the_order_of_the_files(n, flags):
    assert sizes(FILES[:n], **flags) == SIZES[:n]


def test_an_error_of_the_function_is_raised_here():
    with pytest.raises(FileNotFoundError, match="nowhere"):
        sizes([*FILES, "nowhere"], workers=2)


def test_no_more_is_read_ahead_than_the_workers_need():
    seen = []

    class Files(list):
        def __getitem__(self, part):
            seen.append(part)
            return super().__getitem__(part)

    results = map_photos(os.path.getsize, Files(FILES * 20), workers=1, description="sizes")
    next(results)
    results.close()
    pooled = map_photos(os.path.getsize, Files(FILES * 20), workers=2, description="sizes")
    next(pooled)
    pooled.close()
    assert len(seen) <= 10


SCRIPT = """
import os, sys, time
from kangaroo.data.parallel import map_photos
if __name__ == "__main__":
    files = [str(path) for path in range(100000)]
    for i, _ in enumerate(map_photos(os.path.exists, files, workers=2, description="x")):
        if i == 20:
            print("begun", flush=True)
            time.sleep(60)
"""


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads the processes from /proc")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_workers_end_with_the_process_that_started_them(tmp_path, how):
    (tmp_path / "script.py").write_text(SCRIPT)
    call = [sys.executable, str(tmp_path / "script.py")]
    with subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "begun\n"
        workers = children(process.pid)
        assert len(workers) >= 2
        process.send_signal(how)
        process.wait(20)
    until = time.monotonic() + 10
    while any(map(alive, workers)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(map(alive, workers))


def children(parent):
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(stat.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(stat.parent.name))
        except OSError:
            continue
    return found


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_worker_needs_no_tensorflow():
    code = "import sys, kangaroo.data.measures; print({'keras', 'tensorflow'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_without_ray_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(KangarooError, match=r"pip install 'kangaroo\[distributed\]'"):
        sizes(ray="auto")


def test_a_cluster_that_does_not_answer_is_named():
    pytest.importorskip("ray")
    with pytest.raises(KangarooError, match=r"no Ray cluster answers at 127\.0\.0\.1:9"):
        sizes(ray="127.0.0.1:9")


@pytest.mark.slow
def test_two_workers_of_a_ray_cluster_give_the_same(monkeypatch):
    pytest.importorskip("ray")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    try:
        for _ in range(2):
            cluster.add_node(num_cpus=1)
        assert sizes(ray=cluster.address) == SIZES
        with pytest.raises(FileNotFoundError, match="nowhere"):
            sizes([*FILES, "nowhere"], ray=cluster.address)
    finally:
        cluster.shutdown()
