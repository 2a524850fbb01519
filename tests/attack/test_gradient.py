from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from kangaroo.attack.gradient import Attack
from kangaroo.attack.settings import CHOICES, AttackConfig
from kangaroo.data.images import standardize
from kangaroo.errors import KangarooError
from kangaroo.models.graph import logit_model, standardized

EPSILON = {"linf": 4.0, "l2": 40.0}


def attacked(attack: Attack, pictures: np.ndarray, labels: np.ndarray, epsilon: float) -> np.ndarray:
    """The perturbations, all of them in one batch."""
    photos = attack.units(pictures)
    direction = np.asarray(attack.direction(photos, labels)[0])
    return attack.perturb(photos, labels, direction, epsilon)


def size(perturbation: np.ndarray, norm: str) -> np.ndarray:
    flat = np.abs(perturbation.astype(np.float64).reshape(len(perturbation), -1))
    return flat.max(axis=1) if norm == "linf" else np.sqrt((flat**2).sum(axis=1))


def linear(weights: np.ndarray) -> keras.Model:
    """p = sigmoid(w . x): its gradient can be written down."""
    inputs = keras.Input(weights.shape)
    model = keras.Model(inputs, layers.Dense(1, "sigmoid")(layers.Flatten()(inputs)))
    model.set_weights([weights.reshape(-1, 1), np.zeros(1)])
    return model


def test_signed_gradient_of_a_linear_model_is_the_sign_of_its_weights(pictures: np.ndarray) -> None:
    weights = np.random.default_rng(5).normal(size=pictures.shape[1:])
    attack = Attack(linear(weights), AttackConfig(space="standardized"))
    found = attacked(attack, pictures[:2], np.array([0, 1], np.int32), 0.25)
    np.testing.assert_array_equal(found, 0.25 * np.sign([weights, -weights]))


def test_gradient_in_pixels_goes_through_the_standardization(pictures: np.ndarray) -> None:
    weights = np.random.default_rng(5).normal(size=pictures.shape[1:])
    attack = Attack(linear(weights), AttackConfig(norm="l2"))
    photo = pictures[:1].astype(np.float64)
    z = (photo[0] - photo.mean()) / photo.std()
    by_hand = (weights - weights.mean() - z * (weights * z).mean()) / photo.std()
    direction, zero = map(
        np.asarray, attack.direction(attack.units(pictures[:1]), np.array([0], np.int32))[:2]
    )
    np.testing.assert_allclose(direction[0], by_hand / np.linalg.norm(by_hand), atol=1e-6)
    assert not zero[0]


@pytest.mark.parametrize("through", CHOICES["through"])
@pytest.mark.parametrize("space", CHOICES["space"])
def test_gradient_equals_a_finite_difference(
    models: dict[str, keras.Model], pictures: np.ndarray, space: Any, through: Any
) -> None:
    """The slope along any direction u is that along the gradient's, times the cosine between them."""
    attack = Attack(models["functional"], AttackConfig(norm="l2", space=space, through=through))
    labels = np.array([0, 1, 2], np.int32)
    photos = attack.units(pictures[:3])
    direction = np.asarray(attack.direction(photos, labels)[0])
    step = 2.0 if space == "pixels" else 0.03

    def loss(at: np.ndarray) -> np.ndarray:
        inputs = standardize(at) if space == "pixels" else at
        return -np.log(np.asarray(models["functional"](inputs), np.float64)[range(3), labels])

    def slope(along: np.ndarray) -> np.ndarray:
        return (loss(photos + step * along) - loss(photos - step * along)) / (2 * step)

    others = np.random.default_rng(1).normal(size=(20, *photos.shape)).astype(np.float32)
    for along in others / np.sqrt((others**2).sum(axis=(2, 3, 4), keepdims=True)):
        cosine = (along * direction).sum(axis=(1, 2, 3))
        np.testing.assert_allclose(
            slope(along), cosine * slope(direction), atol=0.02 * slope(direction).max()
        )
    assert (slope(direction) > 0).all()


@pytest.mark.parametrize("method", CHOICES["method"])
@pytest.mark.parametrize("norm", CHOICES["norm"])
@pytest.mark.parametrize("space", CHOICES["space"])
def test_perturbation_stays_within_epsilon_and_photos_within_bounds(
    models: dict[str, keras.Model], pictures: np.ndarray, method: Any, norm: Any, space: Any
) -> None:
    attack = Attack(models["classes"], AttackConfig(method=method, norm=norm, space=space, steps=3))
    photos = attack.units(pictures)
    labels = np.zeros(len(photos), np.int32)
    epsilon = 30.1 if norm == "linf" else 700.0
    found = attacked(attack, pictures, labels, epsilon)
    assert size(found, norm).max() <= epsilon * (1 + 1e-6)
    if space == "pixels":
        assert (photos + found).min() >= 0
        assert (photos + found).max() <= 255
        assert (photos + found == 0).any()  # so something was clipped
    else:
        assert size(found, norm).max() == pytest.approx(epsilon, rel=1e-5)


@pytest.mark.parametrize("norm", CHOICES["norm"])
@pytest.mark.parametrize("target", [None, 1])
def test_pgd_is_never_weaker_than_one_step(
    model: keras.Model, pictures: np.ndarray, labels: np.ndarray, norm: Any, target: int | None
) -> None:
    # Steps so small that they alone would be weaker.
    small = {"steps": 2, "step_size": EPSILON[norm] / 20, "norm": norm, "target": target}
    once, pgd = (Attack(model, AttackConfig(method=method, **small)) for method in ("signed-gradient", "pgd"))
    photos = once.units(pictures)
    direction = once.direction(photos, labels)[0]
    first, second = (attack.judge(photos, labels, direction, EPSILON[norm]) for attack in (once, pgd))
    reached = [
        (judged.predicted == target) if target is not None else (judged.predicted != labels)
        for judged in (first, second)
    ]
    assert (reached[1] >= reached[0]).all()
    if model.output_shape[-1] == 1:  # then being misnamed and a loss above log 2 are the same
        sign = -1 if target is None else np.where(labels == target, 1, -1)
        assert (sign * second.log_odds >= sign * first.log_odds - 1e-5).all()


def test_pgd_finds_more_than_one_step(models: dict[str, keras.Model], pictures: np.ndarray) -> None:
    labels = np.array([0, 1] * 20, np.int32)
    loss = {}
    for method in CHOICES["method"]:
        attack = Attack(models["binary"], AttackConfig(method=method, space="standardized"))
        photos = attack.units(pictures)
        direction = np.asarray(attack.direction(photos, labels)[0])
        loss[method] = -attack.judge(photos, labels, direction, 0.5).log_odds.mean()
    assert loss["iterative"] > loss["signed-gradient"]
    assert loss["pgd"] > loss["signed-gradient"]


def test_targeted_leads_to_the_target(models: dict[str, keras.Model], pictures: np.ndarray) -> None:
    labels = np.array([0, 1, 2, 1] * 10, np.int32)
    shares = []
    for target in range(3):
        attack = Attack(models["classes"], AttackConfig(target=target, method="iterative"))
        photos = attack.units(pictures)
        direction = np.asarray(attack.direction(photos, labels)[0])
        shares.append((attack.judge(photos, labels, direction, 40.0).predicted == target).mean())
    assert min(shares) > 0.9


def test_a_certain_photo_can_be_attacked_through_the_logit_only(
    models: dict[str, keras.Model], pictures: np.ndarray
) -> None:
    for name in ("binary", "classes"):
        certain = keras.models.clone_model(models[name])
        *rest, kernel, bias = models[name].get_weights()
        certain.set_weights([*rest, 1e4 * kernel, 1e4 * bias])
        labels = np.asarray(certain(standardize(pictures)))
        own = (labels.argmax(axis=1) if labels.shape[1] > 1 else labels[:, 0] > 0.5).astype(np.int32)
        for through, expected in (("probability", True), ("logit", False)):
            attack = Attack(certain, AttackConfig(through=through))
            photos = attack.units(pictures)
            direction, zero = map(np.asarray, attack.direction(photos, own)[:2])
            assert (zero == expected).all()
            assert ((direction == 0).all(axis=(1, 2, 3)) == zero).all()


def test_a_photo_does_not_depend_on_its_neighbours(
    model: keras.Model, pictures: np.ndarray, labels: np.ndarray
) -> None:
    attack = Attack(model, AttackConfig(method="pgd", steps=2))
    others = pictures[::-1].copy()
    others[5] = pictures[5]
    mixed = labels[::-1].copy()
    mixed[5] = labels[5]
    together, again = (
        attacked(attack, photos, of, 4.0)[5] for photos, of in ((pictures, labels), (others, mixed))
    )
    np.testing.assert_array_equal(together, again)


def test_seed_decides_the_random_start(models: dict[str, keras.Model], pictures: np.ndarray) -> None:
    labels = np.zeros(len(pictures), np.int32)
    found = [
        attacked(
            Attack(models["binary"], AttackConfig(method="pgd", steps=3, seed=seed)), pictures, labels, 4
        )
        for seed in (1, 1, 2)
    ]
    np.testing.assert_array_equal(found[0], found[1])
    assert (found[0] != found[2]).any()


@pytest.mark.parametrize("norm", CHOICES["norm"])
def test_random_start_lies_within_the_ball(norm: str) -> None:
    from kangaroo.attack.gradient import NORMS

    drawn = np.stack([NORMS[norm].start((2, 1, 1), np.random.default_rng(seed)) for seed in range(4000)])
    radius = size(drawn, norm)
    assert radius.max() <= 1
    # Uniform in two dimensions: the share within r is r squared, in a square as in a circle.
    np.testing.assert_allclose([(radius < r).mean() for r in (0.3, 0.5, 0.8)], [0.09, 0.25, 0.64], atol=0.02)


@pytest.mark.parametrize("name", ["binary", "functional, reloaded"])
@pytest.mark.parametrize("target", [None, 1])
@pytest.mark.parametrize(
    ("method", "norm", "theirs"),
    [
        ("signed-gradient", "linf", "FGSM"),
        ("signed-gradient", "l2", "FGM"),
        ("iterative", "linf", "LinfPGD"),
        ("iterative", "l2", "L2PGD"),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_foolbox_finds_the_same(
    models: dict[str, keras.Model],
    pictures: np.ndarray,
    name: str,
    target: int | None,
    method: Any,
    norm: Any,
    theirs: str,
) -> None:
    import foolbox

    model, photos = models[name], pictures[:8].astype(np.float32)
    labels = np.array([0, 1] * 4, np.int32)
    logits = logit_model(model)

    def columns(inputs: tf.Tensor) -> tf.Tensor:  # Foolbox takes a column of logits for each class
        z = logits(standardized(inputs))
        return tf.concat([tf.zeros_like(z), z], axis=1) if z.shape[1] == 1 else z

    options = {} if method == "signed-gradient" else {"abs_stepsize": 1.0, "steps": 3}
    if method == "iterative" or target is not None:  # its FGSM and FGM refuse a target, its PGD does not
        theirs = {"FGSM": "LinfPGD", "FGM": "L2PGD"}.get(theirs, theirs)
        options = options or {"abs_stepsize": EPSILON[norm], "steps": 1}
        options["random_start"] = False
    # int64, because eagerpy asks NumPy 2 for a function that is gone where the types of two arrays differ.
    classes = tf.constant(labels if target is None else np.full(8, target), tf.int64)
    criterion = (
        foolbox.criteria.Misclassification if target is None else foolbox.criteria.TargetedMisclassification
    )
    other = getattr(foolbox.attacks, theirs)(**options)
    oracle = foolbox.TensorFlowModel(columns, bounds=(0, 255), device="/CPU:0")
    expected = other.run(oracle, tf.constant(photos), criterion(classes), epsilon=EPSILON[norm])
    attack = Attack(model, AttackConfig(method=method, norm=norm, target=target, steps=3, step_size=1.0))
    found = photos + attacked(attack, pictures[:8], labels, EPSILON[norm])
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-3)


def test_bfloat16_changes_little(models: dict[str, keras.Model], pictures: np.ndarray) -> None:
    labels = np.array([0, 1] * 20, np.int32)
    found = []
    for policy in ("float32", "mixed_bfloat16"):
        attack = Attack(models["binary"], AttackConfig(space="standardized"), policy=policy)
        photos = attack.units(pictures)
        direction = np.asarray(attack.direction(photos, labels)[0])
        found.append(attack.judge(photos, labels, direction, 0.1).log_odds)
    assert np.corrcoef(found)[0, 1] > 0.99


def test_a_target_must_be_a_class(models: dict[str, keras.Model]) -> None:
    with pytest.raises(KangarooError, match=r"no class 2 to aim at: give a number from 0 to 1$"):
        Attack(models["binary"], AttackConfig(target=2))
