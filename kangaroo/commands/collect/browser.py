"""``kangaroo collect browser``: photos and their answers from a game's page."""

import argparse
import asyncio
import ipaddress
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from kangaroo.console import print_json
from kangaroo.errors import DataError

if TYPE_CHECKING:
    from kangaroo.collect.browser.adapter import Adapter
    from kangaroo.collect.browser.album import Album
    from kangaroo.collect.browser.collector import Order
    from kangaroo.collect.browser.window import Launch
    from kangaroo.geo.countries import Country

SUMMARY = "play a game in a browser, and keep its photos with their answers"
EXAMPLE = "kangaroo collect browser --adapter kangaroo --url http://127.0.0.1:7860 --out played --photos 100"
_PERMISSION = (
    "Most games forbid automation, and the use of their pictures: permission is yours to get, from whoever "
    "runs the game. A page that is not on this machine needs --i-have-permission."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    parser.description = f"{parser.description} {_PERMISSION}"
    add = parser.add_argument
    add("--adapter", required=True, metavar="FILE.toml", help="what the page is like; kangaroo: its own game")
    add("--url", required=True, help="address of the game")
    add("--out", type=Path, required=True, metavar="DIR", help="photo folder; one that was begun goes on")
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument("--photos", type=int, metavar="N", help="collect until DIR holds so many photos")
    amount.add_argument("--games", type=int, metavar="N", help="play until DIR knows so many whole games")
    add("--instances", type=int, default=2, metavar="N", help="browsers at a time (default: %(default)s)")
    add("--interval", type=float, default=1.0, metavar="S", help="seconds between rounds, of all browsers "
        "together (default: %(default)s)")  # fmt: skip
    add("--timeout", type=float, default=30.0, metavar="S", help="seconds to wait for a photo, an answer or "
        "a button (default: %(default)s)")  # fmt: skip
    add("--tries", type=int, default=5, metavar="N", help="faults in a row after which a browser gives up "
        "(default: %(default)s)")  # fmt: skip
    add("--guess-country", metavar="NAME", help="what to guess (default: drawn from the seed)")
    add(
        "--guess-at",
        type=_point,
        metavar="LAT,LON",
        help="where to guess, as --guess-at=-33.5,151 (default: the country's middle)",
    )
    add("--seed", type=int, default=0, help="of the guesses (default: %(default)s)")
    add("--login", action="store_true", help="log in by hand first, in a window; the session is kept in a "
        "file of yours alone")  # fmt: skip
    add("--headed", action="store_true", help="show the browsers")
    add("--browser", type=Path, metavar="FILE", help="Chromium or Chrome (default: Playwright's, else the "
        "one on the PATH)")  # fmt: skip
    add("--no-sandbox", action="store_true", help="without Chromium's sandbox, where the system has none")
    add("--i-have-permission", action="store_true", help="the game's owner allows this")
    add("--json", action="store_true", help="print the result, of all runs of DIR, as JSON")


def run(args: argparse.Namespace) -> None:
    """Log in if asked to, collect, and say what came of it."""
    from importlib.util import find_spec

    from kangaroo.collect.browser.adapter import read_adapter
    from kangaroo.collect.browser.session import log_in, session_file
    from kangaroo.collect.browser.window import Launch

    order = _order(args)
    if not find_spec("playwright"):
        raise DataError("driving a browser needs Playwright: pip install 'kangaroo[browser]'")
    adapter = read_adapter(args.adapter)
    if args.login:
        window = Launch(args.browser, headed=True, sandbox=not args.no_sandbox)
        asyncio.run(log_in(adapter, args.url, window, session_file(args.url)))
        print(f"the session is kept in {session_file(args.url)}", file=sys.stderr)
    if order.games is not None or order.photos is not None:
        launch = Launch(args.browser, args.headed, sandbox=not args.no_sandbox)
        _collect(adapter, order, launch, args.out, as_json=args.json)


def _collect(adapter: "Adapter", order: "Order", launch: "Launch", out: Path, *, as_json: bool) -> None:
    from kangaroo.collect.browser.album import Album
    from kangaroo.collect.browser.collector import Collector
    from kangaroo.collect.browser.session import session_file
    from kangaroo.collect.run.runner import telling_of_full_disks

    job = {"adapter": adapter.name, "url": order.url.rstrip("/")}
    with telling_of_full_disks(out), Album(out, job, order.photos) as album:
        try:
            asyncio.run(Collector(adapter, order, album, launch, session_file(order.url)).run())
        finally:
            _tell(album, as_json=as_json)


def _tell(album: "Album", *, as_json: bool) -> None:
    left_out, faults = album.left_out(), album.faults()
    if as_json:
        figures = {"photos": album.photos, "games": album.games, "left_out": left_out, "faults": faults}
        print_json(figures)
        return
    print(f"{album.photos:,} photos of {album.games:,} whole games in {album.folder}")
    for reason, count in left_out.items():
        print(f"left out: {reason}: {count:,}")
    for kind, count in faults.items():
        print(f"went wrong: {kind}: {count:,}")


def _order(args: argparse.Namespace) -> "Order":
    """Check the flags. DataError names the one that can't be used."""
    from kangaroo.collect.browser.collector import Order

    for name in ("photos", "games", "instances", "tries", "timeout"):
        value = getattr(args, name)
        if value is not None and not 0 < value < math.inf:
            raise DataError(f"--{name} {value:g} is not above 0")
    if not 0 <= args.interval < math.inf:
        raise DataError(f"--interval {args.interval:g} is not a number of seconds")
    if args.photos is None and args.games is None and not args.login:
        raise DataError("how much to collect is not said: give --photos or --games")
    _check_address(args)
    return Order(
        url=args.url,
        games=args.games,
        photos=args.photos,
        instances=args.instances,
        interval=args.interval,
        timeout=args.timeout,
        tries=args.tries,
        seed=args.seed,
        country=_country(args.guess_country),
        point=args.guess_at,
    )


def _check_address(args: argparse.Namespace) -> None:
    """Refuse what is no web address, and a page elsewhere for which nobody says that it is allowed."""
    try:
        address = urlsplit(args.url)
        host = address.hostname
    except ValueError:
        host = None
    if not host or address.scheme not in ("http", "https"):
        raise DataError(f"--url {args.url!r} is no address: give one such as http://127.0.0.1:7860")
    if not args.i_have_permission and not _is_here(host):
        raise DataError(
            f"most games forbid automation: ask whoever runs {host}, then give --i-have-permission"
        )


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _country(name: str | None) -> "Country | None":
    from kangaroo.geo.countries import find

    if name is None:
        return None
    return find(name) or _unknown(name)


def _unknown(name: str) -> "Country":
    raise DataError(f"--guess-country {name!r} is no country: give a name or an ISO 3166 code")


def _point(text: str) -> tuple[float, float]:
    try:
        lat, lon = (float(part) for part in text.split(","))
    except ValueError:
        lat = lon = math.nan
    if not (abs(lat) <= 90 and abs(lon) <= 180):
        raise argparse.ArgumentTypeError(f"{text!r} is not a latitude and longitude such as 47.5,14.1")
    return lat, lon
