"""Where photos come from: one file a source, and :func:`open_source` to choose one."""

from collections.abc import Mapping
from types import MappingProxyType

from kangaroo.collect.sources.base import Job, Source
from kangaroo.collect.sources.folder import Folder
from kangaroo.collect.sources.google import Google
from kangaroo.collect.sources.kartaview import KartaView
from kangaroo.collect.sources.mapillary import Mapillary
from kangaroo.collect.transport import SourceError

SOURCES: Mapping[str, type[Source]] = MappingProxyType(
    {source.name: source for source in (Google, Mapillary, KartaView, Folder)}
)


def open_source(job: Job, environ: Mapping[str, str]) -> Source:
    """The job's source with its key from the environment. SourceError: no key; DataError: no folder."""
    variable = SOURCES[job.source].key_variable
    key = environ.get(variable, "").strip()
    if variable and not key:
        raise SourceError(f"no key for {job.source}: set the environment variable {variable} to yours")
    if job.source == "google":
        return Google(job, key, environ.get("GOOGLE_MAPS_SIGNING_SECRET", "").strip())
    if job.source == "mapillary":
        return Mapillary(job, key)
    return Folder(job) if job.source == "folder" else KartaView(job)
