"""Compiled functions and their gradients on TensorFlow or JAX: what explanations and attacks share.

A function here takes and gives the backend's tensors and is written with ``keras.ops``.
"""

from collections.abc import Callable, Iterator
from typing import Any

import keras

from kangaroo.errors import KangarooError

BATCH = 16
"""Photos that are worked on at once: on a CPU more are not faster (measured), and memory follows from it."""

Function = Callable[..., Any]


def value_and_gradient(function: Function) -> Function:
    """(x, *rest) -> (values, aux, d values / dx), where ``function(x, *rest)`` gives (values (n,), aux).

    Row i of ``values`` may depend on row i of ``x`` alone; the gradient (like x) is then that of each photo's
    own value. ``aux`` is anything else that is wanted from the same pass. Only ``x`` is differentiated,
    weights are not.
    """
    return {"tensorflow": _tensorflow_gradient, "jax": _jax_gradient}[_backend()](function)


def compiled(function: Function, *, tensors: bool = False) -> Callable[..., Any]:
    """``function`` compiled, from arrays to NumPy arrays (nested as the function nests them).

    The first axis of every array (scalars aside) may differ from call to call. ``tensors`` leaves results as
    the backend's tensors, which saves copies where another compiled function takes them.
    """
    run = {"tensorflow": _tensorflow_compiled, "jax": _jax_compiled}[_backend()](function)

    def call(*arrays: Any) -> Any:
        results = run(*map(keras.ops.convert_to_tensor, arrays))
        return results if tensors else keras.tree.map_structure(keras.ops.convert_to_numpy, results)

    return call


def chunks(n: int, size: int = BATCH) -> Iterator[slice]:
    """Slices of up to ``size`` that cover 0 to n."""
    return (slice(start, min(start + size, n)) for start in range(0, n, size))


def _backend() -> str:
    name = keras.backend.backend()
    if name not in ("tensorflow", "jax"):
        raise KangarooError(
            f"no gradients with Keras's {name} backend: set KERAS_BACKEND to tensorflow or jax"
        )
    return str(name)


def _tensorflow_compiled(function: Function) -> Function:
    import tensorflow as tf

    # XLA on a CPU is several times slower than oneDNN here.
    traced = tf.function(function, autograph=False, jit_compile=False)
    graphs: dict[Any, Any] = {}  # one for batches of any length, where tf.function would trace anew

    def run(*tensors: Any) -> Any:
        specs = tuple(tf.TensorSpec((None, *t.shape[1:]) if len(t.shape) else (), t.dtype) for t in tensors)
        if specs not in graphs:
            graphs[specs] = traced.get_concrete_function(*specs)
        return graphs[specs](*tensors)

    return run


def _jax_compiled(function: Function) -> Function:
    import jax

    return jax.jit(function)


def _tensorflow_gradient(function: Function) -> Function:
    import tensorflow as tf

    def run(x: Any, *rest: Any) -> tuple[Any, Any, Any]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            values, aux = function(x, *rest)
        # A value that doesn't depend on x has no gradient on the tape; that is a gradient of zero.
        gradient = tape.gradient(values, x, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return values, aux, gradient

    return run


def _jax_gradient(function: Function) -> Function:
    import jax

    def run(x: Any, *rest: Any) -> tuple[Any, Any, Any]:
        values, pull, aux = jax.vjp(lambda x: function(x, *rest), x, has_aux=True)
        return values, aux, pull(keras.ops.ones_like(values))[0]

    return run
