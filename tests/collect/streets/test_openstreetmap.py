"""Networks fetched from a local server that plays Nominatim and Overpass, faults included."""

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import numpy as np
import osmnx
import pytest
from PIL import Image
from shapely.geometry import box, mapping

from kangaroo.cli import main
from kangaroo.geo.distance import haversine_km

STATUS = (
    "Connected as: 1\nCurrent time: now\nAnnounced endpoint: none\nRate limit: 2\n2 slots available now.\n"
)
STATE = box(12.6, 46.9, 13.4, 47.6)  # Salzburg's disc lies round 47.25 N, 13.05 E
CITY = box(12.98, 47.75, 13.13, 47.86)
# A main road from west to east through a tunnel; its last node lies outside the state.
NODES = {
    1: (47.2, 12.8),
    2: (47.21, 12.9),
    3: (47.2, 13.0),
    4: (47.2, 13.1),
    5: (47.2, 13.3),
    6: (47.2, 13.6),
}
TAGS = {"highway": "primary"}
ELEMENTS = [
    *({"type": "node", "id": i, "lat": lat, "lon": lon} for i, (lat, lon) in NODES.items()),
    {"type": "way", "id": 20, "nodes": [1, 2, 3], "tags": TAGS},
    {"type": "way", "id": 21, "nodes": [3, 4], "tags": TAGS | {"tunnel": "yes"}},
    {"type": "way", "id": 22, "nodes": [4, 5, 6], "tags": TAGS},
]


def answer(name, polygon, kind="state", country="Austria"):
    return {
        "display_name": name,
        "addresstype": kind,
        "importance": 0.5,
        "address": {"country": country},
        "geojson": mapping(polygon) if polygon else {"type": "Point", "coordinates": [13, 47.8]},
    }


class OpenStreetMap:
    """What the server answers, and what it was asked."""

    def __init__(self):
        self.places = lambda query: [answer("Salzburg, Austria", STATE)]
        self.overpass = {"elements": ELEMENTS}
        self.faults = []  # (status, headers) to answer with first, on either service
        self.raw = None
        self.asked = []

    def reply(self, url, body):
        path, query = urlsplit(url).path, {k: v[0] for k, v in parse_qs(urlsplit(url).query).items()}
        if path.endswith("/status"):
            return 200, {}, STATUS
        self.asked.append(query if path.endswith("/search") else parse_qs(body)["data"][0])
        if self.faults:
            return *self.faults.pop(0), "<html>busy</html>"
        if path.endswith("/search"):
            return 200, {}, json.dumps(self.places(query))
        return 200, {}, self.raw or json.dumps(self.overpass)

    @property
    def queries(self):
        return [asked for asked in self.asked if isinstance(asked, str)]


@pytest.fixture
def server(monkeypatch):
    world = OpenStreetMap()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            status, headers, text = world.reply(self.path, body)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        do_POST = do_GET

        def log_message(self, *_):
            pass

    world.waits = []
    monkeypatch.setattr("time.sleep", world.waits.append)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
        world.url = f"http://127.0.0.1:{httpd.server_port}"
        yield world
        httpd.shutdown()


@pytest.fixture
def collect(capsys, server, tmp_path, monkeypatch):
    """Run the command against the server, in an empty working directory."""
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")

    def run(*argv):
        flags = ["--out", tmp_path / "out", "--endpoint", server.url, "--geocoder", server.url]
        code = main(["collect", "networks", *map(str, [*argv, *flags])])
        assert not list((tmp_path / "cwd").iterdir())
        return code, *capsys.readouterr()

    return run


def files(tmp_path):
    return sorted(str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*") if p.is_file())


def refused(result, *parts):
    """One line, exit 2, and what it says."""
    code, out, err = result
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert all(part in err for part in parts), err


def test_a_state_is_fetched_measured_and_drawn(collect, server, tmp_path):
    code, out, _ = collect("Salzburg", "--json")
    assert code == 0
    (row,) = json.loads(out)
    km = [float(haversine_km(*NODES[a], *NODES[b])) for a, b in ((1, 2), (2, 3), (3, 4), (4, 5))]
    assert row["length_km"] == pytest.approx(sum(km), rel=5e-3)  # the road outside is cut off
    assert row["tunnel_km"] == pytest.approx(km[2], rel=5e-3)  # and the tunnel is no longer than it is
    assert row["length_km_by_road"] == pytest.approx({"primary": row["length_km"]})
    # The two mouths of the tunnel and the two ends; three edges in two directions.
    assert (row["nodes"], row["edges"], row["cached"]) == (4, 6, False)
    assert row["boundary"] == "Salzburg, Austria (state)"
    assert files(tmp_path) == ["Austria/Salzburg.graphml", "Austria/Salzburg.png"]
    assert np.asarray(Image.open(tmp_path / "out/Austria/Salzburg.png")).std() > 5
    (query,) = server.queries
    assert '["highway"~"^(motorway|trunk|primary|secondary)(_link)?$"]' in query
    assert server.asked[0].items() >= {"state": "Salzburg", "country": "Austria", "format": "jsonv2"}.items()
    assert server.waits[0] >= 1  # Nominatim allows one request a second


def test_the_same_query_makes_no_request(collect, server, tmp_path):
    _, first, _ = collect("Salzburg", "--json")
    before = list(server.asked)
    code, out, _ = collect("salzburg, AT", "--json")
    assert server.asked == before
    assert json.loads(out) == [json.loads(first)[0] | {"cached": True}]
    assert "kept since 20" in collect("Salzburg")[1]
    refused(collect("Salzburg", "--roads", "primary"), "another query", "--refresh")
    assert server.asked == before
    assert collect("Salzburg", "--roads", "primary", "--refresh")[0] == code == 0
    assert len(server.queries) == 2


def test_the_settings_of_osmnx_and_name_lookup_are_as_before(collect, server):
    names = [name for name in dir(osmnx.settings) if not name.startswith("_")]
    before = [getattr(osmnx.settings, name) for name in names]
    collect("Salzburg")
    server.faults = [(400, {})]
    collect("Salzburg", "--refresh")
    assert [getattr(osmnx.settings, name) for name in names] == before
    assert socket.getaddrinfo.__module__ == "socket"


def test_the_city_of_the_same_name_is_passed_over(collect, server):
    city = answer("Salzburg, Austria", CITY, "city")
    server.places = lambda _: [city, answer("Salzburg", None), answer("Salzburg state", STATE)]
    assert collect("Salzburg")[0] == 0


def test_a_state_that_is_not_known_as_one_is_asked_for_by_name(collect, server):
    server.places = lambda query: [answer("Salzburg", STATE, "city")] if "q" in query else []
    assert collect("Salzburg")[0] == 0
    assert [asked.get("q") for asked in server.asked[:2]] == [None, "Salzburg, Austria"]


def test_a_city_alone_is_not_the_state(collect, server, tmp_path):
    server.places = lambda _: [answer("Salzburg, 5020, Austria", CITY, "city")]
    refused(collect("Salzburg"), "Salzburg, 5020, Austria (city) does not cover Salzburg", "--file")
    assert not server.queries
    assert not files(tmp_path)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ([], "no such place"),
        ([answer("Graz", None)], "has no boundary"),
        ([{"display_name": "Graz"}], "has no boundary"),
        ({"error": "?"}, "refused (the answer is no list of places)"),
    ],
)
def test_what_is_no_place_is_said(collect, server, found, message):
    server.places = lambda _: found
    refused(collect("Atlantis"), message)


def test_any_other_place_lies_in_the_country_that_the_geocoder_names(collect, server, tmp_path):
    server.places = lambda _: [answer("Zell am See", STATE, "town", "Austria/../..")]
    assert collect("Zell am See")[0] == 0
    assert files(tmp_path)[0] == "Austria-..-../Zell am See.graphml"
    asked = len(server.asked)
    assert "kept" in collect("Zell am See")[1]
    assert len(server.asked) == asked


@pytest.mark.parametrize("status", [429, 504])
def test_a_busy_server_is_asked_again_when_it_says(collect, server, status):
    server.faults = [(status, {"Retry-After": "7"}), (status, {})]
    assert collect("Salzburg")[0] == 0
    assert {7, 15} <= set(server.waits)
    assert sum(isinstance(asked, dict) for asked in server.asked) == 3


def test_a_server_that_stays_busy_is_left_alone(collect, server, tmp_path):
    collect("Salzburg", "--roads", "motorway")  # the geocoder answers; now Overpass fails
    server.asked.clear()
    server.places, found = lambda _: [], server.places
    server.faults = [(504, {})] * 9
    refused(collect("Tyrol"), server.url, "is busy (HTTP 504, 4 times)")
    assert len(server.asked) == 4
    server.places, server.faults = found, [(200, {})] * 2
    refused(collect("Burgenland"), "not JSON")


@pytest.mark.parametrize(
    ("raw", "parts"),
    [
        ('{"elements": []}', ["no road of class motorway, trunk, primary, secondary in Salzburg, Austria"]),
        (
            '{"elements": [], "remark": "runtime error: Query timed out"}',
            ["too large", "timed out", "--tiles"],
        ),
        ('{"elements": [{"type": "no', ["Overpass", "not whole"]),
        (json.dumps({"elements": [*ELEMENTS[4:6], {"type": "way", "id": 1, "nodes": [5, 6]}]}), ["no road"]),
    ],
)
def test_a_bad_answer_leaves_nothing(collect, server, tmp_path, raw, parts):
    server.raw = raw
    refused(collect("Salzburg"), *parts)
    assert not [file for file in files(tmp_path) if file.endswith((".graphml", ".png"))]


def test_no_connection_is_one_line(collect, server):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    server.url = address
    refused(collect("Salzburg"), address, "can't be reached")


def test_a_large_state_is_refused_or_divided(collect, server, tmp_path):
    victoria = box(141, -39, 148, -34)
    server.places = lambda _: [answer("Victoria, Australia", victoria, country="Australia")]
    server.overpass = {
        "elements": [
            {"type": "node", "id": 1, "lat": -36.9, "lon": 144.3},
            {"type": "node", "id": 2, "lat": -36.9, "lon": 144.5},
            {"type": "way", "id": 3, "nodes": [1, 2], "tags": TAGS},
        ]
    }
    refused(
        collect("Victoria"), "too large for one Overpass query", "--tiles", "--file", "(347,"
    )  # 6371² x 7° x (sin 39° - sin 34°)
    assert not server.queries
    code, _, err = collect("Victoria", "--tiles")
    assert (code, err) == (0, "")
    assert 35 <= len(server.queries) < 80  # 347,000 km² in squares of 100 km
    assert len(set(server.queries)) == len(server.queries)
    assert files(tmp_path) == ["Australia/Victoria.graphml", "Australia/Victoria.png"]


def test_tiles_that_are_there_are_not_asked_for_again(collect, server, tmp_path):
    victoria = box(142, -38.5, 146, -36)  # 97,000 km²
    server.places = lambda _: [answer("Victoria, Australia", victoria, country="Australia")]
    whole = server.reply

    def breaks_down(url, body):
        answer = whole(url, body)
        return (500, {}, "no") if len(server.queries) == 5 and "interpreter" in url else answer

    server.reply = breaks_down
    refused(collect("Victoria", "--tiles"), "Overpass", "refused (HTTP 500")
    kept = [file for file in files(tmp_path) if file.endswith(".json")]
    assert len(kept) == 4
    (tmp_path / "out" / kept[0]).write_text('{"elem')  # cut off by a kill
    refused(collect("Victoria", "--tiles"), "no road")  # the roads are Austria's
    queries = server.queries
    assert len(queries) == len(set(queries)) + 2  # only the one that failed and the broken one twice


def test_files_take_the_place_of_overpass(collect, server, tmp_path):
    osm = tmp_path / "a.osm"
    osm.write_text(xml(), encoding="utf-8")
    code, out, _ = collect("Salzburg", "--file", osm)
    assert (code, server.asked) == (0, [])
    assert "Salzburg.graphml: 4 nodes, 6 edges, 61 km" in out
    refused(collect("Tyrol", "--file", osm), "a.osm has no road in the middle of Tyrol", "--clip")
    refused(collect("Tyrol", "Styria", "Vienna", "--file", osm, osm), "2 files for 3 places")
    refused(collect("Tyrol", "--file", tmp_path / "no.osm"), "no such file", "no.osm")


def test_a_file_is_cut_to_the_boundary(collect, server, tmp_path):
    (tmp_path / "a.osm").write_text(xml(), encoding="utf-8")
    _, out, _ = collect("Salzburg", "--file", tmp_path / "a.osm", "--clip", "--json")
    (row,) = json.loads(out)
    km = sum(float(haversine_km(*NODES[i], *NODES[i + 1])) for i in range(1, 5))
    assert row["length_km"] == pytest.approx(km, rel=5e-3)
    assert not server.queries
    server.places = lambda _: [answer("Tyrol", box(11, 47, 11.6, 47.5))]
    refused(collect("Tyrol", "--file", tmp_path / "a.osm", "--clip"), "a.osm has no road inside")


def xml():
    nodes = "".join(f"<node id='{i}' version='1' lat='{y}' lon='{x}'/>" for i, (y, x) in NODES.items())
    ways = ""
    for way in ELEMENTS[len(NODES) :]:
        refs = "".join(f"<nd ref='{node}'/>" for node in way["nodes"])
        tags = "".join(f"<tag k='{key}' v='{value}'/>" for key, value in way["tags"].items())
        ways += f"<way id='{way['id']}' version='1'>{refs}{tags}</way>"
    return f"<osm version='0.6'>{nodes}{ways}</osm>"
