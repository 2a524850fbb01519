"""One function over many photos, in order: on this machine's processors, or on those of a Ray cluster."""

import importlib
import multiprocessing
import os
import signal
import socket
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from functools import partial
from itertools import islice
from multiprocessing.connection import wait
from typing import Any, TypeVar

from kangaroo.errors import KangarooError, UnfinishedError
from kangaroo.progress import progress

Result = TypeVar("Result")
Handle = TypeVar("Handle")

_CHUNK = 16  # photos a worker takes at a time: a tenth of a second or so
_FEW = 64  # photos for which starting processes takes longer than the work
_AHEAD = 4  # chunks a worker may be ahead of the results that were taken


def map_photos(
    function: Callable[[str], Result],
    files: Sequence[str],
    *,
    workers: int | None = None,
    ray: str | None = None,
    description: str,
) -> Generator[Result, None, None]:
    """``function(file)`` of each file, in the order of ``files``, under a progress bar.

    ``function`` stands at the top of a module that can be imported, and should need no TensorFlow, which each
    worker would import. ``workers`` is the number of processes (default: the processors); a few files are not
    worth any. ``ray`` is the address of a running Ray cluster ('auto', 'host:port') that does the work
    instead: its machines need this version of kangaroo, and the photos under the same paths. KangarooError:
    no such cluster. UnfinishedError: a worker died.
    """
    if ray is not None:
        results = _on_ray(function, files, ray)
    elif workers == 1 or len(files) <= _FEW:
        results = (function(file) for file in files)
    else:
        results = _on_processes(function, files, workers or os.cpu_count() or 1)
    with closing(results), progress(results, description, len(files), "photo") as shown:
        yield from shown


def _on_processes(
    function: Callable[[str], Result], files: Sequence[str], workers: int
) -> Generator[Result, None, None]:
    # spawn: a forked process would inherit the threads' locks of TensorFlow, should it be running.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, _start_worker)
    try:
        yield from _in_order(
            files, lambda chunk: pool.submit(_each, function, chunk), lambda future: future.result(), workers
        )
    except BrokenProcessPool as error:
        raise UnfinishedError(
            "a worker process died, perhaps for want of memory: the same command with fewer --workers goes on"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _on_ray(
    function: Callable[[str], Result], files: Sequence[str], address: str
) -> Generator[Result, None, None]:
    ray = _connected(address)
    remote = ray.remote(_each)
    workers = max(1, int(ray.cluster_resources().get("CPU", 1)))
    try:
        yield from _in_order(files, partial(remote.remote, function), ray.get, workers)
    except ray.exceptions.RayTaskError as error:  # what the function raised there
        raise error.cause from error
    except ray.exceptions.RayError as error:
        raise UnfinishedError(f"the Ray cluster {address} failed: {error}") from error
    finally:
        ray.shutdown()  # leaves the cluster, which goes on


def _connected(address: str) -> Any:
    """The module ``ray``, connected. KangarooError: it is not installed, or nobody answers."""
    try:
        ray: Any = importlib.import_module("ray")
    except ImportError as error:
        raise KangarooError("Ray is not installed: pip install 'kangaroo[distributed]'") from error
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        if port.isdecimal():  # ray itself would try for minutes
            socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
        ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except (OSError, RuntimeError, ValueError, TypeError) as error:
        reason = str(error).partition("\n")[0]
        raise KangarooError(f"no Ray cluster answers at {address} ({reason}): give its host:port") from error
    return ray


def _in_order(
    files: Sequence[str],
    submit: Callable[[Sequence[str]], Handle],
    collect: Callable[[Handle], list[Result]],
    workers: int,
) -> Iterator[Result]:
    """Results in order, with so many chunks under way that no worker waits and memory is bounded."""
    chunks = (files[start : start + _CHUNK] for start in range(0, len(files), _CHUNK))
    waiting = deque(submit(chunk) for chunk in islice(chunks, _AHEAD * workers))
    while waiting:
        yield from collect(waiting.popleft())
        waiting.extend(submit(chunk) for chunk in islice(chunks, 1))


def _each(function: Callable[[str], Result], files: Sequence[str]) -> list[Result]:
    return [function(file) for file in files]


def _start_worker() -> None:
    """In a worker: an interrupt is the parent's to handle, and with the parent it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent:
        wait([parent.sentinel])
        os._exit(1)
