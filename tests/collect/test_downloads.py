import hashlib
import runpy
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from kangaroo.collect import downloads
from kangaroo.collect.downloads import Remote, download, natural_earth, open_client, patiently, read_range
from kangaroo.collect.transport import AgainError, MissingError, SourceError
from kangaroo.errors import UnfinishedError

running = runpy.run_path(str(Path(__file__).with_name("hub.py")))["running"]
BODY = bytes(range(256)) * 20_000  # 5 MB
DIGEST = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Start a server of one file, ``server(broken=0.5)``; gives it and the file's address."""
    folder = tmp_path / "there"
    folder.mkdir()
    (folder / "états.geojson").write_bytes(BODY)
    monkeypatch.setenv("KANGAROO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(downloads, "_FIRST_PAUSE", 0.01)
    with ExitStack() as stack:

        def start(**options):
            remote = stack.enter_context(running(folder=str(folder), **options))
            return remote, f"{remote.address}/files/états.geojson"

        yield start


@pytest.fixture
def client():
    with open_client() as client:
        yield client


@pytest.mark.parametrize("fault", ["broken", "busy", "truncated"])
def test_a_file_comes_whole_whatever_goes_wrong_at_first(server, client, tmp_path, fault):
    _, url = server(**{fault: 1.0})
    download(client, Remote(url, DIGEST, len(BODY)), tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == BODY
    assert not list(tmp_path.glob(".*"))


def test_wrong_bytes_never_get_the_name(server, client, tmp_path):
    _, url = server(wrong=1.0, times=1)
    with pytest.raises(SourceError, match="its SHA-256 is"):
        download(client, Remote(url, DIGEST, len(BODY)), tmp_path / "a.bin")
    assert not list(tmp_path.glob("*.bin"))
    download(client, Remote(url, DIGEST, len(BODY)), tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == BODY


@pytest.mark.parametrize("size", [0, len(BODY)], ids=["size unknown", "size known"])
@pytest.mark.parametrize("have", [1_000_000, len(BODY)])
def test_only_the_rest_is_asked_for(server, client, tmp_path, size, have):
    remote, url = server()
    (tmp_path / ".a.bin.part").write_bytes(BODY[:have])
    told = []
    download(client, Remote(url, DIGEST, size), tmp_path / "a.bin", told.append)
    assert (tmp_path / "a.bin").read_bytes() == BODY
    assert sum(told) == len(BODY) - have
    assert remote.seen().get("/files/états.geojson", 0) == len(BODY) - have


@pytest.mark.parametrize("part", [b"\0" * 1_000_000, b"\0" * len(BODY), b"\0" * (len(BODY) + 1)])
def test_pieces_of_another_file_are_dropped(server, client, tmp_path, part):
    _, url = server()
    (tmp_path / ".a.bin.part").write_bytes(part)
    download(client, Remote(url, DIGEST, len(BODY)), tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == BODY


def test_a_server_without_ranges_gives_the_whole_file_again(server, client, tmp_path):
    _, url = server(no_range=True)
    (tmp_path / ".a.bin.part").write_bytes(BODY[:1000])
    download(client, Remote(url, DIGEST), tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == BODY
    with pytest.raises(SourceError, match="whole files only"):
        read_range(client, url, 10, 20)


def test_a_range_is_these_bytes(server, client):
    _, url = server()
    assert read_range(client, url, 1000, 1300) == BODY[1000:1300]
    with pytest.raises(AgainError, match="in place of"):
        read_range(client, url, len(BODY) - 5, len(BODY) + 5)
    with pytest.raises(SourceError, match="can't be asked for"):
        read_range(client, url, 5, 5)


def test_what_is_not_there_or_another_file_is_refused(server, client, tmp_path):
    _, url = server()
    with pytest.raises(MissingError, match="HTTP 404"):
        download(client, Remote(url + "x", DIGEST), tmp_path / "a.bin")
    for size in (0, len(BODY), 1000):
        with pytest.raises(SourceError, match="another file is there"):
            download(client, Remote(url, "0" * 64, size), tmp_path / "a.bin")
    with pytest.raises(SourceError, match="no address"):
        download(client, Remote("ftp://x/y", DIGEST), tmp_path / "a.bin")
    assert not (tmp_path / "a.bin").exists()


def test_trying_ends_where_nothing_comes_of_it(monkeypatch):
    pauses = []
    monkeypatch.setattr(downloads.time, "sleep", pauses.append)

    def fail(wait=None):
        raise AgainError("HTTP 500", unpaid=True, wait=wait)

    with pytest.raises(UnfinishedError, match="the hub: HTTP 500, 7 times: run the same command again"):
        patiently(fail, "the hub")
    assert len(pauses) == 6
    assert all(0.25 * 2**i / 2 <= pause <= 0.25 * 2**i for i, pause in enumerate(pauses))
    pauses.clear()
    with pytest.raises(UnfinishedError):
        patiently(lambda: fail(wait=3), "the hub", tries=3)
    assert pauses == [3, 3]


def test_trying_goes_on_while_something_comes_of_it(monkeypatch):
    monkeypatch.setattr(downloads.time, "sleep", lambda seconds: None)
    steps = iter(range(100))
    at = [0]

    def ask():
        at[0] = next(steps)
        if at[0] < 50:
            raise AgainError("cut off", unpaid=True)
        return "whole"

    assert patiently(ask, "x", tries=2, position=lambda: at[0]) == "whole"


def test_the_hubs_own_words_for_waiting_are_understood(monkeypatch, tmp_path):
    import httpx

    def answer(request):
        return httpx.Response(429, headers={"RateLimit": '"resolvers";r=0;t=55'})

    with httpx.Client(transport=httpx.MockTransport(answer)) as client, pytest.raises(AgainError) as caught:
        read_range(client, "http://x/y", 0, 5)
    assert caught.value.wait == 55


def test_natural_earth_is_fetched_once_and_checked_every_time(server, tmp_path):
    remote, url = server()
    earth = Remote(url, DIGEST, len(BODY))
    path = natural_earth(earth)
    assert path.read_bytes() == BODY
    assert path.is_relative_to(tmp_path / "cache")
    assert natural_earth(earth) == path
    assert remote.seen()["requests"] == 1
    path.write_bytes(b"bent")
    assert natural_earth(earth).read_bytes() == BODY
    with pytest.raises(SourceError, match="with --regions"):
        natural_earth(Remote(url + "x", DIGEST))


def test_natural_earth_is_pinned_to_a_version():
    assert "/v5.1.2/" in downloads.NATURAL_EARTH.url
    assert len(downloads.NATURAL_EARTH.sha256) == 64


def test_without_a_connection_it_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("KANGAROO_CACHE", str(tmp_path))
    monkeypatch.setattr(downloads.time, "sleep", lambda seconds: None)
    with pytest.raises(UnfinishedError, match=r"127.0.0.1:9/x: no connection"):
        natural_earth(Remote("http://127.0.0.1:9/x", DIGEST))


KILLED = """
import sys
from kangaroo.collect.downloads import Remote, natural_earth
natural_earth(Remote(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


def test_a_killed_download_goes_on(server, tmp_path):
    (tmp_path / "there" / "états.geojson").write_bytes(BODY * 20)  # 100 MB
    digest = hashlib.sha256(BODY * 20).hexdigest()
    remote, url = server()
    argv = [sys.executable, "-c", KILLED, url, digest, str(len(BODY) * 20)]
    part = tmp_path / "cache" / "natural_earth" / ".états.geojson.part"
    process = subprocess.Popen(argv)
    while process.poll() is None and not (part.exists() and part.stat().st_size):
        time.sleep(0.001)
    process.kill()
    process.wait()
    assert part.exists()
    came = part.stat().st_size
    assert 0 < came < len(BODY) * 20
    path = natural_earth(Remote(url, digest, len(BODY) * 20))
    assert path.read_bytes() == BODY * 20
    assert remote.seen()[f"times /files/états.geojson bytes={came}-"] == 1
