"""A local Hugging Face hub with a small OSV-5M, faults included: ``python hub.py OPTIONS``.

It answers as the real one does: the API lists files in pages, files are redirected to another server, which
refuses tokens and serves ranges. Below /files/ lie the files of ``folder``. What it saw is told under /seen.
It stands in a process of its own, so that it can be asked by processes that are killed.
"""

import csv
import hashlib
import io
import json
import random
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
from PIL import Image

COMMIT = "c" * 40
HEADER = [
    "id", "latitude", "longitude", "thumb_original_url", "country", "sequence", "captured_at", "lon_bin",
    "lat_bin", "cell", "region", "sub-region", "city", "land_cover", "road_index", "drive_side", "climate",
    "soil", "dist_sea", "unique_country", "creator_username", "creator_id",
]  # fmt: skip
CENTRES = {"AT": (47.6, 14.1), "AU": (-25.8, 134.3), "NA": (-22.1, 17.2), "XX": (0.0, 0.0)}


class Remote:
    """The address of a hub in another process, and what it has seen."""

    def __init__(self, address):
        self.address = address

    def seen(self):
        with urllib.request.urlopen(f"{self.address}/seen") as answer:
            return json.load(answer)


@contextmanager
def running(**options):
    """A hub while the block runs."""
    command = [sys.executable, __file__, json.dumps(options)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Remote(process.stdout.readline().strip())
        finally:
            process.kill()


@dataclass
class Options:
    """Shares of requests for bytes that go wrong the first times, and what else may differ."""

    broken: float = 0.0  # 500
    busy: float = 0.0  # 429 with Retry-After
    truncated: float = 0.0  # the connection ends before Content-Length
    wrong: float = 0.0  # a byte is another one
    times: int = 2  # that a request goes wrong, at most
    no_range: bool = False
    delay: float = 0.0  # seconds before each answer
    token: str = ""  # needed, if any
    damaged: int = 0  # photos of Austria that were put in damaged
    folder: str = ""
    dead_after: int = -1  # requests for bytes after which only 500 is answered


@cache
def picture():
    """A JPEG picture of 48 x 40 pixels."""
    pixels = np.random.default_rng(0).integers(0, 256, (40, 48, 3), dtype=np.uint8)
    body = io.BytesIO()
    Image.fromarray(pixels).save(body, "JPEG")
    return body.getvalue()


def photo(number, damaged=False):
    """A JPEG picture of its own, by a comment of 1 kB in it."""
    comment = b"".join(hashlib.sha256(f"{number} {i}".encode()).digest() for i in range(32))
    whole = picture()[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + picture()[2:]
    return whole[: 1500 if damaged else None]


def rows_of(part, n, rng):
    """Rows of the metadata: photos in streets (sequences) of three photos 200 m apart, some out of use."""
    for number in range(n):
        if number % 3 == 0:
            code = rng.choices(list(CENTRES), [5, 5, 2, 1])[0]
            lat, lon = (value + rng.uniform(-1, 1) for value in CENTRES[code])
        row = dict.fromkeys(HEADER, "")
        row |= {"id": 10**15 + (part == "test") * 10**6 + number * 7, "country": code, "city": 'a "b", c'}
        row |= {"latitude": lat + 0.0018 * (number % 3), "longitude": lon}
        row |= {"sequence": f"s{part}{number // 3}", "captured_at": 1_568_725_341_000.0 + number}
        row |= {"creator_username": "" if number % 50 == 7 else f"user{number % 9}"}
        if number % 41 == 0:
            row["latitude"] = ""
        if number % 43 == 0:
            row["country"] = ""
        yield row


def build(options):
    """The repository's files: path to bytes."""
    files = {".gitattributes": b"*.zip filter=lfs\n", "README.md": b"# OSV-5M\n"}
    for part, n, shards in (("train", 3000, 6), ("test", 300, 2)):
        rng = random.Random(part)
        rows = list(rows_of(part, n, rng))
        text = io.StringIO()
        writer = csv.DictWriter(text, HEADER)
        writer.writeheader()
        writer.writerows(rows)
        files[f"{part}.csv"] = text.getvalue().encode()
        rng.shuffle(rows)
        broken = [row["id"] for row in rows if row["country"] == "AT"][: options.damaged]
        for shard in range(shards):
            body = io.BytesIO()
            kind = zipfile.ZIP_STORED if shard % 2 else zipfile.ZIP_DEFLATED
            with zipfile.ZipFile(body, "w", kind) as archive:
                archive.mkdir(f"{shard:02}")
                for row in rows[shard::shards]:
                    data = photo(row["id"], row["id"] in broken)
                    archive.writestr(f"{shard:02}/{row['id']}.jpg", data)
            files[f"images/{part}/{shard:02}.zip"] = body.getvalue()
    return files


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    options: Options
    files: dict
    seen: ClassVar[Counter] = Counter()
    asked: ClassVar[Counter] = Counter()

    def log_message(self, *args):
        pass

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        target = urlsplit(self.path)
        path = unquote(target.path)
        time.sleep(self.options.delay)
        if path == "/seen":
            return self.tell(200, json.dumps(self.seen).encode())
        self.seen["requests"] += 1
        if path.startswith("/files/"):
            file = Path(self.options.folder) / path[7:]
            return self.give(path, file.read_bytes()) if file.is_file() else self.tell(404)
        if path.startswith("/cdn/"):
            body = self.files[path[5:]]
            return (
                self.tell(400, b"only one auth") if "Authorization" in self.headers else self.give(path, body)
            )
        if self.options.token and self.headers["Authorization"] != f"Bearer {self.options.token}":
            return self.tell(401, b'{"error": "Invalid credentials"}')
        if path.startswith("/datasets/osv5m/osv5m/resolve/"):
            return self.redirect(path.split("/", 6)[6])
        return self.api(path, parse_qs(target.query))

    def api(self, path, query):
        repository = "/api/datasets/osv5m/osv5m"
        fault = self.fault(path + json.dumps(query))
        if fault in ("busy", "broken"):
            return self.tell(429 if fault == "busy" else 500, headers={"Retry-After": "0.05"})
        if path in (repository, f"{repository}/revision/main"):
            return self.tell(200, json.dumps({"id": "osv5m/osv5m", "sha": COMMIT, "siblings": []}).encode())
        if path != f"{repository}/tree/{COMMIT}":
            return self.tell(404, b"{}", {"X-Error-Code": "RepoNotFound"})
        names, page = sorted(self.files), int(query.get("cursor", ["0"])[0])
        entries = [self.entry(name) for name in names[page : page + 5]]
        link = f'<http://{self.headers["Host"]}{path}?recursive=True&cursor={page + 5}>; rel="next"'
        more = page + 5 < len(names)
        return self.tell(200, json.dumps(entries).encode(), {"Link": link} if more else {})

    def entry(self, name):
        body = self.files[name]
        entry = {"type": "file", "oid": hashlib.sha1(body).hexdigest(), "size": len(body), "path": name}
        if name.endswith((".csv", ".zip")):
            digest = hashlib.sha256(body).hexdigest()
            entry["lfs"] = {"oid": digest, "size": len(body), "pointerSize": 134}
        return entry

    def redirect(self, name):
        port = self.server.server_address[1]
        headers = {"X-Repo-Commit": COMMIT, "X-Linked-Size": str(len(self.files[name]))}
        headers |= {"Location": f"http://localhost:{port}/cdn/{name}", "X-Linked-ETag": '"x"'}
        return self.tell(302, b"", headers)

    def fault(self, what):
        """What goes wrong this time, by a draw from the request and how often it was made."""
        self.asked[what] += 1
        if self.asked[what] > self.options.times:
            return ""
        draw = int(hashlib.sha256(f"{what} {self.asked[what]}".encode()).hexdigest()[:8], 16) / 2**32
        end = 0.0
        for kind in ("broken", "busy", "truncated", "wrong"):
            end += getattr(self.options, kind)
            if draw < end:
                return kind
        return ""

    def give(self, path, body):
        """A file or the range of it that was asked for."""
        self.seen["gets"] += 1
        asked = self.headers.get("Range", "")
        if 0 <= self.options.dead_after < self.seen["gets"]:
            return self.tell(500)
        fault = self.fault(f"{path} {asked}")
        if fault in ("broken", "busy"):
            return self.tell(429 if fault == "busy" else 500, headers={"Retry-After": "0.05"})
        status, headers = 200, {"ETag": f'"{hashlib.md5(body).hexdigest()}"', "Accept-Ranges": "bytes"}
        if asked and not self.options.no_range:
            first, _, last = asked.removeprefix("bytes=").partition("-")
            start, end = int(first), min(int(last or len(body)) + 1, len(body))
            if start >= len(body):
                return self.tell(416)
            status, headers["Content-Range"] = 206, f"bytes {start}-{end - 1}/{len(body)}"
            body = body[start:end]
        if fault == "wrong":
            body = body[: len(body) // 2] + bytes([body[len(body) // 2] ^ 1]) + body[len(body) // 2 + 1 :]
        self.seen[path] += len(body)
        self.seen[f"times {path} {asked}"] += 1
        return self.tell(status, body, headers, cut=fault == "truncated")

    def tell(self, status, body=b"", headers=None, cut=False):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[: len(body) // 2] if cut else body)
        if cut:
            self.close_connection = True


def main(options):
    """Serve on any free port; the address is printed."""
    Handler.options, Handler.files = options, {} if options.folder else build(options)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(Options(**json.loads(sys.argv[1])))
