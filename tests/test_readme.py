"""What the README promises to people who copy from it."""

import re
from pathlib import Path

import pytest

from kangaroo.cli import COMMANDS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)


def test_it_opens_with_two_commands_that_do_everything():
    install = "python3 -m venv .venv && .venv/bin/pip install -e "
    assert BLOCKS[0].startswith(install)
    assert BLOCKS[0].strip().endswith(".venv/bin/python -m experiments.binary_austria_australia")
    assert BLOCKS[1].startswith(install)
    assert BLOCKS[1].strip().endswith(".venv/bin/python -m pytest")
    assert README.index("<!-- tests -->") < README.index(BLOCKS[1])


def test_every_command_that_it_names_exists():
    named = set(re.findall(r"^kangaroo (\w+)", README, re.MULTILINE))
    assert named == set(COMMANDS)
    experiments = set(re.findall(r"-m experiments\.(\w+)", README))
    here = {path.stem for path in (ROOT / "experiments").glob("*.py") if "__main__" in path.read_text()}
    here |= {path.parent.name for path in (ROOT / "experiments").glob("*/__main__.py")}
    assert experiments == here


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#]+)\)", README))))
def test_links_lead_somewhere(target):
    assert target.startswith("https://") or (ROOT / target).exists()


def test_nothing_is_left_to_fill_in():
    variables = r"\b(KANGAROO_CACHE|KERAS_BACKEND)\b"
    assert not re.search(r"\b(TODO|TBD|XXX|[A-Z]+_[A-Z]+)\b|@@", re.sub(variables, "", README))
