"""What ``import kangaroo`` gives: every public name has an example, and every example is run."""

import doctest
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import kangaroo

FUNCTIONS = ("draw_scenes", "evaluate", "load", "train")
METHODS = ("explain", "explanations", "attack", "evaluate", "number")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def examples(name, thing):
    return doctest.DocTestFinder(recurse=False).find(thing, name, globs={})


@pytest.mark.parametrize("name", [*FUNCTIONS, "Classifier", *(f"Classifier.{name}" for name in METHODS)])
def test_examples_give_what_they_say(name):
    thing = kangaroo
    for part in name.split("."):
        thing = getattr(thing, part)
    (test,) = examples(name, thing)
    assert test.examples
    said = []
    doctest.DocTestRunner(verbose=False).run(test, out=said.append)
    assert not said, "".join(said)


def test_every_public_function_is_among_the_examples():
    public = [getattr(kangaroo, name) for name in kangaroo.__all__]
    assert {thing.__name__ for thing in public if inspect.isfunction(thing)} == set(FUNCTIONS)


def test_every_name_is_there_and_dir_names_no_other():
    assert dir(kangaroo) == sorted(kangaroo.__all__)
    for name in kangaroo.__all__:
        assert getattr(kangaroo, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'kangroo'"):
        _ = kangaroo.kangroo


def test_help_reads_as_a_page():
    assert all(word in kangaroo.__doc__ for word in ("load", "predict", "explain", "attack", "evaluate"))


def test_scenes_are_drawn_without_tensorflow():
    code = (
        "import kangaroo, sys; kangaroo.draw_scenes(1, size=32)._repr_png_(); print('keras' in sys.modules)"
    )
    root = Path(kangaroo.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == "False"
