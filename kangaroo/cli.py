"""The console script ``kangaroo``: a command is a file in :mod:`kangaroo.commands`, a group a folder."""

import argparse
from collections.abc import Mapping, Sequence
from types import ModuleType

from kangaroo import __version__
from kangaroo.commands import (
    app,
    attack,
    calibrate,
    collect,
    convert,
    data,
    evaluate,
    explain,
    game,
    predict,
    runs,
    scenes,
    train,
)
from kangaroo.commands.analyse import analysis
from kangaroo.commands.search import search
from kangaroo.commands.train import experiment
from kangaroo.console import guarded

__all__ = ["analysis", "experiment", "main", "search"]

COMMANDS: Mapping[str, ModuleType] = {
    "train": train,
    "predict": predict,
    "evaluate": evaluate,
    "calibrate": calibrate,
    "explain": explain,
    "attack": attack,
    "app": app,
    "game": game,
    "scenes": scenes,
    "collect": collect,
    "data": data,
    "runs": runs,
    "convert": convert,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; give its exit code: 0 done, 2 wrong usage or unusable input, 1 anything else."""
    args = _parser().parse_args(argv)
    return guarded(lambda: args.run(args), debug=args.debug)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kangaroo",
        description="Tell from street-level photos which country they show.",
        epilog="kangaroo train photos trains a model; python -m experiments.NAME those of the reports.",
    )
    parser.add_argument("--version", action="version", version=f"kangaroo {__version__}")
    _add_commands(parser, COMMANDS)
    return parser


def _add_commands(parser: argparse.ArgumentParser, commands: Mapping[str, ModuleType]) -> None:
    """Add sub-commands; a module that has COMMANDS of its own becomes a group of them."""
    choices = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, module in commands.items():
        command = choices.add_parser(
            name,
            help=module.SUMMARY,
            description=f"{module.SUMMARY[0].upper()}{module.SUMMARY[1:]}.",
            epilog=f"example: {module.EXAMPLE}",
        )
        if hasattr(module, "COMMANDS"):
            _add_commands(command, module.COMMANDS)
            continue
        module.add_arguments(command)
        command.add_argument("--debug", action="store_true", help="show the traceback of an error")
        command.set_defaults(run=module.run)
