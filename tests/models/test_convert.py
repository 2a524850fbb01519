from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from kangaroo.errors import ModelError
from kangaroo.models import store
from kangaroo.models.convert import convert

BINARY = ("neural_net", ["Austria", "Australia"])
FIVE = ("multinomial_neural_net", ["Australia", "Austria", "Czechia", "New Zealand", "Slovakia"])


def signature(folder: Path, photos: np.ndarray) -> np.ndarray:
    """What the stored graph itself computes; Keras 2 objects keep tf.saved_model.load from reading it."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        graph = tf.compat.v1.saved_model.load(session, ["serve"], str(folder))
        served = graph.signature_def["serving_default"]
        (source,), (result,) = served.inputs.values(), served.outputs.values()
        return session.run(result.name, {source.name: photos})


@pytest.mark.parametrize(("name", "classes"), [BINARY, FIVE])
def test_converted_networks_agree_with_the_stored_graph(
    report_models: Path, tmp_path: Path, name: str, classes: list[str]
) -> None:
    out = tmp_path / "new.keras"
    card = convert(report_models / name, out, classes)
    model, read = store.load(out)
    assert read == card
    assert (card.image_size, card.classes) == (256, tuple(classes))
    assert card.parameters == (98_537 if len(classes) == 2 else 98_941)
    assert "No Kangaroos" in card.data["name"]
    # Pictures with structure of several sizes, for which the probabilities differ; standardized to 0 and 1.
    rng = np.random.default_rng(0)
    coarse = [np.kron(rng.normal(size=(256 // n, 256 // n, 3)), np.ones((n, n, 1))) for n in (1, 4, 16, 64)]
    photos = np.stack([(x - x.mean()) / x.std() for x in coarse]).astype(np.float32)
    expected = signature(report_models / name, photos)
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(model.predict_on_batch(photos), expected, atol=1e-5)


class Keras2Layer(tf.Module):
    """Writes its variables under the names that a Keras 2 layer had."""

    def __init__(self, kernel: tuple[int, ...]) -> None:
        super().__init__()
        self.kernel = tf.Variable(tf.random.stateless_normal(kernel, seed=[1, 2]))
        self.bias = tf.Variable(tf.zeros(kernel[-1]))


def saved_model(folder: Path, *kernels: tuple[int, ...]) -> Path:
    model = tf.Module()
    for i, kernel in enumerate(kernels):
        setattr(model, f"layer_with_weights-{i}", Keras2Layer(kernel))
    tf.saved_model.save(model, str(folder))
    return folder


def test_other_sizes_of_the_same_shape(tmp_path: Path) -> None:
    # Two blocks halve 12 px to 3 px: 3 * 3 * 8 = 72.
    old = saved_model(tmp_path / "old", (3, 3, 3, 4), (3, 3, 4, 8), (72, 10), (10, 3))
    card = convert(old, tmp_path / "new.keras", ["a", "b", "c"])
    assert card.image_size == 12
    assert card.data["name"] == "unknown"
    assert not card.antialias  # as the report resized its photos
    assert store.load(tmp_path / "new.keras")[0].output_shape == (None, 3)


@pytest.mark.parametrize(
    "kernels",
    [
        [(3, 3, 3, 4), (8, 10), (10, 3)],  # 8 values of 4 filters: no square
        [(5, 5, 3, 4), (16, 10), (10, 3)],  # 5 x 5 convolution
        [(3, 3, 3, 4), (16, 3)],  # one dense layer
        [(3, 3, 3, 4), (16, 10), (9, 3)],  # doesn't chain
        [(3, 3, 3, 4), (16, 10), (10, 2)],  # two outputs where the report has one
        [],
    ],
)
def test_unexpected_shapes_are_named(tmp_path: Path, kernels: list[tuple[int, ...]]) -> None:
    old = saved_model(tmp_path / "old", *kernels)
    with pytest.raises(ModelError) as caught:
        convert(old, tmp_path / "new.keras", ["a", "b"])
    listed = ", ".join(" x ".join(map(str, kernel)) for kernel in kernels) or "none"
    assert str(caught.value).endswith(f"its kernels are {listed}")
    assert not (tmp_path / "new.keras").exists()


def test_other_variables_are_named(tmp_path: Path) -> None:
    model = tf.Module()
    layer = Keras2Layer((3, 3, 3, 4))
    layer.gamma = tf.Variable(1.0)
    setattr(model, "layer_with_weights-0", layer)
    tf.saved_model.save(model, str(tmp_path / "old"))
    with pytest.raises(ModelError, match="it has layer_with_weights-0/gamma"):
        convert(tmp_path / "old", tmp_path / "new.keras", ["a", "b"])


def test_wrong_use(tmp_path: Path) -> None:
    old = saved_model(tmp_path / "old", (3, 3, 3, 4), (16, 10), (10, 1))
    new = tmp_path / "new.keras"
    with pytest.raises(ModelError, match=r"old tells 2 classes apart, but 3 are named: a, b, c$"):
        convert(old, new, ["a", "b", "c"])
    with pytest.raises(ModelError, match="not a TensorFlow SavedModel"):
        convert(tmp_path, new, ["a", "b"])
    convert(old, new, ["a", "b"])
    with pytest.raises(ModelError, match="exists"):
        convert(old, new, ["a", "b"])
    convert(old, new, ["b", "a"], overwrite=True)
    assert store.load(new)[1].classes == ("b", "a")
    (old / "variables" / "variables.index").write_bytes(b"not an index")
    with pytest.raises(ModelError, match="can't be read") as caught:
        convert(old, new, ["a", "b"], overwrite=True)
    assert len(str(caught.value).splitlines()) == 1
