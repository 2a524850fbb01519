"""Mapillary, Graph API v4: a small box around the point, its nearest flat photo, a fresh address, the photo.

https://www.mapillary.com/developer/api-documentation
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from kangaroo.collect.run.points import Point
from kangaroo.collect.sources.base import Found, Get, Job, Source, View, box, nearest
from kangaroo.collect.transport import AgainError, Answer, MissingError, Request, SourceError

FIELDS = (
    *("id", "geometry", "computed_geometry", "captured_at", "compass_angle", "computed_compass_angle"),
    *("creator", "is_pano", "width", "height"),
)
_SIDE = 1024  # of thumb_1024_url
_PAGE = 500
_RATE_LIMITS = (4, 17, 32, 613)  # codes of the Graph API's errors
_DELETED = 100


class Mapillary(Source):
    """Photos by volunteers, scaled to 1,024 pixels, CC BY-SA 4.0."""

    name = "mapillary"
    key_variable = "MAPILLARY_TOKEN"
    endpoint = "https://graph.mapillary.com"
    licence = "CC BY-SA 4.0"
    shareable = True
    calls_per_second = 100  # the limits are 10,000 searches and 60,000 other calls a minute

    def __init__(self, job: Job, token: str):
        self._radius = job.radius
        self._token = token
        self.secrets = (token,)

    def authorize(self, target: str) -> tuple[str, Mapping[str, str]]:
        """Give the token as a header."""
        return target, {"Authorization": f"OAuth {self._token}"}

    async def find(self, point: Point, get: Get) -> Found | None:
        """The nearest photo within the radius that is no panorama."""
        bbox = ",".join(f"{degrees:.7f}" for degrees in box(point, self._radius))
        params = {"fields": ",".join(FIELDS), "bbox": bbox, "limit": str(_PAGE)}
        there: dict[str, Found] = {}
        while True:
            data = await get(Request("/images", params), _read)
            rows = [row for row in data.get("data", []) if not row.get("is_pano")]
            there |= {photo.id: photo for photo in map(_photo, rows)}
            # The address of the next page holds the token: only its cursor is taken over.
            paging = data.get("paging") or {}
            after = (paging.get("cursors") or {}).get("after")
            if "next" not in paging or not after or params.get("after") == after:
                return nearest(point, there.values(), self._radius)
            params = {**params, "after": after}

    async def picture(self, found: Found, view: View, get: Get) -> bytes:
        """The photo, by an address that is asked for anew, because it goes stale."""
        address = await get(Request(f"/{found.id}", {"fields": f"thumb_{_SIDE}_url"}), _read_address)
        return await get(Request(address, kind="image"), Answer.picture)


def _read(answer: Answer) -> dict[str, Any]:
    """The answer, unless it is an error of the Graph API, which come with the status 400 or others."""
    error = answer.object().get("error")
    if not isinstance(error, dict):
        return answer.json()
    code, message = error.get("code"), error.get("message", "no reason given")
    if code in _RATE_LIMITS:
        raise AgainError(f"rate limit: {message}", unpaid=True, everyone=True)
    if error.get("is_transient") or answer.status >= 500:
        raise AgainError(f"error {code}: {message}", unpaid=True)
    raise SourceError(f"error {code}: {message}")


def _read_address(answer: Answer) -> str:
    """The address of a photo, which may have been deleted since it was found."""
    if answer.status == 400 and answer.object().get("error", {}).get("code") == _DELETED:
        raise MissingError("deleted")
    return str(_read(answer)[f"thumb_{_SIDE}_url"])


def _photo(row: dict[str, Any]) -> Found:
    lon, lat = (row.get("computed_geometry") or row["geometry"])["coordinates"]
    heading = row.get("computed_compass_angle", row.get("compass_angle"))
    taken = row.get("captured_at")
    return Found(
        id=str(row["id"]),
        lat=float(lat),
        lon=float(lon),
        captured=datetime.fromtimestamp(taken / 1000, UTC).date().isoformat() if taken else "",
        attribution=f"{(row.get('creator') or {}).get('username', 'unknown')}, Mapillary, "
        f"https://www.mapillary.com/app/?pKey={row['id']}",
        heading=None if heading is None else float(heading),
        longest=min(_SIDE, max(int(row.get("width") or 0), int(row.get("height") or 0))),
    )
