"""KartaView, API 2.0: the photos around a point, the nearest of them, its address, the photo.

https://doc.kartaview.org; no key is needed.
"""

from typing import Any

from kangaroo.collect.run.points import Point
from kangaroo.collect.sources.base import Found, Get, Job, Source, View, nearest
from kangaroo.collect.transport import AgainError, Answer, Request, SourceError

PATH = "/2.0/photo/"
_PAGE = 150
_ADDRESSES = ("fileurlProc", "imageProcUrl", "fileurlLTh", "imageLthUrl", "fileurl")


class KartaView(Source):
    """Photos by volunteers, faces and number plates blurred, CC BY-SA 4.0."""

    name = "kartaview"
    endpoint = "https://api.openstreetcam.org"
    licence = "CC BY-SA 4.0"
    shareable = True
    calls_per_second = 5  # no limit is published: be polite

    def __init__(self, job: Job):
        self._radius = job.radius

    async def find(self, point: Point, get: Get) -> Found | None:
        """The nearest photo within the radius."""
        there: dict[str, Found] = {}
        where = {"lat": f"{point.lat:.7f}", "lng": f"{point.lon:.7f}", "radius": f"{self._radius:g}"}
        for page in range(1, 1000):
            params = {**where, "page": str(page), "itemsPerPage": str(_PAGE)}
            result = await get(Request(PATH, params), _read)
            photos = [_photo(row) for row in result.get("data") or ()]
            there |= {photo.id: photo for photo in photos}
            if not photos or not result.get("hasMoreData"):
                break
        return nearest(point, there.values(), self._radius)

    async def picture(self, found: Found, view: View, get: Get) -> bytes:
        """The processed photo, by the address that the API has for it now."""
        result = await get(Request(f"{PATH}{found.id}"), _read)
        data = result.get("data") or {}
        address = next((str(data[name]) for name in _ADDRESSES if data.get(name)), "")
        return await get(Request(address.replace("{{sizeprefix}}", "proc"), kind="image"), Answer.picture)


def _read(answer: Answer) -> dict[str, Any]:
    data = answer.json()
    status = data.get("status") or {}
    code = int(status.get("httpCode") or 200)
    if code == 429 or code >= 500:
        raise AgainError(f"status {code}", unpaid=True, everyone=code == 429)
    if code >= 400:
        raise SourceError(f"status {code}: {status.get('apiMessage', 'no reason given')}")
    return data.get("result") or {}


def _photo(row: dict[str, Any]) -> Found:
    heading = row.get("heading")
    return Found(
        id=str(row["id"]),
        lat=float(row["lat"]),
        lon=float(row["lng"]),
        captured=str(row.get("shotDate") or "")[:10],
        attribution=f"{row.get('username') or 'contributors'}, KartaView, https://kartaview.org",
        heading=None if heading in (None, "") else float(heading),
    )
