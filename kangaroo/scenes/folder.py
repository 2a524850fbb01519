"""Drawn scenes as a photo folder: ``ROOT/<Country>/<State>/<seed>.jpg``, labels.csv, cues.csv, scenes.json.

Scenes are drawn in chunks by several processes. A chunk that is whole leaves its rows under ``.parts``, so a
killed run goes on where it stopped; ``scenes.json`` comes last and says that the folder is whole.
"""

import json
import os
import shutil
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pandas as pd

from kangaroo.errors import DataError
from kangaroo.files import atomic, write_json
from kangaroo.progress import progress
from kangaroo.scenes.profiles import PROFILES, SHOWN
from kangaroo.scenes.render import draw

_CHUNK = 100
_SEEDS = 1_000_000  # scenes that one seed can number; the next seed's scenes begin there


@dataclass(frozen=True)
class SceneSettings:
    """Which scenes: ``n`` in all, shared out evenly over the countries, ``size`` pixels square.

    ``colour_cue`` tints the scenes of each country, so that even a linear model can tell them apart.
    """

    countries: tuple[str, ...] = tuple(PROFILES)
    n: int = 500
    seed: int = 0
    size: int = 256
    colour_cue: bool = False

    def __post_init__(self) -> None:
        """Check; raise DataError."""
        unknown = [country for country in self.countries if country not in PROFILES]
        if unknown:
            raise DataError(f"no profile for {unknown[0]!r}: scenes can be drawn for {', '.join(PROFILES)}")
        if not 0 < self.n <= _SEEDS:
            raise DataError(f"{self.n} scenes can't be drawn: give a number from 1 to {_SEEDS:,}")
        if len(set(self.countries)) < len(self.countries):
            raise DataError(f"a country is named twice: {', '.join(self.countries)}")
        if self.seed < 0:
            raise DataError(f"seed {self.seed} is below 0")
        if not 32 <= self.size <= 4096:
            raise DataError(f"scenes of {self.size} pixels can't be drawn: give a size from 32 to 4096")

    def scene(self, index: int) -> tuple[str, int]:
        """Country and seed of scene ``index``, 0 to n - 1; no two scenes share a seed, so none are twins."""
        return self.countries[index % len(self.countries)], self.seed * _SEEDS + index


def write_folder(out: Path, settings: SceneSettings, *, workers: int | None = None) -> Path:
    """Write a photo folder of drawn scenes and return it; what an earlier, killed call wrote is kept.

    Raises DataError where ``out`` holds other scenes or files that are not scenes.
    """
    if out.exists() and any(out.iterdir()) and not holds(out, settings):
        raise DataError(
            f"{out} holds other files or scenes of other settings: choose another folder or empty it"
        )
    parts = out / ".parts"
    if (out / "scenes.json").exists():
        shutil.rmtree(parts, ignore_errors=True)  # a call killed in its last moment leaves them
        return out
    parts.mkdir(parents=True, exist_ok=True)
    write_json(parts / "settings.json", _record(settings))
    starts = [start for start in range(0, settings.n, _CHUNK) if not (parts / f"{start:07d}.csv").exists()]
    workers = min(workers or os.cpu_count() or 1, len(starts))
    bar = progress(range(len(starts)), "drawing scenes", unit=f" x {_CHUNK} scenes")
    if workers <= 1:
        for index in bar:
            _write_chunk(out, settings, starts[index])
    else:  # spawn, because forking a process that runs TensorFlow's threads is not safe
        with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
            chunks = pool.map(_write_chunk, *zip(*((out, settings, start) for start in starts), strict=True))
            for _ in zip(chunks, bar, strict=True):
                pass
    return _finish(out, settings)


def holds(out: Path, settings: SceneSettings) -> bool:
    """Whether ``out`` holds the scenes of these settings, wholly or as far as a killed call came."""
    return _kept(out) == _record(settings)


def has_colour_cue(folder: Path) -> bool:
    """Whether ``folder`` holds drawn scenes that are tinted by country."""
    return bool(_kept(folder).get("colour_cue"))


def _kept(folder: Path) -> dict[str, Any]:
    """The record that a folder keeps of its scenes; empty where there is none that can be read."""
    paths = (folder / "scenes.json", folder / ".parts" / "settings.json")
    record = next((path for path in paths if path.exists()), None)
    try:
        return dict(json.loads(record.read_text(encoding="utf-8"))) if record else {}
    except (ValueError, TypeError):
        return {}


def _record(settings: SceneSettings) -> dict[str, Any]:
    """The settings as JSON; the colour cue stands there only where it is, as in folders older than it."""
    record = asdict(settings) | {"countries": list(settings.countries)}
    return record if settings.colour_cue else {k: v for k, v in record.items() if k != "colour_cue"}


def _write_chunk(out: Path, settings: SceneSettings, start: int) -> None:
    rows = []
    for index in range(start, min(start + _CHUNK, settings.n)):
        country, seed = settings.scene(index)
        scene = draw(country, seed, settings.size, colour_cue=settings.colour_cue)
        file = Path(country, scene.state, f"{seed:08d}.jpg")
        (out / file).parent.mkdir(parents=True, exist_ok=True)
        (out / file).write_bytes(scene.jpeg)
        rows.append(
            {
                "file": file.as_posix(),
                "country": country,
                "place": f"drawn-{seed:08d}",
                "lat": scene.lat,
                "lon": scene.lon,
            }
            | {cue: scene.cues.get(cue, "") for cue in SHOWN}
        )
    with atomic(out / ".parts" / f"{start:07d}.csv") as temporary:
        pd.DataFrame(rows).to_csv(temporary, index=False)


def _finish(out: Path, settings: SceneSettings) -> Path:
    parts = sorted((out / ".parts").glob("*.csv"))
    table = pd.concat([pd.read_csv(part, keep_default_na=False) for part in parts])
    for name, columns in (
        ("labels.csv", ["file", "country", "place", "lat", "lon"]),
        ("cues.csv", ["file", "country", *SHOWN]),
    ):
        with atomic(out / name) as temporary:
            table[columns].to_csv(temporary, index=False)
    write_json(out / "scenes.json", _record(settings))
    shutil.rmtree(out / ".parts")
    return out


def read_cues(folder: Path) -> dict[str, dict[str, str]]:
    """The visible cues (cue -> style) of each scene in a folder, by the path of its file."""
    table = pd.read_csv(folder / "cues.csv", keep_default_na=False, usecols=["file", *SHOWN])
    rows = table.to_dict("records")
    return {
        (folder / row.pop("file")).as_posix(): {str(cue): style for cue, style in row.items() if style}
        for row in rows
    }
