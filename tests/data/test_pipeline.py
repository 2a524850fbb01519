import numpy as np
import pytest
import tensorflow as tf

from kangaroo.data.augment import augment, draw
from kangaroo.data.augmentation import Augmentation
from kangaroo.data.images import standardize
from kangaroo.data.pipeline import NumpyBatches, Share, batches

PIXELS = np.random.default_rng(0).integers(0, 256, (50, 6, 6, 3), np.uint8)
PIXELS[7] = 200  # one colour
LABELS = np.arange(50, dtype=np.int32)  # each photo's label is its row


def run(dataset: tf.data.Dataset) -> tuple[np.ndarray, np.ndarray]:
    parts = list(dataset.as_numpy_iterator())
    return np.concatenate([photos for photos, _ in parts]), np.concatenate([labels for _, labels in parts])


def test_standardization_equals_the_numpy_one_eagerly_and_in_the_pipeline():
    expected = standardize(PIXELS)
    np.testing.assert_allclose(tf.image.per_image_standardization(PIXELS), expected, atol=2e-6)
    photos, _ = run(batches(PIXELS, range(50), LABELS, batch_size=16))
    np.testing.assert_allclose(photos, expected, atol=2e-6)


def test_shapes_types_and_cardinality_are_known():
    dataset = batches(PIXELS, range(50), LABELS.astype(np.float32), batch_size=16)
    photos, labels = dataset.element_spec
    assert (photos.shape.as_list(), photos.dtype) == ([None, 6, 6, 3], tf.float32)
    assert (labels.shape.as_list(), labels.dtype) == ([None], tf.float32)
    assert int(dataset.cardinality()) == 4
    assert batches(PIXELS, [1], LABELS, batch_size=16).element_spec[1].dtype == tf.int32


@pytest.mark.parametrize("seed", [None, 3, (0, 1)])
def test_one_pass_sees_each_row_once_with_its_own_label(seed):
    rows = np.arange(1, 50, 2)
    photos, labels = run(batches(PIXELS, rows, LABELS, batch_size=4, shuffle_seed=seed))
    assert sorted(labels) == rows.tolist()
    assert (seed is None) == (labels.tolist() == rows.tolist())
    np.testing.assert_allclose(photos, standardize(PIXELS[labels]), atol=2e-6)


def test_the_order_is_a_function_of_the_seed():
    def order(seed):
        dataset = batches(PIXELS, range(50), LABELS, batch_size=8, shuffle_seed=seed)
        first, second = run(dataset)[1].tolist(), run(dataset)[1].tolist()
        assert first == second
        return first

    assert order((0, 1)) == order((0, 1))
    assert order((0, 1)) != order((0, 2)) != order((1, 1))


def test_a_memory_mapped_array_feeds_as_well(tmp_path):
    mapped = np.memmap(tmp_path / "pixels", np.uint8, "w+", shape=PIXELS.shape)
    mapped[:] = PIXELS
    photos, _ = run(batches(mapped[:20], [3, 1], LABELS[:20], batch_size=8))
    np.testing.assert_allclose(photos, standardize(PIXELS[[3, 1]]), atol=2e-6)


def test_labels_must_belong_to_all_photos():
    with pytest.raises(ValueError, match="2 labels for 50 photos"):
        batches(PIXELS, [0, 1], LABELS[:2], batch_size=2)


@pytest.fixture
def without_tensorflow(monkeypatch):
    monkeypatch.setattr("keras.backend.backend", lambda: "jax")


@pytest.mark.usefixtures("without_tensorflow")
@pytest.mark.parametrize("seed", [None, (0, 1)])
def test_numpy_gives_what_tensorflow_gives(seed, monkeypatch):
    rows = np.arange(1, 50, 2)
    plain = batches(PIXELS, rows, LABELS, batch_size=8, shuffle_seed=seed)
    monkeypatch.undo()
    expected = list(batches(PIXELS, rows, LABELS, batch_size=8, shuffle_seed=seed).as_numpy_iterator())
    assert isinstance(plain, NumpyBatches)
    assert len(plain) == len(expected) == 4
    for _ in range(2):
        for (photos, labels), (of_tensorflow, those) in zip(plain, expected, strict=True):
            assert (photos.dtype, labels.dtype) == (np.float32, np.int32)
            np.testing.assert_allclose(photos, of_tensorflow, atol=2e-6)
            np.testing.assert_array_equal(labels, those)


def test_batches_that_are_looked_at_out_of_order_are_the_same():
    order = np.arange(50)
    plain = NumpyBatches(PIXELS, LABELS, order, 8)
    for index in (0, 0, 1, 6, 2, 3, 0):
        np.testing.assert_array_equal(plain[index][1], order[index * 8 : (index + 1) * 8])


@pytest.mark.parametrize(("processes", "devices"), [(1, 1), (1, 4), (2, 2), (3, 3), (2, 8)])
def test_shares_make_up_each_batch(processes, devices):
    plain = NumpyBatches(PIXELS, LABELS, np.arange(1, 50, 2), 8)
    parts = [plain.shared(Share(process, processes, devices)) for process in range(processes)]
    for index, (photos, labels) in enumerate(plain):
        shares = [part[index] for part in parts]
        assert len({len(weights) for _, _, weights in shares}) == 1
        counted = [weights.astype(bool) for _, _, weights in shares]
        assert all(len(some) % (devices // processes) == 0 for some in counted)
        assert sum(map(len, counted)) < len(labels) + devices
        for values, own in ((photos, 0), (labels[:, None], 1)):
            joined = [share[own][some] for share, some in zip(shares, counted, strict=True)]
            np.testing.assert_array_equal(np.concatenate(joined), values)


CHANGES = Augmentation(flip=0.5, crop=(0.5, 1), rotation=10, brightness=0.3, hue=0.1)


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
@pytest.mark.parametrize("batch_size", [7, 25])
def test_changed_photos_are_a_function_of_seed_and_row(backend, batch_size, monkeypatch):
    monkeypatch.setattr("keras.backend.backend", lambda: backend)
    rows = np.arange(1, 50, 2)
    made = batches(
        PIXELS,
        rows,
        LABELS,
        batch_size=batch_size,
        shuffle_seed=(0, 1),
        standardized=False,
        augmentation=CHANGES,
    )
    for _ in range(2):
        parts = [[np.asarray(part) for part in batch] for batch in made]
        photos, labels = (np.concatenate(part) for part in zip(*parts, strict=True))
        assert photos.dtype == np.float32
        assert sorted(labels) == rows.tolist()
        np.testing.assert_array_equal(photos, augment(PIXELS, draw(50, (0, 1)), CHANGES)[labels])


def test_changed_photos_are_standardized_and_in_the_order_of_unchanged_ones():
    options = {"batch_size": 16, "shuffle_seed": 3}
    photos, labels = run(batches(PIXELS, range(50), LABELS, augmentation=CHANGES, **options))
    np.testing.assert_allclose(photos, standardize(augment(PIXELS, draw(50, 3), CHANGES)[labels]), atol=2e-6)
    plain, order = run(batches(PIXELS, range(50), LABELS, **options))
    np.testing.assert_array_equal(labels, order)
    unchanged, _ = run(batches(PIXELS, range(50), LABELS, augmentation=Augmentation(), **options))
    np.testing.assert_array_equal(unchanged, plain)


def test_changes_need_a_seed():
    with pytest.raises(ValueError, match="give a shuffle_seed"):
        batches(PIXELS, range(50), LABELS, batch_size=16, augmentation=CHANGES)


@pytest.mark.usefixtures("without_tensorflow")
@pytest.mark.parametrize(("processes", "devices"), [(1, 4), (3, 3)])
def test_processes_share_mixed_photos_and_their_labels(processes, devices):
    rows = np.eye(50, dtype=np.float32)
    mixing = Augmentation(flip=0.5, mixup=1, cutmix=1)
    whole = batches(PIXELS, np.arange(50), rows, batch_size=8, shuffle_seed=0, augmentation=mixing)
    parts = [whole.shared(Share(process, processes, devices)) for process in range(processes)]
    for index, (photos, labels) in enumerate(whole):
        assert labels.shape == (len(photos), 50)
        shares = [part[index] for part in parts]
        for values, own in ((photos, 0), (labels, 1)):
            joined = np.concatenate([share[own][share[2].astype(bool)] for share in shares])
            np.testing.assert_array_equal(joined, values)


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_pixels_stay_pixels_for_networks_that_prepare_them(backend, monkeypatch):
    monkeypatch.setattr("keras.backend.backend", lambda: backend)
    made = batches(PIXELS, range(50), LABELS, batch_size=16, shuffle_seed=2, standardized=False)
    for photos, labels in made:
        assert np.asarray(photos).dtype == np.float32
        np.testing.assert_array_equal(photos, PIXELS[np.asarray(labels)])
    if backend == "jax":
        (own, *_) = made.shared(Share(0, 1, 1))[0]
        np.testing.assert_array_equal(own, made[0][0])
