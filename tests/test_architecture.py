"""The rules that keep the package apart: who may import whom, and what importing may cost."""

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import kangaroo

ROOT = Path(kangaroo.__file__).parent

# Each module or package may import from lower rows only, and from itself.
LAYERS = [
    {"errors"},
    {"files", "progress", "console", "geo"},
    {"scenes", "data"},
    {"models", "collect"},
    {"training", "evaluation", "explain", "attack", "game"},
    {"plots"},
    {"runs"},
    {"pages"},
    {"results", "drawn"},
    {"classifier"},
    {"app"},
    {"commands"},
    {"cli"},
]
LAYER = {name: i for i, names in enumerate(LAYERS) for name in names}


def modules() -> list[str]:
    found = [module.name for module in pkgutil.walk_packages([str(ROOT)], "kangaroo.")]
    return [name for name in found if name not in ("kangaroo.__main__",)]


def imports(path: Path) -> set[str]:
    """First names below kangaroo that a file imports anywhere, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [node.module] if node.module != "kangaroo" else [f"kangaroo.{a.name}" for a in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        found |= {name.split(".")[1] for name in names if name.startswith("kangaroo.")}
    return found & LAYER.keys()


def test_every_module_has_a_layer():
    assert {name.split(".")[1] for name in modules()} == LAYER.keys()


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_downwards(path):
    own = path.relative_to(ROOT).parts[0].removesuffix(".py")
    if own.startswith("__"):
        return
    for other in imports(path) - {own}:
        assert LAYER[other] < LAYER[own], f"{own} imports {other}"


def test_importing_kangaroo_is_quick_and_needs_no_tensorflow():
    code = (
        "import kangaroo, sys; print(sorted({'tensorflow', 'keras', 'numpy', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_plots_evaluation_and_scenes_need_no_tensorflow():
    light = {"plots", "evaluation", "scenes", "geo", "game", "commands", "cli"}
    names = [name for name in modules() if name.split(".")[1] in light]
    code = (
        f"import importlib, sys; [importlib.import_module(n) for n in {names}]; print('keras' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_every_module_imports_in_an_empty_folder_and_leaves_no_file(tmp_path):
    code = f"import importlib; [importlib.import_module(n) for n in {modules()}]"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", modules())
def test_public_functions_and_classes_say_what_they_do(name):
    module = importlib.import_module(name)
    for label, thing in vars(module).items():
        if (inspect.isfunction(thing) or inspect.isclass(thing)) and thing.__module__ == name:
            assert label.startswith("_") or thing.__doc__, f"{name}.{label} has no docstring"
