"""The frame around ``python -m experiments.search``: its flags, and the search that they ask for."""

import argparse
import shlex
import shutil
import sys
import warnings
from collections.abc import Sequence
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path

from kangaroo.console import guarded, print_json
from kangaroo.errors import KangarooError
from kangaroo.runs.folder import check
from kangaroo.runs.numbers import natural, positive
from kangaroo.runs.search.settings import BEST, METRICS, PRUNERS, SAMPLERS, SearchSettings
from kangaroo.runs.search.space import COUNTRIES, OTHERS, read_space

FILES = ("study.db", "study.db-*", "trials.csv", "best.json", "report.html", "trials")
HELP = """
What stands after -- goes to every trial: python -m experiments.search countries --trials 10 -- --images DIR

Several workers share a search: start the same command again with --resume, in the same folder, or on other
machines with --storage URL of a database server that all of them reach. A search that was stopped or killed
goes on with --resume; its trials go on where they stood.
"""


def search(argv: Sequence[str] | None = None) -> int:
    """Parse the flags, search, and give the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    own = words[: words.index("--")] if "--" in words else words
    args = _parser().parse_args(own)
    stopped = "stopped: --resume goes on; with --trials at what is done, it leaves the page"
    return guarded(
        lambda: run(_settings(args, own, words[len(own) + 1 :])), debug=args.debug, stopped=stopped
    )


def run(settings: SearchSettings) -> None:
    """Search, leave the folder, and print the result to stdout."""
    import optuna

    from kangaroo.pages.search import write_page
    from kangaroo.runs.search.results import leave, text
    from kangaroo.runs.search.study import forget, open_study
    from kangaroo.runs.search.work import work

    optuna.logging.set_verbosity(optuna.logging.CRITICAL)  # the search says itself how trials end
    check(settings.out, FILES, overwrite=settings.overwrite, resume=settings.resume)
    settings.out.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # heartbeats are
        if settings.overwrite:
            forget(settings)
            _clear(settings.out)
        study = open_study(settings)
        work(settings, study)
        findings = leave(settings, study)
        write_page(settings, findings)
    if settings.json:
        print_json(findings.best)
    else:
        print(text(settings, findings.best))


def _clear(out: Path) -> None:
    """Remove what an earlier search left; the study first, so that nobody resumes half of it."""
    for path in [path for pattern in (*FILES, "figures", "scenes") for path in out.glob(pattern)]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _settings(args: argparse.Namespace, own: Sequence[str], flags: Sequence[str]) -> SearchSettings:
    if not find_spec("optuna"):
        raise KangarooError("a search needs Optuna: pip install 'kangaroo[search]'")
    name = args.experiment
    default = COUNTRIES if name == "countries" else OTHERS
    given = {field.name: getattr(args, field.name) for field in fields(SearchSettings) if field.name in args}
    computed = {
        "flags": tuple(flags),
        "space": read_space(name, args.search or default, flags),
        "metric": args.metric or ("geo.median_km" if name == "coordinates" else "accuracy"),
        "study": args.study or name,
        "out": args.out or Path("runs", f"search_{name}"),
        "command": _command(args, own, flags),
    }
    return SearchSettings(**given | computed)


def _command(args: argparse.Namespace, own: Sequence[str], flags: Sequence[str]) -> str:
    """The command for the page, without the storage's URL, which can hold a password."""
    words = [word for word in own if word not in ("--resume", "--overwrite")]
    if args.storage:
        words = [word.replace(args.storage, "URL") for word in words]
    return shlex.join(["python", "-m", "experiments.search", *words, *(["--", *flags] if flags else [])])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m experiments.search",
        description="Search for the best settings of an experiment: trials with settings drawn from ranges.",
        epilog=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("experiment", metavar="EXPERIMENT", help="an experiment that trains a model, such as countries")
    add(
        "--search",
        nargs="+",
        metavar="NAME=VALUES",
        help="a flag of the experiment with choices, A,B,C, or a range, LOW..HIGH, which is searched "
        f"logarithmically over factors of 100 or more (default for countries: {' '.join(COUNTRIES)}; for "
        f"others: {' '.join(OTHERS)})",
    )
    add("--trials", type=positive, default=30, metavar="N", help="in all (default: %(default)s)")
    add("--epochs", type=positive, default=10, metavar="N", help="of a trial (default: %(default)s)")
    add(
        "--metric",
        choices=METRICS,
        help="what to compare trials by, on the validation photos (default: geo.median_km for coordinates, "
        "else accuracy)",
    )
    add("--sampler", choices=SAMPLERS, default=SAMPLERS[0], help="default: %(default)s")
    add(
        "--pruner",
        choices=PRUNERS,
        default=PRUNERS[0],
        help="gives up trials that are worse than others after as many epochs (default: %(default)s)",
    )
    add(
        "--seed",
        type=natural,
        default=0,
        metavar="N",
        help="same seed, same settings tried (default: %(default)s)",
    )
    add("--out", type=Path, metavar="DIR", help="folder of the search (default: runs/search_EXPERIMENT)")
    _add_study(parser)
    either = parser.add_mutually_exclusive_group().add_argument
    either("--resume", action="store_true", help="go on with a search, or work on it together with others")
    either("--overwrite", action="store_true", help="replace the search that --out holds")
    add("--keep-models", action="store_true", help=f"of all trials, not only of the best {BEST}")
    add("--json", action="store_true", help="print best.json in place of the summary")
    add("--debug", action="store_true", help="show the traceback of an error")
    return parser


def _add_study(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--study", metavar="NAME", help="its name in the storage (default: EXPERIMENT)")
    add(
        "--storage",
        default="",
        metavar="URL",
        help="a database as SQLAlchemy names it, for workers on several machines (default: a SQLite file in "
        "--out)",
    )
    add(
        "--grace",
        type=positive,
        default=60,
        metavar="SECONDS",
        help="without a sign of life from a worker, its trial is run again (default: %(default)s)",
    )
