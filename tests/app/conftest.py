"""A tiny model, a server of its own, and a real browser that notes whatever it is asked to load."""

import io
import shutil
import socket
import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("gradio", reason="Gradio is not installed")

CLASSES = ("Austria", "Czechia", "Slovakia")
CALIBRATION = {
    "temperature": 1.5,
    "sets": {"method": "adaptive, by the mass above a class", "coverage": 0.9, "by_class": False,
             "thresholds": [0.6, 0.6, 0.6]},
    "abstention": {"risk": 0.2, "confidence": 0.5},
}  # fmt: skip


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """Builds, saves and loads a network of 32 px whose answers differ from photo to photo."""
    return lambda classes=CLASSES, **card: build(tmp_path_factory.mktemp("model"), classes, **card)


def build(folder, classes, **card):
    import keras

    from kangaroo.models import store
    from kangaroo.models.card import Card
    from kangaroo.models.classifier import load

    model = keras.Sequential([keras.Input((32, 32, 3))])
    for filters in (4, 8):
        model.add(keras.layers.Conv2D(filters, 3, padding="same", activation="relu"))
        model.add(keras.layers.MaxPooling2D(2))
    model.add(keras.layers.Flatten())
    model.add(keras.layers.Dense(len(classes) or 3, "softmax" if classes else None))
    rng = np.random.default_rng(3)
    model.set_weights([rng.normal(0, 0.15, w.shape) for w in model.get_weights()])
    made = {"classes": classes, "image_size": 32, "task": "test", "training": {}, "data": {}, "metrics": {}}
    made |= {"intended_use": "tests", "limits": "none"} | card
    store.save(model, folder / "m.keras", Card(**made))
    return load(folder / "m.keras")


@pytest.fixture(scope="session")
def classifier(tiny):
    """Three countries, calibrated."""
    return tiny(calibration=CALIBRATION)


@pytest.fixture(scope="session")
def jpeg():
    """Draws a photo that differs from seed to seed, as the bytes of a JPEG file."""

    def draw(seed=0, size=(60, 40), kind="JPEG", **options):
        blocks = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), dtype=np.uint8)
        file = io.BytesIO()
        Image.fromarray(blocks).resize(size).save(file, kind, **options)
        return file.getvalue()

    return draw


@pytest.fixture(scope="session")
def serving(tmp_path_factory):
    """``with serving(classifier, settings) as address``: the page behind its guard, in a thread."""
    return lambda classifier, settings: served(classifier, settings, tmp_path_factory.mktemp("uploads"))


@pytest.fixture(scope="session")
def served_in():
    """As ``serving``, with the folder for uploads as its third argument."""
    return served


@contextmanager
def served(classifier, settings, folder):
    import uvicorn

    from kangaroo.app.server import LOCAL, application

    with socket.create_server(("127.0.0.1", 0)) as listening, pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(folder))  # put back at the end: the server sets it
        patch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
        app = application(classifier, settings, folder, LOCAL)
        server = uvicorn.Server(
            uvicorn.Config(app, log_level="error", server_header=False, timeout_graceful_shutdown=1)
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.02)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        server.should_exit = True
        thread.join(10)


@pytest.fixture(scope="module")  # as long as it is there no test can run an event loop of its own
def browser():
    """A real browser; the tests are skipped, saying so, where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    program = next(filter(None, map(shutil.which, names)), None)
    if not program:
        pytest.skip("no Chromium is installed")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


class Visit:
    """A page in the browser, and what it asked for and complained of."""

    def __init__(self, browser, address, **settings):
        self.asked, self.said = [], []
        self.context = browser.new_context(**({"viewport": {"width": 1280, "height": 900}} | settings))
        self.page = self.context.new_page()
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        self.address = address
        self.page.goto(address)

    @property
    def outside(self):
        """Addresses asked for that are neither the server's nor inside the page."""
        return [url for url in self.asked if not url.startswith((self.address, "data:", "blob:"))]

    @property
    def complaints(self):
        # This one is Gradio's: its stream of an upload's progress can't be closed.
        own = "warning: Method not implemented."
        return [line for line in self.said if line.startswith(("error", "warning")) and line != own]


@pytest.fixture
def visit(browser):
    """Opens a page as a visitor does; it must ask nobody else for anything, and complain of nothing."""
    visits = []

    def open_page(address, **settings):
        visits.append(Visit(browser, address, **settings))
        return visits[-1]

    yield open_page
    for visited in visits:
        assert visited.outside == []
        assert visited.complaints == []
        visited.context.close()
