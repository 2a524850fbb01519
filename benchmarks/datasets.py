"""A manifest of a million photos through ``kangaroo data``: seconds, and peak memory of a fresh process each.

    python -m benchmarks.datasets STEP FOLDER N    one step, as its own process

The photos do not exist: what opens no photo can be measured without them.
"""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

REGIONS, VERTICES = 4600, 1_400_000  # as many as Natural Earth's states and provinces at 1:10m
CLASSES, CITIES = 100, 2000


def measure(step: str, folder: Path, n: int) -> tuple[float, float]:
    """Seconds and peak memory in GiB of one of STEPS for ``n`` photos; the process start is not counted."""
    command = [sys.executable, "-m", "benchmarks.datasets", step, str(folder), str(n)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    seconds, gib = json.loads(done.stdout)
    return seconds, gib


def make(folder: Path, n: int) -> None:
    """Write records of ``n`` photos: half in dense cities, four headings a place, hashes by chance."""
    import numpy as np
    import pandas as pd

    from kangaroo.data.manifest import write_manifest

    rng = np.random.default_rng(0)
    places = n // 4
    centres = rng.uniform((-50, -180), (65, 180), (CITIES, 2))
    city = rng.integers(CITIES, size=places)
    spread = np.where(rng.random(places) < 0.5, 0.03, 1.0)[:, None]
    lat, lon = (centres[city] + spread * rng.normal(size=(places, 2))).T
    rows = np.arange(n) // 4
    table = pd.DataFrame(
        {
            "path": [f"photos/{i:07}.jpg" for i in range(n)],
            "sha256": [f"{i:064x}" for i in range(n)],
            "class": np.array([f"class {i:02}" for i in range(CLASSES)], dtype=object)[city[rows] % CLASSES],
            "place": [f"place {i:07}" for i in rows],
            "lat": lat[rows],
            "lon": ((lon + 180) % 360 - 180)[rows],
            "heading": np.arange(n) % 4 * 90.0,
            "phash": [f"{value:016x}" for value in rng.integers(2**64, size=n, dtype=np.uint64)],
            "information": rng.normal(7, 0.5, n),
        }
    )
    write_manifest(folder / "photos.parquet", table)


def read(folder: Path, n: int) -> None:
    """Read and check the manifest, without looking for the photos."""
    _read(folder)


def write(folder: Path, n: int) -> None:
    """Read, check and write the manifest."""
    from kangaroo.data.manifest import write_manifest

    write_manifest(folder / "again.parquet", _read(folder))


def balance(folder: Path, n: int) -> None:
    """Thin the photos out, the least informative first."""
    from kangaroo.data.balance import BalanceSettings, plan, thin

    records = _read(folder)
    table = plan(records["class"].value_counts().to_dict(), "sqrt", BalanceSettings(slack=1.5))
    thin(records, table["kept"], informative=True)


def split(folder: Path, n: int) -> None:
    """Near-duplicates, the split itself, and the measurement of its gap."""
    from kangaroo.commands.data.split import alike
    from kangaroo.data.spatial_split import SplitSettings, gap_km, split_apart

    records = _read(folder)
    sides = split_apart(records, SplitSettings(0.2, 0.1, 1), alike=alike(records, []))
    gap = gap_km(records["lat"], records["lon"], sides)
    print(f"gap {gap:.3f} km, {(sides == '').sum():,} of {n:,} photos left out", file=sys.stderr)


def regions(folder: Path, n: int) -> None:
    """The region of each photo, of a file as large as Natural Earth's; the reading of it counts."""
    from kangaroo.geo.regions import locate, read_regions

    records = _read(folder)
    found = locate(read_regions(folder / "regions.gpkg"), records["lat"], records["lon"])
    print(f"{(found.km == 0).mean():.0%} of the photos lie in a region", file=sys.stderr)


def polygons(folder: Path, n: int) -> None:
    """Write regions: Voronoi cells with bent borders, every third missing as if it were sea."""
    import geopandas
    import numpy as np
    import shapely

    rng = np.random.default_rng(0)
    points = shapely.MultiPoint(rng.uniform((-180, -60), (180, 80), (REGIONS * 3 // 2, 2)))
    cells = shapely.get_parts(shapely.voronoi_polygons(points))
    cells = shapely.intersection(cells, shapely.box(-179.5, -59.5, 179.5, 79.5))[:REGIONS]
    step = shapely.length(cells).sum() / VERTICES
    bent = shapely.transform(shapely.segmentize(cells, step), _bend)
    names = [f"region {i}" for i in range(len(bent))]
    table = geopandas.GeoDataFrame({"name": names}, geometry=bent, crs="EPSG:4326")
    table.to_file(folder / "regions.gpkg")
    print(f"{len(bent):,} regions of {shapely.get_num_coordinates(bent).sum():,} vertices", file=sys.stderr)


STEPS: dict[str, Callable[[Path, int], None]] = {
    work.__name__: work for work in (make, polygons, read, write, balance, split, regions)
}


def _bend(xy):  # type: ignore[no-untyped-def]
    """The same bend for both neighbours of a border, so that they still touch."""
    import numpy as np

    x, y = xy.T
    return np.stack([x + 0.02 * np.sin(20 * y) + 0.0005 * np.sin(300 * y), y + 0.02 * np.sin(20 * x)], axis=1)


def _read(folder: Path):  # type: ignore[no-untyped-def]
    from kangaroo.data.manifest import read_manifest

    return read_manifest(folder / "photos.parquet", photos=False)


if __name__ == "__main__":
    name, where, number = sys.argv[1:]
    start = time.perf_counter()
    STEPS[name](Path(where), int(number))
    gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps([time.perf_counter() - start, gib]))
