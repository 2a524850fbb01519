import json
import math
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import kangaroo
from kangaroo.cli import main
from kangaroo.errors import DataError, KangarooError, ModelError
from kangaroo.explain import methods
from kangaroo.explain.settings import CHOICES, Settings
from kangaroo.models import report_cnn, store
from kangaroo.models.calibrated import Calibration
from kangaroo.models.store import Card

CLASSES = ("Austria", "Australia", "Czechia")
FACTS = {"training": {}, "data": {}, "metrics": {}, "intended_use": "tests", "limits": "all"}
PNG = b"\x89PNG"


@pytest.fixture(scope="module", params=[2, 3], ids=["binary", "multiclass"])
def path(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "model.keras"
    network = report_cnn.build(32, request.param, seed=0, filters=(4, 4), units=8)
    store.save(network, path, Card(classes=CLASSES[: request.param], image_size=32, task="test", **FACTS))
    return path


@pytest.fixture(scope="module")
def model(path):
    return kangaroo.load(path)


@pytest.fixture(scope="module")
def drawn():
    return kangaroo.draw_scenes(n=6, countries=["Austria", "Australia"], size=32)


@pytest.fixture(scope="module")
def folder(drawn, tmp_path_factory):
    return drawn.save(tmp_path_factory.mktemp("drawn") / "scenes")


@pytest.fixture
def photo(drawn):
    return drawn.images[0]


def test_a_run_folder_and_a_short_name_stand_for_the_model_file(path, model, photo, tmp_path, monkeypatch):
    saved = tmp_path / "saved_models"
    saved.mkdir()
    for suffix in (".keras", ".json"):
        (saved / f"tiny{suffix}").write_bytes(path.with_suffix(suffix).read_bytes())
    monkeypatch.chdir(tmp_path)
    wanted = model.predict(photo)
    for name in (path.parent, str(path), "tiny"):
        assert kangaroo.load(name).predict(photo).equals(wanted)


@pytest.mark.parametrize("name", ["wallaby", "runs/wallaby", "wallaby.keras"])
def test_a_model_that_is_not_there_names_those_that_are(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match=r"no model .*wallaby.*binary_austria_australia, multinomial"):
        kangaroo.load(name)


def test_a_folder_without_a_model_is_none(tmp_path):
    with pytest.raises(ModelError, match=r"holds no model\.keras"):
        kangaroo.load(tmp_path)


def test_a_folder_stands_for_its_photos(model, folder):
    files = sorted(folder.rglob("*.jpg"))
    assert model.predict(folder).equals(model.predict(files))
    assert model.predict([folder / "Austria", files[-1]])["file"].iloc[-1] == str(files[-1])


def test_an_empty_folder_is_refused(model, tmp_path):
    with pytest.raises(DataError, match="no photos in"):
        model.predict(tmp_path)
    with pytest.raises(DataError, match="holds no class folders"):
        model.evaluate(tmp_path)
    with pytest.raises(DataError, match="no photos to judge by"):
        model.evaluate([])


def test_a_broken_link_in_a_folder_is_refused_or_listed(model, photo, tmp_path):
    Image.fromarray(photo).save(tmp_path / "a.png")
    (tmp_path / "b.png").symlink_to(tmp_path / "gone.png")
    with pytest.raises(DataError, match=r"b\.png: a broken link"):
        model.predict(tmp_path)
    frame = model.predict(tmp_path, skip_bad=True)
    assert len(frame) == 1
    assert [row["reason"] for row in frame.attrs["rejected"]] == ["a broken link"]


@pytest.mark.parametrize("method", CHOICES["method"])
def test_an_explanation_is_what_the_method_gives(model, photo, method):
    rule = {"rule": "doubled"} if method == "integrated-gradients" else {}
    settings = Settings(method=method, tolerance=0.05, samples=3, **rule)
    (wanted,) = methods.explain(model, photo[None], settings)
    found = model.explain(photo, method, samples=3)
    np.testing.assert_array_equal(found.values, wanted.values)
    assert found.values.dtype == np.float32
    assert found.prediction == model.predict(photo)["prediction"][0] == found.explained
    assert found.score == wanted.score
    assert found._repr_png_().startswith(PNG)
    if method != "integrated-gradients":
        assert (found.baseline_score, found.completeness_gap, found.error, found.evaluations) == (None,) * 4


def test_an_explanation_adds_up_and_its_error_is_kept(model, photo):
    found = model.explain(photo, tolerance=0.02)
    exact = model.explain(photo, rule="midpoint", steps=4096)
    change = found.score - found.baseline_score
    assert abs(found.values.sum(dtype=np.float64) - change) == pytest.approx(found.completeness_gap, abs=1e-5)
    assert found.error <= 0.02
    assert found.reached
    missed = np.abs(found.values - exact.values).sum() / np.abs(exact.values).sum()
    assert missed <= 2 * 0.02  # it is an estimate
    assert exact.error is None


def test_a_budget_that_is_too_small_is_said(model, photo):
    found = model.explain(photo, tolerance=1e-9, max_steps=40)
    assert not found.reached
    assert found.evaluations == 33
    assert found.error > 1e-9


def test_another_class_can_be_explained(model, photo):
    other = next(name for name in model.classes if name != model.predict(photo)["prediction"][0])
    found = model.explain(photo, name=other, target="probability")
    assert found.explained == other
    assert found.score == pytest.approx(model.predict(photo)[f"p_{other}"][0], abs=1e-5)


@pytest.mark.parametrize("method", ["signed-gradient", "iterative", "pgd"])
@pytest.mark.parametrize("epsilon", [1, 2.5])
def test_an_attack_stays_within_epsilon_and_says_what_predict_says(model, photo, method, epsilon):
    found = model.attack(photo, epsilon, method=method)
    change = found.attacked.astype(int) - found.photo
    assert found.attacked.dtype == np.uint8
    assert 0 < np.abs(change).max() <= epsilon
    frame = model.predict([found.photo, found.attacked])
    said = [(answer.prediction, answer.confidence) for answer in found.answers]
    assert said == list(zip(frame["prediction"], frame["confidence"], strict=True))
    assert not found.calibrated
    assert found._repr_png_().startswith(PNG)


def test_an_attack_lowers_the_confidence_or_turns_the_answer(model, photo):
    found = model.attack(photo, epsilon=4)
    assert found.turned or found.after.confidence < found.before.confidence


def test_an_attack_on_a_calibrated_model_is_told_in_calibrated_numbers(model, photo):
    fit = Calibration(temperature=3.0, coverage=0.9, thresholds=np.full(len(model.classes), 0.9))
    judged = replace(model, card=replace(model.card, calibration=fit.to_json()))
    found = judged.attack(photo)
    assert found.calibrated
    assert found.before.confidence == pytest.approx(judged.predict(photo)["confidence"][0], abs=1e-6)
    assert found.before.confidence < model.attack(photo).before.confidence


@pytest.mark.parametrize("epsilon", [0, -1, 0.5, math.nan, math.inf, "1", None])
def test_an_epsilon_that_no_photo_can_hold_is_refused(model, photo, epsilon):
    with pytest.raises(DataError, match="epsilon"):
        model.attack(photo, epsilon)


@pytest.mark.parametrize("work", ["explain", "attack"])
def test_a_method_that_is_none_names_those_that_are(model, photo, work):
    with pytest.raises(KangarooError, match=r"no method 'guess': choose from .*gradient"):
        getattr(model, work)(photo, method="guess")


def test_what_is_wrong_is_one_line(model, photo, tmp_path):
    for work in (
        lambda: model.explain(photo, name="Atlantis"),
        lambda: model.explain(photo, tolerance=0),
        lambda: model.explain(photo, brightness=2),
        lambda: model.explain(tmp_path),
        lambda: model.explain(tmp_path / "none.jpg"),
        lambda: model.attack(photo, target="Atlantis"),
        lambda: model.attack(photo[0]),
        lambda: model.evaluate(tmp_path / "none"),
        lambda: kangaroo.draw_scenes(0),
        lambda: kangaroo.draw_scenes(countries=["Atlantis"]),
    ):
        with pytest.raises(KangarooError) as caught:
            work()
        assert "\n" not in str(caught.value)


def test_evaluate_is_what_the_command_prints(capsys, path, model, folder):
    assert main(["evaluate", str(path), "--images", str(folder), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    metrics = model.evaluate(folder)
    assert json.loads(json.dumps(metrics)) == printed
    assert kangaroo.evaluate(model, [folder]) == metrics
    assert metrics._repr_png_().startswith(PNG)
    assert metrics.subject == "drawn scenes"


def test_results_draw_on_the_axes_that_they_are_given(model, photo, folder):
    from kangaroo.plots.style import new_figure

    for result in (model.explain(photo, "gradient"), model.attack(photo), model.evaluate(folder)):
        ax = new_figure(4).subplots()
        assert result.plot(ax) is ax
        assert ax.get_title()


def test_drawn_scenes_are_the_same_every_time(drawn):
    again = kangaroo.draw_scenes(n=6, countries=["Austria", "Australia"], size=32)
    np.testing.assert_array_equal(drawn.images, again.images)
    assert len(drawn) == 6
    assert drawn.labels == ["Austria", "Australia"] * 3
    assert drawn._repr_png_().startswith(PNG)
