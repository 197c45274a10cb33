"""Unpacking what strangers send: every honest form is opened, every bomb costs little, nothing raises."""

from __future__ import annotations

import base64
import gzip
import random
import struct
import time
import tracemalloc
import zipfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.standards import packed_report
from listkeeper.standards.packed_report import Form, Limits, Payload, Refusal
from tests.makers import receiver_reports as reports

_XML = reports.xml()
_OPEN = (Payload(Form.XML, _XML),)


def _code(data: bytes, limits: Limits = packed_report.USUAL) -> str:
    found = packed_report.unpack(data, limits)
    assert isinstance(found, Refusal), found
    assert found.reason.endswith(".")
    return found.code


@pytest.mark.parametrize(
    "data",
    [
        _XML,
        reports.gzipped(_XML),
        reports.gzipped(_XML) + b"\0" * 7,
        reports.zipped(_XML),
        reports.zipped(_XML, "C:\\..\\..\\etc/passwd\0.exe"),
        reports.zipped(_XML, method=zipfile.ZIP_STORED),
        reports.streamed(_XML),
        reports.mail(("text/plain", b"Hello"), ("application/gzip", reports.gzipped(_XML))),
        reports.mail(("application/zip", reports.gzipped(_XML))),
        reports.mail(("image/png", reports.zipped(_XML)), ("text/html", b"<!DOCTYPE html><html></html>")),
        reports.mail(("application/xml; name=report.zip", _XML)),
        b"From someone Sun Nov 22\r\n" + reports.mail(("application/octet-stream", reports.streamed(_XML))),
        b"\r\n" + reports.mail(("application/x-zip", reports.zipped(_XML))),
        # A single part, without any media type at all.
        b"Subject: Report\n\n" + _XML,
        b"Subject: r\nContent-Transfer-Encoding: Base64\n\n" + base64.b64encode(_XML) + b"\n-- \nScanned by a server",
    ],
    ids=range(15),
)
def test_every_form_is_opened(data: bytes) -> None:
    assert packed_report.unpack(data) == _OPEN


def test_a_mail_passed_on_as_an_attachment_is_opened() -> None:
    inner = reports.mail(("application/gzip", reports.gzipped(_XML)))
    assert packed_report.unpack(reports.mail(("text/plain", b"see below"), ("message/rfc822", inner))) == _OPEN


def test_of_a_mail_every_part_that_can_be_opened_is_returned() -> None:
    found = packed_report.unpack(
        reports.mail(("application/zip", b"PK\x03\x04 broken"), ("a/b", _XML), ("a/b", reports.gzipped(b"{}")))
    )
    assert found == (Payload(Form.XML, _XML), Payload(Form.JSON, b"{}"))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b" \r\n", "empty"),
        (b"hello", "unknown_form"),
        (b"%PDF-1.4", "unknown_form"),
        (b"<html><body>", "unknown_form"),
        (reports.gzipped(b"hello"), "unknown_form"),
        (reports.zipped(b"<!doctype html><html>"), "unknown_form"),
        (reports.gzipped(reports.gzipped(_XML)), "packed_twice"),
        (reports.zipped(reports.zipped(_XML)), "packed_twice"),
        (reports.gzipped(reports.zipped(_XML)), "packed_twice"),
        (reports.zipped(reports.mail(("a/b", _XML))), "packed_twice"),
        (reports.gzipped(_XML) * 2, "several"),
        (reports.gzipped(_XML)[:-1], "cut_off"),
        (reports.gzipped(_XML)[:40], "cut_off"),
        (b"\x1f\x8b", "cut_off"),
        (b"PK\x05\x06" + b"\0" * 18, "cut_off"),
        (b"PK\x03\x04", "cut_off"),
        (reports.zipped(_XML)[:80], "cut_off"),
        (reports.streamed(_XML)[:-150], "cut_off"),
        (reports.zipped(_XML, method=zipfile.ZIP_STORED)[:80], "cut_off"),
        (reports.zipped(_XML, method=zipfile.ZIP_BZIP2), "packing"),
        (reports.mail(("text/plain", b"Hello")), "no_report"),
        (reports.mail(("application/zip", reports.gzipped(_XML)[:-5])), "cut_off"),
    ],
)
def test_what_cannot_be_opened_is_refused_in_words(data: bytes, code: str) -> None:
    assert _code(data) == code


def test_an_archive_of_two_files_is_refused() -> None:
    one, two = reports.zipped(_XML, "a.xml"), reports.zipped(_XML, "b.xml")
    local = one[: one.index(b"PK\x01\x02")]
    assert _code(local + two) == "several"


def test_an_archive_with_a_password_is_refused() -> None:
    packed = bytearray(reports.zipped(_XML))
    packed[6] |= 1
    assert _code(bytes(packed)) == "locked"


@pytest.mark.parametrize("pack", [reports.gzipped, reports.zipped, reports.streamed])
def test_a_wrong_check_sum_is_damage(pack: object) -> None:
    assert callable(pack)
    packed = bytearray(pack(_XML))
    place = packed.find(struct.pack("<I", zlib.crc32(_XML)))
    packed[place] ^= 1
    assert _code(bytes(packed)) == "damaged"


def test_a_stated_size_is_not_believed() -> None:
    packed = bytearray(reports.zipped(_XML))
    packed[18:26] = struct.pack("<II", 10**9, 10**9)
    tracemalloc.start()
    try:
        assert packed_report.unpack(bytes(packed)) == _OPEN
        # Where nothing but the size tells the end, a file that is shorter is cut off.
        stored = bytearray(reports.zipped(_XML, method=zipfile.ZIP_STORED))
        stored[18:26] = struct.pack("<II", 10**9, 10**9)
        assert _code(bytes(stored)) == "cut_off"
        lying = bytearray(reports.gzipped(_XML))
        lying[-4:] = struct.pack("<I", 10**9)
        assert _code(bytes(lying)) == "damaged"
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.fixture(scope="module")
def bomb() -> bytes:
    """1 GB of XML, deflated without a header: each megabyte in the same bytes."""
    engine = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (engine.compress(b"<a/>" * 250_000) + engine.flush(zlib.Z_FULL_FLUSH)) * 1_000


def test_a_bomb_costs_little_memory_and_time(bomb: bytes) -> None:
    archive = struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", 20, 0, 8, 0, 0, 0, 9, 9, 1, 0) + b"x" + bomb
    gzipped = b"\x1f\x8b\x08\0\0\0\0\0\x02\xff" + bomb
    for limits, code in ((packed_report.USUAL, "bomb"), (Limits(ratio=10_000), "too_large")):
        for packed in (gzipped, archive, reports.mail(*[("application/gzip", gzipped)] * 3)):
            began = time.process_time()
            tracemalloc.start()
            assert _code(packed, limits) == code
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            # A mail is held beside its parts.
            assert peak < limits.unpacked + 4 * len(packed) + 1_000_000
            assert time.process_time() - began < 5


def test_a_small_file_may_be_packed_as_densely_as_it_can() -> None:
    content = b"<a>" + b" " * 900_000 + b"</a>"
    packed = reports.gzipped(content)
    assert len(content) / len(packed) > 500
    assert packed_report.unpack(packed) == (Payload(Form.XML, content),)


def test_limits_hold_to_the_byte(chance: random.Random) -> None:
    content = b"<a>" + chance.randbytes(5_000) + b"</a>"
    size = len(content)
    for packed in (content, reports.gzipped(content), reports.zipped(content), reports.mail(("a/b", content))):
        assert packed_report.unpack(packed, Limits(unpacked=size)) == (Payload(Form.XML, content),)
        assert _code(packed, Limits(unpacked=size - 1)) == "too_large"
        assert _code(packed, Limits(received=len(packed) - 1)) == "too_large"


def test_the_parts_of_a_mail_share_the_room(chance: random.Random) -> None:
    content = b"<a>" + chance.randbytes(1_000)
    packed = reports.mail(*[("a/b", reports.gzipped(content))] * 3)
    found = packed_report.unpack(packed, Limits(unpacked=2 * len(content) + 10))
    assert found == (Payload(Form.XML, content),) * 2


@given(st.binary(max_size=400), st.sampled_from(["", "1f8b08000000000000ff", "504b0304", "413a20620a0a", "3c"]))
def test_any_bytes_are_opened_or_refused(data: bytes, start: str) -> None:
    found = packed_report.unpack(bytes.fromhex(start) + data)
    if isinstance(found, Refusal):
        assert found.code
        assert found.reason
    else:
        assert all(payload.form in {Form.XML, Form.JSON} for payload in found)


@given(st.data())
def test_a_changed_byte_is_seen_or_changes_nothing(data: st.DataObject) -> None:
    packed = bytearray(
        data.draw(st.sampled_from([reports.gzipped(_XML), reports.zipped(_XML), reports.streamed(_XML)]))
    )
    # The first bytes say what it is.
    place = data.draw(st.integers(4, len(packed) - 1))
    packed[place] ^= data.draw(st.integers(1, 255))
    found = packed_report.unpack(bytes(packed))
    assert isinstance(found, Refusal) or found == _OPEN


@given(st.binary(max_size=2_000))
def test_what_is_packed_comes_out_as_it_was(content: bytes) -> None:
    whole = b"<" + content.lstrip(b"hH!")
    for packed in (gzip.compress(whole), reports.zipped(whole), reports.streamed(whole), reports.mail(("a/b", whole))):
        assert packed_report.unpack(packed) == (Payload(Form.XML, whole),)
