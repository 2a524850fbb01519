import keras
import numpy as np
import pytest

from kangaroo.errors import KangarooError
from kangaroo.models import report_cnn
from kangaroo.models.precision import dtype_policy, resolve, with_policy


def test_words() -> None:
    assert (dtype_policy("float32"), dtype_policy("bfloat16")) == ("float32", "mixed_bfloat16")
    assert resolve("auto") in ("float32", "bfloat16")
    with pytest.raises(KangarooError, match=r"^no precision 'half': choose auto, float32 or bfloat16$"):
        dtype_policy("half")


def test_auto_looks_for_hardware(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kangaroo.models.precision._gpu_has_bfloat16", lambda: False)
    monkeypatch.setattr("kangaroo.models.precision._cpu_has_amx", lambda: True)
    assert resolve("auto") == "bfloat16"
    monkeypatch.setattr("kangaroo.models.precision._cpu_has_amx", lambda: False)
    assert resolve("auto") == "float32"
    monkeypatch.setattr("kangaroo.models.precision._gpu_has_bfloat16", lambda: True)
    assert resolve("auto") == "bfloat16"


def test_a_copy_has_the_same_weights_and_computes_in_float32() -> None:
    mixed = report_cnn.build(8, 2, seed=3, dtype_policy="mixed_bfloat16")
    copy = with_policy(mixed, "float32")
    assert {layer.compute_dtype for layer in copy.layers} == {"float32"}
    photos = np.random.default_rng(0).normal(size=(5, 8, 8, 3)).astype(np.float32)
    expected = report_cnn.build(8, 2, seed=3)(photos)
    np.testing.assert_array_equal(np.asarray(copy(photos)), np.asarray(expected))
    assert isinstance(copy, keras.Sequential)
