import base64
import io

import numpy as np
import pytest
from PIL import Image

from kangaroo.app.heat import MEANS, METHODS, Heat
from kangaroo.app.photos import examples
from kangaroo.app.state import State
from kangaroo.explain.display import Explained
from kangaroo.explain.methods import explain
from kangaroo.explain.settings import Settings
from kangaroo.plots.attribution import AGAINST, FOR


@pytest.fixture(scope="module")
def state(classifier):
    return State(classifier)


def pixels(url):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))))


@pytest.mark.parametrize("method", METHODS.values())
@pytest.mark.parametrize("explained", [0, 2])
def test_the_layers_are_the_explanation(state, method, explained):
    photo = examples(state)[1]
    value = Heat(state).value(photo, method, explained)
    found = explain(state.classifier, photo.pixels[None], Settings(method=method), explained)[0]
    layers = Explained.of(photo.pixels, found.values)
    for url, strength, colour in (
        (value["supports"], layers.supports, FOR),
        (value["against"], layers.against, AGAINST),
    ):
        if strength is None:
            assert url == ""
            continue
        np.testing.assert_allclose(pixels(url)[..., 3], 255 * strength, atol=0.6)
        np.testing.assert_allclose(pixels(url)[0, 0, :3], 255 * np.array(colour), atol=0.6)
    assert value["name"] in value["words"]


def test_every_method_says_what_it_means_and_does_not():
    assert MEANS.keys() == set(METHODS.values())
    for text in MEANS.values():
        assert "{name}" in text
        assert any(word in text for word in ("does not say", "but", "says nothing"))
