"""Training in several processes at once, on one machine or on many: data parallel, through Keras on JAX.

Every process runs the same command on the same photos and sees its part of each batch; the gradients are
averaged over all of them. What comes out is what one process makes of whole batches, but for rounding.
"""

import argparse
import hashlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kangaroo.errors import KangarooError, UnfinishedError

if TYPE_CHECKING:
    from numpy.typing import NDArray

ENVIRONMENT = {
    "coordinator": "KERAS_DISTRIBUTION_JOB_ADDRESSES",
    "processes": "KERAS_DISTRIBUTION_NUM_PROCESSES",
    "process": "KERAS_DISTRIBUTION_PROCESS_ID",
}
"""Keras's own variables, each for the flag of that name."""


@dataclass(frozen=True, kw_only=True)
class DistributedSettings:
    """Where the processes meet, HOST:PORT of number 0; how many they are; and which, from 0, this one is.

    KangarooError for an address or a number that can't be.
    """

    coordinator: str
    processes: int
    process: int

    def __post_init__(self) -> None:
        """Check; raise KangarooError."""
        host, _, port = self.coordinator.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise KangarooError(f"no address {self.coordinator!r} to meet at: give HOST:PORT of process 0")
        if self.processes < 1:
            raise KangarooError(f"{self.processes} processes can't train: give 1 or more")
        if not 0 <= self.process < self.processes:
            raise KangarooError(
                f"no process {self.process} of {self.processes}: give a number from 0 to {self.processes - 1}"
            )


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that :func:`settings` reads."""
    group = parser.add_argument_group(
        "training in several processes",
        "Start the same command once for each, with KERAS_BACKEND=jax; only process 0 leaves a run folder.",
    )
    add = group.add_argument
    add("--distributed", action="store_true", help="train together with other processes")
    add("--coordinator", metavar="HOST:PORT", help=f"of process 0 (default: ${ENVIRONMENT['coordinator']})")
    add("--processes", metavar="N", help=f"how many (default: ${ENVIRONMENT['processes']})")
    add("--process", metavar="I", help=f"which this is, from 0 (default: ${ENVIRONMENT['process']})")


def settings(
    args: argparse.Namespace, environment: Mapping[str, str] = os.environ
) -> DistributedSettings | None:
    """What the flags say, else the environment; None without --distributed.

    KangarooError for something that neither says, or that makes no sense.
    """
    if not args.distributed:
        return None
    found = {name: getattr(args, name) or environment.get(key, "") for name, key in ENVIRONMENT.items()}
    for name, value in found.items():
        if not value:
            raise KangarooError(f"--distributed needs --{name}: give it, or set {ENVIRONMENT[name]}")
        if name != "coordinator" and not value.isdecimal():
            raise KangarooError(f"--{name} {value!r} is not a whole number of 0 or more")
    return DistributedSettings(
        # Keras allows the addresses of all processes; the first is where they meet.
        coordinator=found["coordinator"].partition(",")[0],
        processes=int(found["processes"]),
        process=int(found["process"]),
    )


@dataclass(frozen=True)
class Group:
    """The processes that train together: which this one is, and Keras's distribution; by default it is alone.

    What :meth:`agree` and :meth:`broadcast` do, all processes must do, in the same order.
    """

    process: int = 0
    processes: int = 1
    distribution: Any = None

    @property
    def first(self) -> bool:
        """Whether this is the process that writes and prints."""
        return self.process == 0

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Where variables are made on the devices of all processes, and batches are put together.

        Raises UnfinishedError where JAX fails, as it does when another process ends early.
        """
        if self.distribution is None:
            yield
            return
        from jax.errors import JaxRuntimeError

        try:
            with self.distribution.scope():
                yield
        except JaxRuntimeError as error:
            reason = str(error).partition("\n")[0]
            raise UnfinishedError(
                f"process {self.process} can't go on ({reason}): if another process has ended, start all of "
                "them again with --resume"
            ) from error

    def share(self, batches: Any) -> Any:
        """This process's part of :class:`kangaroo.data.pipeline.NumpyBatches`; alone, all of any batches."""
        if self.distribution is None:
            return batches
        from kangaroo.data.pipeline import Share

        return batches.shared(Share(self.process, self.processes, self.distribution.device_mesh.devices.size))

    def agree(self, words: str) -> None:
        """Raise KangarooError, in every process, if one of them has other ``words`` than the first."""
        if self.processes == 1:
            return
        import numpy as np
        from jax.experimental.multihost_utils import process_allgather

        digest = np.frombuffer(hashlib.sha256(words.encode()).digest(), np.uint8)
        digests = np.asarray(process_allgather(digest)).reshape(self.processes, -1)
        if others := np.flatnonzero((digests != digests[0]).any(axis=1)).tolist():
            raise KangarooError(
                f"process {others[0]} was started with other settings, photos or precision than process 0: "
                "give all the same, --precision too"
            )

    def broadcast(self, arrays: "Sequence[NDArray[Any]]") -> "list[NDArray[Any]]":
        """NumPy arrays as the first process has them; shapes and types must be the same in all."""
        if self.processes == 1:
            return list(arrays)
        import numpy as np
        from jax.experimental.multihost_utils import broadcast_one_to_all

        # All as one array of bytes: JAX would round float64, and several at once could change places.
        parts = [np.frombuffer(array.tobytes(), np.uint8) for array in arrays]
        ends = np.cumsum([len(part) for part in parts])[:-1]
        sent = np.split(np.asarray(broadcast_one_to_all(np.concatenate(parts))), ends)
        return [
            np.frombuffer(part.tobytes(), array.dtype).reshape(array.shape)
            for part, array in zip(sent, arrays, strict=True)
        ]

    def leave(self) -> None:
        """Part from the other processes, once all have come here; each can then compute by itself, and end.

        Without it one that ends waits for the others, and after 300 seconds, JAX's default, aborts them all.
        """
        if self.distribution is not None:
            import jax

            jax.distributed.shutdown()


def start(settings: DistributedSettings | None) -> Group:
    """Meet the other processes, which takes until the last has come; without settings, be alone.

    Must come before Keras computes anything. A process that dies takes the others with it: at once where they
    miss its part of a batch over TCP, else when its heartbeat has been missing for 100 seconds, JAX's
    default, and JAX aborts them. Raises KangarooError on another backend than JAX.
    """
    if settings is None:
        return Group()
    import keras

    if (backend := keras.backend.backend()) != "jax":
        raise KangarooError(
            f"--distributed needs Keras on JAX, it runs on {backend}: install jax and set KERAS_BACKEND=jax"
        )
    with _stdout_to_stderr():  # for results, but Gloo greets there
        keras.distribution.initialize(settings.coordinator, settings.processes, settings.process)
    # Each process reads its part of a batch by itself; Keras could divide a tf.data.Dataset only.
    distribution = keras.distribution.DataParallel(auto_shard_dataset=False)
    return Group(settings.process, settings.processes, distribution)


@contextmanager
def _stdout_to_stderr() -> Iterator[None]:
    """Also for libraries that write to file descriptor 1."""
    sys.stdout.flush()
    stdout = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(stdout, 1)
        os.close(stdout)
