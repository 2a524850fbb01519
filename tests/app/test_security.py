"""What the server lets in and out, asked as a browser or somebody hostile asks it: over HTTP."""

import io
import json
import os
import re
import struct
import time
import zlib
from pathlib import Path

import httpx
import pytest
from PIL import Image

from kangaroo.app.security import SERVED, Guard, sweep
from kangaroo.app.state import Settings

LIMIT = 0.3  # MB


@pytest.fixture(scope="module")
def examples(tmp_path_factory, jpeg):
    folder = tmp_path_factory.mktemp("photos") / "Slovakia"
    folder.mkdir()
    for seed in range(3):
        (folder / f"secret-{seed}.jpg").write_bytes(jpeg(seed))
    (folder.parent / "labels.csv").write_text("file,country\n")
    return folder.parent


@pytest.fixture(scope="module")
def uploads(tmp_path_factory):
    return tmp_path_factory.mktemp("uploads")


@pytest.fixture(scope="module")
def _quick():
    """Uploads go sooner than people would want."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kangaroo.app.security.KEPT", 1.0)
        yield


@pytest.fixture(scope="module")
def address(classifier, served_in, uploads, examples, _quick):
    with served_in(classifier, Settings(max_upload_mb=LIMIT, examples=examples), uploads) as address:
        yield address


@pytest.fixture
def client(address):
    with httpx.Client(base_url=address, timeout=60) as client:
        yield client


def config(client):
    return client.get("config").json()


def function(client, elem_id, event):
    """The number of what listens to an event of an element, and of how many inputs it takes."""
    setup = config(client)
    component = next(c["id"] for c in setup["components"] if c["props"].get("elem_id") == elem_id)
    found = next(d for d in setup["dependencies"] if [component, event] in d["targets"])
    return found["id"], len(found["inputs"])


def upload(client, *files):
    sent = [("files", (name, data)) for name, data in files]
    return client.post("gradio_api/upload", files=sent)


def call(client, elem_id, event, *values, session="s1"):
    """Run what listens to an event; gives its output, as the page gets it."""
    number, n = function(client, elem_id, event)
    data = [*values, *[None] * (n - len(values))]
    body = {"data": data, "fn_index": number, "session_hash": session}
    assert client.post("gradio_api/queue/join", json=body).status_code == 200
    with client.stream("GET", "gradio_api/queue/data", params={"session_hash": session}) as lines:
        for line in lines.iter_lines():
            message = json.loads(line.removeprefix("data: ")) if line.startswith("data: ") else {}
            if message.get("msg") == "process_completed":
                return message
    raise AssertionError("no answer")


def guess(client, name, data, session="s1"):
    """What the page says of one photo that was sent."""
    sent = upload(client, (name, data))
    assert sent.status_code == 200, sent.text
    done = call(
        client, "guess-photo-sent", "change", {"path": sent.json()[0], "orig_name": name}, session=session
    )
    assert done["success"], done
    return done["output"]["data"][2]


def png_header(width, height):
    """A PNG file that claims a size and holds hardly anything."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\0" * 100_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def noise(size):
    file = io.BytesIO()
    Image.effect_noise((size, size), 100).save(file, "PNG")
    return file.getvalue()


def nothing_is_left(uploads):
    """Whether what was read is deleted soon."""
    for _ in range(60):
        if not [path for path in uploads.rglob("*") if path.is_file()]:
            return True
        time.sleep(0.1)
    return False


HOSTILE = {
    "svg": ("x.png", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "not a picture"),
    "html": ("x.jpg", b"<script>alert(1)</script>", "not a picture"),
    "gif": ("x.gif", b"GIF89a\1\0\1\0\0\0\0;", "not a picture"),
    "pickle": ("x.jpg", b"\x80\x04\x95csystem", "not a picture"),
    "bomb": ("bomb.png", png_header(60_000, 60_000), "too large: 60000 x 60000 pixels"),
    "large": ("wide.png", png_header(10_001, 5_000), "too large: 10001 x 5000 pixels"),
    "truncated": ("x.png", png_header(500, 500), "truncated or damaged"),
    "path": ("../../../etc/passwd", b"root", "not a picture"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_gets_one_polite_line(client, uploads, kind):
    name, data, reason = HOSTILE[kind]
    said = guess(client, name, data)
    assert said.count("<p") == 1
    assert 'class="refused"' in said
    assert reason in said
    assert nothing_is_left(uploads)
    assert client.get("").status_code == 200


def test_an_empty_file_is_no_photo(client):
    sent = upload(client, ("empty.jpg", b""))
    assert sent.status_code == 200
    done = call(client, "guess-photo-sent", "change", {"path": sent.json()[0], "orig_name": "empty.jpg"})
    assert "empty file" in done["output"]["data"][2]


def test_a_photo_that_is_html_too_is_only_a_photo(client, uploads, jpeg):
    said = guess(client, "<img src=x onerror=alert(1)>.html", jpeg(3) + b"<script>alert(1)</script>")
    assert "answer" in said
    assert "<script" not in said
    assert nothing_is_left(uploads)


def test_a_name_that_is_html_is_written_as_text(client):
    assert "&lt;b&gt;" in guess(client, "<b>.png", b"no photo")


def test_the_orientation_of_a_camera_is_applied(client, jpeg, classifier):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned clockwise by 90 degrees
    turned = jpeg(4, (64, 64), exif=exif)
    row = classifier.predict([Image.open(io.BytesIO(turned))]).iloc[0]
    assert (
        row["confidence"] != classifier.predict([Image.open(io.BytesIO(jpeg(4, (64, 64))))])["confidence"][0]
    )
    assert f"{100 * row['confidence']:.0f}" in guess(client, "turned.jpg", turned)


def test_a_photo_above_the_limit_is_refused_before_it_is_read(client, uploads):
    data = noise(700)
    assert len(data) > LIMIT * 1e6
    sent = upload(client, ("large.png", data))
    assert sent.status_code == 413
    assert not [path for path in uploads.rglob("*") if path.stat().st_size > LIMIT * 1e6]


def test_a_request_above_all_limits_is_cut_off(client):
    sent = upload(client, *[(f"{i}.png", bytes(250_000)) for i in range(20)])
    assert sent.status_code == 413
    assert "too much at once" in sent.text

    def endless():
        yield b'--b\r\nContent-Disposition: form-data; name="files"; filename="x"\r\n\r\n'
        for _ in range(100):
            yield bytes(100_000)

    sent = client.post(
        "gradio_api/upload", content=endless(), headers={"content-type": "multipart/form-data; boundary=b"}
    )
    assert sent.status_code in (400, 413)
    assert client.post("gradio_api/queue/join", content=bytes(5_000_000)).status_code == 413


def test_more_photos_than_the_limit_give_one_line_more(client, jpeg, monkeypatch):
    monkeypatch.setattr("kangaroo.app.security.KEPT", 60.0)  # on a busy machine a hundred take their time
    photos = [(f"{i}.jpg", jpeg(i, (8, 8))) for i in range(102)]
    paths = upload(client, *photos).json()
    sent = [
        {"path": path, "orig_name": name, "meta": {"_type": "gradio.FileData"}}
        for path, (name, _) in zip(paths, photos, strict=True)
    ]
    _, refused, table = call(client, "guess-files", "upload", sent)["output"]["data"]
    assert "2 photos were left out: 100 at once are the limit" in refused
    assert table.count("<tr>") == 101


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "CARD", "LABELS", "PHOTO", "../../etc/passwd", "%2fetc%2fpasswd"]
)
def test_no_file_outside_is_served(client, path, examples, classifier, tmp_path):
    path = {
        "LABELS": str(examples / "labels.csv"),
        "PHOTO": str(examples / "Slovakia" / "secret-0.jpg"),
        "CARD": "saved_models/multinomial.json",
    }.get(path, path)
    for address in (
        f"gradio_api/file={path}",
        f"gradio_api/file/{path}",
        f"static/../../{path}",
        f"assets/{path}",
    ):
        answer = client.get(address)
        assert answer.status_code in (403, 404), address
        assert b"root:" not in answer.content


@pytest.mark.parametrize("meta", [{}, {"meta": {"_type": "gradio.FileData"}}], ids=["bare", "as Gradio's"])
def test_an_event_takes_no_file_that_was_not_uploaded(client, examples, uploads, meta):
    number, _ = function(client, "guess-photo-sent", "change")
    secret = examples / "Slovakia" / "secret-0.jpg"
    for path in ("/etc/passwd", str(secret), "http://127.0.0.1:9/x.jpg", f"{uploads}/../x", "\0", 7, ["a"]):
        for value in ({"path": path}, {"a": [{"b": {"path": path}}]}):
            body = {"data": [value | meta], "fn_index": number, "session_hash": "s2"}
            assert client.post("gradio_api/queue/join", json=body).status_code == 400, path
    done = call(client, "guess-photo-sent", "change", {"path": None, "url": "http://127.0.0.1:9/x.jpg"})
    assert "no photo came" in done["output"]["data"][2]
    assert secret.exists()  # what is read is deleted; this was not


@pytest.mark.parametrize("body", [b"no json", b"\xff", b"[" * 100_000, b'{"data": NaN'])
def test_what_is_no_json_is_refused(client, body):
    assert client.post("gradio_api/queue/join", content=body).status_code == 400


@pytest.mark.parametrize(
    "path",
    ["gradio_api/proxy=http://127.0.0.1:9/", "gradio_api/file=http://127.0.0.1:9/x", "monitoring", "login",
     "gradio_api/vibe-code/", "docs", "openapi.json", "gradio_api/openapi.json", "gradio_api/runs",
     "gradio_api/mcp/sse"],
)  # fmt: skip
def test_what_the_page_does_not_need_is_not_there(client, path):
    assert client.get(path).status_code == 404


def test_only_what_the_page_needs_is_matched():
    assert SERVED.fullmatch("/gradio_api/queue/join")
    assert not SERVED.fullmatch("/gradio_api/queue/../file")
    assert not SERVED.fullmatch("/gradio_api/run/guess")


def test_every_answer_carries_the_headers(client):
    for path in ("", "config", "theme.css", "nothing", "gradio_api/file=/etc/passwd"):
        headers = client.get(path).headers
        policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == policy["connect-src"] == "'self'"
        assert "unsafe-inline" not in policy["script-src"]
        assert not any("http" in sources for sources in policy.values())
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "server" not in headers or "uvicorn" not in headers["server"]
    nonces = {client.get("").headers["content-security-policy"] for _ in range(3)}
    assert len(nonces) == 3  # one that is used twice can be guessed


def test_the_page_names_no_outside_address_and_no_example(client):
    page = client.get("").text
    assert "secret" not in page
    assert "Slovakia/" not in page
    assert not re.search(r"""(?:src|href|content)=["']?(?:https?:)?//""", page)


def test_another_name_for_this_machine_is_refused(client):
    assert client.get("", headers={"host": "evil.example"}).status_code == 400


def test_uploads_that_nobody_reads_are_bounded(client, uploads):
    filler = uploads / "filler"
    with filler.open("wb") as file:
        file.truncate(int(101 * LIMIT * 1e6))
    os.utime(filler, (2**31, 2**31))  # not swept
    try:
        answer = upload(client, ("x.png", b"x"))
        assert answer.status_code == 503
        assert "try again" in answer.text
    finally:
        filler.unlink()


def test_only_what_is_old_is_swept(tmp_path):
    (tmp_path / "a").mkdir()
    for name, age in (("a/old", 61), ("new", 50)):
        (tmp_path / name).write_text("x")
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    os.utime(tmp_path / "a", (0, 0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kangaroo.app.security.KEPT", 60.0)
        sweep(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] in (["a", "new"], ["new", "a"])  # a has changed now
        os.utime(tmp_path / "a", (0, 0))
        sweep(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_the_guard_serves_nothing_but_http():
    async def nobody(*_):
        raise AssertionError("a websocket came through")

    with pytest.raises(StopIteration):  # it is done at once
        Guard(nobody, Path("."), 1)({"type": "websocket"}, nobody, nobody).send(None)
