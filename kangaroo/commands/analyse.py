"""The frame around the analyses of experiments/: flags in; files, a page and a summary out."""

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from kangaroo.console import guarded, print_json, start_keras
from kangaroo.runs import flags

if TYPE_CHECKING:
    from kangaroo.runs.analysis import Findings


def analysis(
    parser: argparse.ArgumentParser,
    work: "Callable[[argparse.Namespace], Findings]",
    argv: Sequence[str] | None = None,
    *,
    stopped: str = "stopped",
) -> int:
    """Run ``python -m experiments.NAME``: parse its flags, do ``work`` with them, and give the exit code.

    ``parser`` is one of :func:`kangaroo.runs.flags.common`; ``stopped`` is what somebody reads who
    interrupts.
    """
    words = sys.argv[1:] if argv is None else argv
    program = ("python", "-m", f"experiments.{parser.get_default('name')}")
    args = flags.parse(parser, program, words)

    def whole() -> None:
        from kangaroo.pages.analysis import write_page
        from kangaroo.runs.analysis import leave

        start_keras()
        findings = work(args)
        leave(findings)
        write_page(findings)
        if args.json:
            print_json(findings.metrics)
        else:
            print(findings.summary())

    return guarded(whole, debug=args.debug, stopped=stopped)
