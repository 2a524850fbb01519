"""The console script ``kangaroo``: every command is a file in :mod:`kangaroo.commands`."""

import argparse
from collections.abc import Sequence

from kangaroo import __version__
from kangaroo.commands import convert, evaluate, predict, scenes
from kangaroo.console import guarded

COMMANDS = {"predict": predict, "evaluate": evaluate, "scenes": scenes, "convert": convert}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; give its exit code: 0 done, 2 wrong usage or unusable input, 1 anything else."""
    args = _parser().parse_args(argv)
    return guarded(lambda: COMMANDS[args.command].run(args), debug=args.debug)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kangaroo",
        description="Tell from street-level photos which country they show.",
        epilog="Models are trained by python -m experiments.binary_austria_australia and its neighbours.",
    )
    parser.add_argument("--version", action="version", version=f"kangaroo {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    for name, module in COMMANDS.items():
        command = commands.add_parser(
            name,
            help=module.SUMMARY,
            description=f"{module.SUMMARY.capitalize()}.",
            epilog=f"example: {module.EXAMPLE}",
        )
        module.add_arguments(command)
        command.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser
