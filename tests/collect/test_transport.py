import asyncio
import logging
import traceback
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import quote_plus

import pytest

from kangaroo.collect import transport
from kangaroo.collect.transport import (
    AgainError,
    Answer,
    MissingError,
    Request,
    SourceError,
    Transport,
    check_endpoint,
)

KEY = "secret key/1"


def serve(respond, work):
    """Run ``work(endpoint)`` against a server that answers each request line with ``respond(line, head)``."""

    async def both():
        async def connection(reader, writer):
            line = (await reader.readline()).decode()
            head = await reader.readuntil(b"\r\n\r\n")
            answer = respond(line, head.decode())
            if answer is None:
                await asyncio.sleep(5)
            else:
                writer.write(answer)
                await writer.drain()
            writer.close()

        server = await asyncio.start_server(connection, "127.0.0.1", 0)
        async with server:
            return await work(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")

    return asyncio.run(both())


def reply(body=b"{}", status="200 OK", kind="application/json", length=None, more=""):
    length = len(body) if length is None else length
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{more}\r\n".encode() + body
    )


def fetch(respond, *requests, timeout=1.0):
    async def work(endpoint):
        client = Transport(
            endpoint,
            lambda target: (f"{target}&key={quote_plus(KEY)}", {"X-Test": "1"}),
            (KEY,),
            workers=2,
            timeout=timeout,
        )
        async with client:
            return [await client.send(request) for request in requests]

    return serve(respond, work)


def test_a_call_carries_parameters_key_and_headers():
    seen = []

    def respond(line, head):
        seen.append((line, head))
        return reply(b'{"a": 1}')

    (answer,) = fetch(respond, Request("/maps/x", {"location": "47.1,11.2"}))
    assert answer.json() == {"a": 1}
    assert seen[0][0].split()[1] == "/maps/x?location=47.1%2C11.2&key=secret+key%2F1"
    assert "X-Test: 1" in seen[0][1]
    assert "User-Agent: kangaroo/" in seen[0][1]


def test_another_server_gets_no_key():
    lines = []

    async def work(elsewhere):
        client = Transport(
            "http://127.0.0.1:9", lambda target: (f"{target}&key=k", {}), (KEY,), workers=1, timeout=1
        )
        async with client:
            await client.send(Request(f"{elsewhere}/photo.jpg?sig=1"))

    serve(lambda line, head: lines.append(line) or reply(), work)
    assert lines[0].split()[1] == "/photo.jpg?sig=1"


@pytest.mark.parametrize(
    ("answer", "reason", "unpaid"),
    [
        (None, "no whole answer within 0.3 s", False),
        (b"", "broken connection", False),
        (reply(b"half", length=99), "broken connection", False),
        (b"nonsense\r\n\r\n", "broken connection", False),
    ],
)
def test_calls_without_a_whole_answer_may_have_been_charged(answer, reason, unpaid):
    with pytest.raises(AgainError, match=reason) as caught:
        fetch(lambda line, head: answer, Request("/x"), timeout=0.3)
    assert caught.value.unpaid is unpaid


def test_an_endless_answer_is_cut_off(monkeypatch):
    monkeypatch.setattr(transport, "MAX_BYTES", 1000)
    with pytest.raises(AgainError, match="broken connection"):
        fetch(lambda line, head: reply(b"x" * 2000), Request("/x"))


def test_a_server_that_was_not_reached_charges_nothing():
    async def work():
        async with Transport(
            "http://127.0.0.1:9", lambda target: (target, {}), (), workers=1, timeout=5
        ) as client:
            await client.send(Request("/x"))

    with pytest.raises(AgainError, match="no connection") as caught:
        asyncio.run(work())
    assert caught.value.unpaid


def test_the_key_is_in_no_answer_log_or_traceback(caplog):
    caplog.set_level(logging.DEBUG)

    def respond(line, head):
        return reply(f"key {KEY} or {line}".encode(), length=None if "ok" in line else 9999)

    (answer,) = fetch(respond, Request("/ok"))
    assert answer.body.startswith(b"key *** or GET /ok&key=***")
    try:
        fetch(respond, Request("/cut"))
    except AgainError:
        told = traceback.format_exc()
    for text in (caplog.text, told):
        assert len(text) > 50
        assert KEY not in text
        assert "secret" not in text


@pytest.mark.parametrize(
    ("status", "kind", "wait"),
    [
        (429, AgainError, None),
        (500, AgainError, None),
        (503, AgainError, 7.0),
        (404, MissingError, None),
        (400, SourceError, None),
        (403, SourceError, None),
        (301, SourceError, None),
    ],
)
def test_what_a_status_means(status, kind, wait):
    with pytest.raises(kind, match=f"HTTP {status}") as caught:
        Answer(status, b"so\n there", retry_after="7" if wait else "").check()
    if kind is AgainError:
        assert caught.value.wait == wait
        assert caught.value.unpaid
        assert caught.value.everyone == (status == 429)
    elif kind is SourceError:
        assert str(caught.value) == f"HTTP {status}: so there"
    Answer(200, b"").check()


def test_retry_after_may_be_a_date():
    when = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    with pytest.raises(AgainError) as caught:
        Answer(503, b"", retry_after=when).check()
    assert caught.value.wait == pytest.approx(90, abs=5)


def test_what_is_no_json_and_no_picture():
    with pytest.raises(AgainError, match="text/html in place of JSON"):
        Answer(200, b"<html>", "text/html").json()
    with pytest.raises(AgainError, match="in place of JSON"):
        Answer(200, b"[1]").json()
    with pytest.raises(AgainError, match="text/html in place of a picture"):
        Answer(200, b"<html>", "text/html").picture()
    assert Answer(200, b"\xff\xd8\xff...", "text/html").picture()  # bytes count, not what they are called


@pytest.mark.parametrize("endpoint", ["", "maps.googleapis.com", "ftp://x", "http://"])
def test_endpoints_are_addresses(endpoint):
    with pytest.raises(SourceError, match="is no address"):
        check_endpoint(endpoint)
    assert check_endpoint("http://localhost:8000/") == "http://localhost:8000"
