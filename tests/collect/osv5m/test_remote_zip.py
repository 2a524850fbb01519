import io
import zipfile
from dataclasses import replace

import pytest

from kangaroo.collect.osv5m.remote_zip import extract, members, read_tail
from kangaroo.collect.transport import AgainError, SourceError


def archive(names, kind=zipfile.ZIP_DEFLATED, comment=b"", zip64=False):
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", kind) as file:
        for name in names:
            with file.open(name, "w", force_zip64=zip64) as member:
                member.write(name.encode() * 500)
        file.comment = comment
    return body.getvalue()


def reader(data):
    """``read(start, end)`` of some bytes, and what was asked for."""
    asked = []

    def read(start, end):
        assert 0 <= start < end <= len(data)
        asked.append(end - start)
        return data[start:end]

    return read, asked


@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("comment", [b"", b"x" * 65535])
@pytest.mark.parametrize("zip64", [False, True])
@pytest.mark.parametrize("front", [b"", b"#!/bin/sh\n" * 20])
def test_every_member_comes_out_as_zipfile_reads_it(kind, comment, zip64, front):
    data = front + archive(["a/", "a/1.jpg", "ä.jpg", "empty/2.jpg"], kind, comment, zip64)
    read, _ = reader(data)
    found = {member.name: member for member in members(read_tail(read, len(data)), len(data))}
    with zipfile.ZipFile(io.BytesIO(data)) as expected:
        names = [name for name in expected.namelist() if not name.endswith("/")]
        assert list(found) == names
        for name in names:
            member = found[name]
            assert extract(data[member.start : member.end], member) == expected.read(name)


def test_of_a_large_archive_only_the_directory_is_read():
    names = [f"{i:06}.jpg" for i in range(3000)]
    data = archive(names, zipfile.ZIP_STORED)
    read, asked = reader(data)
    found = members(read_tail(read, len(data)), len(data))
    assert len(found) == 3000
    directory = 3000 * (46 + 10) + 22  # APPNOTE.TXT: header, name; end record
    assert directory <= sum(asked) <= directory + 100
    assert sum(asked) < len(data) / 50


def test_more_members_than_two_bytes_can_count():
    data = archive([str(i) for i in range(66_000)], zipfile.ZIP_STORED)
    read, _ = reader(data)
    assert len(members(read_tail(read, len(data)), len(data))) == 66_000


def test_changed_bytes_are_noticed():
    for kind in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        data = archive(["1.jpg"], kind)
        (member,) = members(data, len(data))
        record = data[member.start : member.end]
        for at in range(30 + len("1.jpg"), len(record)):
            changed = record[:at] + bytes([record[at] ^ 4]) + record[at + 1 :]
            with pytest.raises(AgainError):
                extract(changed, member)
        with pytest.raises(AgainError, match="no member"):
            extract(b"<html>", member)


def test_a_member_that_claims_to_be_small_is_not_inflated_whole():
    data = archive(["1.jpg"])
    (member,) = members(data, len(data))
    with pytest.raises(AgainError, match="CRC"):
        extract(data[member.start : member.end], replace(member, size=10))


@pytest.mark.parametrize("data", [b"", b"<html></html>", b"PK\x05\x06" + b"\xff" * 18, b"PK\x05\x06"])
def test_what_is_no_zip_file_is_refused(data):
    with pytest.raises(SourceError, match="no zip file"):
        members(read_tail(lambda start, end: data[start:end], len(data)), len(data))


def test_unknown_compression_is_refused():
    data = archive(["1.jpg"], zipfile.ZIP_BZIP2)
    (member,) = members(data, len(data))
    with pytest.raises(SourceError, match="method 12"):
        extract(data[member.start : member.end], member)
