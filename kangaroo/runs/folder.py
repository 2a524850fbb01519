"""The run folder: refused where it holds something else, cleared of an earlier run."""

import shutil
from collections.abc import Collection
from fnmatch import fnmatch
from pathlib import Path

from kangaroo.errors import DataError
from kangaroo.runs.settings import DataSettings


def check(out: Path, leaves: Collection[str], *, overwrite: bool, resume: bool | None = None) -> None:
    """Refuse an output folder that holds a run, if it was not said what to do with it, or anything else.

    ``leaves`` are the names, or patterns of names, of the files that a run leaves beside figures and scenes;
    ``resume`` is the flag of that name, None for an experiment without it.
    """
    known = (*leaves, "figures", "scenes")
    held = {path.name for path in out.iterdir() if path.name[0] != "."} if out.is_dir() else set()
    strange = [name for name in sorted(held) if not any(fnmatch(name, pattern) for pattern in known)]
    if strange:
        raise DataError(f"{out} holds {strange[0]}, which no run leaves: choose another folder with --out")
    if held and not (resume or overwrite):
        ways = (
            "--overwrite to replace it" if resume is None else "--resume to go on, --overwrite to replace it"
        )
        raise DataError(f"{out} holds a run: give {ways}, or another --out")


def clear(settings: DataSettings, files: Collection[str]) -> None:
    """Remove what an earlier run left: ``files``, figures, and scenes that this run does not need.

    To be called as late as possible, because until then the new run can fail.
    """
    for name in files:
        (settings.out / name).unlink(missing_ok=True)
    shutil.rmtree(settings.out / "figures", ignore_errors=True)
    scenes = settings.out / "scenes"
    if settings.images and not any(
        root.resolve().is_relative_to(scenes.resolve()) for root in settings.images
    ):
        shutil.rmtree(scenes, ignore_errors=True)
