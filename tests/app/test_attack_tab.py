"""The tab Attack: its figures against the attack itself, and its slider in a real browser."""

import re

import numpy as np
import pytest

from kangaroo.app.attack_tab import LARGEST, OneStep
from kangaroo.app.photos import examples
from kangaroo.app.state import Settings, State
from kangaroo.attack.gradient import Attack
from kangaroo.attack.settings import AttackConfig


@pytest.fixture(scope="module")
def state(classifier):
    return State(classifier, Settings())


@pytest.fixture(scope="module")
def step(state):
    return OneStep(state)


@pytest.fixture(scope="module")
def photo(state):
    return examples(state)[0]


@pytest.mark.parametrize("target", [None, 0, 1, 2])
def test_the_attacked_photo_is_that_of_the_signed_gradient(state, step, photo, target):
    attack = Attack(state.classifier.model, AttackConfig(target=target))
    at = attack.units(photo.pixels[None])
    label = np.array([state.probabilities(photo.pixels[None]).argmax()], np.int32)
    direction = attack.direction(at, label)[0]
    aimed = step.aim(photo, target)
    for epsilon in (0.25, 2.0, 16.0):
        expected = at + attack.perturb(at, label, direction, epsilon)
        np.testing.assert_allclose(step.attacked(aimed, np.array([epsilon])), expected, atol=1e-4)


def test_the_smallest_epsilon_turns_the_answer_and_a_little_less_does_not(state, step):
    found = [step.aim(photo) for photo in examples(state)]
    turning = [aimed for aimed in found if aimed.turns]
    assert turning
    for aimed in turning:
        before, after = step.probabilities(aimed, np.array([aimed.turns - 1 / 64, aimed.turns])).argmax(
            axis=1
        )
        assert before == aimed.clean.argmax() != after
    for aimed in found:  # by brute force, on the grid that the search begins with
        answers = step.probabilities(aimed, np.arange(1, LARGEST + 1)).argmax(axis=1)
        turned = np.flatnonzero(answers != aimed.clean.argmax())
        assert (aimed.turns is None) == (len(turned) == 0)
        if len(turned):
            assert turned[0] < aimed.turns <= turned[0] + 1


def test_a_target_that_is_the_answer_already_needs_no_change(step, photo):
    aimed = step.aim(photo)
    assert step.aim(photo, int(aimed.clean.argmax())).turns == 0.0


def test_probabilities_between_whole_pixel_values_are_the_classifiers(state, step, photo):
    aimed = step.aim(photo)
    np.testing.assert_allclose(
        step.probabilities(aimed, np.zeros(1)), state.classifier.probabilities(photo.pixels[None]), atol=1e-6
    )


@pytest.mark.slow
def test_the_slider_turns_the_answer_live(state, step, photo, serving, visit):
    aimed = step.aim(photo)
    with serving(state.classifier, Settings()) as address:
        page = visit(address).page
        page.get_by_role("tab", name="Attack").click()
        slider = page.locator("#attack-epsilon input[type=range]")
        slider.wait_for()
        said = page.locator("#attack-said").inner_text()
        assert f"epsilon of {aimed.turns:.2f} of 255" in said if aimed.turns else "No step" in said
        for epsilon in (0, 5):
            slider.fill(str(epsilon))
            p = step.probabilities(aimed, np.array([float(epsilon)]))[0]
            best = state.classifier.classes[int(p.argmax())]
            page.wait_for_function(
                """([best, scale]) => {
                  const after = [...document.querySelectorAll("#attack-outcome figure")].at(-1);
                  return document.querySelector("#attack-outcome .added").innerText.includes(scale) &&
                    after.querySelector(".ranking .name").innerText === best; }""",
                arg=[best, f"+{epsilon}" if epsilon else "No change"],
            )
            turned = page.locator("#attack-outcome figure.turned").count()
            assert turned == (p.argmax() != aimed.clean.argmax())


def test_another_target_and_another_photo(state, serving, visit):
    with serving(state.classifier, Settings()) as address:
        page = visit(address).page
        page.get_by_role("tab", name="Attack").click()
        page.get_by_label("Turn it into").click()
        page.get_by_role("option", name="Slovakia").click()
        page.wait_for_function("() => document.querySelector('#attack-said').innerText.includes('Slovakia')")
        before = page.locator("#attack-outcome img").first.get_attribute("src")
        page.locator("#attack-examples button").nth(4).click()
        page.wait_for_function("old => document.querySelector('#attack-outcome img').src !== old", arg=before)
        assert re.search("Slovakia|No step", page.locator("#attack-said").inner_text())
        file = {"name": "x.png", "mimeType": "image/png", "buffer": b"no photo"}
        page.locator("#attack-photo input[type=file]").set_input_files(file)
        page.wait_for_selector("#attack-said .refused")
