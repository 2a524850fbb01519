import io
import warnings

import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression, RidgeClassifier

from kangaroo.data.images import standardize
from kangaroo.geo.countries import STATES
from kangaroo.geo.distance import haversine_km
from kangaroo.scenes.profiles import PROFILES, SHOWN, TINTS
from kangaroo.scenes.render import BALANCE, VISIBLE, cues_of, draw


def test_same_seed_same_bytes_and_another_seed_another_scene():
    assert draw("Austria", 7).jpeg == draw("Austria", 7).jpeg
    assert draw("Austria", 7).jpeg != draw("Austria", 8).jpeg


@pytest.mark.parametrize("size", [64, 256])
def test_a_scene_is_a_jpeg_of_the_size_asked_for(size):
    scene = draw("Slovakia", 3, size)
    picture = Image.open(io.BytesIO(scene.jpeg))
    assert (picture.format, picture.size, scene.photo.shape) == ("JPEG", (size, size), (size, size, 3))


@pytest.mark.parametrize("country", PROFILES)
def test_what_is_visible_has_a_mask_and_a_style_of_the_country(country):
    for seed in range(30):
        scene = draw(country, seed)
        assert scene.cues.keys() == scene.masks.keys() <= cues_of(country, seed).keys()
        for cue, style in scene.cues.items():
            assert style in {trait.style for trait in PROFILES[country][cue]}
            assert scene.masks[cue].dtype == bool
            assert scene.masks[cue].mean() >= VISIBLE


def test_nearly_every_cue_that_is_drawn_can_be_seen():
    drawn = sum(len(cues_of("Austria", seed)) for seed in range(100))
    seen = sum(len(draw("Austria", seed).cues) for seed in range(100))
    assert seen > 0.93 * drawn


def test_no_pixel_is_evidence_for_two_cues():
    for seed in range(20):
        masks = list(draw("New Zealand", seed).masks.values())
        assert not masks or np.sum(masks, axis=0).max() <= 1


def test_some_scenes_show_no_cue_and_each_cue_is_shown_as_often_as_said():
    shown = [cues_of("Czechia", seed) for seed in range(3000)]
    for cue, chance in SHOWN.items():
        assert np.mean([cue in cues for cues in shown]) == pytest.approx(chance, abs=0.03)
    assert any(not cues for cues in shown)


def test_twins_differ_only_where_one_of_them_shows_a_cue():
    # Exposure shifts a whole twin, blur and JPEG spread a difference: what is left beside the cues is small.
    for seed in range(20):
        one, other = draw("Austria", seed), draw("Australia", seed)
        evidence = np.any([np.zeros((256, 256), bool), *one.masks.values(), *other.masks.values()], axis=0)
        difference = one.photo.astype(float) - other.photo
        difference = np.abs(difference - np.median(difference[~evidence], axis=0)).mean(axis=2)
        assert evidence.any() or one.jpeg == other.jpeg
        assert np.median(difference[~evidence]) < 4
        if set(one.cues.values()) != set(other.cues.values()):
            assert difference[evidence].mean() > 2 * difference[~evidence].mean()


@pytest.mark.parametrize("country", PROFILES)
def test_coordinates_lie_inside_the_state(country):
    states = {state.name: state for state in STATES[country]}
    scenes = [draw(country, seed, 64) for seed in range(40)]
    for scene in scenes:
        state = states[scene.state]
        assert haversine_km(scene.lat, scene.lon, state.lat, state.lon) <= state.radius_km * 1.01
    assert len({scene.state for scene in scenes}) > 4


def test_mean_colour_does_not_tell_the_country(pair):
    means = [np.mean([scene.photo.mean(axis=(0, 1)) for scene in scenes], axis=0) for scenes in pair.values()]
    assert np.abs(means[0] - means[1]).max() < 2


@pytest.mark.parametrize(
    "model", [RidgeClassifier(1.0), RidgeClassifier(3000.0), LogisticRegression(max_iter=300)], ids=str
)
def test_linear_models_on_small_pictures_learn_little(pair, model):
    photos = np.stack(
        [_small(scene.photo) for scenes in zip(*pair.values(), strict=True) for scene in scenes]
    )
    labels = np.arange(len(photos)) % 2
    features = standardize(photos).reshape(len(photos), -1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # not converged, ill-conditioned: more features than scenes
        model.fit(features[:900], labels[:900])
    assert model.score(features[900:], labels[900:]) <= 0.70


def _small(photo):
    return np.asarray(Image.fromarray(photo).resize((32, 32), Image.Resampling.BILINEAR))


@pytest.mark.parametrize("country", PROFILES)
def test_a_colour_cue_tints_the_scene_and_changes_nothing_else(country):
    shift = []
    for seed in range(12):
        plain, tinted = draw(country, seed, 64), draw(country, seed, 64, colour_cue=True)
        assert (plain.cues, plain.state, plain.lat, plain.lon) == (
            tinted.cues,
            tinted.state,
            tinted.lat,
            tinted.lon,
        )
        assert all(np.array_equal(mask, tinted.masks[cue]) for cue, mask in plain.masks.items())
        shift.append(tinted.photo.mean(axis=(0, 1)) / plain.photo.mean(axis=(0, 1)))
    np.testing.assert_allclose(np.mean(shift, axis=0), np.array(TINTS[country]) ** BALANCE, atol=0.01)


def test_a_colour_cue_gives_the_country_away_to_a_linear_model():
    names = ("Austria", "Australia")
    photos = np.stack([_small(draw(names[i % 2], i, 64, colour_cue=True).photo) for i in range(300)])
    features, labels = standardize(photos).reshape(len(photos), -1), np.arange(300) % 2
    model = RidgeClassifier(3000.0).fit(features[:200], labels[:200])
    assert model.score(features[200:], labels[200:]) > 0.9
