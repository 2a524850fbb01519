"""What several test files share: the photos at hand, and the switch for slow tests."""

import os
from pathlib import Path

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run the tests that train for minutes")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--slow"):
        return
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="slow: run with --slow"))


def folder_from(variable: str) -> Path:
    """The folder that an environment variable names; the test is skipped, saying so, where it is not set."""
    value = os.environ.get(variable)
    if not value:
        pytest.skip(f"{variable} is not set")
    return Path(value)


@pytest.fixture(scope="session")
def photos() -> Path:
    """Real street-level photos: folders europe, oceania, croatia."""
    return folder_from("KANGAROO_PHOTOS")


@pytest.fixture(scope="session")
def report_models() -> Path:
    """The SavedModels that the first report's author published."""
    return folder_from("KANGAROO_REPORT_MODELS")
