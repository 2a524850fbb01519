import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import kangaroo
from kangaroo.scenes.render import draw

MODELS = Path(__file__).parents[1] / "saved_models"
FRESH = 800_000_000  # no training drew seeds from here on
EXPECTED = {
    "binary_austria_australia": (("Austria", "Australia"), 98_537, 0.90),
    "multinomial": (("Australia", "Austria", "Czechia", "New Zealand", "Slovakia"), 98_941, 0.80),
}


@pytest.mark.parametrize(
    "name", ["binary_austria_australia", pytest.param("multinomial", marks=pytest.mark.slow)]
)
def test_saved_model_is_the_reports_network_and_knows_fresh_scenes(name):
    classes, parameters, accuracy = EXPECTED[name]
    classifier = kangaroo.load(MODELS / f"{name}.keras")
    assert classifier.classes == classes
    assert classifier.model.count_params() == classifier.card.parameters == parameters
    assert classifier.card.data["drawn"] is True
    scenes = [draw(classes[i % len(classes)], FRESH + i) for i in range(600)]
    found = classifier.predict([scene.photo for scene in scenes])["prediction"]
    assert np.mean([scene.country for scene in scenes] == found) >= accuracy


@pytest.mark.parametrize("name", EXPECTED)
def test_saved_model_loads_in_plain_keras(name):
    code = f"""
import sys
import keras
model = keras.models.load_model({str(MODELS / name) + ".keras"!r})
print(model.count_params(), model.input_shape, "kangaroo" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[-2] == f"{EXPECTED[name][1]} (None, 256, 256, 3) False"
