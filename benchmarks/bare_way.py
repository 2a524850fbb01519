"""What no way of working can undercut: the same network's passes alone, over photos that are in memory."""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.kangaroo_way import EPSILONS, attributed, network
from benchmarks.side import BATCH, SIZE, Case, Work
from kangaroo.console import start_keras


def epoch_warm(case: Case) -> Work:
    """As many training steps as an epoch has, all on one batch."""
    start_keras()
    import tensorflow as tf

    model = network()
    batch = tf.data.Dataset.from_tensors((_photos(BATCH), np.zeros(BATCH, np.float32))).cache()
    model.fit(batch.repeat(2), shuffle=False, verbose=0)
    steps = -(-len(case.files()[0]) // BATCH)
    return lambda: _nothing(model.fit(batch.repeat(steps), shuffle=False, verbose=0))


def evaluation(case: Case) -> Work:
    """Forward passes."""
    start_keras()
    from kangaroo.models.classifier import BATCH as SEVERAL
    from kangaroo.models.classifier import load

    model, n = load(case.model, precision="auto").model, len(case.files()[0])
    return _repeated(lambda x: model(x, training=False), _photos(SEVERAL), n / SEVERAL)


prediction = evaluation


def sweep(case: Case) -> Work:
    """For each batch one gradient, and a forward pass for each epsilon but 0."""
    start_keras()
    from kangaroo.models import report_cnn
    from kangaroo.models.gradients import BATCH as FEW
    from kangaroo.models.precision import dtype_policy

    gradient, forward = _passes(report_cnn.build(SIZE, 2, seed=0), dtype_policy("auto"))
    photos, times = _photos(FEW), case.n / FEW
    passes = [_repeated(gradient, photos, times), _repeated(forward, photos, times * (len(EPSILONS) - 1))]
    return lambda: _nothing([work() for work in passes])


def integrated_gradients(case: Case, precision: str = "float32") -> Work:
    """As many gradients as the adaptive rule takes."""
    from kangaroo.explain.integrated import integrated_gradients as integrate
    from kangaroo.models.gradients import BATCH as FEW
    from kangaroo.models.precision import dtype_policy

    classifier, inputs = attributed(case)
    policy = dtype_policy(precision)
    found = integrate(
        classifier.model, inputs, 0 * inputs, [1] * len(inputs), tolerance=case.tolerance, policy=policy
    )
    gradient, _ = _passes(classifier.model, policy)
    return _repeated(gradient, _photos(FEW), sum(one.evaluations for one in found) / FEW)


def integrated_gradients_rough(case: Case) -> Work:
    """The same with ``--precision auto``."""
    return integrated_gradients(case, "auto")


def _photos(n: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, SIZE, SIZE, 3)).astype(np.float32)


def _passes(model: Any, policy: str) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """Functions of a batch: the gradient of the logit, and the logit."""
    from kangaroo.models.gradients import value_and_gradient
    from kangaroo.models.graph import logit_model
    from kangaroo.models.relu_after_pooling import late_relu

    logits = late_relu(logit_model(model, policy))
    gradient = value_and_gradient(lambda x: (logits(x, training=False)[:, 0], ()))
    return lambda x: gradient(x)[2], lambda x: logits(x, training=False)


def _repeated(function: Callable[[Any], Any], photos: np.ndarray, times: float) -> Work:
    """Run the function, compiled, so many times over the same photos."""
    import keras

    from kangaroo.models.gradients import compiled

    run, x = compiled(function, tensors=True), keras.ops.convert_to_tensor(photos)
    run(x)

    def work() -> None:
        for _ in range(round(times)):
            run(x)

    return work


def _nothing(_: object) -> None:
    return None
