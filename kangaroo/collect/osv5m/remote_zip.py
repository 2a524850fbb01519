"""Single members of a zip file that lies on the web, by ranges of its bytes: the rest is never fetched."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from kangaroo.collect.transport import MAX_BYTES, AgainError, SourceError

_WIDE = 76  # bytes of the end records of large zip files (zip64)
_TAIL = 2**16 + 22 + _WIDE  # bytes that hold the end records, whatever the comment after them
_LOCAL_HEADER = 30  # bytes, without the name and the extra field

ReadRange = Callable[[int, int], bytes]
"""The bytes of a file from one position to before another."""


@dataclass(frozen=True)
class Member:
    """A file in a zip file: where its record lies (bytes), how it is compressed, and what it must be."""

    name: str
    start: int
    end: int
    compressed: int
    size: int
    method: int
    crc: int


def read_tail(read: ReadRange, size: int) -> bytes:
    """The last bytes of a zip file of ``size`` bytes, from its central directory on."""
    tail = read(max(0, size - _TAIL), size)
    start, front = max(0, size - _directory_size(tail)), size - len(tail)
    pieces = (read(at, min(at + MAX_BYTES, front)) for at in range(start, front, MAX_BYTES))
    return b"".join([*pieces, tail])


def members(tail: bytes, size: int) -> list[Member]:
    """What the central directory at the end of a zip file of ``size`` bytes lists, folders left out.

    SourceError: it is none.
    """
    try:
        with zipfile.ZipFile(_Tail(tail, size)) as archive:
            first, entries = archive.start_dir, archive.infolist()
    except (zipfile.BadZipFile, struct.error, OSError) as error:
        raise SourceError(f"is no zip file ({error})") from error
    starts = sorted(entry.header_offset for entry in entries)
    ends = dict(zip(starts, [*starts[1:], first], strict=True))
    return [
        Member(
            entry.filename,
            entry.header_offset,
            ends[entry.header_offset],
            entry.compress_size,
            entry.file_size,
            entry.compress_type,
            entry.CRC,
        )
        for entry in entries
        if not entry.is_dir()
    ]


class _Tail(io.RawIOBase):
    """A file of ``size`` bytes of which only the last are known; before them it is zero."""

    def __init__(self, tail: bytes, size: int) -> None:
        self._tail, self._front, self._size, self._at = tail, size - len(tail), size, 0

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        at = offset + (0, self._at, self._size)[whence]
        if at < 0:
            raise OSError("too short")
        self._at = at
        return at

    def read(self, count: int = -1) -> bytes:
        end = self._size if count < 0 else min(self._at + count, self._size)
        zeros = max(0, min(end, self._front) - self._at)
        if zeros > _TAIL:
            raise zipfile.BadZipFile("its directory is not at its end")
        known = self._tail[max(0, self._at - self._front) : max(0, end - self._front)]
        self._at = max(self._at, end)
        return bytes(zeros) + known


def extract(record: bytes, member: Member) -> bytes:
    """A member's contents from the bytes of its record. AgainError: they are not what was put in."""
    if record[:4] != b"PK\x03\x04" or len(record) < _LOCAL_HEADER:
        raise AgainError("no member of a zip file came", unpaid=True)
    name, extra = struct.unpack("<HH", record[26:_LOCAL_HEADER])
    start = _LOCAL_HEADER + name + extra
    data = record[start : start + member.compressed]
    if member.method == zipfile.ZIP_DEFLATED:
        try:
            data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, member.size + 1)
        except zlib.error as error:
            raise AgainError(f"damaged on the way ({error})", unpaid=True) from error
    elif member.method != zipfile.ZIP_STORED:
        raise SourceError(f"{member.name} is compressed in a way that isn't known (method {member.method})")
    if len(data) != member.size or zlib.crc32(data) != member.crc:
        raise AgainError("damaged on the way (CRC-32)", unpaid=True)
    return data


def _directory_size(tail: bytes) -> int:
    """Bytes from the central directory, or a little before it, to the end (APPNOTE.TXT 4.3.14 to 4.3.16)."""
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) - end < 22:
        raise SourceError("is no zip file: it has no central directory")
    (directory,) = struct.unpack_from("<I", tail, end + 12)
    wide = tail.rfind(b"PK\x06\x06", 0, end)
    if directory == 2**32 - 1 and wide >= 0:
        (directory,) = struct.unpack_from("<Q", tail, wide + 40)
    return directory + len(tail) - end + _WIDE
