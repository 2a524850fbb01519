"""Each source asks and reads as its API's documentation says; no server is needed for that."""

import asyncio
import json

import numpy as np
import pytest
from PIL import Image

from kangaroo.collect.run.points import Point
from kangaroo.collect.sources import SOURCES, mapillary, open_source
from kangaroo.collect.sources.base import Found, Job, box, nearest
from kangaroo.collect.sources.google import Google, sign
from kangaroo.collect.transport import AgainError, Answer, MissingError, SourceError
from kangaroo.errors import DataError
from kangaroo.geo.distance import haversine_km

POINT = Point(0, 0, "Austria", "Tyrol", 47.2, 11.3)
JPEG = b"\xff\xd8\xffpicture"
KEYS = {"GOOGLE_MAPS_API_KEY": " k ", "MAPILLARY_TOKEN": "MLY|1|2"}


class Script:
    """Answers in turn, and the requests that they were given to."""

    def __init__(self, *answers):
        self.answers, self.requests = list(answers), []

    async def get(self, request, read):
        self.requests.append(request)
        body = self.answers.pop(0)
        return read(Answer(200, body if isinstance(body, bytes) else json.dumps(body).encode()))


def find(source, *answers):
    script = Script(*answers)
    return asyncio.run(source.find(POINT, script.get)), script.requests


def picture(source, found, *answers, view=None):
    script = Script(*answers)
    return asyncio.run(source.picture(found, view or {}, script.get)), script.requests


def test_signing_gives_the_signature_of_googles_documentation():
    target = "/maps/api/geocode/json?address=New+York&client=clientID"
    secret = Google(Job("google"), "key", "vNIXE0xscrmjlyV-12Nj_BvUPaw=")._secret
    assert sign(target, secret) == f"{target}&signature=chaRF2hTJKOScPr-RQCEhZbSzIE="


def test_google_signs_with_the_key_in_the_address():
    source = open_source(
        Job("google"), {**KEYS, "GOOGLE_MAPS_SIGNING_SECRET": "vNIXE0xscrmjlyV-12Nj_BvUPaw="}
    )
    target, headers = source.authorize("/maps/api/streetview?pano=x")
    assert headers == {}
    assert target.startswith("/maps/api/streetview?pano=x&key=k&signature=")
    with pytest.raises(SourceError, match="GOOGLE_MAPS_SIGNING_SECRET is not in URL-safe base64") as caught:
        open_source(Job("google"), {**KEYS, "GOOGLE_MAPS_SIGNING_SECRET": "no*se?cret"})
    assert "no*se" not in str(caught.value)


def test_google_asks_metadata_first_and_the_picture_by_its_panorama():
    source = open_source(Job("google"), KEYS)
    data = {"status": "OK", "pano_id": "P", "location": {"lat": 47.21, "lng": 11.3}, "date": "2019-08"}
    found, (request,) = find(source, data)
    assert (request.path, request.kind) == ("/maps/api/streetview/metadata", "metadata")
    assert request.params == {"location": "47.2,11.3", "radius": "100", "source": "outdoor"}
    assert found == Found("P", 47.21, 11.3, "2019-08", "© Google")
    (view,) = source.views(POINT, found)
    assert view == {"heading": "180.00", "pitch": "0", "fov": "90"}  # from 47.21 south to 47.2
    data, (request,) = picture(source, found, JPEG, view=view)
    assert (data, request.path, request.kind) == (JPEG, "/maps/api/streetview", "image")
    assert request.params == {"pano": "P", "size": "640x640", "return_error_code": "true", **view}


def test_google_takes_every_combination_of_views():
    job = Job("google", headings=(0, 90, 180, 270), pitches=(0, 10), fovs=(80,))
    views = open_source(job, KEYS).views(POINT, Found("P", 47.2, 11.3))
    assert len(views) == job.n_views == 8
    assert {(view["heading"], view["pitch"], view["fov"]) for view in views} == {
        (heading, pitch, "80") for heading in ("0", "90", "180", "270") for pitch in ("0", "10")
    }


@pytest.mark.parametrize(
    ("lat", "lon", "heading"), [(47.3, 11.3, 180), (47.1, 11.3, 0), (47.2, 11.2, 90), (47.2, 11.4, 270)]
)
def test_without_headings_google_looks_towards_the_point(lat, lon, heading):
    (view,) = open_source(Job("google"), KEYS).views(POINT, Found("P", lat, lon))
    assert float(view["heading"]) == pytest.approx(heading, abs=0.1)


@pytest.mark.parametrize(
    ("status", "outcome", "everyone"),
    [
        ("ZERO_RESULTS", None, None),
        ("NOT_FOUND", None, None),
        ("OVER_QUERY_LIMIT", AgainError, True),
        ("UNKNOWN_ERROR", AgainError, False),
        ("OK", AgainError, False),  # without a panorama's id
        ("REQUEST_DENIED", SourceError, None),
        ("INVALID_REQUEST", SourceError, None),
    ],
)
def test_what_googles_statuses_mean(status, outcome, everyone):
    source = open_source(Job("google"), KEYS)
    answer = {"status": status, "error_message": "because"}
    if outcome is None:
        assert find(source, answer)[0] is None
        return
    with pytest.raises(outcome, match=status) as caught:
        find(source, answer)
    if outcome is AgainError:
        assert caught.value.everyone == everyone
    else:
        assert str(caught.value) == f"{status}: because"


def image(number, lat, lon, **more):
    return {
        "id": str(number),
        "computed_geometry": {"type": "Point", "coordinates": [lon, lat]},
        "captured_at": 1564617600000,  # 2019-08-01 UTC
        "computed_compass_angle": 12.5,
        "creator": {"username": "ann"},
        "width": 4000,
        "height": 3000,
        **more,
    }


def test_mapillary_pages_through_a_small_box_and_takes_the_nearest_flat_photo():
    source = open_source(Job("mapillary", radius=50), KEYS)
    near, far = image(7, 47.2001, 11.3), image(8, 47.2003, 11.3)
    sphere, outside = image(9, 47.2, 11.3, is_pano=True), image(10, 47.2004, 11.3006)
    page = {
        "data": [far, sphere],
        "paging": {
            "cursors": {"after": "A"},
            "next": "https://graph.mapillary.com/images?access_token=secret",
        },
    }
    found, requests = find(source, page, {"data": [near, outside], "paging": {"cursors": {"after": "B"}}})
    assert [request.params.get("after") for request in requests] == [None, "A"]
    west, south, east, north = (float(part) for part in requests[0].params["bbox"].split(","))
    assert (east - west) * (north - south) < 0.01  # square degrees, the API's limit
    assert south < 47.2 < north
    assert west < 11.3 < east
    assert found.id == "7"
    assert found.captured == "2019-08-01"
    assert found.heading == 12.5
    assert found.longest == 1024
    assert found.attribution == "ann, Mapillary, https://www.mapillary.com/app/?pKey=7"
    assert find(source, {"data": [outside]})[0] is None  # in the box, not in the circle


def test_mapillary_asks_for_a_fresh_address_and_gives_the_token_as_a_header():
    source = open_source(Job("mapillary"), KEYS)
    data, (fresh, photo) = picture(
        source, Found("7", 47.2, 11.3), {"thumb_1024_url": "https://cdn.example/7.jpg?sig=1"}, JPEG
    )
    assert data == JPEG
    assert (fresh.path, dict(fresh.params)) == ("/7", {"fields": "thumb_1024_url"})
    assert (photo.path, photo.kind, photo.elsewhere) == ("https://cdn.example/7.jpg?sig=1", "image", True)
    assert source.authorize("/7") == ("/7", {"Authorization": "OAuth MLY|1|2"})


@pytest.mark.parametrize(
    ("error", "outcome"),
    [({"code": 4, "message": "limit"}, AgainError), ({"code": 2, "is_transient": True}, AgainError),
     ({"code": 190, "message": "Invalid token"}, SourceError)],
)  # fmt: skip
def test_what_mapillarys_errors_mean(error, outcome):
    with pytest.raises(outcome):
        find(open_source(Job("mapillary"), KEYS), {"error": error})


def test_a_mapillary_photo_that_was_deleted_since_is_missing():
    answer = Answer(400, b'{"error": {"code": 100, "message": "Unsupported get request"}}')
    with pytest.raises(MissingError, match="deleted"):
        mapillary._read_address(answer)
    with pytest.raises(SourceError, match="error 100"):
        mapillary._read(answer)
    with pytest.raises(AgainError, match="HTTP 502"):
        mapillary._read(Answer(502, b"<html>"))


def test_kartaview_needs_no_key_and_pages_too():
    source = open_source(Job("kartaview"), {})
    row = {"id": "5", "lat": "47.2001", "lng": "11.3", "heading": "90.5", "shotDate": "2018-05-01 10:00:00"}
    other = {"id": 6, "lat": "47.2005", "lng": "11.3", "heading": "", "username": "bob"}
    first = {"status": {"httpCode": 200}, "result": {"data": [other], "hasMoreData": True}}
    found, requests = find(source, first, {"result": {"data": [row], "hasMoreData": False}})
    assert [request.params["page"] for request in requests] == ["1", "2"]
    assert requests[0].path == "/2.0/photo/"
    assert requests[0].params["lat"] == "47.2000000"
    assert found == Found(
        "5", 47.2001, 11.3, "2018-05-01", "contributors, KartaView, https://kartaview.org", 90.5
    )
    address = {"result": {"data": {"fileurl": "https://cdn.example/{{sizeprefix}}/5.jpg"}}}
    data, requests = picture(source, found, address, JPEG)
    assert data == JPEG
    assert [request.path for request in requests] == ["/2.0/photo/5", "https://cdn.example/proc/5.jpg"]
    assert find(source, {"result": {"data": []}})[0] is None


def test_the_local_folder_takes_coordinates_from_labels_and_exif(tmp_path):
    pixels = np.zeros((8, 8, 3), np.uint8)
    exif = Image.Exif()
    exif.get_ifd(0x8825).update({1: "S", 2: (33, 51, 36), 3: "E", 4: (151, 12, 36), 17: 45})
    exif.get_ifd(0x8769)[0x9003] = "2020:02:03 04:05:06"
    Image.fromarray(pixels).save(tmp_path / "sydney.jpg", exif=exif)
    Image.fromarray(pixels + 1).save(tmp_path / "tyrol.jpg")
    Image.fromarray(pixels + 2).save(tmp_path / "nowhere.jpg")
    (tmp_path / "labels.csv").write_text("file,country,place,lat,lon\ntyrol.jpg,Austria,,47.2005,11.3\n")
    source = open_source(Job("folder", photos=str(tmp_path)), {})
    found, requests = find(source)
    assert (found.id, requests) == ("tyrol.jpg", [])
    assert picture(source, found)[0] == (tmp_path / "tyrol.jpg").read_bytes()
    sydney = Point(1, 0, "Australia", "", -33.86, 151.21)
    there = asyncio.run(source.find(sydney, None))
    assert (there.id, there.captured, there.heading) == ("sydney.jpg", "2020-02-03", 45)
    assert (there.lat, there.lon) == pytest.approx((-33.86, 151.21))
    assert asyncio.run(source.find(Point(2, 0, "Italy", "", 42, 12), None)) is None


def test_sources_that_cant_be_opened(tmp_path):
    with pytest.raises(
        SourceError, match="no key for google: set the environment variable GOOGLE_MAPS_API_KEY"
    ):
        open_source(Job("google"), {"GOOGLE_MAPS_API_KEY": " "})
    with pytest.raises(SourceError, match="MAPILLARY_TOKEN"):
        open_source(Job("mapillary"), {})
    with pytest.raises(DataError, match="--photos"):
        open_source(Job("folder"), {})
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    with pytest.raises(DataError, match="has coordinates"):
        open_source(Job("folder", photos=str(tmp_path)), {})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": (641, 640)}, "641 x 640"),
        ({"headings": (361,)}, "heading 361"),
        ({"pitches": (-91,)}, "pitch -91"),
        ({"fovs": (5,)}, "field of view 5"),
        ({"radius": 0}, "within 0 m"),
        ({"min_distance": -1}, "-1 m is below 0"),
        ({"min_distance": float("nan")}, "nan m"),
        ({"source": "kartaview", "headings": (0,)}, "kartaview are as they are"),
    ],
)
def test_jobs_that_make_no_sense(settings, message):
    with pytest.raises(DataError, match=message):
        Job(**{"source": "google", **settings})


def test_nearest_and_box_agree_with_the_sphere():
    rng = np.random.default_rng(0)
    photos = [
        Found(str(i), 47.2 + lat / 500, 11.3 + lon / 500)
        for i, (lat, lon) in enumerate(rng.normal(size=(50, 2)))
    ]
    metres = {p.id: 1000 * float(haversine_km(47.2, 11.3, p.lat, p.lon)) for p in photos}
    assert nearest(POINT, photos, 1e4).id == min(metres, key=metres.get)
    assert nearest(POINT, photos, min(metres.values()) - 1) is None
    assert nearest(POINT, [], 100) is None
    west, south, east, north = box(POINT, 100)
    assert 1000 * haversine_km(47.2, west, 47.2, east) == pytest.approx(200, rel=1e-4)
    assert 1000 * haversine_km(south, 11.3, north, 11.3) == pytest.approx(200, rel=1e-4)


def test_what_may_be_passed_on_is_known_of_every_source():
    assert {name for name, source in SOURCES.items() if source.shareable} == {"mapillary", "kartaview"}
    assert all(source.licence for source in SOURCES.values())
