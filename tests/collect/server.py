"""A local server that plays Street View Static and Mapillary, faults included: ``python server.py FAULTS``.

It stands in a process of its own, so that it can be asked by processes that are killed. What it does follows
from the request alone, and what it saw is told under /seen: so two runs can be compared.
"""

import asyncio
import hashlib
import io
import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import parse_qs, urlsplit

import numpy as np
from PIL import Image

GREY = (228, 227, 223)  # of Google's 'Sorry, we have no imagery here.'


@dataclass
class Faults:
    """Shares of calls, or of panoramas, that go wrong. ``delay``: seconds before each answer."""

    delay: float = 0.0
    busy: float = 0.0  # 429 with Retry-After
    broken: float = 0.0  # 500
    stalled: float = 0.0  # no answer
    truncated: float = 0.0  # Content-Length longer than the body
    wrong_type: float = 0.0  # text in place of a picture
    over_limit: float = 0.0  # OVER_QUERY_LIMIT
    unknown: float = 0.0  # UNKNOWN_ERROR
    placeholder: float = 0.0  # of panoramas
    black: float = 0.0  # of panoramas
    uncovered: float = 0.2  # of points
    shared: float = 0.3  # of points
    denied_after: int = -1  # calls after which the key is refused


@dataclass
class StreetView:
    """The remote side: answers from the request and the number of times that it was seen."""

    faults: Faults
    key: str = "test-key-93c1"
    seen: Counter = field(default_factory=Counter)
    answered: Counter = field(default_factory=Counter)
    in_flight: Counter = field(default_factory=Counter)
    calls: int = 0
    address: str = ""

    def pano(self, location):
        """The panorama of a point, None without coverage: some points share that of a neighbour."""
        if share(location, "coverage") < self.faults.uncovered:
            return None
        if share(location, "shared") < self.faults.shared:
            return f"shared-{int(share(location, 'which') * 150)}"
        return "pano-" + hashlib.sha256(location.encode()).hexdigest()[:12]

    def answer(self, path, params):
        """Status, content type, body and headers; None: never."""
        self.calls += 1
        if params.get("key") != self.key or 0 <= self.faults.denied_after < self.calls:
            if path.endswith("metadata"):
                denied = {
                    "status": "REQUEST_DENIED",
                    "error_message": f"key {params.get('key')} is not valid",
                }
                return 200, "application/json", json.dumps(denied).encode(), {}
            return 403, "text/html", b"The API key is invalid.", {}
        what = params.get("location") or f"{params['pano']} {params.get('heading')}"
        self.seen[f"{path} {what}"] += 1
        fault = self.fault(path, what, self.seen[f"{path} {what}"])
        if fault == "stalled":
            return None
        if fault in ("busy", "broken"):
            busy = fault == "busy"
            return (429 if busy else 500), "text/plain", b"", {"Retry-After": "0.05"} if busy else {}
        metadata = path.endswith("metadata")
        return self.metadata(what, fault) if metadata else self.image(what, params, fault)

    def fault(self, path, what, time):
        """What goes wrong this time, by a draw from the request and how often it was made."""
        draw, end = share(f"{path} {what} {time}", "fault"), 0.0
        kinds = ["busy", "broken", "stalled"]
        kinds += ["over_limit", "unknown"] if path.endswith("metadata") else ["truncated", "wrong_type"]
        for kind in kinds:
            end += getattr(self.faults, kind)
            if draw < end:
                return kind
        return ""

    def metadata(self, location, fault):
        pano = self.pano(location)
        status = {"over_limit": "OVER_QUERY_LIMIT", "unknown": "UNKNOWN_ERROR"}.get(fault)
        found = {"status": status or ("OK" if pano else "ZERO_RESULTS")}
        if found["status"] == "OK":
            lat, lng = (float(part) for part in location.split(","))
            if pano.startswith("shared"):
                lat, lng = 47 + share(pano, "lat"), 11 + share(pano, "lng")
            found |= {
                "pano_id": pano,
                "location": {"lat": lat, "lng": lng},
                "date": "2019-08",
                "copyright": "© Google",
            }
        return 200, "application/json", json.dumps(found).encode(), {}

    def image(self, what, params, fault):
        if fault == "wrong_type":
            return 200, "text/html", b"<html>busy</html>", {}
        draw = share(params["pano"], "picture")
        kind = "street" if draw >= self.faults.placeholder + self.faults.black else "black"
        body = labelled(picture("grey" if draw < self.faults.placeholder else kind, params["size"]), what)
        headers = {"Content-Length": str(len(body) + 999)} if fault == "truncated" else {}
        if fault != "truncated":
            self.answered[params["pano"]] += 1
        return 200, "image/jpeg", body, headers

    def mapillary(self, path, params):
        """Two pages of photos in a box, a photo's address, and the photo, which needs no token."""
        self.calls += 1
        if not path.startswith("/thumb/") and params.get("token") != f"OAuth {self.key}":
            error = {"error": {"code": 190, "message": f"Invalid token {params.get('token')}"}}
            return 401, "application/json", json.dumps(error).encode(), {}
        what = f"{path} {params.get('bbox', '')} {params.get('after', '')}"
        self.seen[what] += 1
        if fault := self.fault("metadata", what, self.seen[what]):
            return None if fault == "stalled" else (500, "text/plain", b"", {})
        if path.startswith("/thumb/"):
            self.answered[path[7:-4]] += 1
            return 200, "image/jpeg", labelled(picture("street", "1024x768"), path), {}
        told = (
            self.box(params) if path == "/images" else {"thumb_1024_url": f"{self.address}/thumb{path}.jpg"}
        )
        return 200, "application/json", json.dumps(told).encode(), {}

    def box(self, params):
        west, south, east, north = (float(part) for part in params["bbox"].split(","))
        lat, lon = (south + north) / 2, (west + east) / 2
        pano = self.pano(f"{lat:.5f},{lon:.5f}")
        if not pano:
            return {"data": []}
        near = {"id": str(int(share(pano, "id") * 1e9)), "creator": {"username": "ann"}, "compass_angle": 30}
        near |= {"geometry": {"type": "Point", "coordinates": [lon, lat]}, "captured_at": 1564617600000}
        if params.get("after"):
            return {"data": [near | {"width": 4000, "height": 3000}]}
        far = {"id": "9" + near["id"], "geometry": {"type": "Point", "coordinates": [lon, lat + 2e-4]}}
        following = f"{self.address}/images?access_token={self.key}&after=A"
        return {"data": [far], "paging": {"cursors": {"after": "A"}, "next": following}}

    async def serve(self, reader, writer):
        try:
            while line := await reader.readline():
                target = urlsplit(line.split()[1].decode())
                params = {name: values[0] for name, values in parse_qs(target.query).items()}
                while (line := await reader.readline()).strip():
                    if line.lower().startswith(b"authorization:"):
                        params["token"] = line.split(b":", 1)[1].strip().decode()
                if not await self.respond(writer, target.path, params):
                    break
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def respond(self, writer, path, params):
        if path == "/seen":
            told = {
                "seen": self.seen, "answered": self.answered, "in_flight": self.in_flight, "calls": self.calls
            }  # fmt: skip
            answer = 200, "application/json", json.dumps(told).encode(), {}
        else:
            self.in_flight[path] += 1
            try:
                google = path.startswith("/maps/")
                answer = self.answer(path, params) if google else self.mapillary(path, params)
                await asyncio.sleep(self.faults.delay if answer else 3600)
            finally:
                self.in_flight[path] -= 1
        status, kind, body, headers = answer
        headers = {"Content-Type": kind, "Content-Length": str(len(body)), **headers}
        lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in headers.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        await writer.drain()
        return headers["Content-Length"] == str(len(body))


def share(text, purpose):
    """A number from 0 to 1 that follows from a text."""
    return int(hashlib.sha256(f"{purpose} {text}".encode()).hexdigest()[:8], 16) / 2**32


@cache
def picture(kind, size):
    """The bytes of a JPEG picture: street (blocks of many colours), black, or Google's grey placeholder."""
    width, height = (int(side) for side in size.split("x"))
    rng = np.random.default_rng(0)
    pixels = np.zeros((height, width, 3), np.uint8)
    if kind == "grey":
        pixels[:] = GREY
        middle = pixels[height // 2 - height // 40 : height // 2 + height // 40, width // 4 : 3 * width // 4]
        middle[rng.random(middle.shape[:2]) < 0.3] = 110  # letters
    image = Image.fromarray(pixels)
    if kind == "street":
        blocks = Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8))
        image = blocks.resize((width, height), Image.Resampling.BILINEAR)
    body = io.BytesIO()
    image.save(body, "JPEG")
    return body.getvalue()


def labelled(jpeg, text):
    """A JPEG with a comment, so that every panorama's bytes are its own."""
    comment = text.encode()
    return jpeg[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + jpeg[2:]


async def main(faults):
    """Serve on any free port, which is printed."""
    view = StreetView(Faults(**faults))
    server = await asyncio.start_server(view.serve, "127.0.0.1", 0)
    view.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    print(view.address, flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
