"""Losses by hand, by finite differences, against NumPy in double precision, and on JAX.

    KERAS_BACKEND=jax python tests/models/test_losses.py RESULTS.npz

is what another process runs.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kangaroo.errors import DataError, KangarooError
from kangaroo.geo.decoders import Box, ClassPoints
from kangaroo.geo.distance import EARTH_RADIUS_KM, haversine_km
from kangaroo.geo.sphere import unit_vectors

N, K = 6, 4
LONDON = Box(51.28, 51.69, -0.51, 0.33)
RNG = np.random.default_rng(0)
LAT, LON = RNG.uniform(-85, 85, (2, N)), RNG.uniform(-180, 180, (2, N))
KM = RNG.uniform(0, 15000, (N, K))
P, WANTED = RNG.dirichlet(np.ones(K), (2, N))
ROWS = np.hstack([WANTED, KM])
VECTORS = 1.7 * unit_vectors(LAT[1], LON[1])  # a network's vectors may have any length
IN_BOX = RNG.uniform(-0.2, 1.2, (2, N, 2))
SURE = np.eye(2)[[0, 1]]  # the first is right, the second is wrong
FIRST = np.array([[1, 0, 0, 900.0]] * 2)


def cases() -> dict:
    """Loss, wanted and given, where they are smooth."""
    from kangaroo.models.losses import BoxLoss, PlaceLoss, SphereLoss

    return {
        "place": (PlaceLoss(2.5), ROWS, P),
        "cross entropy alone": (PlaceLoss(0), ROWS, P),
        "one sigmoid": (PlaceLoss(2.5), np.hstack([P[:, :2], KM[:, :2]]), P[:, :1]),
        "sphere": (SphereLoss(), unit_vectors(LAT[0], LON[0]), VECTORS),
        "city": (BoxLoss(**vars(LONDON)), *IN_BOX),
        "hemisphere": (BoxLoss(-80, 85, 20, 200), *IN_BOX),
    }


def corners() -> dict:
    """The same where square roots, arcs and logarithms have no finite derivative."""
    from kangaroo.models.losses import BoxLoss, PlaceLoss, SphereLoss

    here, globe = unit_vectors(LAT[0], LON[0]), BoxLoss(-90, 90, -180, 180)
    point = np.array([[0.75, 0.3]])
    return {
        "sure": (PlaceLoss(1), FIRST, SURE),
        "sure, one sigmoid": (PlaceLoss(1), FIRST, SURE[:, 1:]),
        "same vector": (SphereLoss(), here, here),
        "opposite vector": (SphereLoss(), here, -here),
        "no vector": (SphereLoss(), here, 0 * here),
        "same point": (globe, point, point),
        "opposite point": (globe, point, np.array([[0.25, 0.8]])),
    }


def derived(case: tuple, dtype: str = "float32") -> tuple[np.ndarray, np.ndarray]:
    """Values (n,) of a loss and their gradients with respect to what the network says."""
    from kangaroo.models.gradients import compiled, value_and_gradient

    loss, wanted, given = case
    function = compiled(value_and_gradient(lambda given, wanted: (loss.call(wanted, given), ())))
    values, _, gradient = function(given.astype(dtype), wanted.astype(dtype))
    return values, gradient


def sure_network():
    """A network of four classes that is wholly sure and wholly wrong about rows of ones."""
    import keras

    from kangaroo.models import losses

    dense = keras.layers.Dense(K, "softmax", kernel_initializer="zeros")
    model = keras.Sequential([keras.Input((2,)), dense])
    model.compile(
        keras.optimizers.SGD(0.1),
        losses.PlaceLoss(2.5),
        weighted_metrics=[keras.metrics.MeanMetricWrapper(losses.place_accuracy, "accuracy")],
    )
    model.set_weights([np.zeros((2, K)), np.array([200, 0, 0, 0])])
    return model


def results() -> dict[str, np.ndarray]:
    """What the backend of this process makes of the cases, and of two steps of training."""
    found = {}
    for name, case in (cases() | corners()).items():
        found[f"{name}: values"], found[f"{name}: gradients"] = derived(case)
    model = sure_network()
    rows = np.hstack([np.eye(K)[[1, 2, 1]], KM[:3]]).astype(np.float32)
    logs = model.fit(np.ones((3, 2)), rows, batch_size=2, shuffle=False, verbose=0).history
    found["training"] = np.array([logs["loss"][0], logs["accuracy"][0]])
    found["weights"] = np.concatenate([weight.ravel() for weight in model.get_weights()])
    return found


@pytest.fixture(scope="module")
def on_jax(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed")
    path = tmp_path_factory.mktemp("jax") / "results.npz"
    subprocess.run([sys.executable, __file__, path], check=True, env={**os.environ, "KERAS_BACKEND": "jax"})
    return dict(np.load(path))


def test_jax_gives_what_tensorflow_gives(on_jax) -> None:
    """At the corners gradients may differ; behind probabilities, Keras finds logits on TensorFlow only."""
    for name, values in results().items():
        assert np.isfinite(on_jax[name]).all(), name
        case, _, what = name.partition(": ")
        if what == "values" or case in cases():
            tolerance = 3e-4 * max(1, abs(values).max())
            np.testing.assert_allclose(on_jax[name], values, rtol=0, atol=tolerance, err_msg=name)
    loss, accuracy = on_jax["training"]
    assert loss > 16
    assert accuracy == 0


@pytest.mark.parametrize("name", cases())
def test_gradients_are_those_of_finite_differences(name: str) -> None:
    loss, wanted, given = cases()[name]
    _, gradient = derived((loss, wanted, given), "float64")
    step = 1e-5
    for i in range(given.shape[1]):
        side = step * np.eye(given.shape[1])[i]
        up, down = (derived((loss, wanted, given + sign * side), "float64")[0] for sign in (1, -1))
        np.testing.assert_allclose(gradient[:, i], (up - down) / (2 * step), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", corners())
def test_values_and_gradients_are_finite_everywhere(name: str) -> None:
    values, gradient = derived(corners()[name])
    assert np.isfinite(values).all()
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize(
    ("name", "km"),
    [
        ("same vector", 0),
        ("opposite vector", np.pi * EARTH_RADIUS_KM),
        ("no vector", np.pi / 2 * EARTH_RADIUS_KM),
        ("same point", 0),
        ("opposite point", np.pi * EARTH_RADIUS_KM),
    ],
)
def test_distances_at_the_corners(name: str, km: float) -> None:
    np.testing.assert_allclose(derived(corners()[name])[0], km / 1000, rtol=1e-3, atol=1e-6)


def test_cross_entropy_and_expected_distance_by_hand() -> None:
    """-ln 0.3, and 2.5 times 0.5 x 1 + 0.3 x 0 + 0.2 x 3 = 1.1 thousand kilometres."""
    from kangaroo.models.losses import PlaceLoss

    rows, p = np.array([[0, 1, 0, 1000, 0, 3000]]), np.array([[0.5, 0.3, 0.2]])
    assert float(PlaceLoss(2.5)(rows, p)) == pytest.approx(-np.log(0.3) + 2.5 * 1.1)
    assert float(PlaceLoss(0)(rows, p)) == pytest.approx(-np.log(0.3))


def test_one_sigmoid_is_a_softmax_of_two() -> None:
    from kangaroo.models.losses import PlaceLoss, place_accuracy

    second, rows = P[:, :1], np.hstack([SURE[[0, 1] * 3], KM[:, :2]])
    both = np.hstack([1 - second, second])
    assert float(PlaceLoss(2)(rows, second)) == pytest.approx(float(PlaceLoss(2)(rows, both)), rel=1e-5)
    assert place_accuracy(rows, second).numpy().tolist() == place_accuracy(rows, both).numpy().tolist()


@pytest.mark.parametrize("smoothing", [0, 0.1])
def test_without_distance_it_is_keras_s_cross_entropy(smoothing: float) -> None:
    from keras.losses import CategoricalCrossentropy

    from kangaroo.models.losses import PlaceLoss, place_rows, targets

    index = np.arange(N) % K
    given = PlaceLoss(0)(place_rows(targets(index, K, smoothing=smoothing), KM), P)
    expected = CategoricalCrossentropy(label_smoothing=smoothing)(np.eye(K)[index], P)
    assert float(given) == pytest.approx(float(expected), rel=1e-6)


def test_a_batch_is_the_mean_weighted() -> None:
    from kangaroo.models.losses import PlaceLoss

    loss = PlaceLoss(1.5)
    each = loss.call(*(np.float32(array) for array in (ROWS, P))).numpy()
    weights = np.array([1, 1, 0, 0, 2, 1])
    assert float(loss(ROWS, P, weights)) == pytest.approx(each @ weights / 5, rel=1e-6)


def test_a_sure_and_wrong_network_still_learns() -> None:
    """The probability of the right class rounds to 0: its gradient comes through the logits."""
    model = sure_network()
    before = model.get_weights()
    model.train_on_batch(np.ones((1, 2)), np.hstack([np.eye(K)[[1]], KM[:1]]))
    after = model.get_weights()
    assert after[1][1] - before[1][1] == pytest.approx(0.1)
    assert after[1][0] - before[1][0] == pytest.approx(-0.1, abs=1e-4)


def test_a_loss_of_distance_prefers_the_nearer_of_two_wrong_classes() -> None:
    """Both are as likely: only the expected distance moves their logits apart."""
    rows, alike = np.array([[1, 0, 0, 0, 9, 800.0]]), np.full((1, 3), 1 / 3)
    _, gradient = derived((cases()["place"][0], rows, alike))
    assert gradient[0, 2] - gradient[0, 1] == pytest.approx(2.5 * (800 - 9) / 1000, rel=1e-5)


@pytest.mark.parametrize("km", [0.1, 0.5, 1])
def test_single_precision_is_enough_below_a_kilometre(km: float) -> None:
    """Everywhere on the globe, in any direction; in a city, a tenth as far too."""
    from kangaroo.models.losses import box_km, sphere_km

    lat, lon = RNG.uniform(-89, 89, 2000), RNG.uniform(-180, 180, 2000)
    turn, degrees = RNG.uniform(0, 2 * np.pi, 2000), km / EARTH_RADIUS_KM * 180 / np.pi
    other = lat + degrees * np.cos(turn), lon + degrees * np.sin(turn) / np.cos(np.radians(lat))
    a, b = (np.float32(unit_vectors(*point)) for point in ((lat, lon), other))
    np.testing.assert_allclose(sphere_km(a, b), haversine_km(lat, lon, *other), rtol=0.01)
    lat, lon = RNG.uniform(51.3, 51.6, 2000), RNG.uniform(-0.5, 0.3, 2000)
    other = lat + degrees / 10 * np.cos(turn), lon + degrees / 10 * np.sin(turn)
    a, b = (np.float32(LONDON.encode(*point)) for point in ((lat, lon), other))
    np.testing.assert_allclose(box_km(a, b, **vars(LONDON)), haversine_km(lat, lon, *other), rtol=0.01)


def test_kilometres_are_those_of_the_evaluation() -> None:
    """Also of guesses outside the box, across the antimeridian, and of vectors of any length."""
    from kangaroo.geo.decoders import Sphere
    from kangaroo.models.losses import box_km, sphere_km

    fiji = Box(-20.0, -12.0, 176.0, 184.0)
    truth = LAT[0] / 85 * 4 - 16, 180 + LON[0] / 180 * 4
    wanted, given = np.float32(fiji.encode(*truth)), np.float32(IN_BOX[0])
    expected = haversine_km(*truth, *fiji.decode(given))
    np.testing.assert_allclose(box_km(wanted, given, **vars(fiji)), expected, rtol=1e-4)
    wanted, given = np.float32(unit_vectors(LAT[0], LON[0])), np.float32(VECTORS)
    expected = haversine_km(LAT[0], LON[0], *Sphere().decode(given))
    np.testing.assert_allclose(sphere_km(wanted, given), expected, rtol=1e-5)


def test_outside_of_the_box_the_loss_leads_back() -> None:
    loss, *_ = cases()["city"]
    _, gradient = derived((loss, np.array([[0.5, 0.5]]), np.array([[1.5, 0.5]])))
    assert gradient[0, 0] * 1000 == pytest.approx(haversine_km(LONDON.south, 0, LONDON.north, 0), rel=0.01)


@pytest.mark.parametrize("name", ["place", "sphere", "city"])
def test_a_checkpoint_comes_back(name: str, tmp_path: Path) -> None:
    """With loss, metric and optimizer: it goes on to the same weights."""
    import keras

    from kangaroo.models import losses

    loss, wanted, given = cases()[name]
    metric = {
        "place": keras.metrics.MeanMetricWrapper(losses.place_accuracy, "accuracy"),
        "sphere": keras.metrics.MeanMetricWrapper(losses.sphere_km, "km"),
        "city": keras.metrics.MeanMetricWrapper(losses.box_km, "km", **vars(LONDON)),
    }[name]
    dense = keras.layers.Dense(given.shape[1], "softmax" if name == "place" else None)
    model = keras.Sequential([keras.Input((3,)), dense])
    model.compile("adam", loss, weighted_metrics=[metric])
    x, y = np.float32(RNG.normal(size=(N, 3))), np.float32(wanted)
    model.fit(x, y, shuffle=False, verbose=0)
    model.save(tmp_path / "checkpoint.keras")
    again = keras.models.load_model(tmp_path / "checkpoint.keras")
    assert again.loss.get_config() == loss.get_config()
    logs = [one.fit(x, y, shuffle=False, verbose=0).history for one in (model, again)]
    assert logs[0] == logs[1]
    assert list(logs[0]) == [metric.name, "loss"]
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_accuracy_is_that_of_the_predictions() -> None:
    from kangaroo.models.losses import place_accuracy, place_rows, targets

    index, p = RNG.integers(K, size=500), np.float32(RNG.dirichlet(np.ones(K), 500))
    rows = place_rows(targets(index, K, smoothing=0.2), np.zeros((500, K)))
    assert place_accuracy(rows, p).numpy().tolist() == (p.argmax(axis=1) == index).tolist()


def test_targets_by_hand() -> None:
    from kangaroo.models.losses import targets

    assert targets([2, 0], 3).tolist() == [[0, 0, 1], [1, 0, 0]]
    np.testing.assert_allclose(targets([1], 4, smoothing=0.2), [[0.05, 0.85, 0.05, 0.05]], rtol=1e-6)


def test_soft_targets_are_pigeon_s() -> None:
    """exp(-(d - d_true) / tau), normalized: 1, exp(-1) and exp(-4)."""
    from kangaroo.models.losses import soft_targets

    weights = np.exp([0, -1, -4])
    found = soft_targets([[10, 85, 310]], [0], tau_km=75)
    np.testing.assert_allclose(found, [weights / weights.sum()], rtol=1e-6)
    assert found.dtype == np.float32


def test_the_true_class_stays_the_likeliest() -> None:
    """Also where the points of other classes are nearer, as for a photo of Vladivostok and those of Asia."""
    from kangaroo.models.losses import soft_targets

    index = np.arange(N) % K
    found = soft_targets(KM, index, tau_km=300)
    assert (found.argmax(axis=1) == index).all()
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-6)
    true = np.eye(K, dtype=bool)[index]
    nearer = KM[true][:, None] >= KM
    assert nearer.sum() > N
    np.testing.assert_allclose(found[nearer], (found[true][:, None] * nearer)[nearer], rtol=1e-5)


def test_soft_targets_between_one_and_all() -> None:
    from kangaroo.models.losses import soft_targets

    distances = [[0, 500, 20000]]
    np.testing.assert_allclose(soft_targets(distances, [0], tau_km=1e-3), [[1, 0, 0]], atol=1e-6)
    np.testing.assert_allclose(soft_targets(distances, [0], tau_km=1e9), [[1 / 3] * 3], rtol=1e-4)


def test_distances_of_photos_with_and_without_coordinates() -> None:
    """A degree on the equator is 111.2 km; the third photo is where its class is."""
    from kangaroo.models.losses import distance_rows, place_rows

    points = ClassPoints(np.array([0.0, 0.0]), np.array([0.0, 10.0]))
    found = distance_rows([0, 0, np.nan], [1, 10, np.nan], [0, 0, 1], points)
    degree = 2 * np.pi * EARTH_RADIUS_KM / 360
    np.testing.assert_allclose(found, np.array([[1, 9], [10, 0], [10, 0]]) * degree, rtol=1e-6)
    rows = place_rows(np.ones((3, 2), np.float32), found)
    assert (rows.shape, rows.dtype) == ((3, 4), np.float32)


def test_a_class_without_a_point_is_as_far_as_the_farthest() -> None:
    from kangaroo.models.losses import distance_rows

    points = ClassPoints(np.array([0.0, np.nan, 50.0]), np.array([0.0, np.nan, 0.0]))
    (near, unknown, far) = distance_rows([1.0], [0.0], [0], points)[0]
    assert near < far == unknown
    with pytest.raises(DataError, match=r"class number 1, .* and no point"):
        distance_rows([1.0, np.nan], [0.0, np.nan], [0, 1], points)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda losses: losses.PlaceLoss(-1), "alpha -1"),
        (lambda losses: losses.PlaceLoss(float("nan")), "alpha nan"),
        (lambda losses: losses.targets([0], 2, smoothing=1), "smoothing 1"),
        (lambda losses: losses.soft_targets([[0, 1]], [0], tau_km=0), "0 km"),
    ],
)
def test_settings_that_make_no_sense(make, message: str) -> None:
    from kangaroo.models import losses

    with pytest.raises(KangarooError, match=message):
        make(losses)


if __name__ == "__main__":
    sys.modules["tensorflow"] = None  # type: ignore[assignment]  # importing it fails
    np.savez(sys.argv[1], **results())
