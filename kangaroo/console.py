"""What every command line of the project shares: exit codes and one-line errors."""

import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

from kangaroo.errors import KangarooError, UnfinishedError


def guarded(work: Callable[[], None], *, debug: bool, stopped: str = "stopped") -> int:
    """Run ``work`` and give the exit code: 0 done, 2 unusable input, 1 anything else.

    An error is one line on stderr; with ``debug`` its traceback stands before it. ``stopped`` is what
    somebody reads who interrupts.
    """
    try:
        work()
    except KangarooError as error:
        return _fail(str(error), 2, debug)
    except UnfinishedError as error:
        return _fail(str(error), 1, debug)
    except KeyboardInterrupt:
        return _fail(stopped, 1, debug)
    except BrokenPipeError:  # the reader of our output, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        where = error.filename2 or error.filename or error
        return _fail(f"{where}: {error.strerror}: give a path that can be read or written", 2, debug)
    except Exception as error:
        return _fail(f"{type(error).__name__}: {error} (--debug shows where)", 1, debug)
    return 0


def start_keras() -> None:
    """Import Keras and its backend without the lines that they greet with.

    TensorFlow logs to file descriptor 2 while it is imported and finds its devices, before its log level
    counts; so the descriptor itself leads to nowhere for that while.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    stderr = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        import keras

        if keras.backend.backend() == "tensorflow":  # JAX must not begin before --distributed has
            keras.ops.zeros(1)
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)


def print_json(value: Any) -> None:
    """Print JSON to stdout."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def _fail(message: str, code: int, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    return code
