"""``kangaroo app``: a page in the browser to try a model out, and to play against it."""

import argparse
import importlib.util
from pathlib import Path

from kangaroo.commands import MODEL_HELP, load_model
from kangaroo.errors import KangarooError, ModelError

SUMMARY = "open a page in the browser: guess, attack, and play against the model"
EXAMPLE = "kangaroo app saved_models/binary_austria_australia.keras --examples photos"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    add = parser.add_argument
    add(
        "model", type=Path, nargs="?", metavar="MODEL", help=f"{MODEL_HELP}; default: the one in saved_models"
    )
    add("--examples", type=Path, metavar="DIR", help="folder of photos to try (default: drawn scenes)")
    add(
        "--photos",
        type=Path,
        metavar="DIR",
        help="photo folder to play with (default: drawn scenes if the model knows them, else no game)",
    )
    add(
        "--split", type=Path, metavar="FILE", help="the run's split.csv: play with its validation photos only"
    )
    add(
        "--results",
        type=Path,
        default=Path("kangaroo-games.sqlite"),
        metavar="FILE",
        help="where games are kept (default: %(default)s)",
    )
    add(
        "--host",
        default="127.0.0.1",
        help="address to listen at; others than this machine reach 0.0.0.0 (default: %(default)s)",
    )
    add("--port", type=int, default=7860, metavar="N", help="0: any that is free (default: %(default)s)")
    add(
        "--max-upload-mb", type=float, default=20.0, metavar="MB", help="largest photo (default: %(default)g)"
    )
    add("--queue", type=int, default=40, metavar="N", help="requests that may wait (default: %(default)s)")
    add("--seed", type=int, default=0, metavar="N", help="of the choice of examples (default: %(default)s)")
    add("--no-browser-open", action="store_true", help="don't open the browser")


def run(args: argparse.Namespace) -> None:
    """Serve the page until Ctrl-C."""
    if importlib.util.find_spec("gradio") is None:
        raise KangarooError("the page needs Gradio: pip install 'kangaroo[app]'")
    classifier = load_model(args.model or _saved())
    from kangaroo.app.server import serve
    from kangaroo.app.state import Settings

    settings = Settings(
        examples=args.examples, photos=args.photos, split=args.split,
        results=args.results,
        max_upload_mb=args.max_upload_mb, queue=args.queue, seed=args.seed,
    )  # fmt: skip
    serve(classifier, settings, host=args.host, port=args.port, open_browser=not args.no_browser_open)


def _saved() -> Path:
    """The model that comes with the source; an installed package has none."""
    path = Path(__file__).parents[2] / "saved_models" / "binary_austria_australia.keras"
    if not path.exists():
        raise ModelError("no MODEL was given: give a model file, such as runs/multinomial/model.keras")
    return path
