"""Logging in once, and what becomes of a session that ends."""

import asyncio
import json
import os
import shutil
import stat

import pytest

from kangaroo.collect.browser.adapter import read_adapter
from kangaroo.collect.browser.session import keep, log_in, session_file
from kangaroo.collect.browser.window import Launch
from kangaroo.errors import DataError

LOGIN = """
[login]
path = "/login"
logged_in = "#account"
logged_out = "#login-form"
"""


@pytest.fixture
def with_login(write_adapter):
    return write_adapter(("[game]", LOGIN + "[game]"))


@pytest.fixture
def logged_in(game_page, with_login, needs_browser):
    """A server where somebody has logged in once."""
    server = game_page(login=True)
    log_in_at(server, with_login)
    return server


def log_in_at(server, adapter):
    """Somebody logs in as soon as the page asks for it."""
    server.person = True
    asyncio.run(log_in(read_adapter(str(adapter)), server.url, Launch(), session_file(server.url)))
    server.person = False


def test_a_session_is_kept_by_host_for_its_owner_alone(logged_in, tmp_path):
    path = session_file(logged_in.url)
    assert (
        path == tmp_path / "state" / "kangaroo" / "sessions" / f"127.0.0.1_{logged_in.server_address[1]}.json"
    )
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    (cookie,) = json.loads(path.read_text(encoding="utf-8"))["cookies"]
    assert {cookie["value"]} == logged_in.cookies


def test_no_name_says_the_password(tmp_path):
    assert session_file("https://ann:secret@example.org:8443/play").name == "example.org_8443.json"


def test_the_file_is_never_readable_by_others(tmp_path, monkeypatch):
    """Even under the most careless mask, and from its first moment."""
    modes = []
    descriptors = os.fdopen
    monkeypatch.setattr(
        os, "fdopen", lambda d, *a, **k: modes.append(os.fstat(d).st_mode) or descriptors(d, *a, **k)
    )

    class Context:
        async def storage_state(self):
            return {"cookies": []}

    before = os.umask(0)
    try:
        asyncio.run(keep(Context(), tmp_path / "a" / "session.json"))
    finally:
        os.umask(before)
    assert [stat.S_IMODE(mode) for mode in modes] == [0o600]
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["session.json"]


def test_later_runs_use_the_session(logged_in, play, with_login):
    code, figures, err = play(logged_in, "--games", 1, adapter=with_login)
    assert (code, figures["photos"], figures["faults"]) == (0, 3, {}), err
    assert stat.S_IMODE(session_file(logged_in.url).stat().st_mode) == 0o600


def test_nobody_has_logged_in(game_page, play, with_login):
    code, figures, err = play(game_page(login=True), "--games", 1, adapter=with_login)
    assert (code, figures["photos"]) == (2, 0)
    assert "asks to log in: run the same command with --login once" in err


@pytest.mark.slow
def test_a_session_lost_in_passing_is_taken_up_again(logged_in, play, with_login, out):
    logged_in.lost = 1
    code, figures, err = play(logged_in, "--games", 2, adapter=with_login)
    assert (code, figures["photos"], figures["faults"]) == (0, 6, {"lost session": 1}), err


@pytest.mark.slow
def test_a_session_that_has_ended_ends_the_run(logged_in, play, with_login):
    logged_in.on_guess = lambda number: logged_in.cookies.clear() if number == 3 else None
    code, figures, err = play(logged_in, "--games", 2, adapter=with_login)
    assert (code, figures["photos"], figures["faults"]) == (1, 3, {"lost session": 2})
    assert "has ended the session: log in again with --login, then it goes on" in err
    shutil.rmtree(session_file(logged_in.url).parent)
    log_in_at(logged_in, with_login)
    code, figures, err = play(logged_in, "--games", 2, adapter=with_login)
    assert (code, figures["photos"], figures["games"]) == (0, 6, 2), err


def test_a_browser_that_is_lost_while_it_starts(game_page, needs_browser, with_login, monkeypatch):
    async def lost(self):
        raise Error("Browser.new_page: Target page, context or browser has been closed\nCall log: ...")

    from playwright.async_api import Error

    monkeypatch.setattr("playwright.async_api.Browser.new_page", lost)
    server = game_page(login=True)
    with pytest.raises(DataError, match=r"^nobody logged in at http.*: Target .* has been closed$"):
        log_in_at(server, with_login)


def test_an_adapter_without_login(write_adapter, tmp_path):
    adapter = read_adapter(str(write_adapter()))
    with pytest.raises(DataError, match=r"has no \[login\]: leave out --login"):
        asyncio.run(log_in(adapter, "http://127.0.0.1:9", Launch(), tmp_path / "session.json"))
