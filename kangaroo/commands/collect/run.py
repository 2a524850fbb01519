"""``kangaroo collect run``: the photos of points, each paid for once."""

import argparse
import asyncio
import contextlib
import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from kangaroo.commands.collect.plan import Order, add_order_arguments, confirmed, read_order
from kangaroo.console import print_json
from kangaroo.errors import DataError

if TYPE_CHECKING:
    from kangaroo.collect.run.ledger import Ledger
    from kangaroo.collect.sources.base import Source

SUMMARY = "fetch the photos of points; a run that was stopped or killed goes on"
EXAMPLE = "kangaroo collect run --source google --points points.csv --out photos --max-usd 20"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    add_order_arguments(parser)
    parser.add_argument("--yes", action="store_true", help="don't ask before money is spent")
    parser.add_argument("--json", action="store_true", help="print the result, of all runs of DIR, as JSON")


def run(args: argparse.Namespace) -> None:
    """Say what it takes, ask, and collect."""
    from kangaroo.collect.sources import open_source

    order = read_order(args)
    source = open_source(order.job, os.environ)
    print(order.plan, file=sys.stderr)
    if not args.yes and order.plan.calls:
        if not sys.stdin.isatty():
            raise DataError("nobody at a terminal to ask: give --yes to collect")
        if not confirmed():
            return
    collect(order, source, args.endpoint, as_json=args.json)


def collect(order: Order, source: "Source", endpoint: str | None, *, as_json: bool) -> None:
    """Collect, write the tables, print the result. SourceError, UnfinishedError: it ended early."""
    from kangaroo.collect.run.ledger import Ledger
    from kangaroo.collect.run.ledger_reader import read_state
    from kangaroo.collect.run.runner import telling_of_full_disks
    from kangaroo.collect.run.tables import summary, write_tables

    with telling_of_full_disks(order.out), Ledger(order.out, order.job, order.points) as ledger:
        try:
            stopped = asyncio.run(_collect(ledger, order, source, endpoint))
        except BaseException:
            with contextlib.suppress(OSError, DataError):  # what ended the run is to be told, not this
                write_tables(order.out, read_state(order.out))
            raise
        state = read_state(order.out)
        write_tables(order.out, state)
    if stopped:
        print(f"note: ended early, because {stopped}", file=sys.stderr)
    figures = summary(state)
    if as_json:
        print_json(figures)
    else:
        print(describe(figures))
        print(f"look at them: kangaroo collect status --out {order.out} --figures figures")


def describe(figures: Mapping[str, int | float]) -> str:
    """The figures of a collection in words."""
    return (
        f"{figures['photos']:,} photos of {figures['points']:,} points, "
        f"{figures['no_coverage']:,} of which have no coverage; {figures['rejected']:,} photos rejected\n"
        f"{figures['calls']:,} calls, {figures['paid_calls']:,} of them paid, {figures['usd']:,.2f} USD"
    )


async def _collect(ledger: "Ledger", order: Order, source: "Source", endpoint: str | None) -> str:
    """Run the collector; gives the limit that ended it early, or ''."""
    from kangaroo.collect.run.runner import Collector
    from kangaroo.collect.transport import Transport

    address, limits = endpoint or source.endpoint, order.limits
    async with Transport(
        address, source.authorize, source.secrets, workers=limits.workers, timeout=limits.timeout
    ) as transport:
        collector = Collector(ledger, source, transport, limits, order.plan.price)
        await collector.run()
        return collector.stopped
