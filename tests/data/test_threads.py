import threading
import time

import pytest

from kangaroo.data.threads import in_threads


def test_results_are_in_order_whichever_comes_first():
    def slow(number):
        time.sleep(0.002 * (number % 3))
        return number * number

    squares = list(in_threads(slow, range(10_000)[:300], workers=8))
    assert squares == [number * number for number in range(300)]
    assert list(in_threads(str, range(9000))) == list(map(str, range(9000)))
    assert list(in_threads(str, [])) == []


def test_so_many_work_at_a_time():
    there, most, lock = 0, 0, threading.Lock()

    def work(_):
        nonlocal there, most
        with lock:
            there += 1
            most = max(most, there)
        time.sleep(0.005)
        with lock:
            there -= 1

    list(in_threads(work, range(40), workers=5))
    assert 2 <= most <= 5


def test_an_error_ends_the_rest():
    done = []

    def work(number):
        if number == 3:
            raise OSError("full")
        time.sleep(0.01)
        done.append(number)

    with pytest.raises(OSError, match="full"):
        list(in_threads(work, range(1000), workers=2))
    assert len(done) < 50


def test_a_few_calls_are_begun_ahead():
    begun = []
    results = in_threads(begun.append, range(1000), workers=2, ahead=5)
    next(results)
    time.sleep(0.05)
    assert len(begun) in (5, 6)
    results.close()
