import pytest

from kangaroo.scenes.render import Scene, draw


@pytest.fixture(scope="session")
def pair() -> dict[str, list[Scene]]:
    """Scenes of two countries, no two from one seed."""
    return {
        country: [draw(country, 2 * i + k, 128) for i in range(600)]
        for k, country in enumerate(("Austria", "Australia"))
    }
