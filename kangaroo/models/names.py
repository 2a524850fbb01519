"""Where the file of a model lies that somebody names; no TensorFlow."""

from pathlib import Path

from kangaroo.errors import ModelError

IN_RUN = "model.keras"
"""The model of a run folder."""
_SAVED = "saved_models"


def model_file(name: str | Path) -> Path:
    """The file of a model: ``name`` is that file, a run folder, or a short name in ``saved_models``.

    ``saved_models`` is looked for in the working directory, then beside the package in a checkout. Raises
    ModelError, which lists the short names, where there is no such model.
    """
    path = Path(name)
    if path.is_dir() and (path / IN_RUN).is_file():
        return path / IN_RUN
    if path.is_file() or (path / "saved_model.pb").exists():
        return path  # whether it is a model's file is seen when it is read
    saved = _saved()
    if _is_short(path) and path.name in saved:
        return saved[path.name]
    if path.is_dir():
        raise ModelError(f"{path} holds no {IN_RUN}: give a run folder or a model file (.keras)")
    short = f", or a short name: {', '.join(sorted(saved))}" if saved else ""
    raise ModelError(f"no model {path}: give a model file (.keras), a run folder{short}")


def _is_short(path: Path) -> bool:
    return len(path.parts) == 1 and not path.suffix


def _saved() -> dict[str, Path]:
    """The models with a short name; those of the working directory win."""
    folders = (Path(__file__).parents[2] / _SAVED, Path(_SAVED))
    return {file.stem: file for folder in folders for file in sorted(folder.glob("*.keras"))}
