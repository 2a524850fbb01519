"""One function over many things in threads, in order: for work that waits, or that releases the lock."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_threads(
    function: Callable[[Item], Result], items: Iterable[Item], *, workers: int | None = None, ahead: int = 64
) -> Generator[Result, None, None]:
    """``function(item)`` of each item, in order, ``workers`` (default: the processors) at a time.

    Up to ``ahead`` calls are begun before their results are asked for, so that memory is bounded and the
    threads have work meanwhile. What a call raises ends the rest: calls under way are finished, others are
    not begun.
    """
    pool = ThreadPoolExecutor(workers or os.cpu_count() or 1)
    waiting: deque[Future[Result]] = deque()
    rest = iter(items)
    try:
        waiting.extend(pool.submit(function, item) for item in islice(rest, ahead))
        while waiting:
            yield waiting.popleft().result()
            waiting.extend(pool.submit(function, item) for item in islice(rest, 1))
    finally:
        pool.shutdown(cancel_futures=True)
